#include "lowering.h"

#include "cpu.h"
#include "kernels/kernels.h"

#include <string.h>

static void fill_zero(float *to, int64_t n)
{
  if (n > 0)
    memset(to, 0, (size_t)n * sizeof *to);
}

/* The tap's rows of the block; in NHWC, where a pixel's rows are neighbours, pixel by pixel. */
static void clear_rows(const bc_geometry *geometry, const bc_tap *tap, const bc_patches *patches)
{
  const int64_t pixels = bc_range_length(patches->pixels);
  float *first = patches->data + (tap->first_row - patches->rows.begin) * patches->row_step;
  if (geometry->layout == BLASCONV_NHWC)
    for (int64_t i = 0; i < pixels; ++i)
      fill_zero(first + i * patches->pixel_step, tap->rows);
  else
    for (int64_t i = 0; i < tap->rows; ++i)
      fill_zero(first + i * tap->rows_apart * patches->row_step, pixels);
}

typedef struct gathering {
  const bc_kernels *kernels;
  const float *image;
  float *block;
} gathering;

static void gather(void *context, const bc_grid *grid, int64_t image_offset, int64_t block_offset)
{
  const gathering *g = context;
  g->kernels->gather(grid, g->image + image_offset, g->block + block_offset);
}

/* The rows of one tap where each is the map shifted: one copy, which brings pixels of the
 * neighbouring row to where the tap reaches over an edge. */
static void copy_shifted(const bc_geometry *geometry, const bc_tap *tap, const float *image,
                         const bc_patches *patches)
{
  const bc_range pixels = patches->pixels, met = bc_shift_pixels(geometry, tap, pixels);
  const float *map = image + tap->first_channel * geometry->input.channel;
  float *to = patches->data + (tap->first_row - patches->rows.begin) * patches->row_step;
  for (int64_t i = 0; i < tap->rows; ++i) {
    fill_zero(to, met.begin - pixels.begin);
    if (bc_range_length(met) > 0)
      memcpy(to + (met.begin - pixels.begin), map + met.begin + bc_shift(geometry, tap),
             (size_t)bc_range_length(met) * sizeof *to);
    fill_zero(to + (met.end - pixels.begin), pixels.end - met.end);
    bc_shift_clear_edges(geometry, tap, pixels, to);
    map += geometry->input.channel;
    to += tap->rows_apart * patches->row_step;
  }
}

void bc_im2col(const bc_geometry *geometry, const float *image, bc_patches patches)
{
  gathering context = {bc_cpu_kernels(), image, patches.data};
  for (int64_t next = patches.rows.begin; next < patches.rows.end;) {
    const bc_tap tap = bc_next_tap(geometry, patches.rows, &next);
    if (bc_is_shift(geometry) && !tap.empty) {
      copy_shifted(geometry, &tap, image, &patches);
      continue;
    }
    if (!tap.full)
      clear_rows(geometry, &tap, &patches);
    bc_visit_grids(geometry, &tap, &patches, gather, &context);
  }
}
