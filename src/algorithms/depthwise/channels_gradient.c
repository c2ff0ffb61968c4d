/* The weight gradient with vectors of neighbouring channels, on the tensors as they lie. */
#include "gradient.h"
#include "sweep.h"

#include "cpu.h"
#include "parallel.h"

#include <string.h>

enum { MOST_CHANNELS = 256 };

/* All that a run needs. */
typedef struct context {
  const blasconv_plan *plan;
  const bc_tensors *tensors;
  void *workspace;
  bc_sums sums; /* those of a forward pass */
} context;

/* What a task has in its workspace. */
typedef struct area {
  size_t sums;    /* bytes of [taps][channels] */
  size_t totals;  /* the same in double */
  size_t offsets; /* of the taps of a plane, int64_t */
} area;

/* For blocks of so many channels. */
static area area_of(const bc_geometry *g, int64_t channels)
{
  const int64_t two = sizeof(double) / sizeof(float);
  const int64_t elements = g->taps * bc_min(g->groups, bc_channel_most(channels));
  return (area){bc_workspace_book(elements), bc_workspace_book(elements * two),
                bc_workspace_book(g->taps * two)};
}

static size_t thread_bytes(const bc_geometry *g, int64_t channels)
{
  const area a = area_of(g, channels);
  return a.sums + a.totals + a.offsets;
}

/* A unit is a row of one image. */
static int64_t count_units(const bc_geometry *g)
{
  return g->batch * g->axes[BC_DEPTH].output * g->axes[BC_HEIGHT].output;
}

bc_schedule bc_channels_gradient_prepare(const bc_geometry *g, const bc_request *request)
{
  int64_t most = MOST_CHANNELS, channels = 0;
  do {
    channels = bc_even_block(g->groups, most, BC_DEPTHWISE_LANES);
    most /= 2;
  } while (most >= BC_DEPTHWISE_LANES && thread_bytes(g, channels) > request->room);
  bc_schedule schedule = bc_slots_schedule(g, bc_channel_blocks(g, channels), count_units(g),
                                           thread_bytes(g, channels), request);
  schedule.blocks.channels = channels;
  return schedule;
}

/* A task's channels and memory. */
typedef struct work {
  bc_range channels;
  float *sums;
  double *totals;
  int64_t *offsets;
  int64_t terms;
} work;

static work find_work(const context *ctx, int64_t block, int thread)
{
  const bc_geometry *g = &ctx->plan->geometry;
  const int64_t size = ctx->plan->schedule.blocks.channels;
  const area a = area_of(g, size);
  char *memory =
      (char *)bc_workspace_of_thread(&ctx->plan->schedule.workspace, ctx->workspace, thread);
  return (work){.channels = bc_channel_block(g, size, block),
                .sums = (float *)(void *)memory,
                .totals = (double *)(void *)(memory + a.sums),
                .offsets = (int64_t *)(void *)(memory + a.sums + a.totals)};
}

/* Elements of the input from a plane's first tap to its others. */
static void find_offsets(const context *ctx, int64_t *offsets)
{
  const bc_sweep *height = &ctx->sums.axes[BC_HEIGHT], *width = &ctx->sums.axes[BC_WIDTH];
  for (int64_t r = 0; r < height->axis->kernel; ++r)
    for (int64_t s = 0; s < width->axis->kernel; ++s)
      offsets[r * width->axis->kernel + s] =
          (r * height->apart * width->sources + s * width->apart) * ctx->sums.from.pixel;
}

/* Empties the sums into the totals. */
static void flush(const context *ctx, work *w)
{
  const int64_t elements = ctx->plan->geometry.taps * bc_range_length(w->channels);
  for (int64_t i = 0; i < elements; ++i)
    w->totals[i] += (double)w->sums[i];
  memset(w->sums, 0, (size_t)elements * sizeof *w->sums);
  w->terms = 0;
}

/* A row of one plane of taps: where both begin, with the first column's first tap on the source. */
typedef struct row {
  const float *source, *gradient;
  int64_t plane; /* of taps */
  bc_range taps; /* rows of taps that meet the input */
} row;

/* The columns all meet these taps of the plane. */
static void correlate(const context *ctx, const work *w, const row *r, bc_range columns,
                      bc_range taps)
{
  const bc_sweep *width = &ctx->sums.axes[BC_WIDTH];
  const bc_steps *from = &ctx->sums.from, *to = &ctx->sums.to;
  const int64_t channels = bc_range_length(w->channels);
  const int64_t plane_taps = ctx->plan->geometry.taps / ctx->sums.axes[BC_DEPTH].axis->kernel;
  bc_correlation c = {.lines = bc_range_length(columns),
                      .elements = channels,
                      .gradient_step = to->pixel,
                      .line_step = width->stride * from->pixel,
                      .sums_step = channels};
  bc_gradient_correlate(&c, bc_cpu_kernels()->correlation->correlate_channels, w->offsets, taps,
                        r->source + columns.begin * c.line_step,
                        r->gradient + columns.begin * c.gradient_step,
                        w->sums + r->plane * plane_taps * channels);
}

