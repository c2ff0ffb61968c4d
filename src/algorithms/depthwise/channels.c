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
  const int64_t most = bc_count_blocks(rows, bc_count_blocks(wanted, shares.others));
  return (bc_blocks){.channels = channels,
                     .depth = bc_balanced_block(&shares, 1, bc_round_up(most, shares.unit))};
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

/* ---- any taps ---- */

/* Rows of one plane of an image's results, and channels. */
typedef struct part {
  int64_t image, plane;
  bc_range rows, channels;
} part;

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

/* Results, the first of them at *result, whose taps in plane number `tap` of them are these: those
 * before it have been added. */
static void sum_plane(const context *ctx, const part *p, const bc_phase *phase, int64_t tap,
                      const float *weights, bc_channel_taps *taps, float *result)
{
  const bc_sums *sums = &ctx->sums;
  const bc_sweep *depth = &sums->axes[BC_DEPTH];
  const int64_t plane = p->plane / depth->step * depth->stride + phase->offset + tap * depth->apart;
  const int64_t groups = ctx->plan->geometry.groups;
  const float *const source = ctx->source + p->image * sums->from.image +
                              plane * taps->height.sources * taps->source_row + p->channels.begin;
  bc_cpu_kernels()->depthwise->sum_channels(
      taps, source,
      weights + (phase->first + tap * phase->step) * sums->tap_weight[BC_DEPTH] * groups, result);
  taps->accumulate = true;
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
  const bc_sweep *depth = &sums->axes[BC_DEPTH], *height = &sums->axes[BC_HEIGHT];
  const bc_sweep *width = &sums->axes[BC_WIDTH];
  const bc_phase planes = bc_sweep_phase(depth, p->plane % depth->step);
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
  const bc_range met = bc_phase_inside(depth, &planes, p->plane / depth->step);
  if (bc_range_length(met) == 0 || rows.taps == 0 || columns.taps == 0) {
    sum_nothing(&taps, result);
    return;
  }
  const float *const weights =
      ctx->weights + p->channels.begin +
      (rows.first * weight[BC_HEIGHT] + columns.first * weight[BC_WIDTH]) * groups;
  for (int64_t tap = met.begin; tap < met.end; ++tap)
    sum_plane(ctx, p, &planes, tap, weights, &taps, result);
}

static void sum_part(const context *ctx, const part *p)
{
  const bc_sweep *height = &ctx->sums.axes[BC_HEIGHT], *width = &ctx->sums.axes[BC_WIDTH];
  for (int64_t row = 0; row < height->phases; ++row)
    for (int64_t column = 0; column < width->phases; ++column)
      sum_phase(ctx, p, row, column);
}

/* ---- three by three taps ---- */

/* One row of results, and what it meets. */
typedef struct row {
  int64_t image;
  bc_range channels;
  bc_phase row_phase;
  int64_t source_plane, source_row; /* under tap number 0 */
} row;

/* Row `index` of all planes of results. */
static row find_row(const context *ctx, int64_t image, int64_t index, bc_range channels)
{
  const bc_sweep *depth = &ctx->sums.axes[BC_DEPTH], *height = &ctx->sums.axes[BC_HEIGHT];
  const int64_t at_plane = index / height->results, at_row = index % height->results;
  row r = {.image = image,
           .channels = channels,
           .row_phase = bc_sweep_phase(height, at_row % height->step)};
  r.source_plane =
      at_plane / depth->step * depth->stride + bc_sweep_phase(depth, at_plane % depth->step).offset;
  r.source_row = at_row / height->step * height->stride + r.row_phase.offset;
  return r;
}

/* `rows` of a plane from r on. */
static bc_nine_taps nine_taps_of(const context *ctx, const row *r, int64_t rows)
{
  bc_nine_taps taps =
      bc_nine_taps_of(&ctx->plan->geometry, &ctx->sums, rows, bc_range_length(r->channels));
  taps.accumulate = ctx->plan->request.accumulate;
  return taps;
}

/* Of the source that a row meets: its first channel there. */
static const float *plane_of(const context *ctx, const row *r)
{
  const bc_sums *sums = &ctx->sums;
  const int64_t pixels = sums->axes[BC_HEIGHT].sources * sums->axes[BC_WIDTH].sources;
  return ctx->source + r->image * sums->from.image + r->source_plane * pixels * sums->from.pixel +
         r->channels.begin;
}

