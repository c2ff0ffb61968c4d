#include "sliding.h"

#include "algorithms/blocks.h"
#include "algorithms/slots.h"
#include "cpu.h"
#include "kernels/kernels.h"
#include "panel.h"
#include "parallel.h"

#include <string.h>

enum { MOST_FILTERS = 1024 };

static const bc_product_kernels *kernels(void)
{
  return bc_cpu_kernels()->product;
}

/* Lanes are read where they lie. */
static bool in_pixels(const bc_geometry *g)
{
  return g->layout == BLASCONV_NHWC;
}

/* What a task has in its workspace, in bytes, one behind the other. */
typedef struct areas {
  size_t sums; /* [patch rows][filters of all panels] */
  size_t strip;
  size_t panel;   /* [columns][lanes]; none in NHWC */
  size_t rows;    /* [output rows][patch rows]: pointers */
  size_t results; /* [patch rows]: pointers */
} areas;

static int64_t filters_of_panels(const bc_geometry *g)
{
  return bc_round_up(g->out_channels, kernels()->lanes);
}

static areas find_areas(const bc_geometry *g, int64_t rows)
{
  const int64_t columns = rows * g->axes[BC_WIDTH].output;
  return (areas){.sums = bc_workspace_book(g->patch_rows * filters_of_panels(g)),
                 .strip = bc_workspace_book(bc_strip_of(g, rows).elements),
                 .panel = bc_workspace_book(in_pixels(g) ? 0 : columns * kernels()->lanes),
                 .rows = bc_workspace_book_words(rows * g->patch_rows),
                 .results = bc_workspace_book_words(g->patch_rows)};
}

static size_t thread_bytes(const bc_geometry *g, int64_t rows)
{
  const areas a = find_areas(g, rows);
  return a.sums + a.strip + a.panel + a.rows + a.results;
}

bool bc_sliding_weights_serve(const bc_geometry *g, size_t room)
{
  /* Half a panel is read as half; else the last would reach behind the last pixel. */
  const bool whole = !in_pixels(g) || 2 * g->out_channels % kernels()->lanes == 0;
  return bc_slides(g) && whole && g->out_channels <= MOST_FILTERS && thread_bytes(g, 1) <= room;
}

bc_schedule bc_sliding_weights_prepare(const bc_geometry *g, const bc_request *request)
{
  int64_t rows = bc_sliding_rows(g);
  while (rows > 1 &&
         (thread_bytes(g, rows) > request->room || 2 * bc_sliding_units(g, rows) < BC_ENOUGH_TASKS))
    rows = bc_count_blocks(rows, 2);
  bc_schedule schedule =
      bc_slots_schedule(g, 1, bc_sliding_units(g, rows), thread_bytes(g, rows), request);
  schedule.blocks.pixels = rows;
  return schedule;
}

bc_work bc_sliding_weights_work(const bc_geometry *g, const bc_schedule *schedule)
{
  const double units = (double)bc_sliding_units(g, schedule->blocks.pixels);
  const double rows = (double)g->axes[BC_HEIGHT].output * (double)g->batch;
  const double tiles = (double)bc_count_blocks(g->patch_rows, kernels()->rows) *
                       (double)bc_count_blocks(g->out_channels, kernels()->lanes);
  const double pixels = (double)(g->batch * g->out_pixels);
  const double slots = schedule->blocks.slots > 1 ? (double)schedule->blocks.slots : 0.0;
  return (bc_work){.tiles = units * tiles,
                   .segments = rows * tiles,
                   .multiplications =
                       (double)(bc_filled_rows(g->patch_rows) * filters_of_panels(g)) * pixels,
                   .packed = in_pixels(g) ? 0.0 : pixels * (double)g->out_channels,
                   .moved = (double)(g->batch * g->in_pixels * g->in_channels) +
                            slots * (double)bc_count_weights(g),
                   .run = g->axes[BC_WIDTH].input};
}

typedef struct job {
  const bc_geometry *g;
  bc_strip strip;
  float *sums, *copy, *panel;
  const float **rows;
  float **results;
} job;

static job find_job(const bc_sliding_context *ctx, int thread)
{
  const bc_geometry *g = &ctx->plan->geometry;
  const int64_t rows = ctx->plan->schedule.blocks.pixels, filters = filters_of_panels(g);
  const areas a = find_areas(g, rows);
  char *area =
      (char *)bc_workspace_of_thread(&ctx->plan->schedule.workspace, ctx->workspace, thread);
  job j = {.g = g, .strip = bc_strip_of(g, rows), .sums = (float *)(void *)area};
  j.copy = (float *)(void *)(area += a.sums);
  j.panel = (float *)(void *)(area += a.strip);
  j.rows = (const float **)(void *)(area += a.panel);
  j.results = (float **)(void *)(area + a.rows);
  for (int64_t row = 0; row < g->patch_rows; ++row)
    j.results[row] = j.sums + row * filters;
  return j;
}

