#include "lowering.h"

#include "cpu.h"
#include "kernels/kernels.h"

#include <string.h>

static void fill_zero(float *to, int64_t n)
{
  if (n > 0)
    memset(to, 0, (size_t)n * sizeof *to);
}

/* The rows of one tap; map is [H][W] of its first channel. */
static void copy_grid(const bc_geometry *geometry, const bc_tap *tap, const float *map,
                      bc_range pixels, float *to, int64_t stride)
{
  const bc_kernels *kernels = bc_cpu_kernels();
  if (!tap->full)
    for (int64_t i = 0; i < tap->channels; ++i)
      fill_zero(to + i * geometry->taps * stride, bc_range_length(pixels));
  for (int64_t next = pixels.begin; next < pixels.end;) {
    const bc_rectangle met = bc_meet_input(bc_next_rectangle(geometry, pixels, &next), tap);
    const bc_grid grid = bc_grid_of(geometry, tap, met, stride);
    if (grid.rows > 0 && grid.columns > 0)
      kernels->gather(
          &grid, map + bc_input_pixel(geometry, tap, met),
          to + (met.first_row * geometry->width.output + met.columns.begin - pixels.begin));
  }
}

/* The rows of one tap where each is the map shifted: one copy, which brings pixels of the
 * neighbouring row to where the tap reaches over an edge. */
static void copy_shifted(const bc_geometry *geometry, const bc_tap *tap, const float *map,
                         bc_range pixels, float *to, int64_t stride)
{
  const bc_range met = bc_shift_pixels(geometry, tap, pixels);
  for (int64_t i = 0; i < tap->channels; ++i) {
    fill_zero(to, met.begin - pixels.begin);
    if (bc_range_length(met) > 0)
      memcpy(to + (met.begin - pixels.begin), map + met.begin + bc_shift(geometry, tap),
             (size_t)bc_range_length(met) * sizeof *to);
    fill_zero(to + (met.end - pixels.begin), pixels.end - met.end);
    bc_shift_clear_edges(geometry, tap, pixels, to);
    map += geometry->in_pixels;
    to += geometry->taps * stride;
  }
}

void bc_im2col(const bc_geometry *geometry, const float *image, bc_range rows, bc_range pixels,
               float *patches, int64_t stride)
{
  const int64_t last = bc_min(rows.end, rows.begin + geometry->taps);
  for (int64_t row = rows.begin; row < last; ++row, patches += stride) {
    const bc_tap tap = bc_tap_of_rows(geometry, (bc_range){row, rows.end});
    const float *map = image + tap.first_channel * geometry->in_pixels;
    if (bc_is_shift(geometry) && !tap.empty)
      copy_shifted(geometry, &tap, map, pixels, patches, stride);
    else
      copy_grid(geometry, &tap, map, pixels, patches, stride);
  }
}
