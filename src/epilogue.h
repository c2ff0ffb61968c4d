/* What a forward pass does to its results. */
#ifndef BC_EPILOGUE_H
#define BC_EPILOGUE_H

#include "geometry.h"

/* Tensors that are not wanted are NULL. */
typedef struct bc_epilogue {
  blasconv_activation activation;
  const float *bias, *scale, *shift; /* [K] of all groups; scale and shift both or none */
  const float *residual;             /* shaped as the output */
  blasconv_residual place;           /* where the residual is added */
} bc_epilogue;

/* A block of the output: element (channel i, pixel j) lies i * channel_step + j * pixel_step behind
 * its first. One of the steps is 1 (both may be, if there is one channel or one pixel). */
typedef struct bc_block_view {
  int64_t channels, pixels, channel_step, pixel_step;
} bc_block_view;

/* Applies the epilogue to the block at `block`, while it is in the cache; its first element is of
 * channel `first_channel`, counted over all groups, and lies `offset` elements into the output. */
void bc_epilogue_apply(const bc_epilogue *epilogue, bc_block_view view, int64_t first_channel,
                       int64_t offset, float *block);

/* The same from one block to another, which may be the same; both have the steps of the view. */
void bc_epilogue_map(const bc_epilogue *epilogue, bc_block_view view, int64_t first_channel,
                     int64_t offset, const float *input, float *output);

#endif