/* Where the first column's factors of each weight are, for each row of output. */
static void find_rows(const job *j, int64_t rows)
{
  const bc_geometry *g = j->g;
  const bc_axis *height = &g->axes[BC_HEIGHT], *width = &g->axes[BC_WIDTH];
  for (int64_t channel = 0; channel < g->in_channels; ++channel)
    for (int64_t tap = 0; tap < g->taps; ++tap) {
      const int64_t down = tap / width->kernel * height->dilation;
      const int64_t right = tap % width->kernel * width->dilation;
      const float *first =
          j->copy + channel * j->strip.channel + down * j->strip.row + right * j->strip.column;
      const int64_t weight = channel * g->row_of_channel + tap * g->row_of_tap;
      for (int64_t row = 0; row < rows; ++row)
        j->rows[row * g->patch_rows + weight] = first + row * height->stride * j->strip.row;
    }
}

/* Adds a unit's products. */
static void add_unit(const job *j, const bc_sliding_context *ctx, int64_t number)
{
  const bc_geometry *g = j->g;
  const bc_axis *width = &g->axes[BC_WIDTH];
  const bc_sliding_unit unit = bc_sliding_unit_at(g, ctx->plan->schedule.blocks.pixels, number);
  const int64_t count = bc_range_length(unit.rows), columns = count * width->output;
  const int64_t lanes = kernels()->lanes;
  const float *gradient = ctx->tensors->output + unit.image * g->output.image +
                          unit.rows.begin * width->output * g->output.pixel;
  const bc_rows all = {.count = g->patch_rows,
                       .segments = count,
                       .length = width->output,
                       .step = width->stride * j->strip.column,
                       .at = j->rows,
                       .segment_step = g->patch_rows,
                       .results = j->results,
                       .add = true};
  const int64_t tiles =
      bc_count_blocks(g->patch_rows, kernels()->rows) * bc_count_blocks(g->out_channels, lanes);
  /* What comes next lies behind what is read. */
  const float *next = gradient + columns * g->output.pixel;
  bc_coming coming = bc_expect(next, g->output.channel, in_pixels(g) ? 1 : g->out_channels,
                               in_pixels(g) ? columns * g->output.pixel : columns,
                               tiles * count * bc_count_blocks(width->output, kernels()->piece));
  bc_copy_strip(g, &j->strip, ctx->tensors->input + unit.image * g->input.image, unit.rows.begin,
                j->copy);
  for (int64_t lane = 0; lane < g->out_channels; lane += lanes) {
    const int64_t filters = bc_min(lanes, g->out_channels - lane);
    int64_t places[BC_MOST_LANES];
    for (int64_t i = 0; i < lanes; ++i)
      places[i] = lane + i;
    if (!in_pixels(g))
      bc_cpu_kernels()->transpose(gradient + lane * g->output.channel, g->output.channel, filters,
                                  columns, j->panel, lanes);
    const bc_panels panel = {.first = in_pixels(g) ? gradient + lane : j->panel,
                             .step = in_pixels(g) ? g->output.pixel : lanes,
                             .lanes = filters,
                             .places = places};
    bc_multiply_panels(kernels(), &all, &panel, &coming);
  }
}

static void store(const bc_sliding_context *ctx, const job *j, float *gradient)
{
  const bc_geometry *g = j->g;
  const bool accumulate = bc_slot_accumulates(ctx->plan);
  const int64_t filters = filters_of_panels(g);
  for (int64_t filter = 0; filter < g->out_channels; ++filter)
    for (int64_t row = 0; row < g->patch_rows; ++row) {
      float *const element = gradient + filter * g->patch_rows + row;
      const float sum = j->sums[row * filters + filter];
      *element = accumulate ? *element + sum : sum;
    }
}

static void run_task(void *argument, int64_t slot, int thread)
{
  const bc_sliding_context *ctx = argument;
  const bc_geometry *g = &ctx->plan->geometry;
  const int64_t rows = ctx->plan->schedule.blocks.pixels;
  const bc_range units = bc_slot_units(ctx->plan, bc_sliding_units(g, rows), slot);
  const job j = find_job(ctx, thread);
  memset(j.sums, 0, find_areas(g, rows).sums);
  find_rows(&j, rows);
  for (int64_t unit = units.begin; unit < units.end; ++unit)
    add_unit(&j, ctx, unit);
  store(ctx, &j, bc_slot_gradient(ctx->plan, ctx->tensors, ctx->workspace, slot));
}

void bc_sliding_weights_run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace)
{
  bc_sliding_context ctx = {plan, tensors, workspace};
  bc_parallel_for(plan->threads, plan->schedule.tasks, run_task, &ctx);
  bc_slots_add_up(plan, tensors, workspace);
}
