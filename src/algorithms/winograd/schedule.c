/* How winograd cuts its work into blocks: `filters`, `depth` (channels) and `pixels` (tiles) of a
 * block, and `channels`, the filters that a task has. */
#include "algorithms/blocks.h"
#include "algorithms/slots.h"
#include "passes.h"

static bool is_gradient(const bc_request *request)
{
  return request->pass == BLASCONV_BACKWARD_WEIGHTS;
}

/* Rows of the sums, and how many products each adds up. */
static int64_t count_rows(const bc_request *request, const bc_blocks *b)
{
  return is_gradient(request) ? b->depth : b->pixels;
}

static int64_t count_products(const bc_request *request, const bc_blocks *b)
{
  return is_gradient(request) ? b->pixels : b->depth;
}

bc_winograd_areas bc_find_winograd_areas(const bc_tiling *t, const bc_blocks *b,
                                         const bc_request *request)
{
  const int64_t lanes = bc_lanes(), tile_pixels = t->height.form.points * t->width.form.points;
  const int64_t rows = count_rows(request, b);
  const size_t region = bc_workspace_book(bc_max(tile_pixels, BC_REGION_PIXELS) * BC_SLICE);
  const int64_t sources = b->pixels * bc_source_row(b->depth) + BC_CACHE_LINE;
  const int64_t panels =
      bc_round_up(b->filters, lanes) * count_products(request, b) + BC_CACHE_LINE;
  const int64_t sums = rows * bc_sum_row(b->filters) + BC_CACHE_LINE;
  return (bc_winograd_areas){.sources = sources,
                             .panels = panels,
                             .sums = sums,
                             .sources_bytes = bc_workspace_book(t->points * sources),
                             .panels_bytes = bc_workspace_book(t->points * panels),
                             .sums_bytes = bc_workspace_book(t->points * sums),
                             .pixels_bytes = region,
                             .turned_bytes = request->accumulate ? region : 0,
                             .taps_bytes =
                                 bc_workspace_book(BC_SLICE * t->taps * bc_max(lanes, BC_SLICE))};
}

size_t bc_winograd_bytes(const bc_winograd_areas *a)
{
  return a->sources_bytes + a->panels_bytes + a->sums_bytes + a->pixels_bytes + a->turned_bytes +
         a->taps_bytes;
}

/* What transforms cost with these blocks, in products of one multiplication: an element's value at
 * a point costs so many, and serves as many products as the block is long in the other direction;
 * a sum is read and written once for each block of its length. Packed weights cost no less: their
 * values go to as many places. */
static const double source_price = 22.0, panel_price = 15.0, sum_price = 6.0;

static double count_overhead(const bc_tiling *t, const bc_request *request, const bc_blocks *b)
{
  const bool keeps_sources = !is_gradient(request) && b->depth >= t->sums.from_channels;
  return source_price / (double)(keeps_sources ? t->sums.to_channels : b->filters) +
         panel_price / (double)count_rows(request, b) +
         sum_price / (double)count_products(request, b);
}

/* The most tiles that fit beside a block of filters and channels; maybe none. */
static int64_t fit_tiles(const bc_tiling *t, const bc_request *request, bc_blocks blocks)
{
  blocks.pixels = 0;
  bc_winograd_areas areas = bc_find_winograd_areas(t, &blocks, request);
  const size_t fixed = bc_winograd_bytes(&areas);
  blocks.pixels = bc_tile_rows();
  areas = bc_find_winograd_areas(t, &blocks, request);
  const size_t each = bc_winograd_bytes(&areas) - fixed;
  return request->room > fixed ? (int64_t)((request->room - fixed) / each) * bc_tile_rows() : 0;
}

