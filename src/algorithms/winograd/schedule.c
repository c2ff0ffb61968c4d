/* How winograd cuts its work into blocks. */
#include "algorithms/blocks.h"
#include "maps.h"

bc_winograd_areas bc_find_winograd_areas(const bc_tiling *t, const bc_blocks *blocks,
                                         bool accumulate)
{
  const int64_t lanes = bc_lanes(), panels = bc_count_blocks(blocks->filters, lanes);
  const int64_t tile_pixels = (t->height.form.results + t->height.form.taps - 1) *
                              (t->width.form.results + t->width.form.taps - 1);
  const size_t region = bc_workspace_book(bc_max(tile_pixels, BC_REGION_PIXELS) * BC_SLICE);
  const bc_winograd_areas areas = {
      .sources = blocks->pixels * bc_source_row(blocks->depth) + BC_CACHE_LINE,
      .filters = panels * lanes * blocks->depth + BC_CACHE_LINE,
      .sums = blocks->pixels * bc_sum_row(blocks->filters) + BC_CACHE_LINE,
      .pixels_bytes = region,
      .turned_bytes = accumulate ? region : 0,
      .taps_bytes = bc_workspace_book(BC_SLICE * t->taps * lanes),
      .table_bytes = bc_workspace_book_words(blocks->pixels)};
  bc_winograd_areas all = areas;
  all.sources_bytes = bc_workspace_book(t->points * areas.sources);
  all.filters_bytes = bc_workspace_book(t->points * areas.filters);
  all.sums_bytes = bc_workspace_book(t->points * areas.sums);
  return all;
}

size_t bc_winograd_bytes(const bc_winograd_areas *a)
{
  return a->sources_bytes + a->filters_bytes + a->sums_bytes + a->pixels_bytes + a->turned_bytes +
         a->taps_bytes + 2 * a->table_bytes;
}

/* What transforms cost with these blocks, in products of one multiplication: an element's value at
 * a point costs so many, and serves as many products as the block is long in the other direction.
 */
static const double source_price = 6.0, filter_price = 4.0, sum_price = 5.0;

static double count_overhead(const bc_tiling *t, const bc_blocks *b)
{
  const bool keeps_sources = b->depth >= t->sums.from_channels;
  return source_price / (double)(keeps_sources ? t->sums.to_channels : b->filters) +
         filter_price / (double)b->pixels + sum_price / (double)b->depth;
}

static int64_t tile_rows(void)
{
  return bc_cpu_kernels()->product->rows;
}

/* The most tiles that fit beside a block of channels and depth; maybe none. */
static int64_t fit_tiles(const bc_tiling *t, const bc_request *request, bc_blocks blocks)
{
  blocks.pixels = 0;
  bc_winograd_areas areas = bc_find_winograd_areas(t, &blocks, request->accumulate);
  const size_t fixed = bc_winograd_bytes(&areas);
  blocks.pixels = tile_rows();
  areas = bc_find_winograd_areas(t, &blocks, request->accumulate);
  const size_t each = bc_winograd_bytes(&areas) - fixed;
  return request->room > fixed ? (int64_t)((request->room - fixed) / each) * tile_rows() : 0;
}

/* The blocks with the least overhead; the smallest, if not even they fit. */
static bc_blocks choose_blocks(const bc_tiling *t, const bc_request *request)
{
  const int64_t most_filters = bc_min(t->sums.to_channels, BC_MOST_CHANNELS);
  const int64_t most_depth = bc_min(t->sums.from_channels, BC_MOST_CHANNELS);
  bc_blocks best = {.filters = bc_min(bc_lanes(), most_filters),
                    .depth = bc_min(BC_SLICE, most_depth),
                    .pixels = bc_min(tile_rows(), t->tiles)};
  double least = count_overhead(t, &best);
  for (int64_t k = bc_lanes(); k < most_filters + bc_lanes(); k += bc_lanes())
    for (int64_t c = BC_SLICE; c < most_depth + BC_SLICE; c += BC_SLICE) {
      bc_blocks blocks = {.filters = bc_min(k, most_filters), .depth = bc_min(c, most_depth)};
      const int64_t tiles = fit_tiles(t, request, blocks);
      if (tiles == 0)
        break;
      blocks.pixels = bc_even_block(t->tiles, tiles, tile_rows());
      if (count_overhead(t, &blocks) < least) {
        best = blocks;
        least = count_overhead(t, &blocks);
      }
    }
  return best;
}

