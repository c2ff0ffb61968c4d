/* How forward and backward data are cut into blocks. */
#include "algorithms/blocks.h"
#include "cpu.h"
#include "job.h"
#include "maps.h"
#include "panel.h"

#include <math.h>

/* Each block of rows makes its panels again, so it is long. */
enum { MOST_ROWS = 1024, LEAST_LANES = 64, LEAST_ROWS = 48, LEAST_DEPTH = 8 };

/* So few panels or tiles of pixels for each thread are shared unevenly. */
enum { FEW_UNITS = 4 };

/* Gathering a pixel for a task takes as long as multiplying it by some 18 filters. */
enum { FEW_FILTERS = 256 };

/* Up to so many pixels of an image, and from such extents on, it pays to turn them. */
enum { MOST_TURNED_PIXELS = 96, LEAST_TURNED_CHANNELS = 64, LEAST_TURNED_DEPTH = 128 };

/* Where more pairs of a pixel and a tap than this are inside of the image, sorting rows for the
 * rest does not pay. */
static const double MANY_INSIDE = 0.97;

static const bc_product_kernels *kernels(void)
{
  return bc_cpu_kernels()->product;
}

/* So many lanes of the most depth take half of the second-level cache. */
static int64_t most_lanes(void)
{
  const int64_t floats = bc_cpu_second_level_cache() / 2 / (int64_t)sizeof(float);
  return floats / BC_MOST_DEPTH / kernels()->lanes * kernels()->lanes;
}

bool bc_rows_are_pixels(const bc_walk *walk)
{
  return !walk->taps_last ||
         (walk->positions % BC_CACHE_LINE != 0 && walk->positions <= MOST_TURNED_PIXELS &&
          walk->result_channels >= LEAST_TURNED_CHANNELS && walk->depth >= LEAST_TURNED_DEPTH);
}

/* NCHW's small images, whose sums are turned. */
static bool is_turned(const bc_walk *walk)
{
  return walk->taps_last && bc_rows_are_pixels(walk);
}

bool bc_rows_stay(const bc_walk *walk)
{
  return kernels()->reads_in_place && walk->taps == 1 && bc_share_inside(walk) == 1.0;
}

bool bc_leaves_out(const bc_walk *walk)
{
  return !walk->taps_last && bc_share_inside(walk) < MANY_INSIDE;
}

static int64_t words_of(size_t bytes)
{
  return bc_count_blocks((int64_t)bytes, (int64_t)sizeof(int64_t));
}

/* Of a block of the depth, at most, whichever walk it is of. */
static int64_t count_segments(const bc_walk *walk, const bc_blocks *blocks)
{
  int64_t taps = 1;
  if (!walk->taps_last)
    return bc_count_blocks(blocks->depth, blocks->channels);
  if (bc_rows_are_pixels(walk))
    for (int i = 0; i < BLASCONV_MAX_RANK; ++i)
      taps = bc_min(taps * walk->axes[i].kernel, BC_MOST_TAP_BITS);
  return taps;
}

int64_t bc_copied_block(int64_t width, int64_t depth)
{
  return width * depth + BC_CACHE_LINE;
}

bc_map_areas bc_find_map_areas(const bc_walk *walk, const bc_blocks *blocks)
{
  const bc_product_kernels *k = kernels();
  const bool pixels = bc_rows_are_pixels(walk);
  const int64_t lanes = bc_round_up(pixels ? blocks->filters : blocks->pixels, k->lanes);
  const int64_t rows =
      bc_round_up(bc_min(BC_ROW_BLOCK, pixels ? blocks->pixels : blocks->filters), k->packed_rows);
  const bool turned = is_turned(walk);
  const int64_t width = turned ? k->lanes : k->packed_rows;
  /* One block more, since rows of an image are turned as a whole. */
  const int64_t copies = bc_count_blocks(rows, width) + (turned ? 1 : 0);
  const size_t pointers = bc_workspace_book_words(rows * count_segments(walk, blocks));
  return (bc_map_areas){
      .panels = bc_workspace_book(blocks->depth * bc_min(lanes, blocks->panels)),
      .places = bc_workspace_book_words(lanes),
      .rows = pointers,
      .results = bc_workspace_book_words(rows),
      .met = pixels ? bc_workspace_book_words(words_of(sizeof(bc_met_rows))) + pointers : 0,
      .copies = bc_workspace_book(copies * bc_copied_block(width, blocks->depth)),
      .sums = turned ? bc_workspace_book_words(words_of(sizeof(bc_turned_sums))) : 0};
}

