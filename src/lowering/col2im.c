#include "lowering.h"

#include "cpu.h"
#include "kernels/kernels.h"

/* The rows of one tap; map is [H][W] of its first channel. */
static void add_grid(const bc_geometry *geometry, const bc_tap *tap, const float *from,
                     bc_range pixels, float *map)
{
  const bc_kernels *kernels = bc_cpu_kernels();
  for (int64_t next = pixels.begin; next < pixels.end;) {
    const bc_rectangle met = bc_meet_input(bc_next_rectangle(geometry, pixels, &next), tap);
    const bc_grid grid = bc_grid_of(geometry, tap, met, bc_range_length(pixels));
    if (grid.rows > 0 && grid.columns > 0)
      kernels->scatter_add(
          &grid, from + (met.first_row * geometry->width.output + met.columns.begin - pixels.begin),
          map + bc_input_pixel(geometry, tap, met));
  }
}

/* The rows of one tap where each is the map shifted: what stands for pads becomes zero, then all is
 * added at once. */
static void add_shifted(const bc_geometry *geometry, const bc_tap *tap, float *from,
                        bc_range pixels, float *map)
{
  const bc_kernels *kernels = bc_cpu_kernels();
  const bc_range met = bc_shift_pixels(geometry, tap, pixels);
  if (bc_range_length(met) == 0)
    return;
  for (int64_t i = 0; i < tap->channels; ++i) {
    bc_shift_clear_edges(geometry, tap, pixels, from);
    kernels->add(map + met.begin + bc_shift(geometry, tap), from + (met.begin - pixels.begin),
                 bc_range_length(met));
    map += geometry->in_pixels;
    from += geometry->taps * bc_range_length(pixels);
  }
}

void bc_col2im(const bc_geometry *geometry, float *patches, bc_range rows, bc_range pixels,
               float *image_gradient)
{
  const int64_t last = bc_min(rows.end, rows.begin + geometry->taps);
  for (int64_t row = rows.begin; row < last; ++row, patches += bc_range_length(pixels)) {
    const bc_tap tap = bc_tap_of_rows(geometry, (bc_range){row, rows.end});
    float *map = image_gradient + tap.first_channel * geometry->in_pixels;
    if (tap.empty)
      continue;
    if (bc_is_shift(geometry))
      add_shifted(geometry, &tap, patches, pixels, map);
    else
      add_grid(geometry, &tap, patches, pixels, map);
  }
}