/* So that threads have something to do, for results that do not hang on it: blocks of channels
 * transform the sources again, and blocks of tiles the filters. */
static void split_for_tasks(const bc_geometry *g, const bc_tiling *t, const bc_request *request,
                            bc_blocks *b)
{
  const int64_t wanted =
      request->threads == 1 ? 1 : bc_min(BC_ENOUGH_TASKS, 2 * (int64_t)request->threads);
  for (;;) {
    const int64_t parts = bc_count_blocks(t->sums.to_channels, b->channels);
    if (g->groups * parts * bc_count_blocks(t->tiles, b->pixels) >= wanted)
      return;
    const bool cuts_channels = b->channels / 2 >= bc_lanes(),
               cuts_tiles = b->pixels / 2 >= tile_rows();
    if (!cuts_channels && !cuts_tiles)
      return;
    const bool recomputes = b->channels > b->filters && b->depth < t->sums.from_channels;
    const double channels_cost = recomputes ? 0.0 : source_price / (double)b->channels;
    if (cuts_channels && (!cuts_tiles || channels_cost <= filter_price / (double)b->pixels)) {
      b->channels =
          bc_even_block(t->sums.to_channels, bc_round_up(b->channels / 2, bc_lanes()), bc_lanes());
      b->filters = bc_min(b->filters, b->channels);
    } else {
      b->pixels = bc_even_block(t->tiles, bc_round_up(b->pixels / 2, tile_rows()), tile_rows());
    }
  }
}

bc_schedule bc_winograd_prepare(const bc_geometry *g, const bc_request *request)
{
  const bc_tiling t = bc_tiling_of(g, request->pass);
  bc_blocks blocks = choose_blocks(&t, request);
  blocks.depth = bc_even_block(t.sums.from_channels, blocks.depth, BC_SLICE);
  blocks.filters = bc_even_block(t.sums.to_channels, blocks.filters, bc_lanes());
  blocks.channels = t.sums.to_channels;
  split_for_tasks(g, &t, request, &blocks);
  const bc_winograd_areas areas = bc_find_winograd_areas(&t, &blocks, request->accumulate);
  return (bc_schedule){.blocks = blocks,
                       .tasks = g->groups * bc_count_blocks(t.sums.to_channels, blocks.channels) *
                                bc_count_blocks(t.tiles, blocks.pixels),
                       .workspace.thread_bytes = bc_winograd_bytes(&areas)};
}

bc_work bc_winograd_work(const bc_geometry *g, const bc_schedule *schedule,
                         const bc_request *request)
{
  const bc_tiling t = bc_tiling_of(g, request->pass);
  const bc_blocks *b = &schedule->blocks;
  const bc_product_kernels *k = bc_cpu_kernels()->product;
  const double channels = (double)t.sums.to_channels, depth = (double)t.sums.from_channels;
  const double tiles = (double)bc_round_up(t.tiles, k->rows);
  const double lanes = (double)bc_round_up(t.sums.to_channels, k->lanes);
  const double points = (double)t.points * (double)g->groups;
  const double depth_blocks = (double)bc_count_blocks(t.sums.from_channels, b->depth);
  const double tile_blocks = (double)bc_count_blocks(t.tiles, b->pixels);
  const double turns = depth_blocks > 1.0
                           ? (double)bc_count_blocks(t.sums.to_channels, b->filters)
                           : (double)bc_count_blocks(t.sums.to_channels, b->channels);
  const double calls = points * tiles / (double)k->rows * lanes / (double)k->lanes * depth_blocks;
  const bool pixels_move = t.sums.from.channel != 1;
  return (bc_work){
      .tiles = calls,
      .segments = calls,
      .multiplications = points * tiles * lanes * depth,
      .packed = request->packed_weights
                    ? 0.0
                    : (double)g->groups * channels * depth * (double)t.taps * tile_blocks,
      .transformed =
          points * ((double)t.tiles * (depth * turns + channels) + lanes * depth * tile_blocks),
      .moved = pixels_move
                   ? (double)g->groups * (double)g->batch *
                         ((double)g->in_pixels * depth * turns + (double)g->out_pixels * channels)
                   : 0.0,
      .run = BC_SLICE};
}
