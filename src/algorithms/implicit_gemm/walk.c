#include "walk.h"

#include "algorithms/sweep.h"

/* Taps in the order of the kernel, whichever way they go over the source. */
static bc_walk_axis walk_axis(const bc_sweep *sweep, int64_t number)
{
  const bc_phase phase = bc_sweep_phase(sweep, number);
  const int64_t turn = sweep->forward ? 0 : phase.taps - 1, way = sweep->forward ? 1 : -1;
  return (bc_walk_axis){.count = bc_sweep_count(sweep, number),
                        .result = sweep->results,
                        .source = sweep->sources,
                        .result_begin = number,
                        .result_step = sweep->step,
                        .source_begin = phase.offset + turn * sweep->apart,
                        .source_step = sweep->stride,
                        .taps = phase.taps,
                        .tap_step = way * sweep->apart,
                        .first_tap = phase.first + turn * phase.step,
                        .kernel_step = way * phase.step,
                        .kernel = sweep->axis->kernel};
}

/* So many for any extents, since packed weights have them all. */
int64_t bc_count_walks(const bc_geometry *geometry, blasconv_pass pass)
{
  const bc_axis *axes = geometry->axes;
  return pass == BLASCONV_FORWARD
             ? 1
             : axes[BC_DEPTH].stride * axes[BC_HEIGHT].stride * axes[BC_WIDTH].stride;
}

static void join_width(bc_walk *walk)
{
  bc_walk_axis *width = &walk->axes[BC_WIDTH];
  walk->joined = 1;
  if (walk->taps_last || width->taps == 0 || width->tap_step != 1 || width->kernel_step != 1 ||
      walk->source.pixel != walk->source_channels)
    return;
  walk->joined = width->taps;
  walk->taps /= width->taps;
  walk->source_channels *= width->taps;
  width->taps = 1;
}

bc_walk bc_walk_at(const bc_geometry *g, blasconv_pass pass, int64_t index)
{
  const bc_sums sums = bc_sums_of(g, pass == BLASCONV_FORWARD);
  bc_walk walk = {.positions = 1,
                  .taps = 1,
                  .result_channels = sums.to_channels,
                  .source_channels = sums.from_channels,
                  .taps_last = g->layout == BLASCONV_NCHW,
                  .source_size = g->batch * sums.from.image,
                  .weights = {sums.to_weight, sums.from_weight, g->row_of_tap},
                  .result = sums.to,
                  .source = sums.from};
  for (int i = BC_WIDTH; i >= BC_DEPTH; --i) {
    walk.axes[i] = walk_axis(&sums.axes[i], index % sums.axes[i].step);
    index /= sums.axes[i].step;
    walk.positions *= walk.axes[i].count;
    walk.taps *= walk.axes[i].taps;
  }
  walk.depth = walk.source_channels * walk.taps;
  join_width(&walk);
  return walk;
}

bool bc_meets_pixels_in_order(const bc_walk *walk)
{
  for (int i = 0; i < BLASCONV_MAX_RANK; ++i) {
    const bc_walk_axis *axis = &walk->axes[i];
    if (axis->taps != 1 || axis->source_step != 1 || axis->source_begin != 0 ||
        axis->count != axis->source)
      return false;
  }
  return true;
}

/* Moves to the first position of the next row, behind the last of an image to the next image. */
static void next_row(const bc_walk *walk, int64_t position[BLASCONV_MAX_RANK], int64_t *image)
{
  position[BC_WIDTH] = 0;
  if (++position[BC_HEIGHT] < walk->axes[BC_HEIGHT].count)
    return;
  position[BC_HEIGHT] = 0;
  if (++position[BC_DEPTH] < walk->axes[BC_DEPTH].count)
    return;
  position[BC_DEPTH] = 0;
  ++*image;
}

static void fill_evenly(int64_t *places, bc_range lanes, int64_t first, int64_t step)
{
  for (int64_t lane = lanes.begin; lane < lanes.end; ++lane, first += step)
    places[lane] = first;
}

/* The places from lane `first` to before `end`, which are in one row, from `position` on. */
static void fill_row(const bc_walk *walk, int64_t group, int64_t image,
                     const int64_t position[BLASCONV_MAX_RANK], int64_t first, int64_t end,
                     bc_places *places)
{
  bc_place_row *row = &places->row[places->rows++];
  int64_t result = 0, source = 0;
  for (int i = 0; i < BLASCONV_MAX_RANK; ++i) {
    const bc_walk_axis *axis = &walk->axes[i];
    row->at[i] = axis->source_begin + position[i] * axis->source_step;
    result = result * axis->result + axis->result_begin + position[i] * axis->result_step;
    source = source * axis->source + row->at[i];
  }
  result = image * walk->result.image + group * walk->result.group + result * walk->result.pixel;
  source = image * walk->source.image + group * walk->source.group + source * walk->source.pixel;
  const bc_walk_axis *width = &walk->axes[BC_WIDTH];
  row->places = (bc_range){first, end};
  fill_evenly(places->result, row->places, result, width->result_step * walk->result.pixel);
  fill_evenly(places->source, row->places, source, width->source_step * walk->source.pixel);
}

