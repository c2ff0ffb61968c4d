#include "weights.h"

#include "cpu.h"
#include "kernels/kernels.h"

/* Some taps of some source channels. Channel by channel, since what lies there is neighbours. */
static void pack_rows(const bc_walk *walk, const float *weights, int64_t channels, bc_range depth,
                      const bc_packing *to)
{
  int64_t taps[BC_MOST_DEPTH], first[BC_MOST_DEPTH], count = 0;
  bc_depth_run run;
  for (int64_t next = 0; bc_next_run(walk, depth, &next, &run); ++count) {
    taps[count] = run.first_channel * walk->weights.source + run.kernel_tap * walk->weights.tap;
    first[count] = run.first - depth.begin;
  }
  for (int64_t c = 0; count > 0 && c < bc_range_length(depth) / count; ++c)
    for (int64_t i = 0; i < count; ++i)
      bc_cpu_kernels()->product->put_row(
          &(bc_row_source){.from = weights + taps[i] + c * walk->weights.source,
                           .step = walk->weights.result,
                           .n = channels,
                           .width = to->width,
                           .block_step = to->block_step},
          to->packed + (first[i] + c * (walk->taps_last ? count : 1)) * to->width);
}

/* Where the weights of a channel over the depth are neighbours: runs are turned. */
static void pack_turned(const bc_walk *walk, const float *weights, int64_t channels, bc_range depth,
                        const bc_packing *to)
{
  bc_depth_run run;
  for (int64_t next = 0; bc_next_run(walk, depth, &next, &run);) {
    const float *from =
        weights + run.first_channel * walk->weights.source + run.kernel_tap * walk->weights.tap;
    float *block = to->packed + (run.first - depth.begin) * to->width;
    for (int64_t c = 0; c < channels; c += to->width, block += to->block_step)
      bc_cpu_kernels()->transpose(from + c * walk->weights.result, walk->weights.result,
                                  bc_min(to->width, channels - c), run.channels, block, to->width);
  }
}

void bc_pack_weights(const bc_walk *walk, const float *weights, bc_range channels, bc_range depth,
                     const bc_packing *to)
{
  const int64_t n = bc_range_length(channels);
  const bool turned = walk->weights.source == 1 && (walk->taps == 1 || !walk->taps_last);
  weights += channels.begin * walk->weights.result;
  if (turned)
    pack_turned(walk, weights, n, depth, to);
  else
    pack_rows(walk, weights, n, depth, to);
}

int64_t bc_packed_width(const bc_geometry *geometry)
{
  const bc_product_kernels *kernels = bc_cpu_kernels()->product;
  return geometry->layout == BLASCONV_NHWC ? kernels->lanes : kernels->rows;
}

int64_t bc_packed_elements(const bc_geometry *geometry, const bc_walk *walk)
{
  return geometry->groups * bc_round_up(walk->result_channels, bc_packed_width(geometry)) *
         walk->depth;
}
