/* The weight gradient on SGEMM. Tiles of the gradient are tasks, each summed over images and
 * blocks of pixels in order; columns are the pixels of one image, or of several small images side
 * by side. A task works on the transpose of its tile,
 *
 *   tile^T [depth][filters] += patches [depth][columns] * (output gradient)^T [columns][filters].
 *
 * In NHWC all three lie as that product likes them. In NCHW the output gradient is transposed into
 * the workspace, which costs little, and so is the finished tile: neither operand of the product is
 * then transposed, which is what SGEMM does best.
 *
 * Where tiles are too few to keep cores busy, the units of work are cut into a fixed number of
 * slots with partial sums of their own, added in slot order at the end. */
#include "blocks.h"

#include "cpu.h"
#include "kernels/kernels.h"
#include "parallel.h"
#include "sgemm.h"

enum {
  TILE_FILTERS = 256,
  TILE_DEPTH = 288,
  LEAST_DEPTH = 64,
  MOST_COLUMNS = 448,
  JOINED_COLUMNS = 256,  /* images are put side by side up to about so many columns */
  SUM_ELEMENTS = 1 << 12 /* of the gradient in a task of the last sum */
};

static int64_t count_tiles(const bc_geometry *g, const bc_blocks *blocks)
{
  return g->groups * bc_count_blocks(g->out_channels, blocks->filters) *
         bc_count_blocks(g->patch_rows, blocks->depth);
}

/* A unit is a block of pixels of one image, or `images` whole images. */
static int64_t count_units(const bc_geometry *g, const bc_blocks *blocks)
{
  return bc_count_blocks(g->batch, blocks->images) * bc_count_blocks(g->out_pixels, blocks->pixels);
}

/* What a task has in its workspace: its transposed tile [depth][filters] and the transposed output
 * gradient [columns][filters] (both in NCHW only), and room for patches [depth][columns]. */
typedef struct area_elements {
  int64_t tile, gradient, patches;
} area_elements;

static area_elements area_sizes(const bc_geometry *g, const bc_blocks *blocks)
{
  const int64_t columns = blocks->images * blocks->pixels;
  const bool in_place = g->layout == BLASCONV_NHWC;
  return (area_elements){in_place ? 0 : blocks->filters * blocks->depth,
                         in_place ? 0 : columns * blocks->filters, blocks->depth * columns};
}

static size_t area_bytes(const bc_geometry *g, const bc_blocks *blocks)
{
  const area_elements sizes = area_sizes(g, blocks);
  return bc_workspace_book(sizes.tile) + bc_workspace_book(sizes.gradient) +
         bc_workspace_book(sizes.patches);
}

/* As many slots as give enough tasks, within what the room leaves. */
static int64_t choose_slots(const bc_geometry *g, const bc_blocks *blocks, size_t room)
{
  const int64_t slots = (int64_t)(room / bc_workspace_book(bc_count_weights(g)));
  const int64_t wanted = bc_count_blocks(BC_ENOUGH_TASKS, count_tiles(g, blocks));
  return bc_max(1, bc_min(bc_min(wanted, slots), count_units(g, blocks)));
}

/* Halves the largest extent until the areas fit into the room, or nothing is left to halve. */
static void shrink_to_room(const bc_geometry *g, size_t room, bc_blocks *blocks)
{
  while (area_bytes(g, blocks) > room) {
    int64_t *columns = blocks->images > 1 ? &blocks->images : &blocks->pixels;
    int64_t *largest = *columns >= blocks->depth ? columns : &blocks->depth;
    if (blocks->filters > *largest && g->layout == BLASCONV_NCHW)
      largest = &blocks->filters;
    if (*largest == 1)
      return;
    *largest /= 2;
  }
}

bc_schedule bc_weights_prepare(const bc_geometry *g, const bc_request *request)
{
  bc_schedule schedule = {0};
  bc_blocks *blocks = &schedule.blocks;
  blocks->filters = bc_even_block(g->out_channels, TILE_FILTERS, 32);
  blocks->depth = bc_even_block(g->patch_rows, TILE_DEPTH, 32);
  bc_split_for_tasks(g->patch_rows, g->groups * bc_count_blocks(g->out_channels, blocks->filters),
                     LEAST_DEPTH, 32, &blocks->depth);
  blocks->pixels = bc_even_block(g->out_pixels, MOST_COLUMNS, 32);
  blocks->images = bc_max(1, bc_min(g->batch, JOINED_COLUMNS / g->out_pixels));
  shrink_to_room(g, request->room, blocks);
  schedule.workspace.thread_bytes = area_bytes(g, blocks);
  if (schedule.workspace.thread_bytes < request->room)
    blocks->slots = choose_slots(g, blocks, request->room - schedule.workspace.thread_bytes);
  else
    blocks->slots = 1;
  if (blocks->slots > 1)
    schedule.workspace.shared_bytes = bc_workspace_book(blocks->slots * bc_count_weights(g));
  schedule.tasks = count_tiles(g, blocks) * blocks->slots;
  return schedule;
}

