/* 3x3 filters as most depthwise layers have them, straight from tensor to tensor, without a window:
 * forward and backward data of maps that keep their extents, and backward data of maps that stride
 * 2 halves. The maps of all images follow each other in NCHW. */
#include "depthwise.h"

#include "cpu.h"
#include "kernels/depthwise.h"
#include "kernels/kernels.h"
#include "parallel.h"

enum { TAPS = 3, WEIGHTS = 9, LEAST_ROWS = 4, LEAST_COLUMNS = BC_DEPTHWISE_LANES };

static bool has_three_taps(const bc_axis *axis)
{
  return axis->kernel == TAPS && axis->dilation == 1 && axis->pad_begin == 1;
}

static bool keeps_extent(const bc_axis *axis)
{
  return has_three_taps(axis) && axis->stride == 1 && axis->output == axis->input;
}

static bool halves_extent(const bc_axis *axis)
{
  return has_three_taps(axis) && axis->stride == 2 && 2 * axis->output == axis->input;
}

static bool halves(const bc_geometry *g)
{
  const bc_axis *width = &g->axes[BC_WIDTH];
  return halves_extent(&g->axes[BC_HEIGHT]) && halves_extent(width) &&
         width->output >= LEAST_COLUMNS;
}

static bool keeps(const bc_geometry *g)
{
  const bc_axis *height = &g->axes[BC_HEIGHT];
  return keeps_extent(height) && keeps_extent(&g->axes[BC_WIDTH]) && height->output >= LEAST_ROWS;
}

bool bc_same_serves(const bc_geometry *g, const bc_request *request)
{
  const bc_axis *depth = &g->axes[BC_DEPTH];
  return g->layout == BLASCONV_NCHW && g->in_channels == 1 && g->out_channels == 1 &&
         depth->input == 1 && bc_stands_on_each_pixel(depth) && !request->accumulate &&
         (keeps(g) || (request->pass == BLASCONV_BACKWARD_DATA && halves(g)));
}

/* Maps of a task: worth a thread, but not of several images. */
static int64_t maps_of_task(const bc_geometry *g)
{
  int64_t maps = bc_min(g->groups, bc_count_blocks(BC_TASK_ELEMENTS, g->in_pixels + g->out_pixels));
  bc_split_for_tasks(BC_ENOUGH_TASKS, g->groups, bc_max(1, g->batch), 1, 1, &maps);
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

static bc_range groups_of(const context *ctx, int64_t task)
{
  const int64_t groups = ctx->plan->geometry.groups, size = ctx->plan->schedule.blocks.channels;
  return bc_block(task % bc_count_blocks(groups, size), size, groups);
}

/* Backward data meets the taps in the opposite order where maps keep their extents. */
static void sum_maps(const context *ctx, bool turned, const bc_stencil *stencil, int64_t first_map,
                     int64_t group)
{
  const bool forward = ctx->plan->request.pass == BLASCONV_FORWARD;
  const bc_depthwise_kernels *kernels = bc_cpu_kernels()->depthwise;
  const float *weights = ctx->tensors->packed ? ctx->tensors->packed : ctx->tensors->weights;
  (turned || forward ? kernels->sum_same : kernels->spread_twice)(
      stencil,
      (forward ? ctx->tensors->input : ctx->tensors->output) + first_map * stencil->source_map,
      weights + group * WEIGHTS + (turned ? WEIGHTS - 1 : 0),
      ctx->tensors->result + first_map * stencil->result_map);
}

static void run_task(void *argument, int64_t task, int thread)
{
  (void)thread;
  const context *ctx = argument;
  const bc_geometry *g = &ctx->plan->geometry;
  const bc_range groups = groups_of(ctx, task);
  const int64_t blocks = bc_count_blocks(g->groups, ctx->plan->schedule.blocks.channels);
  const int64_t first = task / blocks * g->groups + groups.begin; /* map of all images */
  const bool forward = ctx->plan->request.pass == BLASCONV_FORWARD;
  const bool turned = !forward && keeps(g);
  const bc_steps to = forward ? g->output : g->input;
  const bc_stencil stencil = {.lines = g->axes[BC_HEIGHT].output,
                              .elements = g->axes[BC_WIDTH].output,
                              .result_step = g->axes[BC_WIDTH].output,
                              .weight = {.along = turned ? -TAPS : TAPS, .across = turned ? -1 : 1},
                              .maps = bc_range_length(groups),
                              .source_map = g->out_pixels,
                              .weight_map = WEIGHTS,
                              .result_map = to.channel,
                              .sources = (g->batch * g->groups - first) * g->out_pixels};
  sum_maps(ctx, turned, &stencil, first, groups.begin);
  bc_epilogue_apply(&ctx->tensors->epilogue,
                    bc_view(to, bc_range_length(groups), forward ? g->out_pixels : g->in_pixels),
                    groups.begin, first * stencil.result_map,
                    ctx->tensors->result + first * stencil.result_map);
}

void bc_same_run(const blasconv_plan *plan, const bc_tensors *tensors)
{
  context ctx = {plan, tensors};
  bc_parallel_for(plan->threads, plan->schedule.tasks, run_task, &ctx);
}
