#include "maps.h"

#include "cpu.h"
#include "parallel.h"

typedef struct context {
  const blasconv_plan *plan;
  const bc_tensors *tensors;
  bc_tiling tiling;
  bc_winograd_areas areas;
  void *workspace;
} context;

/* Where the rows of the products are at a point, and where they go. */
static void find_rows(const bc_winograd_job *job, int64_t point)
{
  const int64_t row = bc_source_row(bc_range_length(job->depth));
  const int64_t sum_row = bc_sum_row(bc_range_length(job->channels));
  const float *source = job->sources + point * job->areas->sources;
  float *sum = job->sums + point * job->areas->sums;
  for (int64_t i = 0; i < bc_range_length(job->tiles); ++i) {
    job->rows[i] = source + i * row;
    job->results[i] = sum + i * sum_row;
  }
}

/* All rows by the panel whose first channel is number `channel` of the block. */
static void multiply_panel(const bc_winograd_job *job, const float *panel, int64_t channel)
{
  const bc_product_kernels *k = job->kernels->product;
  const int64_t tiles = bc_range_length(job->tiles);
  const int64_t lanes = bc_min(k->lanes, bc_range_length(job->channels) - channel);
  for (int64_t i = 0; i < tiles; i += k->rows)
    k->multiply(&(bc_tile){.rows = bc_min(k->rows, tiles - i),
                           .rows_at = job->rows + i,
                           .segments = 1,
                           .length = bc_range_length(job->depth),
                           .step = 1,
                           .panel = panel,
                           .results = job->results + i,
                           .offset = channel,
                           .add = job->depth.begin > 0,
                           .half = 2 * lanes <= k->lanes});
}

static void multiply(const bc_winograd_job *job)
{
  const int64_t depth = bc_range_length(job->depth), channels = bc_range_length(job->channels);
  for (int64_t point = 0; point < job->tiling->points; ++point) {
    const float *filters = job->filters + point * job->areas->filters;
    find_rows(job, point);
    for (int64_t c = 0; c < channels; c += bc_lanes())
      multiply_panel(job, filters + c * depth, c);
  }
}

/* Sources stay where they are for the next block of channels, if one block has all their depth. */
static void run_channels(bc_winograd_job *job, bool has_sources)
{
  const int64_t depth = job->tiling->sums.from_channels;
  const int64_t block = job->plan->schedule.blocks.depth;
  for (int64_t c = 0; c < depth; c += block) {
    job->depth = (bc_range){c, bc_min(c + block, depth)};
    if (!has_sources || block < depth)
      bc_spread_sources(job);
    bc_spread_filters(job);
    multiply(job);
  }
  bc_collect_results(job);
}

static void find_buffers(bc_winograd_job *job, void *memory)
{
  const bc_winograd_areas *a = job->areas;
  char *area = memory;
  job->sources = (float *)(void *)area;
  job->filters = (float *)(void *)(area += a->sources_bytes);
  job->sums = (float *)(void *)(area += a->filters_bytes);
  job->pixels = (float *)(void *)(area += a->sums_bytes);
  job->turned = (float *)(void *)(area += a->pixels_bytes);
  job->taps = (float *)(void *)(area += a->turned_bytes);
  job->rows = (const float **)(void *)(area += a->taps_bytes);
  job->results = (float **)(void *)(area + a->table_bytes);
}

static void run_task(void *argument, int64_t task, int thread)
{
  const context *ctx = argument;
  const bc_schedule *schedule = &ctx->plan->schedule;
  const bc_blocks *blocks = &schedule->blocks;
  const int64_t to_channels = ctx->tiling.sums.to_channels;
  const int64_t parts = bc_count_blocks(to_channels, blocks->channels);
  const int64_t groups = ctx->plan->geometry.groups;
  const bc_range channels = bc_block(task % parts, blocks->channels, to_channels);
  bc_winograd_job job = {
      .plan = ctx->plan,
      .tensors = ctx->tensors,
      .tiling = &ctx->tiling,
      .areas = &ctx->areas,
      .kernels = bc_cpu_kernels(),
      .group = task / parts % groups,
      .tiles = bc_block(task / parts / groups, blocks->pixels, ctx->tiling.tiles),
  };
  find_buffers(&job, bc_workspace_of_thread(&schedule->workspace, ctx->workspace, thread));
  for (int64_t k = channels.begin; k < channels.end; k += blocks->filters) {
    job.channels = (bc_range){k, bc_min(k + blocks->filters, channels.end)};
    run_channels(&job, k > channels.begin);
  }
}

void bc_winograd_run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace)
{
  context ctx = {.plan = plan,
                 .tensors = tensors,
                 .tiling = bc_tiling_of(&plan->geometry, plan->request.pass),
                 .workspace = workspace};
  ctx.areas = bc_find_winograd_areas(&ctx.tiling, &plan->schedule.blocks, plan->request.accumulate);
  bc_parallel_for(plan->threads, plan->schedule.tasks, run_task, &ctx);
}
