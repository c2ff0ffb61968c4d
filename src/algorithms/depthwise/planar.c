/* Forward and backward data with vectors of neighbouring pixels. A task has some groups of one
 * image, and a box of their results. It copies what they read, some groups at a time, into a window
 * with zeros around it; in NHWC a copy is a transpose, and so is the way back. */
#include "depthwise.h"
#include "window.h"

#include "cpu.h"
#include "kernels/depthwise.h"
#include "kernels/kernels.h"
#include "parallel.h"

/* All that a run needs. */
typedef struct context {
  const blasconv_plan *plan;
  const bc_tensors *tensors;
  void *workspace;
  bc_sums sums;
  bc_cut cut;
  bc_window window;
  int64_t groups; /* of a task: several windows' */
} context;

static bool is_direct(const bc_sums *sums)
{
  return sums->to.pixel == 1 && sums->axes[BC_WIDTH].phases == 1;
}

/* Results on their way to a tensor where they are not neighbours:
 * [phases of columns][groups channels][rows][columns]. */
static int64_t count_results(const bc_sums *sums, const bc_cut *cut)
{
  return is_direct(sums) ? 0
                         : sums->axes[BC_WIDTH].phases * cut->groups * sums->to_channels *
                               cut->rows * cut->columns;
}

static int64_t count_window(const bc_sums *sums, const bc_cut *cut)
{
  const bc_window window = bc_window_of(sums, cut->rows, cut->columns);
  return bc_window_elements(&window, cut->groups * sums->from_channels);
}

static size_t thread_bytes(const bc_sums *sums, const bc_cut *cut)
{
  return bc_workspace_book(count_window(sums, cut)) + bc_workspace_book(count_results(sums, cut)) +
         bc_workspace_book_words(sums->axes[BC_WIDTH].most_taps); /* offsets of a row's taps */
}

/* Groups of a task: so many that it is worth a thread, but that there are enough tasks. */
static int64_t groups_of_task(const bc_geometry *g, const bc_sums *sums, const bc_cut *cut)
{
  const int64_t elements = cut->rows * cut->columns * (sums->to_channels + sums->from_channels);
  const int64_t others = g->batch * bc_cut_count(sums, cut);
  int64_t windows = bc_count_blocks(BC_TASK_ELEMENTS, elements * cut->groups);
  while (windows > 1 &&
         others * bc_count_blocks(g->groups, windows * cut->groups) < BC_ENOUGH_TASKS)
    windows = bc_count_blocks(windows, 2);
  return bc_min(g->groups, windows * cut->groups);
}

bc_schedule bc_planar_prepare(const bc_geometry *g, const bc_request *request)
{
  const bc_sums sums = bc_sums_of(g, request->pass == BLASCONV_FORWARD);
  const bc_cut cut = bc_cut_choose(g, &sums, request->room, thread_bytes);
  const int64_t groups = groups_of_task(g, &sums, &cut);
  return (bc_schedule){
      .blocks = {.channels = groups * sums.to_channels, .pixels = cut.rows * cut.columns},
      .tasks = g->batch * bc_cut_count(&sums, &cut) * bc_count_blocks(g->groups, groups),
      .workspace.thread_bytes = thread_bytes(&sums, &cut)};
}

/* ---- a task ---- */

/* Where a task works, and its memory. */
typedef struct work {
  int64_t image;
  bc_range groups; /* of the window at hand */
  bc_box box;
  float *window, *results;
  int64_t *offsets;
} work;

/* Floats of `results` from a channel, and from a phase, to the next. */
static int64_t results_channel(const context *ctx)
{
  return ctx->cut.rows * ctx->cut.columns;
}

static int64_t results_phase(const context *ctx)
{
  return ctx->cut.groups * ctx->sums.to_channels * results_channel(ctx);
}

/* Start of a group in the tensor of results. */
static int64_t to_group(const context *ctx, const work *w, int64_t group)
{
  return w->image * ctx->sums.to.image + group * ctx->sums.to.group;
}

