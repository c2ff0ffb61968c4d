/* The weight gradient with vectors of neighbouring channels, on the tensors as they lie. */
#include "gradient.h"

#include "cpu.h"
#include "kernels/kernels.h"
#include "parallel.h"

#include <string.h>

enum {
  MOST_CHANNELS = 1024,
  LEAST_TERMS = 192 /* of a slot, whose gradient has to be added */
};

/* All that a run needs. */
typedef struct context {
  const blasconv_plan *plan;
  const bc_tensors *tensors;
  void *workspace;
  bc_sums sums; /* those of a forward pass */
} context;

/* What a task has in its workspace. */
typedef struct area {
  size_t sums;   /* bytes of [taps][channels] */
  size_t totals; /* the same in double */
} area;

/* For blocks of so many channels. */
static area area_of(const bc_geometry *g, int64_t channels)
{
  const int64_t two = sizeof(double) / sizeof(float);
  const int64_t elements = g->taps * bc_min(g->groups, bc_channel_most(channels));
  return (area){bc_workspace_book(elements), bc_workspace_book(elements * two)};
}

static size_t thread_bytes(const bc_geometry *g, int64_t channels)
{
  const area a = area_of(g, channels);
  return a.sums + a.totals;
}

/* Rows of a plane that are correlated at once. */
static int64_t rows_of_unit(const bc_geometry *g)
{
  const bc_axis *height = &g->axes[BC_HEIGHT];
  return bc_has_nine_taps(g) ? bc_cpu_kernels()->nine_taps->rows / height->stride : 1;
}

/* Units of an image: rows of one plane. */
static int64_t units_of_plane(const bc_geometry *g)
{
  return bc_count_blocks(g->axes[BC_HEIGHT].output, rows_of_unit(g));
}

static int64_t count_units(const bc_geometry *g)
{
  return g->batch * g->axes[BC_DEPTH].output * units_of_plane(g);
}

bc_schedule bc_channels_gradient_prepare(const bc_geometry *g, const bc_request *request)
{
  int64_t most = MOST_CHANNELS, channels = 0;
  do {
    channels = bc_even_block(g->groups, most, BC_CHANNEL_LANES);
    most /= 2;
  } while (most >= BC_CHANNEL_LANES && thread_bytes(g, channels) > request->room);
  const int64_t units = count_units(g);
  const int64_t most_slots = bc_max(1, g->batch * g->out_pixels / LEAST_TERMS);
  bc_schedule schedule =
      bc_slots_schedule(g, bc_channel_blocks(g, channels), bc_min(units, most_slots),
                        thread_bytes(g, channels), request);
  schedule.blocks.channels = channels;
  return schedule;
}

/* A task's channels and memory. */
typedef struct work {
  bc_range channels;
  float *sums;
  double *totals;
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
                .totals = (double *)(void *)(memory + a.sums)};
}

/* Empties the sums into the totals. */
static void flush(const context *ctx, work *w)
{
  const int64_t elements = ctx->plan->geometry.taps * bc_range_length(w->channels);
  bc_cpu_kernels()->add_to_sums(w->totals, w->sums, elements);
  memset(w->sums, 0, (size_t)elements * sizeof *w->sums);
  w->terms = 0;
}

/* What the rows have in common. */
static bc_line_correlation line_of(const context *ctx, const work *w)
{
  const bc_sweep *height = &ctx->sums.axes[BC_HEIGHT], *width = &ctx->sums.axes[BC_WIDTH];
  const int64_t channels = bc_range_length(w->channels);
  return (bc_line_correlation){.results = width->results,
                               .sources = width->sources,
                               .elements = channels,
                               .gradient_step = ctx->sums.to.pixel,
                               .source_step = ctx->sums.from.pixel,
                               .stride = width->stride,
                               .first = width->low,
                               .apart = width->apart,
                               .taps = width->axis->kernel,
                               .sums_step = channels,
                               .next_source =
                                   height->stride * width->sources * ctx->sums.from.pixel};
}