/* The blocks with the least overhead; the smallest, if not even they fit. */
static bc_blocks choose_blocks(const bc_tiling *t, const bc_request *request)
{
  const int64_t most_filters = bc_min(t->sums.to_channels, BC_MOST_CHANNELS);
  const int64_t most_depth = bc_min(t->sums.from_channels, BC_MOST_CHANNELS);
  bc_blocks best = {.filters = bc_min(bc_lanes(), most_filters),
                    .depth = bc_min(BC_SLICE, most_depth),
                    .pixels = bc_min(bc_tile_rows(), t->tiles)};
  double least = count_overhead(t, request, &best);
  for (int64_t k = bc_lanes(); k < most_filters + bc_lanes(); k += bc_lanes())
    for (int64_t c = BC_SLICE; c < most_depth + BC_SLICE; c += BC_SLICE) {
      bc_blocks blocks = {.filters = bc_min(k, most_filters), .depth = bc_min(c, most_depth)};
      const int64_t tiles = fit_tiles(t, request, blocks);
      if (tiles == 0)
        break;
      blocks.pixels = bc_even_block(t->tiles, tiles, bc_tile_rows());
      if (count_overhead(t, request, &blocks) < least) {
        best = blocks;
        least = count_overhead(t, request, &blocks);
      }
    }
  best.depth = bc_even_block(t->sums.from_channels, best.depth, BC_SLICE);
  best.filters = bc_even_block(t->sums.to_channels, best.filters, bc_lanes());
  return best;
}

static int64_t count_tasks(const bc_geometry *g, const bc_tiling *t, const bc_blocks *b)
{
  return g->groups * bc_count_blocks(t->sums.to_channels, b->channels) *
         bc_count_blocks(t->tiles, b->pixels);
}

/* So that threads have something to do, for results that do not hang on it: blocks of filters
 * transform the sources again, and blocks of tiles the filters. */
static void split_for_tasks(const bc_geometry *g, const bc_tiling *t, const bc_request *request,
                            bc_blocks *b)
{
  const int64_t filters = t->sums.to_channels, lanes = bc_lanes(), rows = bc_tile_rows();
  while (count_tasks(g, t, b) < bc_wanted_tasks(request)) {
    const bool cuts_filters = b->channels / 2 >= lanes, cuts_tiles = b->pixels / 2 >= rows;
    const bool recomputes = b->channels > b->filters && b->depth < t->sums.from_channels;
    const double filters_cost = recomputes ? 0.0 : source_price / (double)b->channels;
    if (!cuts_filters && !cuts_tiles)
      return;
    if (cuts_filters && (!cuts_tiles || filters_cost <= panel_price / (double)b->pixels)) {
      b->channels = bc_even_block(filters, bc_round_up(b->channels / 2, lanes), lanes);
      b->filters = bc_even_block(b->channels, b->filters, lanes);
    } else {
      b->pixels = bc_even_block(t->tiles, bc_round_up(b->pixels / 2, rows), rows);
    }
  }
}

static bc_schedule prepare_maps(const bc_geometry *g, const bc_request *request)
{
  const bc_tiling t = bc_tiling_of(g, request->pass);
  bc_blocks blocks = choose_blocks(&t, request);
  blocks.channels = t.sums.to_channels;
  split_for_tasks(g, &t, request, &blocks);
  /* Each block of tiles transforms the filters again. */
  blocks.pixels = bc_balanced_block(
      &(bc_shares){.threads = request->threads,
                   .others = g->groups * bc_count_blocks(t.sums.to_channels, blocks.channels),
                   .whole = t.tiles,
                   .unit = bc_tile_rows(),
                   .extra = panel_price / (double)bc_tile_rows()},
      bc_tile_rows(), blocks.pixels, blocks.pixels);
  const bc_winograd_areas areas = bc_find_winograd_areas(&t, &blocks, request);
  return (bc_schedule){.blocks = blocks,
                       .tasks = count_tasks(g, &t, &blocks),
                       .workspace.thread_bytes = bc_winograd_bytes(&areas)};
}

static int64_t count_gradient_tasks(const bc_geometry *g, const bc_tiling *t, const bc_blocks *b)
{
  return g->groups * bc_count_blocks(t->sums.to_channels, b->filters) *
         bc_count_blocks(t->sums.from_channels, b->depth);
}

/* The same for the gradient, whose slots are fewer where blocks need the room: the larger side of a
 * block of it is cut. */
static void split_gradient(const bc_geometry *g, const bc_tiling *t, const bc_request *request,
                           bc_blocks *b)
{
  const int64_t filters = t->sums.to_channels, channels = t->sums.from_channels;
  while (count_gradient_tasks(g, t, b) * b->slots < bc_wanted_tasks(request)) {
    if (b->filters / 2 >= bc_lanes() && b->filters >= b->depth)
      b->filters = bc_even_block(filters, bc_round_up(b->filters / 2, bc_lanes()), bc_lanes());
    else if (b->depth / 2 >= BC_SLICE)
      b->depth = bc_even_block(channels, bc_round_up(b->depth / 2, BC_SLICE), BC_SLICE);
    else
      return;
  }
}

