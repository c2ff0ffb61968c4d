/* NHWC: rows are pixels, panels are the weights of filters. */
#include "job.h"

#include <string.h>

/* Where more positions than this meet a panel, it does not count that it comes from memory. */
enum { FEW_POSITIONS = 3 * BC_ROW_BLOCK };

/* What stands for a pad in the table of pixels. */
static const float zeros[BC_MOST_DEPTH];

/* Columns of the source at which all that the run takes is in the image. */
static bc_range whole_columns(const bc_walk *walk, const bc_depth_run *run)
{
  const int64_t pixel = walk->source.pixel, end = run->first_channel + run->channels;
  if (walk->joined == 1)
    return (bc_range){0, walk->axes[BC_WIDTH].source};
  return (bc_range){-(run->first_channel / pixel),
                    walk->axes[BC_WIDTH].source - bc_count_blocks(end, pixel) + 1};
}

/* A copy of what joined taps meet around column `column` where they reach over the edge. */
static const float *copy_pixels(const bc_map_job *j, const bc_depth_run *run, const float *from,
                                int64_t column, float *copy)
{
  const int64_t pixel = j->walk.source.pixel, n = run->channels;
  const int64_t first = column * pixel + run->first_channel;
  const int64_t begin = bc_max(0, -first);
  const int64_t end = bc_min(n, j->walk.axes[BC_WIDTH].source * pixel - first);
  if (begin >= end)
    return zeros;
  memset(copy, 0, (size_t)n * sizeof *copy);
  memcpy(copy + begin, from + begin, (size_t)(end - begin) * sizeof *copy);
  return copy;
}

/* Places of a row at which columns of the run are outside of the image. */
static void find_edge(const bc_map_job *j, const bc_depth_run *run, const bc_place_row *row,
                      bc_range edge, const float **rows)
{
  const int64_t depth = bc_range_length(j->depth), step = j->walk.axes[BC_WIDTH].source_step;
  for (int64_t place = edge.begin; place < edge.end; ++place) {
    const int64_t column = row->at[BC_WIDTH] + (place - row->places.begin) * step;
    float *copy = j->copies + place * depth + run->first - j->depth.begin;
    rows[place] = j->walk.joined > 1 ? copy_pixels(j, run, rows[place], column, copy) : zeros;
  }
}

/* Where pixels are read: the element that the walk counts as number `origin`. */
typedef struct pixel_source {
  const float *first;
  int64_t origin;
} pixel_source;

/* Where a run's channels are for the places of a row. */
static void find_row(const bc_map_job *j, const bc_depth_run *run, const bc_places *places,
                     const bc_place_row *row, const pixel_source *from, const float **rows)
{
  const bc_range all = row->places;
  const int64_t offset = run->shift + run->first_channel - from->origin;
  if (!bc_row_meets_source(&j->walk, run, row)) {
    for (int64_t place = all.begin; place < all.end; ++place)
      rows[place] = zeros;
    return;
  }
  for (int64_t place = all.begin; place < all.end; ++place)
    rows[place] = from->first + (places->source[place] + offset);
  const bc_range whole = bc_places_within(&j->walk, run, row, whole_columns(&j->walk, run));
  find_edge(j, run, row, (bc_range){all.begin, whole.begin}, rows);
  find_edge(j, run, row, (bc_range){whole.end, all.end}, rows);
}

/* The same for all places, and pads for those that stand for none. */
static void find_run(const bc_map_job *j, const bc_depth_run *run, const bc_places *places,
                     const pixel_source *from, const float **rows)
{
  for (int64_t i = 0; i < places->rows; ++i)
    find_row(j, run, places, &places->row[i], from, rows);
  for (int64_t place = places->count; place < places->lanes; ++place)
    rows[place] = zeros;
}

void bc_find_pixel_rows(const bc_map_job *j, const float *source, int64_t origin)
{
  const pixel_source from = {source, origin};
  const int64_t count = bc_range_length(j->positions);
  bc_places places;
  bc_depth_run run;
  bc_find_places(&j->walk, j->group, j->positions.begin, count, bc_tiled_rows(j), &places);
  for (int64_t i = 0; i < count; ++i)
    j->results[i] = j->ctx->tensors->result + places.result[i];
  for (int64_t next = 0, segment = 0; bc_next_run(&j->walk, j->depth, &next, &run); ++segment)
    find_run(j, &run, &places, &from, j->rows + segment * places.lanes);
}

