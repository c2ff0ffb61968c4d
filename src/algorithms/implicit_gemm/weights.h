/* Weights as the operands of a walk's products. */
#ifndef BC_WALK_WEIGHTS_H
#define BC_WALK_WEIGHTS_H

#include "walk.h"

/* Weights packed in blocks of `width` channels of the result: [blocks][depth][width], `block_step`
 * elements from one block to the next. */
typedef struct bc_packing {
  float *packed;
  int64_t width, block_step;
} bc_packing;

/* Packs the weights of `channels` of the result over `depth`, which bc_next_depth() gave. Behind
 * the last channel nothing is written: a product may read what is there, but does not keep it.
 * `weights` begins at the group's. */
void bc_pack_weights(const bc_walk *walk, const float *weights, bc_range channels, bc_range depth,
                     const bc_packing *to);

/* Elements of all the weights packed over all their depth: [walks][groups][blocks][depth][width].
 */
int64_t bc_packed_weights(const bc_geometry *geometry, blasconv_pass pass, int64_t width);

/* Where the walk's begin in it. */
int64_t bc_packed_walk(const bc_geometry *geometry, blasconv_pass pass, int64_t index,
                       int64_t width);

#endif
