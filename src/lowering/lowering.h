/* Patches to matrix and back. The patch matrix of one image and group has a row for each tap of
 * each channel, [C/G R S], and a column for each output pixel, [P Q]; element (c, r, s; p, q) is
 * the input pixel under tap (r, s) of channel c when the filter stands at (p, q), 0 on a pad.
 * Only blocks of it ever exist. */
#ifndef BC_LOWERING_H
#define BC_LOWERING_H

#include "geometry.h"
#include "kernels/kernels.h"

/* Writes the block `rows` x `pixels` of the patch matrix of `image` [C/G][H][W] to `patches`,
 * row-major, rows `stride` elements apart. */
void bc_im2col(const bc_geometry *geometry, const float *image, bc_range rows, bc_range pixels,
               float *patches, int64_t stride);

/* The adjoint: adds each element of the block to the input pixel it came from, in
 * `image_gradient` [C/G][H][W]; what stands for pads is dropped. `patches` is dense, and used up.
 */
void bc_col2im(const bc_geometry *geometry, float *patches, bc_range rows, bc_range pixels,
               float *image_gradient);

/* ---- shared by the two directions ---- */

/* A tap, and where it meets the input rather than pads; and the rows of a block that it makes, one
 * for each of some channels, `taps` rows apart. */
typedef struct bc_tap {
  int64_t first_channel, channels;
  int64_t row_offset;     /* input row minus stride times output row */
  int64_t column_offset;  /* input column minus stride times output column */
  bc_range rows, columns; /* output rows and columns at which the tap meets the input */
  bool empty;             /* it never does */
  bool full;              /* it always does */
} bc_tap;

/* The tap of the first of `rows`, with all channels that it has in there. */
bc_tap bc_tap_of_rows(const bc_geometry *geometry, bc_range rows);

/* A rectangle of output pixels: rows first_row to first_row + rows - 1, the same columns in each.
 */
typedef struct bc_rectangle {
  int64_t first_row, rows;
  bc_range columns;
} bc_rectangle;

/* The next rectangle of `pixels` from pixel *next on, which moves behind it: part of a row, or all
 * the whole rows that follow. */
bc_rectangle bc_next_rectangle(const bc_geometry *geometry, bc_range pixels, int64_t *next);

/* What of the rectangle lies where the tap meets the input; maybe nothing. */
bc_rectangle bc_meet_input(bc_rectangle rectangle, const bc_tap *tap);

/* The input pixels under a rectangle of output pixels, for all channels of the tap; packed, they
 * stand in the rows of a block, `stride` apart. */
bc_grid bc_grid_of(const bc_geometry *geometry, const bc_tap *tap, bc_rectangle met,
                   int64_t stride);

/* The first of these pixels in the channel's map [H][W]. */
static inline int64_t bc_input_pixel(const bc_geometry *geometry, const bc_tap *tap,
                                     bc_rectangle met)
{
  return (met.first_row * geometry->height.stride + tap->row_offset) * geometry->width.input +
         met.columns.begin * geometry->width.stride + tap->column_offset;
}

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