static size_t thread_bytes(const bc_walk *walk, const bc_blocks *blocks)
{
  const bc_map_areas a = bc_find_map_areas(walk, blocks);
  return a.panels + a.places + a.rows + a.results + a.met + a.copies + a.sums;
}

/* The largest block of the depth, which bc_next_depth() fills as evenly as can be. */
static void set_depth(const bc_geometry *g, const bc_walk *walk, int64_t most, bc_blocks *blocks)
{
  const int64_t taps = g->taps / walk->joined;
  const int64_t inner = walk->taps_last ? taps : walk->source_channels;
  const int64_t outer = walk->taps_last ? walk->source_channels : taps;
  blocks->depth =
      inner > most ? bc_even_block(inner, most, 8) : inner * bc_even_block(outer, most / inner, 1);
}

/* Smaller blocks until they fit, or nothing is left to halve. */
static void shrink_to_room(const bc_geometry *g, const bc_walk *walk, size_t room,
                           bc_blocks *blocks)
{
  const bool pixels = bc_rows_are_pixels(walk);
  int64_t *lanes = pixels ? &blocks->filters : &blocks->pixels;
  int64_t *rows = pixels ? &blocks->pixels : &blocks->filters;
  while (thread_bytes(walk, blocks) > room) {
    const bool one_tile = *lanes <= kernels()->lanes && *rows <= kernels()->packed_rows;
    if (*lanes > kernels()->lanes)
      *lanes = bc_round_up(*lanes / 2, kernels()->lanes);
    else if (blocks->depth > (one_tile ? 1 : LEAST_DEPTH))
      set_depth(g, walk, blocks->depth / 2, blocks);
    else if (one_tile)
      return;
    else
      *rows = bc_round_up(*rows / 2, kernels()->packed_rows);
  }
}

/* Of one image, those of the largest walk. */
static int64_t count_positions(const bc_walk *walk)
{
  int64_t positions = 1;
  for (int i = 0; i < BLASCONV_MAX_RANK; ++i)
    positions *= bc_count_blocks(walk->axes[i].result, walk->axes[i].result_step);
  return positions;
}

/* Several walks visit an image's positions in turn, and the epilogue wants them all: a task has
 * whole images then. */
static bool has_whole_images(const bc_geometry *g, blasconv_pass pass)
{
  return bc_count_walks(g, pass) > 1;
}

/* Half of a block, in whole units. */
static int64_t half_block(int64_t whole, int64_t block, int64_t unit)
{
  return bc_even_block(whole, bc_round_up(block / 2, unit), unit);
}

/* Whether pixels are copied. */
static bool gathers(const bc_walk *walk)
{
  return walk->taps_last && !(bc_rows_are_pixels(walk) && bc_rows_stay(walk));
}

/* Twice as many as elsewhere, since all wait for the last task where one core is slower than
 * another for a while; but not to gather pixels more often, which takes as long as few filters. */
static int64_t enough_tasks(const bc_request *request, const bc_walk *walk, bool cuts_channels,
                            int64_t filters)
{
  const int64_t wanted = bc_wanted_tasks(request);
  if (request->threads == 1)
    return wanted;
  if (!cuts_channels || !gathers(walk))
    return 2 * wanted;
  return filters <= FEW_FILTERS ? bc_min(wanted, request->threads) : wanted;
}

/* Blocks of channels each make the operand of all positions again, and blocks of positions that of
 * all channels: cuts what costs less, until there are tasks enough. Pixels that are read in place
 * cost little, and so do weights that were packed before. */
