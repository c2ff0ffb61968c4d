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

/* Pieces of the job's tiles. */
static int64_t count_pieces(const bc_map_job *j)
{
  const bc_product_kernels *k = j->ctx->kernels;
  return bc_count_blocks(bc_range_length(bc_job_lanes(j)), k->lanes) *
         bc_count_blocks(bc_range_length(bc_job_rows(j)), k->rows) * j->segments *
         bc_count_blocks(bc_range_length(j->depth) / j->segments, BC_PIECE);
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

/* As far as the pixels are in one image. */
bc_coming bc_expect_panels(const bc_map_job *j)
{
  const bc_walk *walk = &j->walk;
  const part next = next_part(j, j->positions);
  const int64_t first = next.positions.begin;
  const int64_t end = bc_min(next.positions.end, bc_round_up(first + 1, walk->positions));
  if (first >= end || walk->taps == 0)
    return (bc_coming){0};
  const int64_t shift = tap_shift(walk, 0), turned = tap_shift(walk, walk->taps - 1);
  const int64_t begin = source_place(j, first) + bc_min(shift, turned);
  return bc_expect(bc_map_source(j->ctx) + begin +
                       next.depth.begin / walk->taps * walk->source.channel,
                   walk->source.channel, bc_count_blocks(bc_range_length(next.depth), walk->taps),
                   source_place(j, end - 1) + bc_max(shift, turned) + 1 - begin, count_pieces(j));
}

/* What the last tap meets, since it is the first to come to new pixels. */
bc_coming bc_expect_pixels(const bc_map_job *j, bc_range all)
{
  const bc_walk *walk = &j->walk;
  const part next = j->positions.end < all.end ? (part){{j->positions.end, all.end}, j->depth}
                                               : next_part(j, all);
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