/* Columns at the edges meet fewer taps, one by one. */
static void correlate_edges(const context *ctx, const work *w, const row *r, bc_phase *phase,
                            bc_range columns)
{
  const bc_sweep *width = &ctx->sums.axes[BC_WIDTH];
  for (int64_t j = columns.begin; j < columns.end; ++j) {
    const bc_range inside = bc_phase_inside(width, phase, j);
    for (int64_t tap = r->taps.begin; tap < r->taps.end; ++tap)
      correlate(ctx, w, r, (bc_range){j, j + 1},
                (bc_range){tap * phase->taps + inside.begin, tap * phase->taps + inside.end});
  }
}

static void correlate_row(const context *ctx, const work *w, const row *r)
{
  const bc_sweep *width = &ctx->sums.axes[BC_WIDTH];
  bc_phase phase = bc_sweep_phase(width, 0);
  const bc_range whole = bc_phase_whole(width, &phase, width->results);
  correlate_edges(ctx, w, r, &phase, (bc_range){0, whole.begin});
  if (bc_range_length(whole) > 0)
    correlate(ctx, w, r, whole, (bc_range){r->taps.begin * phase.taps, r->taps.end * phase.taps});
  correlate_edges(ctx, w, r, &phase, (bc_range){whole.end, width->results});
}

/* Row `index` of all planes of an image. */
static void add_row(const context *ctx, work *w, int64_t image, int64_t index)
{
  const bc_sweep *depth = &ctx->sums.axes[BC_DEPTH], *height = &ctx->sums.axes[BC_HEIGHT];
  const bc_sweep *width = &ctx->sums.axes[BC_WIDTH];
  const bc_steps *from = &ctx->sums.from, *to = &ctx->sums.to;
  const bc_phase plane = bc_sweep_phase(depth, 0), line = bc_sweep_phase(height, 0);
  const int64_t at_plane = index / height->results, at_row = index % height->results;
  const bc_range planes = bc_phase_inside(depth, &plane, at_plane);
  row r = {.gradient = ctx->tensors->output + image * to->image +
                       index * width->results * to->pixel + w->channels.begin,
           .taps = bc_phase_inside(height, &line, at_row)};
  for (r.plane = planes.begin; r.plane < planes.end; ++r.plane) {
    const int64_t source_plane = at_plane * depth->stride + plane.offset + r.plane * depth->apart;
    const int64_t pixel =
        (source_plane * height->sources + at_row * height->stride + line.offset) * width->sources +
        width->low;
    r.source = ctx->tensors->input + image * from->image + pixel * from->pixel + w->channels.begin;
    correlate_row(ctx, w, &r);
  }
  w->terms += width->results;
  if (w->terms >= BC_GRADIENT_TERMS)
    flush(ctx, w);
}

static void store(const context *ctx, const work *w, float *gradient)
{
  const int64_t channels = bc_range_length(w->channels), taps = ctx->plan->geometry.taps;
  for (int64_t channel = 0; channel < channels; ++channel)
    for (int64_t tap = 0; tap < taps; ++tap)
      bc_gradient_store(ctx->plan, w->totals[tap * channels + channel],
                        gradient + (w->channels.begin + channel) * taps + tap);
}

static void run_task(void *argument, int64_t task, int thread)
{
  const context *ctx = argument;
  const bc_geometry *g = &ctx->plan->geometry;
  const int64_t rows = g->axes[BC_DEPTH].output * g->axes[BC_HEIGHT].output;
  const int64_t slots = ctx->plan->schedule.blocks.slots;
  const bc_range units = bc_slot_units(ctx->plan, count_units(g), task % slots);
  const area a = area_of(g, ctx->plan->schedule.blocks.channels);
  work w = find_work(ctx, task / slots, thread);
  find_offsets(ctx, w.offsets);
  memset(w.sums, 0, a.sums);
  memset(w.totals, 0, a.totals);
  for (int64_t unit = units.begin; unit < units.end; ++unit)
    add_row(ctx, &w, unit / rows, unit % rows);
  flush(ctx, &w);
  store(ctx, &w, bc_slot_gradient(ctx->plan, ctx->tensors, ctx->workspace, task % slots));
}

void bc_channels_gradient_run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace)
{
  context ctx = {plan, tensors, workspace, bc_sums_of(&plan->geometry, true)};
  bc_parallel_for(plan->threads, plan->schedule.tasks, run_task, &ctx);
}