static void split_for_tasks(const bc_geometry *g, const bc_walk *walk, const bc_request *request,
                            int64_t channels, int64_t positions, const bc_blocks *units,
                            const bc_blocks *least, bc_blocks *blocks)
{
  const int64_t of_thread = bc_count_blocks(positions, units->pixels) / request->threads;
  const bool are_few = of_thread < FEW_UNITS && channels > FEW_FILTERS / 2;
  const int64_t pixel_cost = !walk->taps_last || are_few ? 1 : 8;
  const int64_t weight_cost = request->packed_weights ? 2 : 8;
  for (;;) {
    const int64_t channel_blocks = bc_count_blocks(channels, blocks->filters);
    const int64_t position_blocks = bc_count_blocks(positions, blocks->pixels);
    const bool can_cut_channels = blocks->filters / 2 >= least->filters;
    const bool can_cut_positions = blocks->pixels / 2 >= least->pixels;
    const bool channels_first = (double)channel_blocks * (double)positions * (double)pixel_cost <=
                                (double)position_blocks * (double)channels * (double)weight_cost;
    const bool cuts_channels = can_cut_channels && (channels_first || !can_cut_positions);
    if (g->groups * channel_blocks * position_blocks >=
            enough_tasks(request, walk, cuts_channels, blocks->filters) ||
        (!can_cut_channels && !can_cut_positions))
      return;
    if (cuts_channels)
      blocks->filters = half_block(channels, blocks->filters, units->filters);
    else
      blocks->pixels = half_block(positions, blocks->pixels, units->pixels);
  }
}

/* What there is to share where several walks visit an image. */
typedef struct image_shares {
  int64_t tasks; /* that are wanted */
  int64_t channels, batch, groups, positions, rows;
  bool pixels_are_first;
  const bc_blocks *units, *least;
} image_shares;

static int64_t count_image_tasks(const image_shares *s, const bc_blocks *blocks)
{
  return s->groups * bc_count_blocks(s->channels, blocks->filters) *
         bc_count_blocks(s->batch, blocks->images) * blocks->bands;
}

/* Bands of rows of one image. */
static void cut_bands(const image_shares *s, bc_blocks *blocks)
{
  const int64_t most = bc_min(s->rows, s->positions / s->least->pixels);
  const int64_t wanted = bc_count_blocks(s->tasks, bc_max(1, count_image_tasks(s, blocks)));
  if (blocks->images == 1)
    blocks->bands = bc_max(1, bc_min(most, wanted));
}

/* Blocks of whole images. */
static void cut_images(const image_shares *s, bc_blocks *blocks)
{
  bc_split_for_tasks(s->tasks, s->batch, s->groups * bc_count_blocks(s->channels, blocks->filters),
                     1, 1, &blocks->images);
}

/* Each band and each block of images packs the weights of its channels, and bands round their
 * pixels up to panels: they come first only where neither is so. */
static void split_whole_images(const image_shares *s, bc_blocks *blocks)
{
  blocks->bands = 1;
  blocks->images = bc_max(1, bc_min(s->batch, blocks->pixels / s->positions));
  if (s->pixels_are_first && s->batch == 1)
    cut_bands(s, blocks);
  if (s->pixels_are_first)
    cut_images(s, blocks);
  bc_split_for_tasks(s->tasks, s->channels,
                     count_image_tasks(s, blocks) / bc_count_blocks(s->channels, blocks->filters),
                     s->least->filters, s->units->filters, &blocks->filters);
  cut_images(s, blocks);
  if (blocks->bands == 1)
    cut_bands(s, blocks);
}

/* Blocks of images if there are any, else of positions. */
static int64_t count_position_blocks(const bc_geometry *g, int64_t positions,
                                     const bc_blocks *blocks)
{
  return blocks->images > 0 ? bc_count_blocks(g->batch, blocks->images) * blocks->bands
                            : bc_count_blocks(positions, blocks->pixels);
}

