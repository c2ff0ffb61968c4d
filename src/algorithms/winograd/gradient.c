/* The gradient of the weights. A task has a block of channels and filters, and adds up the products
 * of all tiles, or of a slot's, at points; these sums are transformed once, at the end. */
#include "algorithms/slots.h"
#include "passes.h"

static void add_tiles(bc_winograd_job *job, bc_range tiles, bool add)
{
  const int64_t channels = bc_range_length(job->channels);
  job->tiles = tiles;
  bc_spread_sources(job);
  bc_spread_gradients(job);
  bc_multiply_points(job, &(bc_point_product){.rows = channels,
                                              .row_step = 1,
                                              .length = bc_range_length(tiles),
                                              .factor_step = bc_source_row(channels),
                                              .add = add});
}

static void run_task(void *argument, int64_t task, int thread)
{
  const bc_winograd_context *ctx = argument;
  const blasconv_plan *plan = ctx->plan;
  const bc_blocks *blocks = &plan->schedule.blocks;
  const bc_sums *sums = &ctx->tiling.sums;
  const int64_t filter_blocks = bc_count_blocks(sums->to_channels, blocks->filters);
  const int64_t channel_blocks = bc_count_blocks(sums->from_channels, blocks->depth);
  const bc_slot_task at = bc_slot_task_at(plan, task);
  const bc_range units =
      bc_slot_units(plan, bc_count_blocks(ctx->tiling.tiles, blocks->pixels), at.slot);
  bc_winograd_job job = bc_winograd_job_start(ctx, thread);
  job.group = at.part / filter_blocks / channel_blocks;
  job.filters = bc_block(at.part % filter_blocks, blocks->filters, sums->to_channels);
  job.channels =
      bc_block(at.part / filter_blocks % channel_blocks, blocks->depth, sums->from_channels);
  for (int64_t unit = units.begin; unit < units.end; ++unit)
    add_tiles(&job, bc_block(unit, blocks->pixels, ctx->tiling.tiles), unit > units.begin);
  bc_collect_gradient(&job, bc_slot_accumulates(plan),
                      bc_slot_gradient(plan, ctx->tensors, ctx->workspace, at.slot) +
                          bc_weights_offset(&plan->geometry, job.group));
}

void bc_winograd_run_gradient(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace)
{
  bc_winograd_run_tasks(plan, tensors, workspace, run_task);
  bc_slots_add_up(plan, tensors, workspace);
}
