#include "lowering.h"

#include "cpu.h"
#include "kernels/kernels.h"

typedef struct scattering {
  const bc_kernels *kernels;
  const float *block;
  float *image;
} scattering;

static void scatter(void *context, const bc_grid *grid, int64_t image_offset, int64_t block_offset)
{
  const scattering *s = context;
  s->kernels->scatter_add(grid, s->block + block_offset, s->image + image_offset);
}

/* The rows of one tap where each is the map shifted: what stands for pads becomes zero, then all is
 * added at once. */
static void add_shifted(const bc_geometry *geometry, const bc_tap *tap, const bc_patches *patches,
                        float *image)
{
  const bc_kernels *kernels = bc_cpu_kernels();
  const bc_range pixels = patches->pixels, met = bc_shift_pixels(geometry, tap, pixels);
  float *map = image + tap->first_channel * geometry->input.channel;
  float *from = patches->data + (tap->first_row - patches->rows.begin) * patches->row_step;
  for (int64_t i = 0; i < tap->rows && bc_range_length(met) > 0; ++i) {
    bc_shift_clear_edges(geometry, tap, pixels, from);
    kernels->add(map + met.begin + bc_shift(geometry, tap), from + (met.begin - pixels.begin),
                 bc_range_length(met));
    map += geometry->input.channel;
    from += tap->rows_apart * patches->row_step;
  }
}

void bc_col2im(const bc_geometry *geometry, bc_patches patches, float *image)
{
  scattering context = {bc_cpu_kernels(), patches.data, image};
  for (int64_t next = patches.rows.begin; next < patches.rows.end;) {
    const bc_tap tap = bc_next_tap(geometry, patches.rows, &next);
    if (bc_is_shift(geometry) && !tap.empty)
      add_shifted(geometry, &tap, &patches, image);
    else
      bc_visit_grids(geometry, &tap, &patches, scatter, &context);
  }
}
