/* Forward and backward data with vectors of neighbouring channels, where each has a map of its own.
 * Weights are turned to [R][S][G] first. */
#include "depthwise.h"

#include "cpu.h"
#include "kernels/depthwise.h"
#include "kernels/kernels.h"
#include "parallel.h"

enum { LEAST_CHANNELS = 64 };

/* All that a run needs. */
typedef struct context {
  const blasconv_plan *plan;
  const bc_tensors *tensors;
  const float *weights; /* [R][S][G] */
  bc_sums sums;
  const float *source;
} context;

/* Whether it is the gradient of an input that has pixels between those of the output. */
static bool spreads(const bc_sums *sums)
{
  return !sums->axes[BC_HEIGHT].forward && sums->axes[BC_HEIGHT].axis->stride == 2;
}

static int64_t count_rows(const bc_sums *sums)
{
  return sums->axes[BC_DEPTH].results * sums->axes[BC_HEIGHT].results;
}

/* Neighbouring rows that are summed at once. */
static int64_t rows_at_once(const bc_geometry *g, const bc_sums *sums)
{
  if (!bc_has_nine_taps(g))
    return 1;
  const bc_nine_taps taps = bc_nine_taps_of(g, sums, 1, g->groups);
  return spreads(sums) ? 2 : bc_cpu_kernels()->nine_taps->rows_at_once(&taps);
}

/* Threads share the channels only where there are too few rows: the CPU fetches on behind what it
 * reads and writes, and cores would take each other's lines at every pixel. */
static bc_blocks choose_blocks(const bc_geometry *g, const bc_sums *sums, const bc_request *request)
{
  const int64_t rows = count_rows(sums), wanted = bc_wanted_tasks(request);
  int64_t channels = g->groups;
  bc_split_for_tasks(request->threads, g->groups, g->batch * rows, LEAST_CHANNELS, BC_CHANNEL_LANES,
                     &channels);
  const bc_shares shares = {.threads = request->threads,
                            .others = bc_max(1, g->batch) * bc_channel_blocks(g, channels),
                            .whole = rows,
                            .unit = rows_at_once(g, sums)};
  const int64_t most =
      bc_round_up(bc_count_blocks(rows, bc_count_blocks(wanted, shares.others)), shares.unit);
  return (bc_blocks){.channels = channels, .depth = bc_balanced_block(&shares, 1, most, most)};
}

bc_schedule bc_channels_prepare(const bc_geometry *g, const bc_request *request)
{
  const bc_sums sums = bc_sums_of(g, request->pass == BLASCONV_FORWARD);
  bc_schedule schedule = {0};
  schedule.blocks = choose_blocks(g, &sums, request);
  schedule.tasks = g->batch * bc_count_blocks(count_rows(&sums), schedule.blocks.depth) *
                   bc_channel_blocks(g, schedule.blocks.channels);
  schedule.workspace.shared_bytes = bc_workspace_book(bc_count_weights(g));
  return schedule;
}

void bc_channels_pack(const bc_geometry *g, const float *weights, float *packed)
{
  bc_cpu_kernels()->transpose(weights, g->taps, g->groups, g->taps, packed, g->groups);
}

/* Rows of one plane of an image's results, and channels. */
typedef struct part {
  int64_t image, plane;
  bc_range rows, channels;
} part;

/* The phase of a part's plane, and the numbers of its taps in the depth that meet a plane of the
 * source. */
static bc_phase phase_of(const context *ctx, const part *p)
{
  const bc_sweep *depth = &ctx->sums.axes[BC_DEPTH];
  return bc_sweep_phase(depth, p->plane % depth->step);
}

static bc_range planes_met(const context *ctx, const part *p)
{
  const bc_sweep *depth = &ctx->sums.axes[BC_DEPTH];
  const bc_phase phase = phase_of(ctx, p);
  return bc_phase_inside(depth, &phase, p->plane / depth->step);
}

/* The first of a part's channels in the plane of the source that tap number `tap` meets. */
static const float *plane_of(const context *ctx, const part *p, int64_t tap)
{
  const bc_sums *sums = &ctx->sums;
  const bc_sweep *depth = &sums->axes[BC_DEPTH];
  const int64_t plane =
      p->plane / depth->step * depth->stride + phase_of(ctx, p).offset + tap * depth->apart;
  const int64_t pixels = sums->axes[BC_HEIGHT].sources * sums->axes[BC_WIDTH].sources;
  return ctx->source + p->image * sums->from.image + plane * pixels * sums->from.pixel +
         p->channels.begin;
}

/* ---- any taps ---- */

