/* Patches to matrix and back. The patch matrix of one image and group has a row for each tap of
 * each channel, [C/G R S], and a column for each output pixel, [P Q]; element (c, r, s; p, q) is
 * the input pixel under tap (r, s) of channel c when the filter stands at (p, q), 0 on a pad.
 * Only blocks of it ever exist. */
#ifndef BC_LOWERING_H
#define BC_LOWERING_H

#include "geometry.h"

/* Writes the block `rows` x `pixels` of the patch matrix of `image` [C/G][H][W], row-major and
 * dense, to `patches`. */
void bc_im2col(const bc_geometry *geometry, const float *image, bc_range rows, bc_range pixels,
               float *patches);

/* The adjoint: adds each element of the block to the input pixel it came from, in
 * `image_gradient` [C/G][H][W]; what stands for pads is dropped. Uses up `patches`. */
void bc_col2im(const bc_geometry *geometry, float *patches, bc_range rows, bc_range pixels,
               float *image_gradient);

/* ---- shared by the two directions ---- */

/* The tap of one channel that a row of the patch matrix stands for, and where it meets the input
 * rather than pads. */
typedef struct bc_tap {
  int64_t channel;
  int64_t row_offset;     /* input row minus stride times output row */
  int64_t column_offset;  /* input column minus stride times output column */
  bc_range rows, columns; /* output rows and columns at which the tap meets the input */
  bool empty;             /* it never does */
} bc_tap;

bc_tap bc_tap_of_row(const bc_geometry *geometry, int64_t patch_row);

/* The columns that `pixels` covers of output row `row`. */
bc_range bc_columns_of_row(const bc_geometry *geometry, bc_range pixels, int64_t row);

/* With stride 1 and an output as wide as the input, a row of the patch matrix is the channel's map
 * shifted by a constant, but for the pads. */
static inline bool bc_is_shift(const bc_geometry *geometry)
{
  return geometry->height.stride == 1 && geometry->width.stride == 1 &&
         geometry->width.output == geometry->width.input;
}

/* Input pixel minus output pixel, both counted row by row. */
static inline int64_t bc_shift(const bc_geometry *geometry, const bc_tap *tap)
{
  return tap->row_offset * geometry->width.output + tap->column_offset;
}

/* Of `pixels`, those from the first to the last at which the tap meets the input. */
bc_range bc_shift_pixels(const bc_geometry *geometry, const bc_tap *tap, bc_range pixels);

/* Sets to zero what stands for pads left and right in `row`, a row of the block over `pixels`. */
void bc_shift_clear_edges(const bc_geometry *geometry, const bc_tap *tap, bc_range pixels,
                          float *row);

#endif