/* The pixel of the results where phase and box begin. */
static int64_t first_pixel(const context *ctx, const bc_box *box, int64_t row_phase,
                           int64_t column_phase)
{
  const bc_sweep *height = &ctx->sums.axes[BC_HEIGHT], *width = &ctx->sums.axes[BC_WIDTH];
  const int64_t row = box->rows.begin * height->step + row_phase;
  return (box->plane * height->results + row) * width->results + box->columns.begin * width->step +
         column_phase;
}

/* How many of `range` a phase has. */
static int64_t length_in_phase(const bc_sweep *sweep, int64_t phase, bc_range range)
{
  return bc_max(0, bc_min(range.end, bc_sweep_count(sweep, phase)) - range.begin);
}

/* The sums of one phase, and where they begin in a group's window and weights. */
typedef struct phase_sums {
  bc_stencil stencil;
  int64_t source, weights;
} phase_sums;

static phase_sums find_sums(const context *ctx, const work *w, int64_t row_phase,
                            int64_t column_phase)
{
  const bc_sums *sums = &ctx->sums;
  const bc_sweep *height = &sums->axes[BC_HEIGHT], *width = &sums->axes[BC_WIDTH];
  const bc_phase row = bc_sweep_phase(height, row_phase);
  const bc_phase column = bc_sweep_phase(width, column_phase);
  bc_phase plane;
  const bc_range planes = bc_window_planes(sums, &w->box, &plane);
  const int64_t *weight = sums->tap_weight;
  for (int64_t i = 0; i < column.taps; ++i)
    w->offsets[i] = bc_window_tap(&ctx->window, sums, &column, i);
  return (phase_sums){
      .stencil = {.lines = length_in_phase(height, row_phase, w->box.rows),
                  .elements = length_in_phase(width, column_phase, w->box.columns),
                  .result_step = is_direct(sums) ? height->step * width->results : ctx->cut.columns,
                  .line_step = height->stride * ctx->window.row,
                  .channels = sums->from_channels,
                  .planes = bc_range_length(planes),
                  .taps_across = column.taps,
                  .taps_along = row.taps,
                  .channel_step = ctx->window.channel,
                  .plane_step = ctx->window.plane,
                  .along_step = height->apart * ctx->window.row,
                  .across = w->offsets,
                  .weight = {.channel = sums->from_weight,
                             .plane = plane.step * weight[BC_DEPTH],
                             .across = column.step * weight[BC_WIDTH],
                             .along = row.step * weight[BC_HEIGHT]},
                  .maps = bc_range_length(w->groups),
                  .source_map = sums->from_channels * ctx->window.channel,
                  .weight_map = bc_weights_offset(&ctx->plan->geometry, 1),
                  .result_map =
                      is_direct(sums) ? sums->to.group : sums->to_channels * results_channel(ctx),
                  .accumulate = is_direct(sums) && ctx->plan->request.accumulate},
      .source = planes.begin * ctx->window.plane + (row.offset - height->low) * ctx->window.row,
      .weights = (plane.first + planes.begin * plane.step) * weight[BC_DEPTH] +
                 row.first * weight[BC_HEIGHT] + column.first * weight[BC_WIDTH]};
}

/* One phase of all channels in the window. */
static void sum_phase(const context *ctx, const work *w, int64_t row_phase, int64_t column_phase)
{
  const bc_sums *sums = &ctx->sums;
  const bc_geometry *g = &ctx->plan->geometry;
  const phase_sums phase = find_sums(ctx, w, row_phase, column_phase);
  const float *weights = (ctx->tensors->packed ? ctx->tensors->packed : ctx->tensors->weights) +
                         bc_weights_offset(g, w->groups.begin) + phase.weights;
  float *results = is_direct(sums) ? ctx->tensors->result + to_group(ctx, w, w->groups.begin) +
                                         first_pixel(ctx, &w->box, row_phase, column_phase)
                                   : w->results + column_phase * results_phase(ctx);
  const int64_t channel_step = is_direct(sums) ? sums->to.channel : results_channel(ctx);
  for (int64_t channel = 0; channel < sums->to_channels; ++channel)
    bc_cpu_kernels()->depthwise->sum_pixels(&phase.stencil, w->window + phase.source,
                                            weights + channel * sums->to_weight,
                                            results + channel * channel_step);
}

