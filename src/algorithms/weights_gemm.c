/* The weight gradient on SGEMM. Tiles of the gradient are tasks, each summed over images and
 * blocks of pixels in order. A task works on the transpose of its tile,
 *
 *   tile^T [depth][filters] += patches [depth][columns] * (output gradient)^T [columns][filters],
 *
 * since transposing the output gradient costs little, and neither operand of the product is then
 * transposed, which is what SGEMM does best. Columns are the pixels of one image, or of several
 * small images side by side. Where tiles are too few to keep cores busy, the units of work are cut
 * into a fixed number of slots with partial sums of their own, added in slot order at the end. */
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

/* What a task has in its workspace: its transposed tile [depth][filters], the transposed output
 * gradient [columns][filters], and room for patches [depth][columns]. */
typedef struct area_elements {
  int64_t tile, gradient, patches;
} area_elements;

static area_elements area_sizes(const bc_blocks *blocks)
{
  const int64_t columns = blocks->images * blocks->pixels;
  return (area_elements){blocks->filters * blocks->depth, columns * blocks->filters,
                         blocks->depth * columns};
}

/* As many slots as give enough tasks, within what the workspace of one thread leaves. */
static int64_t choose_slots(const bc_geometry *g, const bc_blocks *blocks, size_t thread_bytes)
{
  const size_t slot_bytes = bc_workspace_book(bc_count_weights(g));
  const int64_t room = (int64_t)((BC_WORKSPACE_THREAD_LIMIT - thread_bytes) / slot_bytes);
  const int64_t wanted = bc_count_blocks(BC_ENOUGH_TASKS, count_tiles(g, blocks));
  return bc_max(1, bc_min(bc_min(wanted, room), count_units(g, blocks)));
}

bc_schedule bc_weights_prepare(const bc_geometry *g)
{
  bc_schedule schedule = {0};
  bc_blocks *blocks = &schedule.blocks;
  blocks->filters = bc_even_block(g->out_channels, TILE_FILTERS, 32);
  blocks->depth = bc_even_block(g->patch_rows, TILE_DEPTH, 32);
  bc_split_for_tasks(g->patch_rows, g->groups * bc_count_blocks(g->out_channels, blocks->filters),
                     LEAST_DEPTH, 32, &blocks->depth);
  blocks->pixels = bc_even_block(g->out_pixels, MOST_COLUMNS, 32);
  blocks->images = bc_max(1, bc_min(g->batch, JOINED_COLUMNS / g->out_pixels));
  const area_elements sizes = area_sizes(blocks);
  schedule.workspace.thread_bytes = bc_workspace_book(sizes.tile) +
                                    bc_workspace_book(sizes.gradient) +
                                    bc_workspace_book(sizes.patches);
  blocks->slots = choose_slots(g, blocks, schedule.workspace.thread_bytes);
  if (blocks->slots > 1)
    schedule.workspace.shared_bytes = bc_workspace_book(blocks->slots * bc_count_weights(g));
  schedule.tasks = count_tiles(g, blocks) * blocks->slots;
  return schedule;
}