/* Results from number `first` on of a phase along an axis, `count` of them. */
static bc_channel_axis axis_of(const bc_sweep *sweep, const bc_phase *phase, int64_t first,
                               int64_t count, int64_t weight)
{
  return (bc_channel_axis){.results = count,
                           .sources = sweep->sources,
                           .first = first * sweep->stride + phase->offset,
                           .stride = sweep->stride,
                           .apart = sweep->apart,
                           .taps = phase->taps,
                           .weight = phase->step * weight};
}

/* Results that meet nothing. */
static void sum_nothing(const bc_channel_taps *t, float *result)
{
  for (int64_t row = 0; row < t->height.results && !t->accumulate; ++row)
    bc_clear_block((bc_block_view){t->channels, t->width.results, 1, t->pixel_step},
                   result + row * t->row_step);
}

/* Those of a part that are of one phase of the rows and one of the columns. */
static void sum_phase(const context *ctx, const part *p, int64_t row_phase, int64_t column_phase)
{
  const bc_sums *sums = &ctx->sums;
  const bc_sweep *height = &sums->axes[BC_HEIGHT], *width = &sums->axes[BC_WIDTH];
  const bc_phase planes = phase_of(ctx, p);
  const bc_phase rows = bc_sweep_phase(height, row_phase);
  const bc_phase columns = bc_sweep_phase(width, column_phase);
  const int64_t groups = ctx->plan->geometry.groups, *weight = sums->tap_weight;
  const int64_t first = bc_count_blocks(bc_max(0, p->rows.begin - row_phase), height->step);
  const int64_t end = bc_count_blocks(bc_max(0, p->rows.end - row_phase), height->step);
  const int64_t pixel =
      (p->plane * height->results + row_phase + first * height->step) * width->results +
      column_phase;
  float *const result =
      ctx->tensors->result + p->image * sums->to.image + pixel * sums->to.pixel + p->channels.begin;
  bc_channel_taps taps = {
      .height = axis_of(height, &rows, first, end - first, weight[BC_HEIGHT] * groups),
      .width = axis_of(width, &columns, 0, bc_sweep_count(width, column_phase),
                       weight[BC_WIDTH] * groups),
      .channels = bc_range_length(p->channels),
      .row_step = height->step * width->results * sums->to.pixel,
      .pixel_step = width->step * sums->to.pixel,
      .source_row = width->sources * sums->from.pixel,
      .source_pixel = sums->from.pixel,
      .accumulate = ctx->plan->request.accumulate};
  if (taps.height.results == 0)
    return;
  const bc_range met = planes_met(ctx, p);
  if (bc_range_length(met) == 0 || rows.taps == 0 || columns.taps == 0) {
    sum_nothing(&taps, result);
    return;
  }
  for (int64_t tap = met.begin; tap < met.end; ++tap) {
    const int64_t first_weight = (planes.first + tap * planes.step) * weight[BC_DEPTH] +
                                 rows.first * weight[BC_HEIGHT] + columns.first * weight[BC_WIDTH];
    bc_cpu_kernels()->depthwise->sum_channels(
        &taps, plane_of(ctx, p, tap), ctx->weights + first_weight * groups + p->channels.begin,
        result);
    taps.accumulate = true; /* for the planes that follow */
  }
}

static void sum_part(const context *ctx, const part *p)
{
  const bc_sweep *height = &ctx->sums.axes[BC_HEIGHT], *width = &ctx->sums.axes[BC_WIDTH];
  for (int64_t row = 0; row < height->phases; ++row)
    for (int64_t column = 0; column < width->phases; ++column)
      sum_phase(ctx, p, row, column);
}

/* ---- three by three taps: the first rows of a part ---- */

static bc_nine_taps nine_taps_of(const context *ctx, const part *p)
{
  bc_nine_taps taps =
      bc_nine_taps_of(&ctx->plan->geometry, &ctx->sums, 1, bc_range_length(p->channels));
  taps.accumulate = ctx->plan->request.accumulate;
  return taps;
}

/* Returns how many rows. */
static int64_t sum_nine_taps(const context *ctx, const part *p, float *result)
{
  const bc_sums *sums = &ctx->sums;
  const bc_nine_tap_kernels *kernels = bc_cpu_kernels()->nine_taps;
  const bc_sweep *height = &sums->axes[BC_HEIGHT];
  const bc_phase rows = bc_sweep_phase(height, 0),
                 columns = bc_sweep_phase(&sums->axes[BC_WIDTH], 0);
  const int64_t groups = ctx->plan->geometry.groups;
  const int64_t down = sums->tap_weight[BC_HEIGHT], right = sums->tap_weight[BC_WIDTH];
  bc_nine_taps taps = nine_taps_of(ctx, p);
  taps.rows = bc_min(bc_range_length(p->rows), kernels->rows_at_once(&taps));
  taps.first_row = p->rows.begin * height->stride + rows.offset;
  taps.first_column = columns.offset;
  taps.across = rows.step * down * groups;
  taps.along = columns.step * right * groups;
  kernels->sum(&taps, plane_of(ctx, p, 0),
               ctx->weights + (rows.first * down + columns.first * right) * groups +
                   p->channels.begin,
               result);
  return taps.rows;
}

