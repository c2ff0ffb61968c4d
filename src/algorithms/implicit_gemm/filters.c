/* NCHW: rows are the weights of filters, panels are pixels. */
#include "algorithms/expect.h"
#include "job.h"

#include <string.h>

enum { SHALLOW = 96 };

/* Copies the weights of each filter, so that rows follow each other: those of long filters lie at
 * distances of which powers of two share few sets of the caches. */
static void copy_filters(bc_map_job *j)
{
  const int64_t n = bc_range_length(j->depth), rows = bc_range_length(j->channels);
  const float *first =
      bc_group_weights(j) + j->channels.begin * j->walk.weights.result + j->depth.begin;
  for (int64_t row = 0; row < rows; ++row) {
    float *copy = j->copies + row * n;
    const float *from = first + row * j->walk.weights.result;
    if (row + 1 < rows)
      bc_expect_row(from + j->walk.weights.result, n);
    memcpy(copy, from, (size_t)n * sizeof *copy);
    j->rows[row] = copy;
  }
  j->step = 1;
}

/* The filters in blocks that were packed before, or are now from the job's first on. */
static void pack_filters(bc_map_job *j)
{
  const int64_t width = j->ctx->width, block = bc_block_step(j);
  const int64_t first = j->packed == NULL ? 0 : j->channels.begin;
  if (j->packed == NULL)
    bc_pack_weights(&j->walk, bc_group_weights(j), j->channels, j->depth,
                    &(bc_packing){j->copies, width, block});
  const float *rows = NULL;
  for (int64_t row = 0; row < bc_range_length(j->channels); ++row) {
    const int64_t number = first + row, lane = number % width;
    if (row == 0 || lane == 0)
      rows = j->packed == NULL ? j->copies + number / width * block : bc_packed_block(j, number);
    j->rows[row] = rows + lane;
  }
  j->step = width;
}

static void find_filters(bc_map_job *j)
{
  for (int64_t c = j->channels.begin; c < j->channels.end; ++c)
    j->results[c - j->channels.begin] = j->ctx->tensors->result + c * j->walk.result.channel;
  if (j->packed == NULL && bc_weights_are_rows(&j->walk))
    copy_filters(j);
  else
    pack_filters(j);
}

/* inside [lanes]: -1 for places at which the run's tap meets the source, else 0. */
static void mark_inside(const bc_walk *walk, const bc_depth_run *run, const bc_places *places,
                        int32_t *inside)
{
  for (int64_t lane = 0; lane < places->lanes; ++lane)
    inside[lane] = 0;
  for (int64_t i = 0; i < places->rows; ++i) {
    const bc_place_row *row = &places->row[i];
    const bc_range columns = {0, walk->axes[BC_WIDTH].source};
    if (!bc_row_meets_source(walk, run, row))
      continue;
    const bc_range those = bc_places_within(walk, run, row, columns);
    for (int64_t lane = those.begin; lane < those.end; ++lane)
      inside[lane] = -1;
  }
}

void bc_gather_pixels(const bc_map_job *j, const bc_places *places, float *panel, bc_tap_set *met)
{
  const bool by_taps = met != NULL;
  const bc_product_kernels *k = j->ctx->kernels;
  const bc_walk *walk = &j->walk;
  int32_t inside[BC_MOST_LANES];
  bc_depth_run run;
  for (int64_t next = 0; bc_next_run(walk, j->depth, &next, &run);) {
    const int64_t begin = run.first_channel * walk->source.channel + run.shift;
    mark_inside(walk, &run, places, inside);
    for (int64_t lane = 0; lane < places->lanes && by_taps; ++lane)
      met[lane] |= (bc_tap_set)(inside[lane] & 1) << run.tap;
    k->gather(&(bc_lanes_source){.source = bc_map_source(j->ctx) + begin,
                                 .source_step = walk->source.channel,
                                 .offsets = places->source,
                                 .inside = inside,
                                 .lane_step = walk->axes[BC_WIDTH].source_step,
                                 .runs = places->runs,
                                 .run_ends = places->run_ends,
                                 .readable = -begin,
                                 .limit = walk->source_size - begin},
              run.channels,
              panel + (by_taps ? run.tap * run.channels : run.first - j->depth.begin) * k->lanes,
              (by_taps ? 1 : run.step) * k->lanes);
  }
}