double bc_weights_cost(const bc_geometry *g, const bc_schedule *schedule, bool lowers)
{
  const bc_blocks *blocks = &schedule->blocks;
  const double products = (double)count_tiles(g, blocks) * (double)count_units(g, blocks);
  const double rows = bc_mean_block(g->patch_rows, blocks->depth);
  const double filters = bc_mean_block(g->out_channels, blocks->filters);
  const double columns =
      bc_mean_block(g->batch, blocks->images) * bc_mean_block(g->out_pixels, blocks->pixels);
  const double gradient = g->layout == BLASCONV_NHWC ? 0.0 : products * columns * filters;
  const double patches = lowers ? products * columns * rows : 0.0;
  const double tiles = (double)bc_count_weights(g) * (double)blocks->slots;
  return bc_cost(&(bc_work){.products = products,
                            .m = rows,
                            .n = filters,
                            .k = columns,
                            .moved = gradient + patches + tiles,
                            .run = bc_copied_run(g)},
                 schedule->tasks);
}

typedef struct context {
  const blasconv_plan *plan;
  const bc_tensors *tensors;
  void *workspace;
  bc_patch_source *patches;
} context;

/* A tile of the gradient, and the units that a task adds up into it. */
typedef struct tile {
  int64_t group, slot;
  bc_range filters, depth, units;
} tile;

static tile find_tile(const blasconv_plan *plan, int64_t task)
{
  const bc_geometry *g = &plan->geometry;
  const bc_blocks *blocks = &plan->schedule.blocks;
  const int64_t filter_blocks = bc_count_blocks(g->out_channels, blocks->filters);
  const int64_t depth_blocks = bc_count_blocks(g->patch_rows, blocks->depth);
  const int64_t units = count_units(g, blocks);
  const int64_t slot = task % blocks->slots, place = task / blocks->slots;
  return (tile){
      .group = place / depth_blocks / filter_blocks,
      .slot = slot,
      .filters = bc_block(place / depth_blocks % filter_blocks, blocks->filters, g->out_channels),
      .depth = bc_block(place % depth_blocks, blocks->depth, g->patch_rows),
      .units = {units * slot / blocks->slots, units * (slot + 1) / blocks->slots},
  };
}

/* The transpose of the output gradient, [columns][filters], of the unit's images. */
static bc_operand gradient_columns(const context *ctx, const tile *t, bc_range images,
                                   bc_range pixels, float *buffer)
{
  const bc_geometry *g = &ctx->plan->geometry;
  const int64_t filters = bc_range_length(t->filters), n = bc_range_length(pixels);
  const float *first = ctx->tensors->output + bc_output_offset(g, images.begin, t->group) +
                       bc_place(g->output, t->filters.begin, pixels.begin);
  if (g->layout == BLASCONV_NHWC) /* several images are whole, one pixel behind the other */
    return (bc_operand){first, g->output.pixel, 1};
  for (int64_t i = 0; i < bc_range_length(images); ++i)
    bc_cpu_kernels()->transpose(first + i * g->output.image, g->output.channel, filters, n,
                                buffer + i * n * filters, filters);
  return (bc_operand){buffer, filters, 1};
}

/* A task's memory, and the transposed tile [depth][filters] that it adds up. */
typedef struct work {
  bc_result tile;
  float *gradient, *patches;
} work;

/* Adds one unit to the transposed tile. */
static void add_unit(const context *ctx, const tile *t, int64_t unit, float beta, const work *w)
{
  const bc_geometry *g = &ctx->plan->geometry;
  const bc_blocks *blocks = &ctx->plan->schedule.blocks;
  const int64_t pixel_blocks = bc_count_blocks(g->out_pixels, blocks->pixels);
  const bc_range images = bc_block(unit / pixel_blocks, blocks->images, g->batch);
  const bc_range pixels = bc_block(unit % pixel_blocks, blocks->pixels, g->out_pixels);
  const bc_operand gradient = gradient_columns(ctx, t, images, pixels, w->gradient);
  const bc_operand patches = ctx->patches(g, ctx->tensors->input + bc_input_offset(g, 0, t->group),
                                          images, t->depth, pixels, w->patches);
  bc_sgemm(bc_range_length(t->depth), bc_range_length(t->filters),
           bc_range_length(images) * bc_range_length(pixels), patches, gradient, beta, w->tile);
}