/* One row, or two where they belong together: returns how many. Row i and tap t meet row
 * (i + pad - t) / 2 of the source, if that is a whole number. */
static int64_t spread_nine_taps(const context *ctx, const part *p, float *result)
{
  const bc_axis *height = ctx->sums.axes[BC_HEIGHT].axis, *width = ctx->sums.axes[BC_WIDTH].axis;
  const int64_t groups = ctx->plan->geometry.groups;
  const int64_t at = p->rows.begin + height->pad_begin;
  bc_nine_taps taps = nine_taps_of(ctx, p);
  taps.rows = at % 2 == 1 ? 1 : bc_min(2, bc_range_length(p->rows));
  taps.first_row = at / 2;
  taps.first_column = width->pad_begin / 2;
  taps.half_row = at % 2 == 1;
  taps.half_column = width->pad_begin % 2 == 1;
  taps.across = ctx->sums.tap_weight[BC_HEIGHT] * groups;
  taps.along = ctx->sums.tap_weight[BC_WIDTH] * groups;
  bc_cpu_kernels()->nine_taps->spread(&taps, plane_of(ctx, p, 0), ctx->weights + p->channels.begin,
                                      result);
  return taps.rows;
}

/* ---- a run ---- */

/* All rows of a part, or the first of them: returns how many. */
static int64_t sum_rows(const context *ctx, const part *p, float *result)
{
  if (!bc_has_nine_taps(&ctx->plan->geometry) || bc_range_length(planes_met(ctx, p)) == 0) {
    sum_part(ctx, p);
    return bc_range_length(p->rows);
  }
  return spreads(&ctx->sums) ? spread_nine_taps(ctx, p, result) : sum_nine_taps(ctx, p, result);
}

/* Of rows that are counted over all planes. Returns how many, of one plane. */
static int64_t run_rows(const context *ctx, int64_t image, bc_range rows, bc_range channels)
{
  const bc_sums *sums = &ctx->sums;
  const int64_t width = sums->axes[BC_WIDTH].results, height = sums->axes[BC_HEIGHT].results;
  const int64_t offset =
      image * sums->to.image + rows.begin * width * sums->to.pixel + channels.begin;
  const int64_t first = rows.begin % height;
  const part p = {.image = image,
                  .plane = rows.begin / height,
                  .rows = {first, bc_min(height, first + bc_range_length(rows))},
                  .channels = channels};
  float *const result = ctx->tensors->result + offset;
  const int64_t count = sum_rows(ctx, &p, result);
  bc_epilogue_apply(&ctx->tensors->epilogue,
                    bc_view(sums->to, bc_range_length(channels), count * width), channels.begin,
                    offset, result);
  return count;
}

static void run_task(void *argument, int64_t task, int thread)
{
  (void)thread;
  const context *ctx = argument;
  const bc_geometry *g = &ctx->plan->geometry;
  const bc_blocks *blocks = &ctx->plan->schedule.blocks;
  const int64_t all_rows = count_rows(&ctx->sums);
  const int64_t row_blocks = bc_count_blocks(all_rows, blocks->depth);
  const int64_t channel_blocks = bc_channel_blocks(g, blocks->channels);
  const int64_t image = task / row_blocks / channel_blocks;
  const bc_range channels = bc_channel_block(g, blocks->channels, task % channel_blocks);
  bc_range rows = bc_even_range(task / channel_blocks % row_blocks, blocks->depth,
                                rows_at_once(g, &ctx->sums), all_rows);
  while (rows.begin < rows.end)
    rows.begin += run_rows(ctx, image, rows, channels);
}

void bc_channels_run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace)
{
  const bc_geometry *g = &plan->geometry;
  const bool forward = plan->request.pass == BLASCONV_FORWARD;
  context ctx = {.plan = plan,
                 .tensors = tensors,
                 .weights = tensors->packed,
                 .sums = bc_sums_of(g, forward),
                 .source = forward ? tensors->input : tensors->output};
  if (tensors->packed == NULL) {
    float *turned = bc_workspace_shared(workspace);
    bc_channels_pack(g, tensors->weights, turned);
    ctx.weights = turned;
  }
  bc_parallel_for(plan->threads, plan->schedule.tasks, run_task, &ctx);
}
