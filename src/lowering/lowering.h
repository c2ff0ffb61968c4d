/* Patches to matrix and back. The patch matrix of one image and group has a row for each tap of
 * each channel and a column for each output pixel: the input pixel under tap (r, s) of channel c
 * when the filter stands at (p, q), 0 on a pad. Its rows are in the order of a filter's weights,
 * [C/G][R][S] in NCHW and [R][S][C/G] in NHWC. Only blocks of it ever exist; a block lies in memory
 * as the maps do, row by row in NCHW, pixel by pixel in NHWC, so that copies are long. */
#ifndef BC_LOWERING_H
#define BC_LOWERING_H

#include "geometry.h"
#include "kernels/kernels.h"
#include "sgemm.h"

/* A block of the patch matrix, as a matrix with a row for each of `rows` and a column for each
 * pixel. */
typedef struct bc_patches {
  bc_range rows, pixels;
  float *data;
  int64_t row_step, pixel_step; /* one of them is 1 */
} bc_patches;

/* The block at `data`, dense, with room for `images` blocks of the same size side by side. */
bc_patches bc_patches_at(const bc_geometry *geometry, bc_range rows, bc_range pixels,
                         int64_t images, float *data);

/* Fills the block from `image`, the group's part of an image. */
void bc_im2col(const bc_geometry *geometry, const float *image, bc_patches patches);

/* The adjoint: adds each element of the block to the input pixel it came from, in `image`; what
 * stands for pads is dropped. The block is used up. */
void bc_col2im(const bc_geometry *geometry, bc_patches patches, float *image);

/* About what bc_im2col() reads for `images`, of which `image` is the first: nothing where that is
 * more than some rows of the input. */
bc_extract bc_lowered_extract(const bc_geometry *geometry, const float *image, int64_t images,
                              bc_range rows, bc_range pixels);

/* The next rows of `channels`' taps, at most `most`, that follow each other in the patch matrix;
 * from *next on, which counts the rows that have been and starts at 0. An empty range: no more. */
bc_range bc_next_patch_rows(const bc_geometry *geometry, bc_range channels, int64_t most,
                            int64_t *next);

/* ---- shared by the two directions ---- */

/* A box of output pixels: rows first_row to first_row + rows - 1 of one plane, the same columns in
 * each. */
typedef struct bc_rectangle {
  int64_t plane, first_row, rows;
  bc_range columns;
} bc_rectangle;

/* The next rectangle of `pixels` from pixel *next on, which moves behind it: part of a row, or all
 * the whole rows that follow in the plane. */
bc_rectangle bc_next_rectangle(const bc_geometry *geometry, bc_range pixels, int64_t *next);

/* The index of output pixel (plane, row, column). */
static inline int64_t bc_output_pixel(const bc_geometry *geometry, int64_t plane, int64_t row,
                                      int64_t column)
{
  const bc_axis *axes = geometry->axes;
  return (plane * axes[BC_HEIGHT].output + row) * axes[BC_WIDTH].output + column;
}

/* Rows of a block that belong to one tap, or to neighbouring taps. In NCHW: one tap of some
 * channels, `taps` rows apart. In NHWC: rows that are neighbours in the input too, some channels of
 * one tap, or several taps side by side. */
typedef struct bc_tap {
  int64_t first_row;                  /* of the patch matrix */
  int64_t rows_apart;                 /* `taps` in NCHW, 1 in NHWC */
  int64_t rows;                       /* how many */
  int64_t first_channel;              /* of the first row */
  int64_t taps;                       /* how many; more than one in NHWC only */
  int64_t offsets[BLASCONV_MAX_RANK]; /* input position minus stride times output position */
  bc_range met[BLASCONV_MAX_RANK];    /* output positions at which all the taps meet the input */
  bool empty;                         /* they never do */
  bool full;                          /* they always do */
} bc_tap;

/* In NHWC: whether the taps of a row of the kernel are neighbours, with all their channels. */
static inline bool bc_taps_are_neighbours(const bc_geometry *geometry)
{
  return geometry->axes[BC_WIDTH].dilation == 1 && geometry->groups == 1;
}

/* The rows of the block from the row *next on, which moves to the first of the next; the last has
 * been when it passes the range's end. */
bc_tap bc_next_tap(const bc_geometry *geometry, bc_range rows, int64_t *next);

/* What of the rectangle lies where the tap meets the input; maybe nothing. */
bc_rectangle bc_meet_input(bc_rectangle rectangle, const bc_tap *tap);

/* What to do with elements of an image, from `image_offset` on, and with those of a block where
 * they belong, from `block_offset` on. */
typedef void bc_grid_visitor(void *context, const bc_grid *grid, int64_t image_offset,
                             int64_t block_offset);

/* Visits all elements of the tap's rows in the block that meet the input. */
void bc_visit_grids(const bc_geometry *geometry, const bc_tap *tap, const bc_patches *patches,
                    bc_grid_visitor *visit, void *context);

/* With stride 1 and an output as wide (and high, if there are planes) as the input, a row of the
 * patch matrix in NCHW is the channel's map shifted by a constant, but for the pads. */
bool bc_is_shift(const bc_geometry *geometry);

/* Input pixel minus output pixel, both counted row by row. */
int64_t bc_shift(const bc_geometry *geometry, const bc_tap *tap);

/* Of `pixels`, those from the first to the last at which the tap meets the input. */
bc_range bc_shift_pixels(const bc_geometry *geometry, const bc_tap *tap, bc_range pixels);

/* Sets to zero what stands for pads between these two in `row`, a row of the block over `pixels`.
 */
void bc_shift_clear_edges(const bc_geometry *geometry, const bc_tap *tap, bc_range pixels,
                          float *row);

#endif
