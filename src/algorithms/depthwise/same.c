/* Forward and backward data of 3x3 filters on maps that keep their extents, the most usual of
 * depthwise layers: straight from tensor to tensor, without a window. The maps of all images follow
 * each other in NCHW. */
#include "depthwise.h"

#include "cpu.h"
#include "kernels/depthwise.h"
#include "kernels/kernels.h"
#include "parallel.h"

enum { TAPS = 3, LEAST_ROWS = 4 };

static bool keeps_extent(const bc_axis *axis)
{
  return axis->kernel == TAPS && axis->stride == 1 && axis->dilation == 1 && axis->pad_begin == 1 &&
         axis->pad_end == 1;
}

bool bc_same_serves(const bc_geometry *g, const bc_request *request)
{
  const bc_axis *depth = &g->axes[BC_DEPTH], *height = &g->axes[BC_HEIGHT];
  return g->layout == BLASCONV_NCHW && g->in_channels == 1 && g->out_channels == 1 &&
         depth->kernel == 1 && depth->input == 1 && depth->output == 1 && keeps_extent(height) &&
         keeps_extent(&g->axes[BC_WIDTH]) && height->output >= LEAST_ROWS && !request->accumulate;
}

/* Maps of a task: worth a thread, but not of several images. */
static int64_t maps_of_task(const bc_geometry *g)
{
  int64_t maps = bc_min(g->groups, bc_count_blocks(BC_TASK_ELEMENTS, 2 * g->out_pixels));
  bc_split_for_tasks(g->groups, bc_max(1, g->batch), 1, 1, &maps);
  return maps;
}

bc_schedule bc_same_prepare(const bc_geometry *g)
{
  const int64_t maps = maps_of_task(g);
  return (bc_schedule){.blocks = {.channels = maps, .pixels = g->out_pixels},
                       .tasks = g->batch * bc_count_blocks(g->groups, maps)};
}

typedef struct context {
  const blasconv_plan *plan;
  const bc_tensors *tensors;
} context;

static void run_task(void *argument, int64_t task, int thread)
{
  (void)thread;
  const context *ctx = argument;
  const bc_geometry *g = &ctx->plan->geometry;
  const int64_t size = ctx->plan->schedule.blocks.channels;
  const int64_t blocks = bc_count_blocks(g->groups, size), pixels = g->out_pixels;
  const bc_range groups = bc_block(task % blocks, size, g->groups);
  const int64_t offset = (task / blocks * g->groups + groups.begin) * pixels;
  const bool forward = ctx->plan->request.pass == BLASCONV_FORWARD;
  const float *weights = ctx->tensors->packed ? ctx->tensors->packed : ctx->tensors->weights;
  /* Backward data meets the taps in the opposite order. */
  const bc_stencil stencil = {
      .lines = g->axes[BC_HEIGHT].output,
      .elements = g->axes[BC_WIDTH].output,
      .result_step = g->axes[BC_WIDTH].output,
      .weight = {.along = forward ? TAPS : -TAPS, .across = forward ? 1 : -1},
      .maps = bc_range_length(groups),
      .source_map = pixels,
      .weight_map = TAPS * TAPS,
      .result_map = pixels,
      .sources = g->batch * g->groups * pixels - offset};
  bc_cpu_kernels()->depthwise->sum_same(
      &stencil, (forward ? ctx->tensors->input : ctx->tensors->output) + offset,
      weights + groups.begin * TAPS * TAPS + (forward ? 0 : TAPS * TAPS - 1),
      ctx->tensors->result + offset);
  bc_epilogue_apply(&ctx->tensors->epilogue, bc_view(g->output, bc_range_length(groups), pixels),
                    groups.begin, offset, ctx->tensors->result + offset);
}

void bc_same_run(const blasconv_plan *plan, const bc_tensors *tensors)
{
  context ctx = {plan, tensors};
  bc_parallel_for(plan->threads, plan->schedule.tasks, run_task, &ctx);
}