static void sum_nine_taps(const context *ctx, const row *r, int64_t rows, float *result)
{
  const bc_sums *sums = &ctx->sums;
  const bc_phase phase = bc_sweep_phase(&sums->axes[BC_WIDTH], 0);
  const int64_t groups = ctx->plan->geometry.groups;
  const int64_t down = sums->tap_weight[BC_HEIGHT], right = sums->tap_weight[BC_WIDTH];
  bc_nine_taps taps = nine_taps_of(ctx, r, rows);
  taps.first_row = r->source_row;
  taps.first_column = phase.offset;
  taps.across = r->row_phase.step * down * groups;
  taps.along = phase.step * right * groups;
  bc_cpu_kernels()->nine_taps->sum(
      &taps, plane_of(ctx, r),
      ctx->weights + (r->row_phase.first * down + phase.first * right) * groups + r->channels.begin,
      result);
}

/* Row `index` of a plane, and the next where it belongs to it: returns how many of `most` rows. Row
 * i and tap t meet row (i + pad - t) / 2 of the source, if that is a whole number. */
static int64_t spread_nine_taps(const context *ctx, const row *r, int64_t index, int64_t most,
                                float *result)
{
  const bc_axis *height = ctx->sums.axes[BC_HEIGHT].axis, *width = ctx->sums.axes[BC_WIDTH].axis;
  const int64_t groups = ctx->plan->geometry.groups;
  const int64_t at = index + height->pad_begin, rows = at % 2 == 1 ? 1 : bc_min(2, most);
  bc_nine_taps taps = nine_taps_of(ctx, r, rows);
  taps.first_row = at / 2;
  taps.first_column = width->pad_begin / 2;
  taps.half_row = at % 2 == 1;
  taps.half_column = width->pad_begin % 2 == 1;
  taps.across = ctx->sums.tap_weight[BC_HEIGHT] * groups;
  taps.along = ctx->sums.tap_weight[BC_WIDTH] * groups;
  bc_cpu_kernels()->nine_taps->spread(&taps, plane_of(ctx, r), ctx->weights + r->channels.begin,
                                      result);
  return rows;
}

/* The first of at most so many rows of a plane, or several at once: returns how many. */
static int64_t sum_nine(const context *ctx, int64_t image, bc_range rows, bc_range channels,
                        float *result)
{
  const bc_sums *sums = &ctx->sums;
  const row r = find_row(ctx, image, rows.begin, channels);
  const int64_t most = bc_range_length(rows);
  if (spreads(sums))
    return spread_nine_taps(ctx, &r, rows.begin % sums->axes[BC_HEIGHT].results, most, result);
  const int64_t count = bc_min(most, rows_at_once(&ctx->plan->geometry, sums));
  sum_nine_taps(ctx, &r, count, result);
  return count;
}

/* ---- a run ---- */

/* Whether a plane of results meets one of the source, in which nine taps are. */
static bool has_plane(const context *ctx, int64_t plane)
{
  const bc_sweep *depth = &ctx->sums.axes[BC_DEPTH];
  const bc_phase phase = bc_sweep_phase(depth, plane % depth->step);
  return bc_range_length(bc_phase_inside(depth, &phase, plane / depth->step)) == 1;
}

/* Of one plane at most, or some of them: returns how many. */
static int64_t sum_rows(const context *ctx, int64_t image, bc_range rows, bc_range channels)
{
  const bc_sums *sums = &ctx->sums;
  const int64_t width = sums->axes[BC_WIDTH].results, height = sums->axes[BC_HEIGHT].results;
  const int64_t offset =
      image * sums->to.image + rows.begin * width * sums->to.pixel + channels.begin;
  const int64_t plane = rows.begin / height, first = rows.begin % height;
  int64_t count = bc_min(bc_range_length(rows), height - first);
  if (bc_has_nine_taps(&ctx->plan->geometry) && has_plane(ctx, plane))
    count = sum_nine(ctx, image, (bc_range){rows.begin, rows.begin + count}, channels,
                     ctx->tensors->result + offset);
  else
    sum_part(ctx, &(part){image, plane, {first, first + count}, channels});
  bc_epilogue_apply(&ctx->tensors->epilogue,
                    bc_view(sums->to, bc_range_length(channels), count * width), channels.begin,
                    offset, ctx->tensors->result + offset);
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
  const bc_range channels =
      bc_channel_block(g, blocks->channels, task / row_blocks % channel_blocks);
  bc_range rows =
      bc_even_range(task % row_blocks, blocks->depth, rows_at_once(g, &ctx->sums), all_rows);
  while (rows.begin < rows.end)
    rows.begin += sum_rows(ctx, image, rows, channels);
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
