/* The weight gradient with vectors of neighbouring pixels: a window of the input, as in planar.c,
 * against the output gradient, which NHWC transposes too. */
#include "gradient.h"
#include "window.h"

#include "cpu.h"
#include "kernels/kernels.h"
#include "parallel.h"

#include <string.h>

enum {
  MOST_JOINED = 32 /* columns: in longer lines the last vector counts for less than copies */
};

/* All that a run needs. */
typedef struct context {
  const blasconv_plan *plan;
  const bc_tensors *tensors;
  void *workspace;
  bc_sums sums; /* those of a forward pass */
  bc_cut cut;
  bc_window window;
  bool joined; /* lines of gradients, see joins() */
} context;

/* Filters times channels of the groups in a window: each pair has its own sums. */
static int64_t count_pairs(const bc_sums *sums, const bc_cut *cut)
{
  return cut->groups * sums->to_channels * sums->from_channels;
}

static int64_t count_taps(const bc_sums *sums)
{
  return sums->tap_weight[BC_DEPTH] / sums->tap_weight[BC_WIDTH] *
         sums->axes[BC_DEPTH].axis->kernel;
}

/* Whether lines of gradients are copied as far apart as those of the window, with zeros between
 * them, so that a map is one line: where the last vector of each would not be full. */
static bool joins(const bc_sums *sums, const bc_cut *cut)
{
  const int64_t columns = sums->axes[BC_WIDTH].results;
  return sums->axes[BC_HEIGHT].stride == 1 && cut->columns == columns &&
         columns % BC_DEPTHWISE_LANES != 0 && columns <= MOST_JOINED;
}

/* What a task has in its workspace. */
typedef struct area {
  size_t window;   /* bytes */
  size_t gradient; /* the output gradient as [groups filters][rows][pitch], in NHWC or if joined */
  size_t sums;     /* [pairs][taps][lanes] */
  size_t totals;   /* [pairs][taps], in double */
  size_t offsets;  /* [taps of a plane], int64_t */
} area;

static area area_of(const bc_sums *sums, const bc_cut *cut)
{
  const bc_window window = bc_window_of(sums, cut->rows, cut->columns);
  const int64_t elements = count_pairs(sums, cut) * count_taps(sums);
  const int64_t two = sizeof(double) / sizeof(float);
  const bool joined = joins(sums, cut), is_copied = joined || sums->to.pixel != 1;
  const int64_t pitch = joined ? window.row : cut->columns;
  return (area){
      bc_workspace_book(bc_window_elements(&window, cut->groups * sums->from_channels)),
      bc_workspace_book(is_copied ? cut->groups * sums->to_channels * cut->rows * pitch : 0),
      bc_workspace_book(elements * BC_DEPTHWISE_LANES), bc_workspace_book(elements * two),
      bc_workspace_book(sums->tap_weight[BC_DEPTH] / sums->tap_weight[BC_WIDTH] * two)};
}

static size_t thread_bytes(const bc_sums *sums, const bc_cut *cut)
{
  const area a = area_of(sums, cut);
  return a.window + a.gradient + a.sums + a.totals + a.offsets;
}

/* A unit is a box of one image; the images of a box follow each other. */
static int64_t count_units(const bc_geometry *g, const bc_sums *sums, const bc_cut *cut)
{
  return g->batch * bc_cut_count(sums, cut);
}

bc_schedule bc_planar_gradient_prepare(const bc_geometry *g, const bc_request *request)
{
  const bc_sums sums = bc_sums_of(g, true);
  const bc_cut cut = bc_cut_choose(g, &sums, request->room, thread_bytes);
  bc_schedule schedule =
      bc_slots_schedule(g, bc_count_blocks(g->groups, cut.groups), count_units(g, &sums, &cut),
                        thread_bytes(&sums, &cut), request);
  schedule.blocks.channels = cut.groups * g->in_channels;
  schedule.blocks.pixels = cut.rows * cut.columns;
  return schedule;
}

/* A task's groups and memory. */
typedef struct work {
  bc_range groups;
  float *window, *gradient, *sums;
  double *totals;
  int64_t *offsets;
  int64_t terms; /* in a lane of the sums, at most */
} work;

static work find_work(const context *ctx, int64_t window, int thread)
{
  const area a = area_of(&ctx->sums, &ctx->cut);
  char *memory =
      (char *)bc_workspace_of_thread(&ctx->plan->schedule.workspace, ctx->workspace, thread);
  char *gradient = memory + a.window, *sums = gradient + a.gradient, *totals = sums + a.sums;
  return (work){.groups = bc_block(window, ctx->cut.groups, ctx->plan->geometry.groups),
                .window = (float *)(void *)memory,
                .gradient = (float *)(void *)gradient,
                .sums = (float *)(void *)sums,
                .totals = (double *)(void *)totals,
                .offsets = (int64_t *)(void *)(totals + a.totals)};
}