typedef struct context {
  const blasconv_plan *plan;
  const blasconv_arguments *tensors;
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
static void transpose_gradient(const context *ctx, const tile *t, bc_range images, bc_range pixels,
                               float *columns)
{
  const bc_geometry *g = &ctx->plan->geometry;
  const bc_kernels *kernels = bc_cpu_kernels();
  const int64_t filters = bc_range_length(t->filters), n = bc_range_length(pixels);
  for (int64_t image = images.begin; image < images.end; ++image, columns += n * filters)
    kernels->transpose(ctx->tensors->output_gradient + bc_output_offset(g, image, t->group) +
                           t->filters.begin * g->out_pixels + pixels.begin,
                       g->out_pixels, filters, n, columns, filters);
}

/* Adds one unit to the transposed tile; areas[] as area_sizes() says. */
static void add_unit(const context *ctx, const tile *t, int64_t unit, float beta,
                     float *const areas[3])
{
  const bc_geometry *g = &ctx->plan->geometry;
  const bc_blocks *blocks = &ctx->plan->schedule.blocks;
  const int64_t pixel_blocks = bc_count_blocks(g->out_pixels, blocks->pixels);
  const bc_range images = bc_block(unit / pixel_blocks, blocks->images, g->batch);
  const bc_range pixels = bc_block(unit % pixel_blocks, blocks->pixels, g->out_pixels);
  const int64_t filters = bc_range_length(t->filters);
  transpose_gradient(ctx, t, images, pixels, areas[1]);
  const bc_operand patches = ctx->patches(g, ctx->tensors->input + bc_input_offset(g, 0, t->group),
                                          images, t->depth, pixels, areas[2]);
  bc_sgemm(bc_range_length(t->depth), filters, bc_range_length(images) * bc_range_length(pixels),
           patches, areas[1], filters, beta, areas[0], filters);
}

/* Transposes the finished tile into the gradient, or adds it. */
static void store_tile(const context *ctx, const tile *t, const float *transposed)
{
  const bc_geometry *g = &ctx->plan->geometry;
  const bool slots = ctx->plan->schedule.blocks.slots > 1;
  const int64_t filters = bc_range_length(t->filters), depth = bc_range_length(t->depth);
  float *gradient = slots ? bc_workspace_shared(ctx->workspace) + t->slot * bc_count_weights(g)
                          : ctx->tensors->weights_gradient;
  gradient += bc_weights_offset(g, t->group) + t->filters.begin * g->patch_rows + t->depth.begin;
  if (slots || !ctx->plan->request.accumulate) {
    bc_cpu_kernels()->transpose(transposed, filters, depth, filters, gradient, g->patch_rows);
    return;
  }
  for (int64_t k = 0; k < filters; ++k)
    for (int64_t row = 0; row < depth; ++row)
      gradient[k * g->patch_rows + row] += transposed[row * filters + k];
}

static void sum_tile(void *argument, int64_t task, int thread)
{
  const context *ctx = argument;
  const bc_schedule *schedule = &ctx->plan->schedule;
  const area_elements sizes = area_sizes(&schedule->blocks);
  const tile t = find_tile(ctx->plan, task);
  char *start = (char *)bc_workspace_of_thread(&schedule->workspace, ctx->workspace, thread);
  char *gradient = start + bc_workspace_book(sizes.tile);
  char *patches = gradient + bc_workspace_book(sizes.gradient);
  float *const areas[] = {(float *)(void *)start, (float *)(void *)gradient,
                          (float *)(void *)patches};
  for (int64_t unit = t.units.begin; unit < t.units.end; ++unit)
    add_unit(ctx, &t, unit, unit == t.units.begin ? 0.0f : 1.0f, areas);
  store_tile(ctx, &t, areas[0]);
}

/* SUM_ELEMENTS of the gradient: the slots' partial sums, always in the same order. */
static void sum_slots(void *argument, int64_t task, int thread)
{
  (void)thread;
  const context *ctx = argument;
  const int64_t weights = bc_count_weights(&ctx->plan->geometry);
  const bc_range part = bc_block(task, SUM_ELEMENTS, weights);
  const float *slots = bc_workspace_shared(ctx->workspace);
  float *gradient = ctx->tensors->weights_gradient;
  for (int64_t i = part.begin; i < part.end; ++i) {
    float sum = slots[i];
    for (int64_t slot = 1; slot < ctx->plan->schedule.blocks.slots; ++slot)
      sum += slots[slot * weights + i];
    gradient[i] = ctx->plan->request.accumulate ? gradient[i] + sum : sum;
  }
}

void bc_weights_run(const blasconv_plan *plan, const blasconv_arguments *tensors, void *workspace,
                    bc_patch_source *patches)
{
  context ctx = {plan, tensors, workspace, patches};
  bc_parallel_for(plan->threads, plan->schedule.tasks, sum_tile, &ctx);
  if (plan->schedule.blocks.slots > 1)
    bc_parallel_for(plan->threads, bc_count_blocks(bc_count_weights(&plan->geometry), SUM_ELEMENTS),
                    sum_slots, &ctx);
}
