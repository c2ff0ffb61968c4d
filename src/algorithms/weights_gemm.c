/* The weight gradient on SGEMM. Tiles of the gradient are tasks; each is summed over images and
 * blocks of pixels in order. Where tiles are too few to keep cores busy, images and pixels are cut
 * into a fixed number of slots with partial sums of their own, added in slot order at the end. */
#include "blocks.h"

#include "parallel.h"
#include "sgemm.h"

#include <string.h>

enum {
  TILE_FILTERS = 256,
  TILE_DEPTH = 320,
  LEAST_DEPTH = 64,
  SLOT_ELEMENTS = 1 << 18, /* of all slots together: 1 MiB, half of what one thread may use */
  SUM_ELEMENTS = 1 << 12   /* of the gradient in a task of the last sum */
};

static int64_t count_tiles(const bc_geometry *g, const bc_blocks *blocks)
{
  return g->groups * bc_count_blocks(g->out_channels, blocks->filters) *
         bc_count_blocks(g->patch_rows, blocks->depth);
}

/* A unit is one block of pixels of one image. */
static int64_t count_units(const bc_geometry *g, const bc_blocks *blocks)
{
  return g->batch * bc_count_blocks(g->out_pixels, blocks->pixels);
}

static int64_t choose_slots(const bc_geometry *g, const bc_blocks *blocks)
{
  const int64_t wanted = bc_count_blocks(BC_ENOUGH_TASKS, count_tiles(g, blocks));
  const int64_t room = SLOT_ELEMENTS / bc_count_weights(g);
  const int64_t slots = bc_min(bc_min(wanted, room), count_units(g, blocks));
  return bc_max(1, slots);
}

bc_schedule bc_weights_prepare(const bc_geometry *g, bool buffered)
{
  bc_schedule schedule = {0};
  bc_blocks *blocks = &schedule.blocks;
  blocks->filters = bc_even_block(g->out_channels, TILE_FILTERS, 32);
  blocks->depth = bc_even_block(g->patch_rows, TILE_DEPTH, 32);
  bc_split_for_tasks(g->patch_rows, g->groups * bc_count_blocks(g->out_channels, blocks->filters),
                     LEAST_DEPTH, 32, &blocks->depth);
  blocks->pixels = bc_even_block(g->out_pixels, BC_PATCH_ELEMENTS / blocks->depth, 32);
  bc_split_for_tasks(g->out_pixels, g->batch * count_tiles(g, blocks), 128, 32, &blocks->pixels);
  blocks->slots = choose_slots(g, blocks);
  schedule.tasks = count_tiles(g, blocks) * blocks->slots;
  if (blocks->slots > 1)
    schedule.workspace.shared_bytes = bc_workspace_book(blocks->slots * bc_count_weights(g));
  if (buffered)
    schedule.workspace.thread_bytes = bc_workspace_book(blocks->depth * blocks->pixels);
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

/* Adds one unit: tile += dY [filters][pixels] patches [depth][pixels]^T. */
static void add_unit(const context *ctx, const tile *t, int64_t unit, float *buffer, float beta,
                     float *gradient)
{
  const bc_geometry *g = &ctx->plan->geometry;
  const bc_blocks *blocks = &ctx->plan->schedule.blocks;
  const int64_t pixel_blocks = bc_count_blocks(g->out_pixels, blocks->pixels);
  const int64_t image = unit / pixel_blocks;
  const bc_range pixels = bc_block(unit % pixel_blocks, blocks->pixels, g->out_pixels);
  int64_t stride;
  const float *patches = ctx->patches(g, ctx->tensors->input + bc_input_offset(g, image, t->group),
                                      t->depth, pixels, buffer, &stride);
  const float *output_gradient = ctx->tensors->output_gradient +
                                 bc_output_offset(g, image, t->group) +
                                 t->filters.begin * g->out_pixels + pixels.begin;
  bc_sgemm(bc_range_length(t->filters), bc_range_length(t->depth), bc_range_length(pixels),
           (bc_operand){output_gradient, g->out_pixels, false}, (bc_operand){patches, stride, true},
           beta, gradient, g->patch_rows);
}

static void sum_tile(void *argument, int64_t task, int thread)
{
  const context *ctx = argument;
  const bc_geometry *g = &ctx->plan->geometry;
  const bc_schedule *schedule = &ctx->plan->schedule;
  const tile t = find_tile(ctx->plan, task);
  const bool slots = schedule->blocks.slots > 1;
  float *gradient = slots ? bc_workspace_shared(ctx->workspace) + t.slot * bc_count_weights(g)
                          : ctx->tensors->weights_gradient;
  gradient += bc_weights_offset(g, t.group) + t.filters.begin * g->patch_rows + t.depth.begin;
  float *buffer = schedule->workspace.thread_bytes == 0
                      ? NULL
                      : bc_workspace_of_thread(&schedule->workspace, ctx->workspace, thread);
  float beta = !slots && ctx->plan->request.accumulate ? 1.0f : 0.0f;
  for (int64_t unit = t.units.begin; unit < t.units.end; ++unit, beta = 1.0f)
    add_unit(ctx, &t, unit, buffer, beta, gradient);
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