bc_schedule bc_maps_prepare(const bc_geometry *g, const bc_request *request)
{
  const bc_product_kernels *k = kernels();
  const bc_walk walk = bc_walk_at(g, request->pass, 0);
  const bool pixels = bc_rows_are_pixels(&walk);
  const int64_t channels = walk.result_channels, in_image = count_positions(&walk);
  const int64_t positions = bc_max(1, g->batch * in_image);
  const bc_blocks units = {.filters = pixels ? k->lanes : k->packed_rows,
                           .pixels = pixels ? k->packed_rows : k->lanes};
  const bc_blocks least = {.filters = pixels ? LEAST_LANES : LEAST_ROWS,
                           .pixels = pixels ? LEAST_ROWS : LEAST_LANES};
  bc_blocks blocks = {
      .channels = walk.source_channels,
      .filters = bc_even_block(channels, walk.taps_last ? MOST_ROWS : most_lanes(), units.filters),
      .panels = most_lanes()};
  set_depth(g, &walk, BC_MOST_DEPTH, &blocks);
  const bool has_panels = !pixels && !bc_lies_evenly(&walk, g); /* of all positions */
  blocks.pixels = bc_even_block(positions, has_panels ? most_lanes() : MOST_ROWS, units.pixels);
  blocks.filters = bc_round_up(blocks.filters, units.filters);
  /* Before the threads count, since the depth decides about bits. */
  shrink_to_room(g, &walk, request->room, &blocks);
  const int64_t most_pixels = blocks.pixels;
  if (has_whole_images(g, request->pass))
    split_whole_images(
        &(image_shares){.tasks = bc_wanted_tasks(request),
                        .channels = channels,
                        .batch = g->batch,
                        .groups = g->groups,
                        .positions = in_image,
                        .rows = walk.axes[BC_DEPTH].result == 1 ? walk.axes[BC_HEIGHT].count : 1,
                        .pixels_are_first = pixels && request->packed_weights,
                        .units = &units,
                        .least = &least},
        &blocks);
  else
    split_for_tasks(g, &walk, request, channels, positions, &units, &least, &blocks);
  blocks.filters = bc_round_up(blocks.filters, units.filters);
  blocks.pixels = bc_round_up(blocks.pixels, units.pixels);
  if (blocks.images == 0)
    blocks.pixels = bc_balanced_block(
        &(bc_shares){.threads = request->threads,
                     .others = g->groups * bc_count_blocks(channels, blocks.filters),
                     .whole = positions,
                     .unit = units.pixels,
                     .extra = 0.25},
        least.pixels, blocks.pixels, bc_min(3 * blocks.pixels / 2, most_pixels));
  return (bc_schedule){.blocks = blocks,
                       .tasks = g->groups * bc_count_blocks(channels, blocks.filters) *
                                count_position_blocks(g, positions, &blocks),
                       .workspace.thread_bytes = thread_bytes(&walk, &blocks)};
}

/* How many times as long as others a weight takes to pack: as if each came from memory if some do.
 * In backward data they are packed row by row, from far apart; in NCHW a tap is one number in so
 * many, unless they are turned into panels, and each phase meets some taps but all lines of the
 * cache. */
static double dearness(const bc_geometry *g, const bc_request *request, const bc_walk *walk)
{
  if (request->pass != BLASCONV_BACKWARD_DATA)
    return bc_weights_are_far(g) ? 1.5 : 1.0;
  if (walk->weights.result == 1 || walk->weights.source == 1)
    return 1.4;
  if (bc_count_walks(g, request->pass) > 1)
    return 6.0;
  return is_turned(walk) ? 2.0 : 4.0;
}

/* Elements of weights that are packed: each block of positions does it again. */
static double count_packed(const bc_geometry *g, const bc_request *request, const bc_walk *walk,
                           double weights, int64_t position_blocks)
{
  return request->packed_weights ? 0.0
                                 : dearness(g, request, walk) * weights * (double)position_blocks;
}

