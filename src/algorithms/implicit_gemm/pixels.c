/* NHWC: rows are pixels, panels are the weights of filters. */
#include "job.h"

#include <string.h>

/* What stands for a pad in the table of pixels. */
static const float zeros[BC_MOST_DEPTH];

/* Columns of the source at which all that the run takes is in the image. */
static bc_range whole_columns(const bc_walk *walk, const bc_depth_run *run)
{
  const int64_t pixel = walk->source.pixel, end = run->first_channel + run->channels;
  if (walk->joined == 1)
    return (bc_range){INT64_MIN, INT64_MAX}; /* bc_meet_source() looked */
  return (bc_range){-(run->first_channel / pixel),
                    walk->axes[BC_WIDTH].source - bc_count_blocks(end, pixel) + 1};
}

/* A copy of what joined taps meet around a place where they reach over the edge of the image. */
static const float *copy_pixels(const bc_map_job *j, const bc_depth_run *run,
                                const bc_places *places, int64_t place, float *copy)
{
  const int64_t pixel = j->walk.source.pixel, n = run->channels;
  const int64_t first = places->at[BC_WIDTH][place] * pixel + run->first_channel;
  const int64_t begin = bc_max(0, -first);
  const int64_t end = bc_min(n, j->walk.axes[BC_WIDTH].source * pixel - first);
  const float *from =
      bc_map_source(j->ctx) + places->source[place] + run->shift + run->first_channel;
  memset(copy, 0, (size_t)n * sizeof *copy);
  if (begin < end)
    memcpy(copy + begin, from + begin, (size_t)(end - begin) * sizeof *copy);
  return copy;
}

/* Where a run's channels are for each of the places. */
static void find_run(const bc_map_job *j, const bc_depth_run *run, const bc_places *places,
                     int64_t segment)
{
  const int64_t depth = bc_range_length(j->depth), tile_rows = j->ctx->kernels->rows;
  const int64_t offset = run->shift + run->first_channel;
  const float *from = bc_map_source(j->ctx);
  const bc_range whole = whole_columns(&j->walk, run);
  int32_t inside[BC_MOST_PLACES];
  bc_meet_source(&j->walk, run, places, inside);
  for (int64_t first = 0; first < places->lanes; first += tile_rows) {
    const float **rows = j->rows + first * j->segments + segment * tile_rows;
    for (int64_t place = first; place < first + tile_rows; ++place) {
      const int64_t column = places->at[BC_WIDTH][place];
      float *copy = j->copies + place * depth + run->first - j->depth.begin;
      if (!inside[place])
        *rows++ = zeros;
      else if (column >= whole.begin && column < whole.end)
        *rows++ = from + (places->source[place] + offset);
      else
        *rows++ = copy_pixels(j, run, places, place, copy);
    }
  }
}

/* Where the pixels are in the result, and where their channels are for each tap of the depth. */
static void find_pixels(bc_map_job *j)
{
  const int64_t count = bc_range_length(j->positions);
  bc_places places;
  bc_depth_run run;
  j->step = 1;
  j->segments = bc_count_blocks(bc_range_length(j->depth), j->walk.source_channels);
  bc_find_places(&j->walk, j->group, j->positions.begin, count,
                 bc_round_up(count, j->ctx->kernels->rows), &places);
  for (int64_t i = 0; i < count; ++i)
    j->results[i] = j->ctx->tensors->result + places.result[i];
  for (int64_t next = 0, segment = 0; bc_next_run(&j->walk, j->depth, &next, &run); ++segment)
    find_run(j, &run, &places, segment);
}

static void pack_panels(const bc_map_job *j)
{
  const int64_t lanes = j->ctx->kernels->lanes;
  if (j->packed == NULL)
    bc_pack_weights(&j->walk, bc_group_weights(j), j->channels, j->depth,
                    &(bc_packing){j->panels, lanes, lanes * bc_range_length(j->depth)});
  for (int64_t i = 0; i < bc_round_up(bc_range_length(j->channels), lanes); ++i)
    j->places[i] = j->channels.begin + i;
}

void bc_multiply_pixels(bc_map_job *j)
{
  const bc_range all = j->positions;
  pack_panels(j);
  for (int64_t row = all.begin; row < all.end; row += BC_ROW_BLOCK) {
    j->positions = (bc_range){row, bc_min(all.end, row + BC_ROW_BLOCK)};
    find_pixels(j);
    bc_coming coming = bc_expect_pixels(j, all);
    bc_multiply_job(j, &coming);
  }
  j->positions = all;
}