/* Where the taps of a plane are in a window. */
static void find_offsets(const context *ctx, int64_t *offsets)
{
  const bc_sweep *height = &ctx->sums.axes[BC_HEIGHT], *width = &ctx->sums.axes[BC_WIDTH];
  const bc_phase column = bc_sweep_phase(width, 0);
  for (int64_t r = 0; r < height->axis->kernel; ++r)
    for (int64_t s = 0; s < width->axis->kernel; ++s)
      offsets[r * width->axis->kernel + s] =
          r * height->apart * ctx->window.row + bc_window_tap(&ctx->window, &ctx->sums, &column, s);
}

/* Empties the lanes into the totals. */
static void flush(const context *ctx, work *w)
{
  const int64_t elements = bc_range_length(w->groups) * ctx->sums.to_channels *
                           ctx->sums.from_channels * count_taps(&ctx->sums);
  bc_cpu_kernels()->correlation->empty_lanes(w->sums, elements, w->totals);
  w->terms = 0;
}

/* The box of the output gradient, of all filters. */
typedef struct lines {
  const float *first;
  int64_t step;   /* from line to line */
  int64_t filter; /* from filter to filter */
} lines;

static lines find_lines(const context *ctx, const work *w, int64_t image, const bc_box *box)
{
  const bc_steps *steps = &ctx->sums.to;
  const bc_sweep *height = &ctx->sums.axes[BC_HEIGHT], *width = &ctx->sums.axes[BC_WIDTH];
  const int64_t row = box->plane * height->results + box->rows.begin;
  const int64_t columns = bc_range_length(box->columns);
  const int64_t pitch = ctx->joined ? ctx->window.row : ctx->cut.columns;
  const int64_t filters = bc_range_length(w->groups) * ctx->sums.to_channels;
  const float *first = ctx->tensors->output + image * steps->image +
                       w->groups.begin * steps->group +
                       (row * width->results + box->columns.begin) * steps->pixel;
  const lines copied = {w->gradient, pitch, ctx->cut.rows * pitch};
  const bc_grid grid = {.planes = filters,
                        .rows = bc_range_length(box->rows),
                        .columns = columns,
                        .plane_step = steps->channel,
                        .row_step = width->results,
                        .column_step = 1,
                        .packed_plane_step = copied.filter,
                        .packed_row_step = pitch,
                        .next = steps->image};
  if (steps->pixel == 1 && !ctx->joined)
    return (lines){first, width->results, steps->channel};
  if (steps->pixel == 1)
    bc_cpu_kernels()->depthwise->copy(&grid, first, w->gradient);
  else
    for (int64_t i = 0; i < grid.rows; ++i)
      bc_cpu_kernels()->transpose(first + i * width->results * steps->pixel, steps->pixel, columns,
                                  filters, w->gradient + i * pitch, copied.filter);
  return copied;
}

/* What all pairs of a box have in common. Joined lines are one, with zeros between them. */
static bc_correlation correlation_of(const context *ctx, const work *w, const bc_box *box,
                                     const lines *gradient)
{
  const bc_sums *s = &ctx->sums;
  const int64_t rows = bc_range_length(box->rows), columns = bc_range_length(box->columns);
  const int64_t pair = count_taps(s) * BC_DEPTHWISE_LANES;
  return (bc_correlation){.lines = ctx->joined ? 1 : rows,
                          .elements = ctx->joined ? (rows - 1) * gradient->step + columns : columns,
                          .gradient_step = gradient->step,
                          .line_step = s->axes[BC_HEIGHT].stride * ctx->window.row,
                          .sums_step = BC_DEPTHWISE_LANES,
                          .next_gradient = ctx->joined ? 0 : s->to.image,
                          .maps = bc_range_length(w->groups),
                          .source_map = s->from_channels * ctx->window.channel,
                          .gradient_map = s->to_channels * gradient->filter,
                          .sums_map = s->to_channels * s->from_channels * pair};
}

/* The taps of all planes: `window`, `gradient` and `sums` are those of a pair of the first group.
 */
