#include "lowering.h"

#include "cpu.h"
#include "kernels/kernels.h"

/* to[i * stride] += from[i] for i in [0, n) */
static void add_strided(const bc_kernels *kernels, float *to, int64_t stride, const float *from,
                        int64_t n)
{
  if (stride == 1) {
    kernels->add(to, from, n);
    return;
  }
  for (int64_t i = 0; i < n; ++i)
    to[i * stride] += from[i];
}

/* One row of the block, output row by output row. map is [H][W]. */
static void add_rows(const bc_geometry *geometry, const bc_kernels *kernels, const bc_tap *tap,
                     const float *from, bc_range pixels, float *map)
{
  const bc_axis *h = &geometry->height, *w = &geometry->width;
  const int64_t first = bc_max(tap->rows.begin, pixels.begin / w->output);
  const int64_t last = bc_min(tap->rows.end, bc_count_blocks(pixels.end, w->output));
  for (int64_t row = first; row < last; ++row) {
    const bc_range covered = bc_columns_of_row(geometry, pixels, row);
    const int64_t begin = bc_max(covered.begin, tap->columns.begin);
    const int64_t end = bc_min(covered.end, tap->columns.end);
    if (begin < end)
      add_strided(kernels,
                  map + (row * h->stride + tap->row_offset) * w->input + begin * w->stride +
                      tap->column_offset,
                  w->stride, from + (row * w->output + begin - pixels.begin), end - begin);
  }
}

/* One row of the block where it is the map shifted: what stands for pads becomes zero, then all
 * is added at once. */
static void add_shifted(const bc_geometry *geometry, const bc_kernels *kernels, const bc_tap *tap,
                        float *from, bc_range pixels, float *map)
{
  const bc_range met = bc_shift_pixels(geometry, tap, pixels);
  if (bc_range_length(met) == 0)
    return;
  bc_shift_clear_edges(geometry, tap, pixels, from);
  kernels->add(map + met.begin + bc_shift(geometry, tap), from + (met.begin - pixels.begin),
               bc_range_length(met));
}

void bc_col2im(const bc_geometry *geometry, float *patches, bc_range rows, bc_range pixels,
               float *image_gradient)
{
  const bc_kernels *kernels = bc_cpu_kernels();
  const bool shift = bc_is_shift(geometry);
  const int64_t n = bc_range_length(pixels);
  for (int64_t row = rows.begin; row < rows.end; ++row, patches += n) {
    const bc_tap tap = bc_tap_of_row(geometry, row);
    float *map = image_gradient + tap.channel * geometry->in_pixels;
    if (tap.empty)
      continue;
    if (shift)
      add_shifted(geometry, kernels, &tap, patches, pixels, map);
    else
      add_rows(geometry, kernels, &tap, patches, pixels, map);
  }
}
