#include "blocks.h"

#include <math.h>
#include <string.h>

/* Longer blocks are fewer, with less to take over from a thread that turns out to be slow. */
static const double WORTH_LONGER = 0.95;

static const int64_t CACHED = 1 << 20; /* elements: 4 MiB */

int64_t bc_even_block(int64_t whole, int64_t most, int64_t unit)
{
  const int64_t blocks = bc_count_blocks(whole, bc_max(1, bc_min(whole, most)));
  const int64_t even = bc_count_blocks(whole, blocks);
  const int64_t rounded = bc_round_up(even, unit);
  return rounded <= most ? bc_min(rounded, whole) : even;
}

int64_t bc_wanted_tasks(const bc_request *request)
{
  return request->threads == 1 ? 1 : bc_min(BC_ENOUGH_TASKS, 2 * (int64_t)request->threads);
}

void bc_split_for_tasks(int64_t tasks, int64_t whole, int64_t others, int64_t least, int64_t unit,
                        int64_t *size)
{
  while (others * bc_count_blocks(whole, *size) < tasks && *size / 2 >= least)
    *size = bc_even_block(whole, *size / 2, unit);
}

static int64_t count_units(const bc_shares *s)
{
  return bc_max(1, bc_count_blocks(s->whole, s->unit));
}

/* What the busiest thread computes, in units, if blocks have up to `size` of them. */
static double busiest_thread(const bc_shares *s, int64_t size)
{
  const int64_t units = count_units(s), blocks = bc_count_blocks(units, size);
  const int64_t least = units / blocks, longer = s->others * (units % blocks);
  const int64_t rounds = bc_count_blocks(s->others * blocks, s->threads);
  return (double)rounds * ((double)least + s->extra) +
         (double)bc_min(rounds, bc_count_blocks(longer, s->threads));
}

/* Takes blocks of so many units if the busiest thread ends sooner with them. */
static void try_block(const bc_shares *s, int64_t units, int64_t *best, double *soonest)
{
  const double end = busiest_thread(s, units);
  if (end < *soonest) {
    *best = units;
    *soonest = end;
  }
}

/* A thread alone has least to do with the largest blocks. */
static int64_t find_balanced(const bc_shares *s, int64_t fewest, int64_t size, int64_t most)
{
  int64_t best = size;
  if (s->threads == 1)
    return best;
  double soonest = busiest_thread(s, size);
  for (int64_t units = size - 1; units >= fewest; --units)
    try_block(s, units, &best, &soonest);
  soonest *= WORTH_LONGER;
  for (int64_t units = size + 1; units <= most; ++units)
    try_block(s, units, &best, &soonest);
  return best;
}

int64_t bc_balanced_block(const bc_shares *s, int64_t least, int64_t size, int64_t most)
{
  const int64_t units = count_units(s);
  const int64_t best = find_balanced(s, bc_count_blocks(least, s->unit),
                                     bc_count_blocks(size, s->unit), most / s->unit);
  return bc_min(bc_max(size, most), bc_count_blocks(units, bc_count_blocks(units, best)) * s->unit);
}

int64_t bc_patch_elements(const bc_request *request)
{
  return bc_max(1, bc_min(BC_PATCH_ELEMENTS, bc_workspace_elements(request->room)));
}

bool bc_turns_operand(const bc_geometry *geometry, blasconv_pass pass)
{
  return pass == (geometry->layout == BLASCONV_NHWC ? BLASCONV_FORWARD : BLASCONV_BACKWARD_WEIGHTS);
}

double bc_far_weights(const bc_geometry *geometry, blasconv_pass pass)
{
  const int64_t weights = bc_count_weights(geometry);
  return pass != BLASCONV_BACKWARD_DATA && weights > BC_PATCH_ELEMENTS / 2 ? (double)weights : 0.0;
}

double bc_tensor_elements(const bc_geometry *g)
{
  const double input = (double)g->in_channels * (double)g->in_pixels;
  const double output = (double)g->out_channels * (double)g->out_pixels;
  return (double)(g->batch * g->groups) * (input + output);
}

bool bc_weights_are_far(const bc_geometry *g)
{
  return bc_count_weights(g) >= CACHED;
}

/* Weights are read in longer runs than pixels, and take half as long. */
double bc_far_pixels(const bc_geometry *g, blasconv_pass pass)
{
  const double pixels = fmax(0.0, bc_tensor_elements(g) - (double)CACHED);
  return pass == BLASCONV_BACKWARD_DATA && bc_weights_are_far(g)
             ? pixels + 0.5 * (double)bc_count_weights(g)
             : pixels;
}

void bc_clear_block(bc_block_view view, float *block)
{
  const bool by_channel = view.pixel_step == 1;
  const int64_t rows = by_channel ? view.channels : view.pixels;
  const int64_t row_step = by_channel ? view.channel_step : view.pixel_step;
  const int64_t length = by_channel ? view.pixels : view.channels;
  if (length == row_step) {
    memset(block, 0, (size_t)(rows * length) * sizeof *block);
    return;
  }
  for (int64_t i = 0; i < rows; ++i)
    memset(block + i * row_step, 0, (size_t)length * sizeof *block);
}

int64_t bc_copied_run(const bc_geometry *g)
{
  if (g->layout == BLASCONV_NCHW)
    return g->axes[BC_WIDTH].output;
  return (bc_taps_are_neighbours(g) ? g->axes[BC_WIDTH].kernel : 1) * g->in_channels;
}

bc_operand bc_lowered_patches(const bc_geometry *geometry, const float *input, bc_range images,
                              bc_range depth, bc_range pixels, float *buffer)
{
  bc_patches patches = bc_patches_at(geometry, depth, pixels, bc_range_length(images), buffer);
  const bc_operand all = {buffer, patches.row_step, patches.pixel_step};
  for (int64_t i = images.begin; i < images.end; ++i) {
    bc_im2col(geometry, input + bc_input_offset(geometry, i, 0), patches);
    patches.data += bc_range_length(pixels) * patches.pixel_step;
  }
  return all;
}

bool bc_patches_are_input(const bc_geometry *geometry, int64_t images)
{
  return images == 1 && bc_geometry_is_pointwise(geometry);
}

bc_operand bc_patches_in_place(const bc_geometry *geometry, const float *input, int64_t image,
                               bc_range depth, bc_range pixels)
{
  return (bc_operand){input + bc_input_offset(geometry, image, 0) +
                          bc_place(geometry->input, depth.begin, pixels.begin),
                      geometry->input.channel, geometry->input.pixel};
}

bc_operand bc_nearest_patches(const bc_geometry *geometry, const float *input, bc_range images,
                              bc_range depth, bc_range pixels, float *buffer)
{
  return bc_patches_are_input(geometry, bc_range_length(images))
             ? bc_patches_in_place(geometry, input, images.begin, depth, pixels)
             : bc_lowered_patches(geometry, input, images, depth, pixels, buffer);
}
