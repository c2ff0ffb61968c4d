/* What is read next. Prefetches need no memory there, so edges and pads are not looked at. */
#include "job.h"

/* Some positions and a block of the depth. */
typedef struct part {
  bc_range positions, depth;
} part;

/* What the thread will turn to when it has done with all of the job's positions: the next block of
 * the depth, or the next block of positions; maybe nothing. */
static part next_part(const bc_map_job *j, bc_range positions)
{
  const bc_blocks *blocks = &j->ctx->plan->schedule.blocks;
  if (j->depth.end < j->walk.depth)
    return (part){positions, bc_next_depth(&j->walk, j->depth.end, blocks->depth)};
  return (part){{positions.end, bc_min(positions.end + blocks->pixels, j->last_position)},
                bc_next_depth(&j->walk, 0, blocks->depth)};
}

/* What comes when the job's positions, which are some of `all`, are done with. */
static part part_after(const bc_map_job *j, bc_range all)
{
  return j->positions.end < all.end ? (part){{j->positions.end, all.end}, j->depth}
                                    : next_part(j, all);
}

/* Pieces of the job's tiles. */
static int64_t count_pieces(const bc_map_job *j)
{
  return j->segments * bc_count_pieces(j->ctx->kernels, bc_range_length(bc_job_rows(j)),
                                       bc_range_length(bc_job_lanes(j)),
                                       bc_range_length(j->depth) / j->segments);
}

/* Where tap 0 of a position is in the source. */
static int64_t source_place(const bc_map_job *j, int64_t position)
{
  bc_places place;
  bc_find_places(&j->walk, j->group, position, 1, 1, &place);
  return place.source[0];
}

/* Where a tap is, from tap 0. */
static int64_t tap_shift(const bc_walk *walk, int64_t tap)
{
  bc_depth_run run;
  int64_t next = 0;
  bc_next_run(walk, (bc_range){tap, tap + 1}, &next, &run);
  return run.shift;
}

/* Pixels of one image. */
static bc_coming expect_image(const bc_map_job *j, bc_range positions, bc_range depth)
{
  const bc_walk *walk = &j->walk;
  const int64_t one = tap_shift(walk, 0), other = tap_shift(walk, walk->taps - 1);
  const int64_t begin = source_place(j, positions.begin) + bc_min(one, other);
  const int64_t end = source_place(j, positions.end - 1) + bc_max(one, other) + 1;
  return bc_expect(bc_map_source(j->ctx) + begin + depth.begin / walk->taps * walk->source.channel,
                   walk->source.channel, bc_count_blocks(bc_range_length(depth), walk->taps),
                   end - begin, count_pieces(j));
}

void bc_expect_panels(const bc_map_job *j, bc_range all, bc_expected *expected)
{
  const int64_t in_image = j->walk.positions;
  const part next = part_after(j, all);
  const int64_t most = j->ctx->rows_are_pixels ? BC_ROW_BLOCK : bc_range_length(next.positions);
  const int64_t end = bc_min(next.positions.end, next.positions.begin + most);
  int64_t at_once = 0;
  *expected = (bc_expected){0};
  if (j->walk.taps == 0)
    return;
  bc_coming *parts = expected->parts;
  for (int64_t first = next.positions.begin, i = 0; first < end && i < BC_MOST_EXPECTED; ++i) {
    const bc_range those = {first, bc_min(end, bc_round_up(first + 1, in_image))};
    parts[i] = expect_image(j, those, next.depth);
    at_once += parts[i].at_once;
    if (i > 0)
      parts[i - 1].then = &parts[i];
    first = those.end;
  }
  for (int i = 0; i < BC_MOST_EXPECTED; ++i)
    parts[i].at_once = at_once;
}

/* What the last tap meets, since it is the first to come to new pixels. */
bc_coming bc_expect_pixels(const bc_map_job *j, bc_range all)
{
  const bc_walk *walk = &j->walk;
  const part next = part_after(j, all);
  const int64_t first = next.positions.begin;
  const int64_t rows = bc_min(BC_ROW_BLOCK, next.positions.end - first);
  bc_depth_run run = {0};
  if (rows <= 0 || walk->depth == 0)
    return (bc_coming){0};
  for (int64_t i = 0; i < bc_range_length(next.depth);)
    bc_next_run(walk, next.depth, &i, &run);
  return bc_expect(bc_map_source(j->ctx) + source_place(j, first) + run.shift + run.first_channel,
                   walk->source.pixel * walk->axes[BC_WIDTH].source_step, rows, run.channels,
                   count_pieces(j));
}

bc_coming bc_expect_weights(const bc_map_job *j, bc_range panels, bc_coming *coming)
{
  const bc_product_kernels *k = j->ctx->kernels;
  const int64_t n = bc_range_length(j->depth), count = bc_range_length(panels);
  const int64_t rows = bc_range_length(bc_job_rows(j));
  bc_coming both = bc_expect(bc_panel(j, panels.begin), j->walk.depth * k->lanes, count,
                             n * k->lanes, bc_count_pieces(k, rows, count * k->lanes, n));
  both.at_once += coming->at_once;
  both.then = coming->first != NULL ? coming : NULL;
  return both;
}

void bc_go_on(const bc_coming *both, bc_coming *coming)
{
  if (coming->first != NULL && both->then != coming)
    *coming = *both;
}
