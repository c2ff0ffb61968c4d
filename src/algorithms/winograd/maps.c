/* Forward and backward data. A task has a block of tiles and some filters, and goes over these and
 * over the channels block by block. */
#include "passes.h"

/* Sources stay where they are for the next block of filters, if one block has all channels. */
static void run_filters(bc_winograd_job *job, bool has_sources)
{
  const int64_t channels = job->tiling->sums.from_channels;
  const int64_t block = job->plan->schedule.blocks.depth;
  for (int64_t c = 0; c < channels; c += block) {
    job->channels = (bc_range){c, bc_min(c + block, channels)};
    if (!has_sources || block < channels)
      bc_spread_sources(job);
    bc_spread_filters(job);
    const int64_t length = bc_range_length(job->channels);
    bc_multiply_points(job, &(bc_point_product){.rows = bc_range_length(job->tiles),
                                                .row_step = bc_source_row(length),
                                                .length = length,
                                                .factor_step = 1,
                                                .add = c > 0});
  }
  bc_collect_results(job);
}

static void run_task(void *argument, int64_t task, int thread)
{
  const bc_winograd_context *ctx = argument;
  const bc_blocks *blocks = &ctx->plan->schedule.blocks;
  const int64_t filters = ctx->tiling.sums.to_channels, groups = ctx->plan->geometry.groups;
  const int64_t parts = bc_count_blocks(filters, blocks->channels);
  const bc_range own = bc_even_range(task % parts, blocks->channels, bc_lanes(), filters);
  bc_winograd_job job = bc_winograd_job_start(ctx, thread);
  job.group = task / parts % groups;
  job.tiles =
      bc_even_range(task / parts / groups, blocks->pixels, bc_tile_rows(), ctx->tiling.tiles);
  for (int64_t k = own.begin; k < own.end; k += blocks->filters) {
    job.filters = (bc_range){k, bc_min(k + blocks->filters, own.end)};
    run_filters(&job, k > own.begin);
  }
}

void bc_winograd_run_maps(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace)
{
  bc_winograd_run_tasks(plan, tensors, workspace, run_task);
}