/* ---- results that are not neighbours in their tensor ---- */

/* All columns of one row of one channel, whose phases take turns. */
static void place_row(const context *ctx, const float *phases, int64_t columns, float *to)
{
  const bc_sweep *width = &ctx->sums.axes[BC_WIDTH];
  for (int64_t i = 0; i < columns; ++i) {
    const float value = phases[i % width->step * results_phase(ctx) + i / width->step];
    to[i] = ctx->plan->request.accumulate ? to[i] + value : value;
  }
}

/* One row of one phase of all channels in NHWC. */
static void place_pixels(const context *ctx, const float *results, int64_t channels,
                         int64_t columns, float *to)
{
  const int64_t step = ctx->sums.axes[BC_WIDTH].step * ctx->sums.to.pixel;
  const int64_t from_step = results_channel(ctx);
  if (!ctx->plan->request.accumulate) {
    bc_cpu_kernels()->transpose(results, from_step, channels, columns, to, step);
    return;
  }
  for (int64_t i = 0; i < columns; ++i)
    for (int64_t channel = 0; channel < channels; ++channel)
      to[i * step + channel] += results[channel * from_step + i];
}

/* Row `row` of a phase, from the results to the tensor; `to` is the row's place there. */
static void place_line(const context *ctx, const work *w, int64_t row, float *to)
{
  const bc_sweep *width = &ctx->sums.axes[BC_WIDTH];
  const int64_t channels = bc_range_length(w->groups) * ctx->sums.to_channels;
  const float *results = w->results + row * ctx->cut.columns;
  const bc_range columns = {w->box.columns.begin * width->step,
                            bc_min(width->results, w->box.columns.end * width->step)};
  if (ctx->sums.to.pixel == 1)
    for (int64_t channel = 0; channel < channels; ++channel)
      place_row(ctx, results + channel * results_channel(ctx), bc_range_length(columns),
                to + channel * ctx->sums.to.channel);
  else
    for (int64_t phase = 0; phase < width->phases; ++phase)
      place_pixels(ctx, results + phase * results_phase(ctx), channels,
                   length_in_phase(width, phase, w->box.columns), to + phase * ctx->sums.to.pixel);
}

static void place_rows(const context *ctx, const work *w, int64_t row_phase)
{
  const bc_sums *sums = &ctx->sums;
  const bc_sweep *height = &sums->axes[BC_HEIGHT], *width = &sums->axes[BC_WIDTH];
  float *to = ctx->tensors->result + to_group(ctx, w, w->groups.begin) +
              first_pixel(ctx, &w->box, row_phase, 0) * sums->to.pixel;
  const bc_grid grid = {.planes = bc_range_length(w->groups) * sums->to_channels,
                        .rows = length_in_phase(height, row_phase, w->box.rows),
                        .columns = bc_min(width->results, w->box.columns.end * width->step) -
                                   w->box.columns.begin * width->step,
                        .plane_step = sums->to.channel,
                        .row_step = height->step * width->results * sums->to.pixel,
                        .packed_plane_step = results_channel(ctx),
                        .packed_row_step = ctx->cut.columns};
  if (sums->to.pixel == 1 && width->step == 2 && !ctx->plan->request.accumulate)
    bc_cpu_kernels()->depthwise->interleave(&grid, w->results, w->results + results_phase(ctx), to);
  else
    for (int64_t row = 0; row < grid.rows; ++row)
      place_line(ctx, w, row, to + row * grid.row_step);
}

/* ---- all of it ---- */