/* Elements of pixels that are gathered, and of sums that are turned. */
static double count_moved(const bc_walk *walk, double gathered, double sums)
{
  return (gathers(walk) ? gathered : 0.0) + (is_turned(walk) ? sums : 0.0);
}

/* Results of phases in NCHW are put one by one, to every other column or so: as long as so many
 * elements that are moved in rows. */
static double count_scattered(const bc_geometry *g, const bc_walk *walk)
{
  const double times = 3.0;
  if (!walk->taps_last || walk->axes[BC_WIDTH].result_step == 1)
    return 0.0;
  return times * (double)(g->batch * g->groups) * (double)walk->result_channels *
         (double)g->in_pixels;
}

/* Of the source, if all its pixels are turned for each walk. */
static double count_turned(const bc_geometry *g, const bc_request *request, const bc_walk *walk)
{
  return (double)bc_count_walks(g, request->pass) * (double)(g->groups * g->batch) *
         (double)walk->source_channels * (double)bc_source_pixels(walk);
}

/* Of all pairs of an output pixel and a tap, those that are multiplied, which is the same in both
 * passes: where taps on pads are left out, the others. */
static double share_multiplied(const bc_geometry *g, const bc_walk *walk)
{
  const bc_walk forward = bc_walk_at(g, BLASCONV_FORWARD, 0);
  const bool leaves_out =
      is_turned(walk) ? walk->taps <= BC_MOST_TAP_BITS : bc_leaves_out(&forward);
  return leaves_out ? bc_share_inside(&forward) : 1.0;
}

/* What a task finds out before it multiplies, and packs a few weights for, takes as long as so many
 * places: with one pixel that is most of the time. */
enum { PLACES_OF_TASK = 250 };

bc_work bc_maps_work(const bc_geometry *g, const bc_request *request, const bc_schedule *schedule)
{
  const bc_product_kernels *k = kernels();
  const bc_blocks *blocks = &schedule->blocks;
  const bc_walk walk = bc_walk_at(g, request->pass, 0);
  const bool pixels = bc_rows_are_pixels(&walk);
  const int64_t positions = g->batch * g->out_pixels, taps = g->taps / walk.joined;
  const double groups = (double)g->groups, depth = (double)(walk.source_channels * taps);
  const int64_t rows = bc_filled_rows(pixels ? positions : walk.result_channels);
  /* Half a panel is multiplied as half. */
  const int64_t lanes = bc_round_up(pixels ? walk.result_channels : positions, k->lanes / 2);
  const double filled = groups * (double)rows * (double)lanes;
  const double tiles = filled / (double)(k->rows * k->lanes) * ceil(depth / (double)blocks->depth);
  const double segments =
      walk.taps_last ? 1.0 : (double)bc_count_blocks(blocks->depth, walk.source_channels);
  const double channel_blocks = (double)bc_count_blocks(walk.result_channels, blocks->filters);
  const double gatherings = groups * channel_blocks * (double)positions;
  const double gathered =
      pixels ? fmin(gatherings * depth, channel_blocks * count_turned(g, request, &walk))
             : gatherings * depth;
  const double weights = groups * (double)walk.result_channels * depth;
  bc_work work = {.tiles = tiles,
                  .multiplications = share_multiplied(g, &walk) * filled * depth,
                  .places = PLACES_OF_TASK * (double)schedule->tasks,
                  .packed = count_packed(g, request, &walk, weights,
                                         count_position_blocks(g, positions, blocks))};
  if (bc_lies_evenly(&walk, g)) { /* nothing is looked up; pixels are copied as tiles read them */
    work.moved = walk.taps_last ? 0.6 * gathered : 0.0;
    work.run = walk.positions;
    return work;
  }
  work.segments = tiles * segments;
  work.places += gatherings * (double)taps;
  work.moved = count_moved(&walk, gathered,
                           groups * (double)walk.result_channels * (double)positions *
                               ceil(depth / (double)blocks->depth)) +
               count_scattered(g, &walk);
  work.run = walk.taps_last ? k->lanes : walk.source_channels;
  return work;
}