static bc_schedule prepare_gradient(const bc_geometry *g, const bc_request *request)
{
  const bc_tiling t = bc_tiling_of(g, request->pass);
  bc_blocks blocks = choose_blocks(&t, request);
  bc_winograd_areas areas = bc_find_winograd_areas(&t, &blocks, request);
  bc_schedule schedule = bc_slots_schedule(g, count_gradient_tasks(g, &t, &blocks),
                                           bc_count_blocks(t.tiles, blocks.pixels),
                                           bc_winograd_bytes(&areas), request);
  blocks.slots = schedule.blocks.slots;
  split_gradient(g, &t, request, &blocks);
  areas = bc_find_winograd_areas(&t, &blocks, request);
  schedule.blocks = blocks;
  schedule.tasks = count_gradient_tasks(g, &t, &blocks) * blocks.slots;
  schedule.workspace.thread_bytes = bc_winograd_bytes(&areas);
  return schedule;
}

bc_schedule bc_winograd_prepare(const bc_geometry *geometry, const bc_request *request)
{
  return is_gradient(request) ? prepare_gradient(geometry, request)
                              : prepare_maps(geometry, request);
}

bc_work bc_winograd_work(const bc_geometry *g, const bc_request *request,
                         const bc_schedule *schedule)
{
  const bc_tiling t = bc_tiling_of(g, request->pass);
  const bc_blocks *b = &schedule->blocks;
  const bc_product_kernels *k = bc_cpu_kernels()->product;
  const bool gradient = is_gradient(request);
  const double groups = (double)g->groups, points = (double)t.points * groups;
  const double filters = (double)t.sums.to_channels, channels = (double)t.sums.from_channels;
  const double lanes = (double)bc_round_up(t.sums.to_channels, k->lanes), tiles = (double)t.tiles;
  const double filter_blocks = (double)bc_count_blocks(t.sums.to_channels, b->filters);
  const double channel_blocks = (double)bc_count_blocks(t.sums.from_channels, b->depth);
  const double tile_blocks = (double)bc_count_blocks(t.tiles, b->pixels);
  const double sources = tiles * (double)bc_round_up(t.sums.from_channels, BC_SLICE);
  const double rows = gradient ? channels : tiles,
               row_blocks = gradient ? channel_blocks : tile_blocks;
  const double length = gradient ? tiles : channels, cuts = gradient ? tile_blocks : channel_blocks;
  const double filled =
      (double)bc_round_up(gradient ? t.sums.from_channels : t.tiles, k->packed_rows);
  const double source_turns = gradient || channel_blocks > 1.0 ? filter_blocks : 1.0;
  const double calls = points * filled / (double)k->packed_rows * lanes / (double)k->lanes * cuts;
  const double weights = groups * filters * channels * (double)t.taps;
  const double from_pixels =
      (double)(g->batch *
               (gradient || request->pass == BLASCONV_FORWARD ? g->in_pixels : g->out_pixels));
  const double to_pixels =
      (double)(g->batch * (request->pass == BLASCONV_FORWARD ? g->out_pixels : g->in_pixels));
  const double gradients = groups * (double)(g->batch * g->out_pixels) * filters * row_blocks;
  const double results = gradient ? 0.0 : groups * to_pixels * filters;
  const bool turned = t.sums.from.channel != 1;
  const double sources_moved = groups * from_pixels * channels * source_turns;
  return (bc_work){
      .tiles = calls,
      .multiplications = points * filled * lanes * length,
      .packed = gradient                  ? weights * (double)b->slots
                : request->packed_weights ? 0.0
                                          : weights * row_blocks,
      .transformed = points * (sources * source_turns + lanes * length * row_blocks +
                               rows * lanes * (gradient ? (double)b->slots : 1.0)),
      .moved = results + (turned ? sources_moved + (gradient ? gradients : 0.0) : 0.0),
      .run = BC_SLICE,
      /* what comes from memory takes half as long as in SGEMM, which fetches nothing */
      .far_pixels = gradient ? 0.5 * bc_far_pixels(g, request->pass) : 0.0};
}