/* Rows of a plane of gradients, which meets one plane of the source. */
static void correlate_nine(const context *ctx, const work *w, int64_t image, int64_t plane,
                           int64_t source_plane, bc_range rows)
{
  const bc_sums *sums = &ctx->sums;
  const bc_sweep *height = &sums->axes[BC_HEIGHT];
  const int64_t channels = bc_range_length(w->channels);
  bc_nine_taps taps = bc_nine_taps_of(&ctx->plan->geometry, sums, bc_range_length(rows), channels);
  taps.first_row = rows.begin * height->stride + height->low;
  taps.first_column = sums->axes[BC_WIDTH].low;
  taps.across = 3 * channels;
  taps.along = channels;
  bc_cpu_kernels()->nine_taps->correlate(
      &taps,
      ctx->tensors->input + image * sums->from.image +
          source_plane * height->sources * taps.source_row + w->channels.begin,
      ctx->tensors->output + image * sums->to.image +
          (plane * height->results + rows.begin) * taps.row_step + w->channels.begin,
      w->sums);
}

/* A row of a plane of gradients. */
static void correlate_row(const context *ctx, const work *w, int64_t image, int64_t at_plane,
                          int64_t at_row)
{
  const bc_sweep *depth = &ctx->sums.axes[BC_DEPTH], *height = &ctx->sums.axes[BC_HEIGHT];
  const bc_sweep *width = &ctx->sums.axes[BC_WIDTH];
  const bc_phase plane = bc_sweep_phase(depth, 0), line = bc_sweep_phase(height, 0);
  const bc_range planes = bc_phase_inside(depth, &plane, at_plane);
  const bc_range rows = bc_phase_inside(height, &line, at_row);
  const bc_line_correlation c = line_of(ctx, w);
  const float *gradient =
      ctx->tensors->output + image * ctx->sums.to.image +
      (at_plane * height->results + at_row) * width->results * ctx->sums.to.pixel +
      w->channels.begin;
  const float *source = ctx->tensors->input + image * ctx->sums.from.image + w->channels.begin;
  for (int64_t i = planes.begin; i < planes.end; ++i)
    for (int64_t r = rows.begin; r < rows.end; ++r) {
      const int64_t source_row =
          (at_plane * depth->stride + plane.offset + i * depth->apart) * height->sources +
          at_row * height->stride + line.offset + r * height->apart;
      bc_cpu_kernels()->correlation->correlate_channels(
          &c, source + source_row * width->sources * ctx->sums.from.pixel, gradient,
          w->sums + (i * height->axis->kernel + r) * width->axis->kernel * c.sums_step);
    }
}

static void add_unit(const context *ctx, work *w, int64_t image, int64_t unit)
{
  const bc_geometry *g = &ctx->plan->geometry;
  const bc_sweep *depth = &ctx->sums.axes[BC_DEPTH];
  const int64_t units = units_of_plane(g), plane = unit / units;
  const bc_range rows = bc_block(unit % units, rows_of_unit(g), g->axes[BC_HEIGHT].output);
  const int64_t terms = bc_range_length(rows) * g->axes[BC_WIDTH].output;
  if (w->terms + terms > BC_GRADIENT_TERMS)
    flush(ctx, w);
  w->terms += terms;
  if (bc_has_nine_taps(g)) {
    const bc_phase taps = bc_sweep_phase(depth, 0);
    const bc_range planes = bc_phase_inside(depth, &taps, plane);
    if (bc_range_length(planes) > 0)
      correlate_nine(ctx, w, image, plane, plane * depth->stride + taps.offset, rows);
    return;
  }
  for (int64_t row = rows.begin; row < rows.end; ++row)
    correlate_row(ctx, w, image, plane, row);
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
  const int64_t units_of_image = g->axes[BC_DEPTH].output * units_of_plane(g);
  const bc_slot_task at = bc_slot_task_at(ctx->plan, task);
  const bc_range units = bc_slot_units(ctx->plan, count_units(g), at.slot);
  const area a = area_of(g, ctx->plan->schedule.blocks.channels);
  work w = find_work(ctx, at.part, thread);
  memset(w.sums, 0, a.sums);
  memset(w.totals, 0, a.totals);
  for (int64_t unit = units.begin; unit < units.end; ++unit)
    add_unit(ctx, &w, unit / units_of_image, unit % units_of_image);
  flush(ctx, &w);
  store(ctx, &w, bc_slot_gradient(ctx->plan, ctx->tensors, ctx->workspace, at.slot));
}

void bc_channels_gradient_run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace)
{
  context ctx = {plan, tensors, workspace, bc_sums_of(&plan->geometry, true)};
  bc_parallel_for(plan->threads, plan->schedule.tasks, run_task, &ctx);
}