static void apply_epilogue(const context *ctx, const work *w)
{
  const bc_sweep *height = &ctx->sums.axes[BC_HEIGHT], *width = &ctx->sums.axes[BC_WIDTH];
  const int64_t channels = bc_range_length(w->groups) * ctx->sums.to_channels;
  const int64_t rows =
      bc_min(height->results, w->box.rows.end * height->step) - w->box.rows.begin * height->step;
  const int64_t columns =
      bc_min(width->results, w->box.columns.end * width->step) - w->box.columns.begin * width->step;
  const bool whole = columns == width->results;
  const int64_t offset =
      to_group(ctx, w, w->groups.begin) + first_pixel(ctx, &w->box, 0, 0) * ctx->sums.to.pixel;
  for (int64_t row = 0; row < (whole ? 1 : rows); ++row) {
    const int64_t at = offset + row * width->results * ctx->sums.to.pixel;
    bc_epilogue_apply(&ctx->tensors->epilogue,
                      bc_view(ctx->sums.to, channels, whole ? rows * columns : columns),
                      w->groups.begin * ctx->sums.to_channels, at, ctx->tensors->result + at);
  }
}

static void sum_window(const context *ctx, const work *w)
{
  const bc_sums *sums = &ctx->sums;
  bc_window_fill(&ctx->window, sums, &w->box,
                 (sums->axes[BC_WIDTH].forward ? ctx->tensors->input : ctx->tensors->output) +
                     w->image * sums->from.image + w->groups.begin * sums->from.group,
                 bc_range_length(w->groups) * sums->from_channels,
                 bc_range_length(w->groups) * sums->from.group, w->window);
  for (int64_t row_phase = 0; row_phase < sums->axes[BC_HEIGHT].phases; ++row_phase) {
    for (int64_t phase = 0; phase < sums->axes[BC_WIDTH].phases; ++phase)
      sum_phase(ctx, w, row_phase, phase);
    if (!is_direct(sums))
      place_rows(ctx, w, row_phase);
  }
  apply_epilogue(ctx, w);
}

static work find_work(const context *ctx, int64_t task, int thread)
{
  const int64_t groups = ctx->plan->geometry.groups;
  const int64_t group_blocks = bc_count_blocks(groups, ctx->groups);
  const int64_t boxes = bc_cut_count(&ctx->sums, &ctx->cut);
  char *memory =
      (char *)bc_workspace_of_thread(&ctx->plan->schedule.workspace, ctx->workspace, thread);
  char *results = memory + bc_workspace_book(count_window(&ctx->sums, &ctx->cut));
  char *offsets = results + bc_workspace_book(count_results(&ctx->sums, &ctx->cut));
  return (work){.image = task / group_blocks / boxes,
                .groups = bc_block(task % group_blocks, ctx->groups, groups),
                .box = bc_cut_box(&ctx->sums, &ctx->cut, task / group_blocks % boxes),
                .window = (float *)(void *)memory,
                .results = (float *)(void *)results,
                .offsets = (int64_t *)(void *)offsets};
}

static void run_task(void *argument, int64_t task, int thread)
{
  const context *ctx = argument;
  work w = find_work(ctx, task, thread);
  const bc_range groups = w.groups;
  bc_window_clear(&ctx->window, &ctx->sums, &w.box,
                  bc_min(ctx->cut.groups, bc_range_length(groups)) * ctx->sums.from_channels,
                  w.window);
  for (int64_t group = groups.begin; group < groups.end; group += ctx->cut.groups) {
    w.groups = (bc_range){group, bc_min(groups.end, group + ctx->cut.groups)};
    sum_window(ctx, &w);
  }
}

void bc_planar_run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace)
{
  const bc_geometry *g = &plan->geometry;
  const bc_sums sums = bc_sums_of(g, plan->request.pass == BLASCONV_FORWARD);
  const bc_cut cut = bc_cut_choose(g, &sums, plan->request.room, thread_bytes);
  context ctx = {.plan = plan,
                 .tensors = tensors,
                 .workspace = workspace,
                 .sums = sums,
                 .cut = cut,
                 .window = bc_window_of(&sums, cut.rows, cut.columns),
                 .groups = groups_of_task(g, &sums, &cut)};
  bc_parallel_for(plan->threads, plan->schedule.tasks, run_task, &ctx);
}