/* Where the tile belongs, [filters][depth] of the gradient or of its slot. */
static float *tile_home(const context *ctx, const tile *t)
{
  const bc_geometry *g = &ctx->plan->geometry;
  float *gradient = ctx->plan->schedule.blocks.slots > 1
                        ? bc_workspace_shared(ctx->workspace) + t->slot * bc_count_weights(g)
                        : ctx->tensors->result;
  return gradient + bc_weights_offset(g, t->group) + t->filters.begin * g->patch_rows +
         t->depth.begin;
}

/* Tiles add to what is in the gradient; slots are added to it at the end. */
static bool tiles_accumulate(const context *ctx)
{
  return ctx->plan->request.accumulate && ctx->plan->schedule.blocks.slots == 1;
}

/* Transposes the finished tile home, or adds it there. */
static void store_tile(const context *ctx, const tile *t, const float *transposed)
{
  const int64_t rows = ctx->plan->geometry.patch_rows;
  const int64_t filters = bc_range_length(t->filters), depth = bc_range_length(t->depth);
  float *gradient = tile_home(ctx, t);
  if (!tiles_accumulate(ctx)) {
    bc_cpu_kernels()->transpose(transposed, filters, depth, filters, gradient, rows);
    return;
  }
  for (int64_t k = 0; k < filters; ++k)
    for (int64_t row = 0; row < depth; ++row)
      gradient[k * rows + row] += transposed[row * filters + k];
}

static void sum_tile(void *argument, int64_t task, int thread)
{
  const context *ctx = argument;
  const bc_schedule *schedule = &ctx->plan->schedule;
  const bool in_place = ctx->plan->geometry.layout == BLASCONV_NHWC;
  const area_elements sizes = area_sizes(&ctx->plan->geometry, &schedule->blocks);
  const tile t = find_tile(ctx->plan, task);
  char *start = (char *)bc_workspace_of_thread(&schedule->workspace, ctx->workspace, thread);
  char *gradient = start + bc_workspace_book(sizes.tile);
  char *patches = gradient + bc_workspace_book(sizes.gradient);
  const work w = {.tile = in_place
                              ? (bc_result){tile_home(ctx, &t), 1, ctx->plan->geometry.patch_rows}
                              : (bc_result){(float *)(void *)start, bc_range_length(t.filters), 1},
                  .gradient = (float *)(void *)gradient,
                  .patches = (float *)(void *)patches};
  const float first = in_place && tiles_accumulate(ctx) ? 1.0f : 0.0f;
  for (int64_t unit = t.units.begin; unit < t.units.end; ++unit)
    add_unit(ctx, &t, unit, unit == t.units.begin ? first : 1.0f, &w);
  if (!in_place)
    store_tile(ctx, &t, w.tile.data);
}

/* SUM_ELEMENTS of the gradient: the slots' partial sums, always in the same order. */
static void sum_slots(void *argument, int64_t task, int thread)
{
  (void)thread;
  const context *ctx = argument;
  const int64_t weights = bc_count_weights(&ctx->plan->geometry);
  const bc_range part = bc_block(task, SUM_ELEMENTS, weights);
  const float *slots = bc_workspace_shared(ctx->workspace);
  float *gradient = ctx->tensors->result;
  for (int64_t i = part.begin; i < part.end; ++i) {
    float sum = slots[i];
    for (int64_t slot = 1; slot < ctx->plan->schedule.blocks.slots; ++slot)
      sum += slots[slot * weights + i];
    gradient[i] = ctx->plan->request.accumulate ? gradient[i] + sum : sum;
  }
}

void bc_weights_run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace,
                    bc_patch_source *patches)
{
  context ctx = {plan, tensors, workspace, patches};
  bc_parallel_for(plan->threads, plan->schedule.tasks, sum_tile, &ctx);
  if (plan->schedule.blocks.slots > 1)
    bc_parallel_for(plan->threads, bc_count_blocks(bc_count_weights(&plan->geometry), SUM_ELEMENTS),
                    sum_slots, &ctx);
}