static void make_panels(const bc_map_job *j)
{
  const int64_t lanes = j->ctx->kernels->lanes;
  bc_places places;
  for (int64_t p = j->positions.begin, i = 0; p < j->positions.end; p += lanes, ++i) {
    const int64_t count = bc_min(lanes, j->positions.end - p);
    bc_find_places(&j->walk, j->group, p, count, lanes, &places);
    bc_gather_pixels(j, &places, bc_own_panel(j, i), NULL);
    memcpy(j->places + i * lanes, places.result, (size_t)count * sizeof *j->places);
  }
}

/* So that tiles are short, and it counts that results are written in long runs. */
static bool has_shallow_panels(const bc_map_job *j)
{
  return bc_range_length(j->depth) <= SHALLOW;
}

/* All filters by some panels. */
static void multiply_listed(const bc_map_job *j, bc_range panels, bc_coming *coming)
{
  bc_rows rows = bc_all_rows(j);
  const int64_t count = rows.count;
  const int64_t at_once = has_shallow_panels(j) ? 2 * j->ctx->kernels->rows : count;
  for (int64_t row = 0; row < count; row += at_once) {
    rows.count = bc_min(at_once, count - row);
    rows.at = j->rows + row;
    rows.results = j->results + row;
    bc_multiply_blocks(j, &rows, 1, panels, coming);
  }
}

/* ---- panels of neighbours, one behind the other ---- */

/* Rows that are copied lie evenly, as those do in blocks of a tile's rows, with which the job's
 * begin. */
static bool have_even_filters(const bc_map_job *j)
{
  const bool are_copied = j->packed == NULL && bc_weights_are_rows(&j->walk);
  return are_copied || j->ctx->width == j->ctx->kernels->packed_rows;
}

/* Behind the panels from `begin` on whose lanes are neighbours in the result. */
static int64_t even_end(const bc_map_job *j, int64_t begin)
{
  const int64_t lanes = j->ctx->kernels->lanes, all = bc_range_length(j->positions);
  const int64_t first = begin * lanes;
  int64_t panel = begin;
  for (int64_t last; panel * lanes < all; ++panel) {
    last = bc_min((panel + 1) * lanes, all) - 1;
    if (j->places[last] - j->places[first] != last - first)
      break;
  }
  return panel;
}

static void multiply_evenly(const bc_map_job *j, bc_range panels, bc_coming *coming)
{
  const bc_product_kernels *k = j->ctx->kernels;
  const bool in_blocks = j->step != 1;
  const int64_t depth = bc_range_length(j->depth), first = panels.begin * k->lanes;
  k->multiply_evenly(&(bc_even_product){
      .rows = bc_range_length(j->channels),
      .depth = depth,
      .lanes = bc_min(panels.end * k->lanes, bc_range_length(j->positions)) - first,
      .first = j->rows[0],
      .row_step = in_blocks ? 1 : depth,
      .tile_step = in_blocks ? bc_block_step(j) : k->packed_rows * depth,
      .step = j->step,
      .panels = bc_own_panel(j, panels.begin),
      .panel_step = depth * k->lanes,
      .coming = coming,
      .results = j->results[0] + j->places[first],
      .result_step = j->walk.result.channel,
      .add = j->add});
}

/* All filters by all panels. */
static void multiply_panels(const bc_map_job *j, bc_coming *coming)
{
  const bc_range all = bc_job_panels(j);
  if (!have_even_filters(j)) {
    multiply_listed(j, all, coming);
    return;
  }
  for (int64_t panel = all.begin, end; panel < all.end; panel = end) {
    end = even_end(j, panel);
    if (end > panel)
      multiply_evenly(j, (bc_range){panel, end}, coming);
    else
      multiply_listed(j, (bc_range){panel, ++end}, coming);
  }
}

void bc_multiply_filters(bc_map_job *j)
{
  const bc_range all = j->channels;
  make_panels(j);
  bc_expected expected;
  bc_expect_panels(j, j->positions, &expected);
  for (int64_t row = all.begin; row < all.end; row += BC_ROW_BLOCK) {
    j->channels = (bc_range){row, bc_min(all.end, row + BC_ROW_BLOCK)};
    find_filters(j);
    multiply_panels(j, &expected.parts[0]);
  }
  j->channels = all;
}
