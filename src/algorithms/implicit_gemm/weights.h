/* Weights as the operands of a walk's products. */
#ifndef BC_WALK_WEIGHTS_H
#define BC_WALK_WEIGHTS_H

#include "walk.h"

/* The forms of packed weights: a block is what a tile has of them, as rows or as lanes. */
enum { BC_BLOCKS_OF_ROWS, BC_BLOCKS_OF_LANES };

/* The one that is read fastest, all walks alike, and channels of a block. */
int bc_best_form(const bc_geometry *geometry, blasconv_pass pass);
int64_t bc_packed_width(int form);

/* Weights packed in blocks of `width` channels of the result: [blocks][depth][width], `block_step`
 * elements from one block to the next. */
typedef struct bc_packing {
  float *packed;
  int64_t width, block_step;
} bc_packing;

/* NCHW: whether a channel's weights over the depth are neighbours, in that order. */
bool bc_weights_are_rows(const bc_walk *walk);

/* Packs the weights of `channels` of the result over `depth`, which bc_next_depth() gave. Behind
 * the last channel nothing is written: a product may read what is there, but does not keep it.
 * `weights` begins at the group's. */
void bc_pack_weights(const bc_walk *walk, const float *weights, bc_range channels, bc_range depth,
                     const bc_packing *to);

/* Some channels of such blocks over some depth, as panels: [panels][depth][lanes of a panel].
 * `first` is where the depth begins in the block of channel 0. */
void bc_turn_blocks(const float *first, int64_t width, int64_t block_step, bc_range channels,
                    int64_t depth, float *panels);

/* Elements of the walk's weights of all groups in such blocks, each over all the depth:
 * [groups][blocks][depth][width]. Those of one walk follow those of another. */
int64_t bc_packed_elements(const bc_geometry *geometry, const bc_walk *walk, int64_t width);

#endif
