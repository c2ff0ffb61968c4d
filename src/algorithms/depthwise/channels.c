/* Forward and backward data with vectors of neighbouring channels, where each has a map of its own.
 * Tensors are read and written where they lie, edges by leaving out the taps that meet none of the
 * source. Weights are turned to [R][S][G] first. */
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
  const float *weights;   /* [R][S][G] */
  const int64_t *offsets; /* of the rows of taps */
  bc_sums sums;
  const float *source;
} context;

/* The offsets in front of the weights. */
static size_t offsets_bytes(const bc_sums *sums)
{
  return bc_workspace_book_words(sums->axes[BC_HEIGHT].most_taps);
}

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

/* Where rows are few, threads share the channels too. */
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
  schedule.workspace.shared_bytes = offsets_bytes(&sums) + bc_workspace_book(bc_count_weights(g));
  return schedule;
}

void bc_channels_pack(const bc_geometry *g, const float *weights, float *packed)
{
  bc_cpu_kernels()->transpose(weights, g->taps, g->groups, g->taps, packed, g->groups);
}

/* One row of results, and what it meets. */
typedef struct row {
  int64_t image;
  bc_range channels;
  int64_t first_pixel; /* of the results */
  bc_phase plane_phase, row_phase;
  bc_range planes, rows;            /* numbers of the taps that meet the source */
  int64_t source_plane, source_row; /* under tap number 0 */
} row;

/* One phase of the columns. */
static void sum_columns(const context *ctx, const row *r, int64_t column_phase)
{
  const bc_sums *sums = &ctx->sums;
  const bc_sweep *depth = &sums->axes[BC_DEPTH], *height = &sums->axes[BC_HEIGHT];
  const bc_sweep *width = &sums->axes[BC_WIDTH];
  const bc_phase phase = bc_sweep_phase(width, column_phase);
  const int64_t groups = ctx->plan->geometry.groups, pixel = sums->from.pixel;
  const int64_t *weight = sums->tap_weight;
  const bc_stencil stencil = {
      .lines = bc_sweep_count(width, column_phase),
      .elements = bc_range_length(r->channels),
      .result_step = width->step * sums->to.pixel,
      .line_step = width->stride * pixel,
      .channels = 1,
      .planes = bc_range_length(r->planes),
      .taps_across = bc_range_length(r->rows),
      .taps_along = phase.taps,
      .plane_step = depth->apart * height->sources * width->sources * pixel,
      .along_step = width->apart * pixel,
      .across = ctx->offsets,
      .weight = {.plane = r->plane_phase.step * weight[BC_DEPTH] * groups,
                 .across = r->row_phase.step * weight[BC_HEIGHT] * groups,
                 .along = phase.step * weight[BC_WIDTH] * groups},
      .first = phase.offset,
      .sources = width->sources,
      .stride = width->stride,
      .apart = width->apart,
      .pixel = pixel,
      .next_source = bc_range_length(r->rows) * height->apart * width->sources * pixel,
      .next_result = (width->results - column_phase + column_phase * bc_sweep_count(width, 0)) *
                     sums->to.pixel,
      .fetches = bc_far_pixels(&ctx->plan->geometry) > 0.0,
      .accumulate = ctx->plan->request.accumulate};
  const int64_t source_row = (r->source_plane + r->planes.begin * depth->apart) * height->sources +
                             r->source_row + r->rows.begin * height->apart;
  const int64_t tap =
      (r->plane_phase.first + r->planes.begin * r->plane_phase.step) * weight[BC_DEPTH] +
      (r->row_phase.first + r->rows.begin * r->row_phase.step) * weight[BC_HEIGHT] +
      phase.first * weight[BC_WIDTH];
  const int64_t result = r->image * sums->to.image +
                         (r->first_pixel + column_phase) * sums->to.pixel + r->channels.begin;
  const bool none = stencil.planes * stencil.taps_across * stencil.taps_along == 0;
  bc_cpu_kernels()->depthwise->sum_channels(
      &stencil,
      ctx->source + (none ? 0 : r->image * sums->from.image + source_row * width->sources * pixel) +
          r->channels.begin,
      ctx->weights + (none ? 0 : tap * groups) + r->channels.begin, ctx->tensors->result + result);
}

/* Row `index` of all planes of results. */
static row find_row(const context *ctx, int64_t image, int64_t index, bc_range channels)
{
  const bc_sweep *depth = &ctx->sums.axes[BC_DEPTH], *height = &ctx->sums.axes[BC_HEIGHT];
  const int64_t at_plane = index / height->results, at_row = index % height->results;
  row r = {.image = image,
           .channels = channels,
           .first_pixel = index * ctx->sums.axes[BC_WIDTH].results,
           .plane_phase = bc_sweep_phase(depth, at_plane % depth->step),
           .row_phase = bc_sweep_phase(height, at_row % height->step)};
  r.planes = bc_phase_inside(depth, &r.plane_phase, at_plane / depth->step);
  r.rows = bc_phase_inside(height, &r.row_phase, at_row / height->step);
  r.source_plane = at_plane / depth->step * depth->stride + r.plane_phase.offset;
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
  return ctx->source + r->image * sums->from.image +
         (r->source_plane + r->planes.begin) * pixels * sums->from.pixel + r->channels.begin;
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

/* The first of at most so many rows, or several at once: returns how many. */
static int64_t sum_rows(const context *ctx, int64_t image, bc_range rows, bc_range channels)
{
  const bc_sums *sums = &ctx->sums;
  const int64_t width = sums->axes[BC_WIDTH].results, height = sums->axes[BC_HEIGHT].results;
  const row r = find_row(ctx, image, rows.begin, channels);
  const int64_t offset =
      image * sums->to.image + rows.begin * width * sums->to.pixel + channels.begin;
  float *const result = ctx->tensors->result + offset;
  const int64_t row_of_plane = rows.begin % height;
  const int64_t most = bc_min(bc_range_length(rows), height - row_of_plane);
  int64_t count = 1;
  if (!bc_has_nine_taps(&ctx->plan->geometry) || bc_range_length(r.planes) != 1)
    for (int64_t phase = 0; phase < sums->axes[BC_WIDTH].phases; ++phase)
      sum_columns(ctx, &r, phase);
  else if (spreads(sums))
    count = spread_nine_taps(ctx, &r, row_of_plane, most, result);
  else {
    count = bc_min(most, rows_at_once(&ctx->plan->geometry, sums));
    sum_nine_taps(ctx, &r, count, result);
  }
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
  const bc_sweep *height = &ctx.sums.axes[BC_HEIGHT];
  char *memory = (char *)bc_workspace_shared(workspace);
  int64_t *offsets = (int64_t *)(void *)memory;
  float *turned = (float *)(void *)(memory + offsets_bytes(&ctx.sums));
  for (int64_t i = 0; i < height->most_taps; ++i)
    offsets[i] = i * height->apart * ctx.sums.axes[BC_WIDTH].sources * ctx.sums.from.pixel;
  ctx.offsets = offsets;
  if (tensors->packed == NULL) {
    bc_channels_pack(g, tensors->weights, turned);
    ctx.weights = turned;
  }
  bc_parallel_for(plan->threads, plan->schedule.tasks, run_task, &ctx);
}