static void correlate(const context *ctx, const work *w, const bc_box *box, bc_correlation *c,
                      const float *window, const float *gradient, float *sums)
{
  const bc_sums *s = &ctx->sums;
  const int64_t taps = s->axes[BC_HEIGHT].axis->kernel * s->axes[BC_WIDTH].axis->kernel;
  const int64_t parts = bc_count_blocks(taps, BC_DEPTHWISE_MOST_TAPS);
  bc_phase plane;
  const bc_range planes = bc_window_planes(s, box, &plane);
  for (int64_t i = planes.begin; i < planes.end; ++i)
    for (int64_t part = 0; part < parts; ++part) {
      const int64_t begin = taps * part / parts;
      c->taps = taps * (part + 1) / parts - begin;
      for (int64_t tap = 0; tap < BC_DEPTHWISE_MOST_TAPS; ++tap)
        c->offsets[tap] = w->offsets[begin + bc_min(tap, c->taps - 1)];
      bc_cpu_kernels()->correlation->correlate_pixels(c, window + i * ctx->window.plane, gradient,
                                                      sums +
                                                          (i * taps + begin) * BC_DEPTHWISE_LANES);
    }
}

static void add_unit(const context *ctx, work *w, int64_t image, const bc_box *box)
{
  const bc_sums *s = &ctx->sums;
  bc_window_fill(&ctx->window, s, box,
                 ctx->tensors->input + image * s->from.image + w->groups.begin * s->from.group,
                 bc_range_length(w->groups) * s->from_channels, s->from.image, w->window);
  const lines all = find_lines(ctx, w, image, box);
  bc_correlation c = correlation_of(ctx, w, box, &all);
  for (int64_t k = 0; k < s->to_channels; ++k)
    for (int64_t channel = 0; channel < s->from_channels; ++channel)
      correlate(ctx, w, box, &c, w->window + channel * ctx->window.channel,
                all.first + k * all.filter,
                w->sums + (k * s->from_channels + channel) * count_taps(s) * BC_DEPTHWISE_LANES);
  w->terms += c.lines * bc_count_blocks(c.elements, BC_DEPTHWISE_LANES);
  if (w->terms >= BC_GRADIENT_TERMS)
    flush(ctx, w);
}

/* The totals [filters][channels][taps] as the layout has them. */
static void store(const context *ctx, const work *w, float *gradient)
{
  const bc_sums *s = &ctx->sums;
  const int64_t filters = bc_range_length(w->groups) * s->to_channels, taps = count_taps(s);
  gradient += bc_weights_offset(&ctx->plan->geometry, w->groups.begin);
  const double *total = w->totals;
  for (int64_t k = 0; k < filters; ++k)
    for (int64_t c = 0; c < s->from_channels; ++c)
      for (int64_t tap = 0; tap < taps; ++tap)
        bc_gradient_store(ctx->plan, *total++,
                          gradient + k * s->to_weight + c * s->from_weight +
                              tap * s->tap_weight[BC_WIDTH]);
}

static void run_task(void *argument, int64_t task, int thread)
{
  const context *ctx = argument;
  const bc_geometry *g = &ctx->plan->geometry;
  const bc_slot_task at = bc_slot_task_at(ctx->plan, task);
  const area a = area_of(&ctx->sums, &ctx->cut);
  const bc_range units = bc_slot_units(ctx->plan, count_units(g, &ctx->sums, &ctx->cut), at.slot);
  work w = find_work(ctx, at.part, thread);
  find_offsets(ctx, w.offsets);
  memset(w.gradient, 0, a.gradient);
  memset(w.sums, 0, a.sums);
  memset(w.totals, 0, a.totals);
  for (int64_t unit = units.begin; unit < units.end; ++unit) {
    const bc_box box = bc_cut_box(&ctx->sums, &ctx->cut, unit / g->batch);
    if (unit == units.begin || unit % g->batch == 0)
      bc_window_clear(&ctx->window, &ctx->sums, &box,
                      bc_range_length(w.groups) * ctx->sums.from_channels, w.window);
    add_unit(ctx, &w, unit % g->batch, &box);
  }
  flush(ctx, &w);
  store(ctx, &w, bc_slot_gradient(ctx->plan, ctx->tensors, ctx->workspace, at.slot));
}

void bc_planar_gradient_run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace)
{
  const bc_sums sums = bc_sums_of(&plan->geometry, true);
  const bc_cut cut = bc_cut_choose(&plan->geometry, &sums, plan->request.room, thread_bytes);
  context ctx = {.plan = plan,
                 .tensors = tensors,
                 .workspace = workspace,
                 .sums = sums,
                 .cut = cut,
                 .window = bc_window_of(&sums, cut.rows, cut.columns),
                 .joined = joins(&sums, &cut)};
  bc_parallel_for(plan->threads, plan->schedule.tasks, run_task, &ctx);
}
