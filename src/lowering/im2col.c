#include "lowering.h"

#include <string.h>

static void fill_zero(float *to, int64_t n)
{
  if (n > 0)
    memset(to, 0, (size_t)n * sizeof *to);
}

/* to[i] = from[i * stride] for i in [0, n) */
static void copy_strided(float *to, const float *from, int64_t stride, int64_t n)
{
  if (n <= 0)
    return;
  if (stride == 1) {
    memcpy(to, from, (size_t)n * sizeof *to);
    return;
  }
  for (int64_t i = 0; i < n; ++i)
    to[i] = from[i * stride];
}

/* One row of the block, output row by output row: zeros, pixels, zeros. map is [H][W]. */
static void copy_rows(const bc_geometry *geometry, const bc_tap *tap, const float *map,
                      bc_range pixels, float *to)
{
  const bc_axis *h = &geometry->height, *w = &geometry->width;
  for (int64_t pixel = pixels.begin; pixel < pixels.end;) {
    const int64_t row = pixel / w->output;
    const bc_range columns = bc_columns_of_row(geometry, pixels, row);
    const int64_t n = bc_range_length(columns);
    if (row < tap->rows.begin || row >= tap->rows.end) {
      fill_zero(to, n);
    } else {
      const int64_t begin = bc_min(bc_max(columns.begin, tap->columns.begin), columns.end);
      const int64_t end = bc_max(begin, bc_min(columns.end, tap->columns.end));
      fill_zero(to, begin - columns.begin);
      if (begin < end)
        copy_strided(to + (begin - columns.begin),
                     map + (row * h->stride + tap->row_offset) * w->input + begin * w->stride +
                         tap->column_offset,
                     w->stride, end - begin);
      fill_zero(to + (end - columns.begin), columns.end - end);
    }
    to += n;
    pixel += n;
  }
}

/* One row of the block where it is the map shifted: one copy, which brings pixels of the
 * neighbouring row to where the tap reaches over an edge. */
static void copy_shifted(const bc_geometry *geometry, const bc_tap *tap, const float *map,
                         bc_range pixels, float *to)
{
  const bc_range met = bc_shift_pixels(geometry, tap, pixels);
  fill_zero(to, met.begin - pixels.begin);
  copy_strided(to + (met.begin - pixels.begin), map + met.begin + bc_shift(geometry, tap), 1,
               bc_range_length(met));
  fill_zero(to + (met.end - pixels.begin), pixels.end - met.end);
  bc_shift_clear_edges(geometry, tap, pixels, to);
}

void bc_im2col(const bc_geometry *geometry, const float *image, bc_range rows, bc_range pixels,
               float *patches)
{
  const bool shift = bc_is_shift(geometry);
  const int64_t n = bc_range_length(pixels);
  for (int64_t row = rows.begin; row < rows.end; ++row, patches += n) {
    const bc_tap tap = bc_tap_of_row(geometry, row);
    const float *map = image + tap.channel * geometry->in_pixels;
    if (tap.empty)
      fill_zero(patches, n);
    else if (shift)
      copy_shifted(geometry, &tap, map, pixels, patches);
    else
      copy_rows(geometry, &tap, map, pixels, patches);
  }
}
