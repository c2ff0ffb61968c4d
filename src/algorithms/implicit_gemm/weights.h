/* Weights as the operands of a walk's products. */
#ifndef BC_WALK_WEIGHTS_H
#define BC_WALK_WEIGHTS_H

#include "walk.h"

/* Weights packed in blocks of `width` channels of the result: [blocks][depth][width], `block_step`
 * elements from one block to the next. A block is what a tile has of them: as many as its lanes or,
 * where pixels are the lanes, rows. */
typedef struct bc_packing {
  float *packed;
  int64_t width, block_step;
} bc_packing;

/* The width of weights that are packed for a pass, all walks alike. */
int64_t bc_packed_width(const bc_geometry *geometry, blasconv_pass pass);

/* NCHW: whether a channel's weights over the depth are neighbours, in that order. */
bool bc_weights_are_rows(const bc_walk *walk);

/* Packs the weights of `channels` of the result over `depth`, which bc_next_depth() gave. Behind
 * the last channel nothing is written: a product may read what is there, but does not keep it.
 * `weights` begins at the group's. */
void bc_pack_weights(const bc_walk *walk, const float *weights, bc_range channels, bc_range depth,
                     const bc_packing *to);

/* Elements of the walk's weights of all groups in such blocks, each over all the depth:
 * [groups][blocks][depth][width]. Those of one walk follow those of another. */
int64_t bc_packed_elements(const bc_geometry *geometry, const bc_walk *walk, int64_t width);

#endif