void bc_find_met_taps(const bc_map_job *j, bc_tap_set *met)
{
  const int64_t n = bc_range_length(j->positions), all = bc_tiled_rows(j);
  for (int64_t row = 0; row < n; ++row)
    met[row] = 0;
  for (int64_t segment = 0; segment < j->segments; ++segment)
    for (int64_t row = 0; row < n; ++row)
      met[row] |= (bc_tap_set)(j->rows[segment * all + row] != zeros) << segment;
}

/* Makes parts of the rows: what they meet, and nothing else. */
static void leave_out_pads(const bc_map_job *j)
{
  const int64_t length = bc_range_length(j->depth) / j->segments;
  bc_tap_set met[BC_MOST_PLACES];
  bc_find_met_taps(j, met);
  bc_make_parts(j, met, length * j->ctx->kernels->lanes, j->results);
}

/* All panels, each by all blocks of rows, which are few: the next are fetched meanwhile. */
static void multiply_by_packed(const bc_map_job *j, const bc_rows *blocks, int64_t count,
                               bc_coming *coming)
{
  const int64_t at_once = bc_panels_at_once(j->ctx->kernels), end = bc_job_panels(j).end;
  int64_t i = 0;
  for (; i + at_once < end; i += at_once) {
    const bc_range next = {i + at_once, bc_min(end, i + 2 * at_once)};
    bc_coming both = bc_expect_weights(j, next, coming);
    bc_multiply_blocks(j, blocks, count, (bc_range){i, next.begin}, &both);
    bc_go_on(&both, coming);
  }
  bc_multiply_blocks(j, blocks, count, (bc_range){i, end}, coming);
}

void bc_make_weight_panels(const bc_map_job *j)
{
  const int64_t lanes = j->ctx->kernels->lanes;
  if (j->packed == NULL)
    bc_pack_weights(&j->walk, bc_group_weights(j), j->channels, j->depth,
                    &(bc_packing){j->panels, lanes, lanes * bc_range_length(j->depth)});
  else if (!bc_has_panels(j))
    bc_turn_blocks(bc_packed_block(j, 0), j->ctx->width, j->ctx->width * j->walk.depth, j->channels,
                   bc_range_length(j->depth), j->panels);
  for (int64_t i = 0; i < bc_round_up(bc_range_length(j->channels), lanes); ++i)
    j->places[i] = (j->channels.begin + i) * j->walk.result.channel;
}

/* All panels by the job's rows, which may be the first to meet them. */
static void multiply_rows(const bc_map_job *j, bool by_packed, bc_coming *coming)
{
  const bc_rows whole = bc_all_rows(j);
  const bool in_parts = bc_leaves_out(&j->walk) && j->segments <= BC_MOST_TAP_BITS;
  if (in_parts)
    leave_out_pads(j);
  const bc_rows *blocks = in_parts ? j->met->parts : &whole;
  const int64_t count = in_parts ? j->met->count : 1;
  if (by_packed)
    multiply_by_packed(j, blocks, count, coming);
  else
    bc_multiply_blocks(j, blocks, count, bc_job_panels(j), coming);
}

void bc_multiply_pixels(bc_map_job *j)
{
  const bc_range all = j->positions;
  const bool few = bc_range_length(all) <= FEW_POSITIONS;
  bc_make_weight_panels(j);
  for (int64_t row = all.begin; row < all.end; row += BC_ROW_BLOCK) {
    j->positions = (bc_range){row, bc_min(all.end, row + BC_ROW_BLOCK)};
    j->step = 1;
    j->segments = bc_count_blocks(bc_range_length(j->depth), j->walk.source_channels);
    bc_find_pixel_rows(j, bc_map_source(j->ctx), 0);
    bc_coming coming = bc_expect_pixels(j, all);
    multiply_rows(j, bc_has_panels(j) && few && row == all.begin, &coming);
  }
  j->positions = all;
}