void bc_find_places(const bc_walk *walk, int64_t group, int64_t first, int64_t count, int64_t lanes,
                    bc_places *places)
{
  int64_t image = first / walk->positions, position[BLASCONV_MAX_RANK];
  int64_t rest = first % walk->positions;
  const int64_t step = walk->axes[BC_WIDTH].source_step * walk->source.pixel;
  for (int i = BC_WIDTH; i >= BC_DEPTH; --i) {
    position[i] = rest % walk->axes[i].count;
    rest /= walk->axes[i].count;
  }
  places->count = count;
  places->lanes = lanes;
  places->rows = places->runs = 0;
  for (int64_t lane = 0; lane < count;) {
    const int64_t end = bc_min(count, lane + walk->axes[BC_WIDTH].count - position[BC_WIDTH]);
    fill_row(walk, group, image, position, lane, end, places);
    if (lane > 0 && places->source[lane] - places->source[lane - 1] == step)
      --places->runs; /* the row goes on where the one before ended */
    places->run_ends[places->runs++] = end;
    next_row(walk, position, &image);
    lane = end;
  }
  for (int64_t lane = count; lane < lanes; ++lane)
    places->source[lane] = places->source[lane - 1] + step;
  places->run_ends[places->runs - 1] = lanes;
}

/* The taps' numbers on the axes, from the number of all. */
static void find_numbers(const bc_walk *walk, int64_t tap, int64_t numbers[BLASCONV_MAX_RANK])
{
  for (int i = BC_WIDTH; i >= BC_DEPTH; --i) {
    numbers[i] = tap % walk->axes[i].taps;
    tap /= walk->axes[i].taps;
  }
}

/* Those of the next tap: divisions take long where taps have few channels. */
static void next_numbers(const bc_walk *walk, int64_t numbers[BLASCONV_MAX_RANK])
{
  int i = BC_WIDTH;
  while (i > BC_DEPTH && numbers[i] + 1 == walk->axes[i].taps)
    numbers[i--] = 0;
  ++numbers[i];
}

static void find_shifts(const bc_walk *walk, bc_depth_run *run)
{
  const int64_t *numbers = run->numbers;
  run->kernel_tap = run->shift = 0;
  for (int i = 0; i < BLASCONV_MAX_RANK; ++i) {
    const bc_walk_axis *axis = &walk->axes[i];
    run->kernel_tap =
        run->kernel_tap * axis->kernel + axis->first_tap + numbers[i] * axis->kernel_step;
    run->shifts[i] = numbers[i] * axis->tap_step;
    run->shift = run->shift * axis->source + run->shifts[i];
  }
  run->shift *= walk->source.pixel;
}

bc_range bc_next_depth(const bc_walk *walk, int64_t begin, int64_t most)
{
  const int64_t inner = walk->taps_last ? walk->taps : walk->source_channels;
  const int64_t whole = most / inner * inner;
  const int64_t end = whole > 0 ? begin + whole : bc_min(begin + most, (begin / inner + 1) * inner);
  return (bc_range){begin, bc_min(end, walk->depth)};
}

bool bc_next_run(const bc_walk *walk, bc_range depth, int64_t *next, bc_depth_run *run)
{
  const int64_t taps = walk->taps, channels = walk->source_channels;
  const int64_t first = depth.begin + *next;
  if (first >= depth.end || (walk->taps_last && *next == taps))
    return false;
  const int64_t tap = walk->taps_last ? first % taps : first / channels;
  if (*next > 0 && tap == run->tap + 1)
    next_numbers(walk, run->numbers);
  else
    find_numbers(walk, tap, run->numbers);
  run->tap = tap;
  find_shifts(walk, run);
  run->first = first;
  if (walk->taps_last) {
    run->step = taps;
    run->first_channel = first / taps;
    run->channels = bc_count_blocks(depth.end - first, taps);
    *next += 1;
  } else {
    run->step = 1;
    run->first_channel = first % channels;
    run->channels = bc_min(channels - run->first_channel, depth.end - first);
    *next += run->channels;
  }
  return true;
}

/* Of `count` places from `first` on and `step` apart, those in [range.begin, range.end). */
static bc_range inside(int64_t first, int64_t step, int64_t count, bc_range range)
{
  if (first >= range.begin && first + (count - 1) * step < range.end)
    return (bc_range){0, count};
  const int64_t begin = first >= range.begin ? 0 : bc_count_blocks(range.begin - first, step);
  const int64_t end = first >= range.end ? 0 : bc_count_blocks(range.end - first, step);
  return (bc_range){bc_min(begin, count), bc_max(bc_min(begin, count), bc_min(end, count))};
}

bool bc_row_meets_source(const bc_walk *walk, const bc_depth_run *run, const bc_place_row *row)
{
  for (int i = BC_DEPTH; i < BC_WIDTH; ++i) {
    const int64_t at = row->at[i] + run->shifts[i];
    if (at < 0 || at >= walk->axes[i].source)
      return false;
  }
  return true;
}

double bc_share_inside(const bc_walk *walk)
{
  double share = 1.0;
  for (int i = 0; i < BLASCONV_MAX_RANK; ++i) {
    const bc_walk_axis *axis = &walk->axes[i];
    const bc_range source = {0, axis->source};
    int64_t met = 0;
    for (int64_t tap = 0; tap < axis->taps; ++tap)
      met += bc_range_length(inside(axis->source_begin + tap * axis->tap_step, axis->source_step,
                                    axis->count, source));
    if (axis->count * axis->taps > 0)
      share *= (double)met / (double)(axis->count * axis->taps);
  }
  return share;
}

bc_range bc_places_within(const bc_walk *walk, const bc_depth_run *run, const bc_place_row *row,
                          bc_range columns)
{
  const int64_t first = row->places.begin;
  const bc_range those =
      inside(row->at[BC_WIDTH] + run->shifts[BC_WIDTH], walk->axes[BC_WIDTH].source_step,
             bc_range_length(row->places), columns);
  return (bc_range){first + those.begin, first + those.end};
}
