/* Rows of the patch matrix that are maps, shifted. */
#include "lowering.h"

bool bc_is_shift(const bc_geometry *geometry)
{
  const bc_axis *depth = &geometry->axes[BC_DEPTH], *height = &geometry->axes[BC_HEIGHT];
  const bc_axis *width = &geometry->axes[BC_WIDTH];
  const bool one_plane = depth->input == 1 && depth->output == 1 && depth->kernel == 1;
  return geometry->layout == BLASCONV_NCHW && depth->stride == 1 && height->stride == 1 &&
         width->stride == 1 && width->output == width->input &&
         (one_plane || height->output == height->input);
}

int64_t bc_shift(const bc_geometry *geometry, const bc_tap *tap)
{
  return bc_output_pixel(geometry, tap->offsets[BC_DEPTH], tap->offsets[BC_HEIGHT],
                         tap->offsets[BC_WIDTH]);
}

bc_range bc_shift_pixels(const bc_geometry *geometry, const bc_tap *tap, bc_range pixels)
{
  const bc_range *met = tap->met;
  const int64_t first =
      bc_output_pixel(geometry, met[BC_DEPTH].begin, met[BC_HEIGHT].begin, met[BC_WIDTH].begin);
  const int64_t last =
      bc_output_pixel(geometry, met[BC_DEPTH].end - 1, met[BC_HEIGHT].end - 1, met[BC_WIDTH].end);
  const int64_t begin = bc_min(bc_max(pixels.begin, first), pixels.end);
  return (bc_range){begin, bc_max(begin, bc_min(pixels.end, last))};
}

/* A rectangle in a row of the block that begins at first_pixel. */
static void clear(const bc_geometry *geometry, bc_rectangle part, int64_t first_pixel, float *row)
{
  for (int64_t y = part.first_row; y < part.first_row + part.rows; ++y)
    for (int64_t x = part.columns.begin; x < part.columns.end; ++x)
      row[bc_output_pixel(geometry, part.plane, y, x) - first_pixel] = 0.0f;
}

/* What of the rectangle the tap does not meet: the rows above and below, the columns left and
 * right.
 */
static void clear_missed(const bc_geometry *geometry, const bc_tap *tap, bc_rectangle part,
                         int64_t first_pixel, float *row)
{
  const bc_range rows = tap->met[BC_HEIGHT], columns = tap->met[BC_WIDTH];
  bc_rectangle above = part, below = part, left = part, right = part;
  above.rows = bc_min(part.rows, rows.begin - part.first_row);
  below.first_row = bc_max(part.first_row, rows.end);
  below.rows = part.first_row + part.rows - below.first_row;
  left.columns.end = bc_min(part.columns.end, columns.begin);
  right.columns.begin = bc_max(part.columns.begin, columns.end);
  clear(geometry, above, first_pixel, row);
  clear(geometry, below, first_pixel, row);
  clear(geometry, left, first_pixel, row);
  clear(geometry, right, first_pixel, row);
}

void bc_shift_clear_edges(const bc_geometry *geometry, const bc_tap *tap, bc_range pixels,
                          float *row)
{
  if (tap->full)
    return;
  for (int64_t next = pixels.begin; next < pixels.end;)
    clear_missed(geometry, tap, bc_next_rectangle(geometry, pixels, &next), pixels.begin, row);
}
