#include "weights.h"

#include "algorithms/expect.h"
#include "cpu.h"
#include "kernels/kernels.h"
#include "maps.h"
#include "panel.h"

/* Weights are read in short rows, kilobytes apart: no prefetcher of a CPU sees the next coming. */
enum { FLOATS_AHEAD = 2048, MOST_ROWS_AHEAD = 8, TURNED = 64 };

int bc_best_form(const bc_geometry *geometry, blasconv_pass pass)
{
  const bc_walk walk = bc_walk_at(geometry, pass, 0);
  return bc_rows_are_pixels(&walk) ? BC_BLOCKS_OF_LANES : BC_BLOCKS_OF_ROWS;
}

int64_t bc_packed_width(int form)
{
  const bc_product_kernels *kernels = bc_cpu_kernels()->product;
  return form == BC_BLOCKS_OF_LANES ? kernels->lanes : kernels->packed_rows;
}

static int64_t rows_ahead(int64_t floats_of_row)
{
  return bc_max(1, bc_min(MOST_ROWS_AHEAD, FLOATS_AHEAD / floats_of_row));
}

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
  const int64_t rows = count > 0 ? bc_range_length(depth) / count : 0;
  const int64_t floats = (channels - 1) * walk->weights.result + 1, ahead = rows_ahead(floats);
  /* Else other rows lie between its channels, and most of what is fetched would not be read. */
  const bool are_near = walk->weights.result < walk->weights.source;
  for (int64_t c = 0; c < rows; ++c)
    for (int64_t i = 0; i < count; ++i) {
      /* Where taps lie between each other, the first stands for all. */
      if (are_near && c + ahead < rows && (walk->weights.tap > floats || i == 0))
        bc_expect_row(weights + taps[i] + (c + ahead) * walk->weights.source, floats);
      bc_cpu_kernels()->product->put_row(
          &(bc_row_source){.from = weights + taps[i] + c * walk->weights.source,
                           .step = walk->weights.result,
                           .n = channels,
                           .width = to->width,
                           .block_step = to->block_step},
          to->packed + (first[i] + c * (walk->taps_last ? count : 1)) * to->width);
    }
}

/* Backward data in NCHW, but for phases: all taps of a channel are neighbours, and so are a source
 * channel's weights [channels of the result][taps]. Blocks of fewer channels than a vector has
 * lanes are as fast row by row. */
static bool has_all_taps_together(const bc_walk *walk, bc_range depth, const bc_packing *to)
{
  return walk->taps_last && walk->taps > 1 && walk->weights.result == walk->taps &&
         walk->weights.tap == 1 && bc_range_length(depth) % walk->taps == 0 &&
         depth.begin % walk->taps == 0 && to->width == bc_cpu_kernels()->product->lanes;
}

/* A block [n][width] of rows [count][n]. */
static void turn_block(const float *rows, int64_t step, int64_t count, int64_t n, int64_t width,
                       float *block)
{
  for (int64_t k = 0; k < n; k += TURNED) {
    for (int64_t i = 0; i < count && k + TURNED < n; ++i)
      bc_expect_row(rows + i * step + k + TURNED, bc_min(TURNED, n - k - TURNED));
    bc_cpu_kernels()->transpose(rows + k, step, count, bc_min(TURNED, n - k), block + k * width,
                                width);
  }
}

bool bc_weights_are_rows(const bc_walk *walk)
{
  return walk->taps_last && walk->weights.source == walk->taps &&
         (walk->taps == 1 || walk->weights.tap == 1);
}

/* Rows [channels][n], into blocks. */
static void turn_rows(const float *rows, int64_t step, int64_t channels, int64_t n,
                      const bc_packing *to, float *block)
{
  for (int64_t c = 0; c < channels; c += to->width, block += to->block_step)
    turn_block(rows + c * step, step, bc_min(to->width, channels - c), n, to->width, block);
}

/* Source channel after source channel, as memory has them, each into all blocks. */
static void turn_taps(const bc_walk *walk, const float *weights, int64_t channels, bc_range depth,
                      const bc_packing *to)
{
  const int64_t taps = walk->taps, first = depth.begin / taps;
  for (int64_t c = 0; c < bc_range_length(depth) / taps; ++c)
    turn_rows(weights + (first + c) * walk->weights.source, taps, channels, taps, to,
              to->packed + c * taps * to->width);
}

/* Where the weights of a channel are neighbours over a tap's run. */
static void pack_runs(const bc_walk *walk, const float *weights, int64_t channels, bc_range depth,
                      const bc_packing *to)
{
  bc_depth_run run;
  for (int64_t next = 0; bc_next_run(walk, depth, &next, &run);)
    turn_rows(weights + run.first_channel * walk->weights.source +
                  run.kernel_tap * walk->weights.tap,
              walk->weights.result, channels, run.channels, to,
              to->packed + (run.first - depth.begin) * to->width);
}

void bc_pack_weights(const bc_walk *walk, const float *weights, bc_range channels, bc_range depth,
                     const bc_packing *to)
{
  const int64_t n = bc_range_length(channels);
  weights += channels.begin * walk->weights.result;
  if (bc_weights_are_rows(walk))
    turn_rows(weights + depth.begin, walk->weights.result, n, bc_range_length(depth), to,
              to->packed);
  else if (walk->weights.source == 1 && (walk->taps == 1 || !walk->taps_last))
    pack_runs(walk, weights, n, depth, to);
  else if (has_all_taps_together(walk, depth, to))
    turn_taps(walk, weights, n, depth, to);
  else
    pack_rows(walk, weights, n, depth, to);
}

/* What is in one block and one panel at a time. */
void bc_turn_blocks(const float *first, int64_t width, int64_t block_step, bc_range channels,
                    int64_t depth, float *panels)
{
  const int64_t lanes = bc_cpu_kernels()->product->lanes;
  for (int64_t c = channels.begin, n; c < channels.end; c += n) {
    const int64_t lane = c - channels.begin;
    n = bc_min(width - c % width, bc_min(lanes - lane % lanes, channels.end - c));
    bc_copy_rows(first + c / width * block_step + c % width, width, depth, n,
                 panels + lane / lanes * lanes * depth + lane % lanes, lanes);
  }
}

int64_t bc_packed_elements(const bc_geometry *geometry, const bc_walk *walk, int64_t width)
{
  return geometry->groups * bc_round_up(walk->result_channels, width) * walk->depth;
}
