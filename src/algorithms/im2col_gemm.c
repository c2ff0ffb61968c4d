/* Convolution as matrix products on blocks of the patch matrix (see lowering/lowering.h), M = K/G
 * filters, N = P Q pixels, depth C/G R S:
 *
 *   forward           output [M][N]          = weights [M][depth] * patches [depth][N]
 *   backward data     patch gradient [depth][N] = weights^T * output gradient [M][N], then col2im
 *   backward weights  gradient [M][depth]    = output gradient * patches^T, over images
 */
#include "blocks.h"
#include "lowering/lowering.h"
#include "parallel.h"
#include "sgemm.h"

enum {
  MOST_DEPTH = 512,
  LEAST_PIXELS = 64,
  LEAST_FILTERS = 96,
  LEAST_DEPTH = 32,
  LEAST_RUN = 64,
  FEW_PIXELS = 32,
  ENOUGH_BANDS = 8,
  LEAST_BAND = 8 /* times as many rows as it shares */
};

typedef struct context {
  const blasconv_plan *plan;
  const bc_tensors *tensors;
  void *workspace;
} context;

static float *patch_buffer(const context *ctx, int thread)
{
  return bc_workspace_of_thread(&ctx->plan->schedule.workspace, ctx->workspace, thread);
}

static const char *reject(const bc_geometry *geometry, const bc_request *request)
{
  (void)geometry;
  (void)request;
  return NULL;
}

/* Rows of a block of at most `most` elements: a small one has some pixels too. */
static int64_t most_depth(int64_t most)
{
  return bc_max(1, bc_min(MOST_DEPTH, most / FEW_PIXELS));
}

static float beta(const context *ctx, bool first)
{
  return first && !ctx->plan->request.accumulate ? 0.0f : 1.0f;
}

/* ---- forward: tasks are images x groups x blocks of filters x blocks of pixels ---- */

static bc_schedule prepare_forward(const bc_geometry *g, const bc_request *request)
{
  bc_schedule schedule = {0};
  bc_blocks *blocks = &schedule.blocks;
  const int64_t images = g->batch * g->groups;
  const int64_t most = bc_patch_elements(request);
  blocks->bands = 1;
  blocks->depth = bc_even_block(g->patch_rows, most_depth(most), 32);
  blocks->pixels = bc_even_block(g->out_pixels, most / blocks->depth, 32);
  bc_split_for_tasks(BC_ENOUGH_TASKS, g->out_pixels, images, LEAST_PIXELS, 32, &blocks->pixels);
  const int64_t pixel_blocks = bc_count_blocks(g->out_pixels, blocks->pixels);
  /* Each block of filters lowers its patches again: only where nothing else gives tasks. */
  blocks->filters = g->out_channels;
  bc_split_for_tasks(BC_ENOUGH_TASKS, g->out_channels, images * pixel_blocks, LEAST_FILTERS, 32,
                     &blocks->filters);
  schedule.tasks = images * pixel_blocks * bc_count_blocks(g->out_channels, blocks->filters);
  schedule.workspace.thread_bytes = bc_workspace_book(blocks->depth * blocks->pixels);
  return schedule;
}

static void forward_block(void *argument, int64_t task, int thread)
{
  const context *ctx = argument;
  const bc_geometry *g = &ctx->plan->geometry;
  const bc_blocks *blocks = &ctx->plan->schedule.blocks;
  const int64_t pixel_blocks = bc_count_blocks(g->out_pixels, blocks->pixels);
  const int64_t filter_blocks = bc_count_blocks(g->out_channels, blocks->filters);
  const bc_range pixels = bc_block(task % pixel_blocks, blocks->pixels, g->out_pixels);
  const bc_range filters =
      bc_block(task / pixel_blocks % filter_blocks, blocks->filters, g->out_channels);
  const int64_t group = task / pixel_blocks / filter_blocks % g->groups;
  const int64_t image = task / pixel_blocks / filter_blocks / g->groups;
  const int64_t first_filter = group * g->out_channels + filters.begin;
  const int64_t offset =
      bc_output_offset(g, image, group) + bc_place(g->output, filters.begin, pixels.begin);

  const float *input = ctx->tensors->input + bc_input_offset(g, image, group);
  const float *weights = ctx->tensors->weights + first_filter * g->patch_rows;
  float *output = ctx->tensors->result + offset;
  float *buffer = patch_buffer(ctx, thread);
  for (int64_t k = 0; k < g->patch_rows; k += blocks->depth) {
    const bc_range depth = {k, bc_min(g->patch_rows, k + blocks->depth)};
    const bc_patches patches = bc_patches_at(g, depth, pixels, 1, buffer);
    bc_im2col(g, input, patches);
    bc_sgemm(bc_range_length(filters), bc_range_length(pixels), bc_range_length(depth),
             (bc_operand){weights + k, g->patch_rows, 1},
             (bc_operand){buffer, patches.row_step, patches.pixel_step}, beta(ctx, k == 0),
             (bc_result){output, g->output.channel, g->output.pixel});
  }
  bc_epilogue_apply(&ctx->tensors->epilogue,
                    bc_view(g->output, bc_range_length(filters), bc_range_length(pixels)),
                    first_filter, offset, output);
}

/* ---- backward data: tasks are images x groups x blocks of channels x bands of the image's rows,
 * each the only writer of what it has ---- */

/* Rows of the image, and the part of the convolution that writes to them, which is one of its own
 * on the same tensors, from these pixels of input and output on. */
typedef struct band {
  bc_geometry geometry;
  int64_t input_pixel, output_pixel;
} band;

/* What a band shares with the next: rows of outputs whose filters reach into both. */
static int64_t shared_rows(const bc_axis *height)
{
  return bc_count_blocks((height->kernel - 1) * height->dilation, height->stride);
}

/* Bands share so little of their rows that what is computed twice costs less than cores without
 * work. Planes have none. */
static int64_t count_bands(const bc_geometry *g, int64_t others)
{
  const bc_axis *height = &g->axes[BC_HEIGHT];
  const bool planes = g->axes[BC_DEPTH].input * g->axes[BC_DEPTH].output != 1;
  const int64_t large = height->output / LEAST_BAND / bc_max(1, shared_rows(height));
  const int64_t most = bc_min(height->input, bc_min(ENOUGH_BANDS / bc_max(1, others), large));
  if (planes || most <= 1)
    return 1;
  return bc_count_blocks(height->input, bc_count_blocks(height->input, most));
}

static band band_at(const bc_geometry *g, int64_t bands, int64_t index)
{
  band part = {*g, 0, 0};
  bc_axis *h = &part.geometry.axes[BC_HEIGHT];
  const int64_t width = g->axes[BC_WIDTH].output;
  if (bands == 1)
    return part;
  const bc_range rows = bc_share(index, bands, h->input);
  const bc_range outputs = bc_axis_outputs(h, rows);
  part.input_pixel = rows.begin * g->axes[BC_WIDTH].input;
  part.output_pixel = outputs.begin * width;
  h->pad_begin += rows.begin - outputs.begin * h->stride;
  h->input = bc_range_length(rows);
  h->output = bc_max(0, bc_range_length(outputs));
  part.geometry.in_pixels = h->input * g->axes[BC_WIDTH].input;
  part.geometry.out_pixels = h->output * width;
  return part;
}

/* Output pixels of the band that has the most. */
static int64_t most_pixels(const bc_geometry *g, int64_t bands)
{
  int64_t most = 0;
  for (int64_t i = 0; i < bands; ++i)
    most = bc_max(most, band_at(g, bands, i).geometry.out_pixels);
  return most;
}

/* Of all bands. */
static int64_t met_pixels(const bc_geometry *g, int64_t bands)
{
  int64_t sum = 0;
  for (int64_t i = 0; i < bands; ++i)
    sum += band_at(g, bands, i).geometry.out_pixels;
  return sum;
}

static bc_schedule prepare_backward_data(const bc_geometry *g, const bc_request *request)
{
  bc_schedule schedule = {0};
  bc_blocks *blocks = &schedule.blocks;
  const int64_t images = g->batch * g->groups, most = bc_patch_elements(request);
  const bool last = g->layout == BLASCONV_NHWC;
  /* Some channels' taps follow each other in NCHW, and are a tap's few columns in NHWC. */
  blocks->channels =
      last ? g->in_channels : bc_even_block(g->in_channels, bc_max(1, MOST_DEPTH / g->taps), 1);
  bc_split_for_tasks(BC_ENOUGH_TASKS, g->in_channels, images,
                     last ? LEAST_RUN : bc_max(1, LEAST_DEPTH / g->taps), 1, &blocks->channels);
  const int64_t tasks = images * bc_count_blocks(g->in_channels, blocks->channels);
  blocks->bands = count_bands(g, tasks);
  blocks->depth = bc_min(blocks->channels * g->taps, most_depth(most));
  blocks->pixels = bc_even_block(most_pixels(g, blocks->bands), most / blocks->depth, 32);
  schedule.tasks = tasks * blocks->bands;
  schedule.workspace.thread_bytes = bc_workspace_book(blocks->depth * blocks->pixels);
  return schedule;
}

/* Adds the gradients of all patches over `pixels` of the band to `channels` of one image and group.
 */
static void add_patches(const context *ctx, const band *part, int64_t image, int64_t group,
                        bc_range channels, bc_range pixels, float *buffer)
{
  const bc_geometry *g = &part->geometry;
  const float *weights = ctx->tensors->weights + bc_weights_offset(g, group);
  const bc_operand gradient = {ctx->tensors->output + bc_output_offset(g, image, group) +
                                   bc_place(g->output, 0, part->output_pixel + pixels.begin),
                               g->output.channel, g->output.pixel};
  float *const to = ctx->tensors->result + bc_input_offset(g, image, group) +
                    bc_place(g->input, 0, part->input_pixel);
  for (int64_t next = 0; next < bc_range_length(channels) * g->taps;) {
    const bc_range rows = bc_next_patch_rows(g, channels, ctx->plan->schedule.blocks.depth, &next);
    const bc_patches patches = bc_patches_at(g, rows, pixels, 1, buffer);
    bc_sgemm(bc_range_length(rows), bc_range_length(pixels), g->out_channels,
             (bc_operand){weights + rows.begin, 1, g->patch_rows}, gradient, 0.0f,
             (bc_result){buffer, patches.row_step, patches.pixel_step});
    bc_col2im(g, patches, to);
  }
}

static void backward_data_block(void *argument, int64_t task, int thread)
{
  const context *ctx = argument;
  const bc_geometry *g = &ctx->plan->geometry;
  const bc_blocks *blocks = &ctx->plan->schedule.blocks;
  const band part = band_at(g, blocks->bands, task % blocks->bands);
  const int64_t channel_blocks = bc_count_blocks(g->in_channels, blocks->channels);
  const int64_t others = task / blocks->bands;
  const bc_range channels = bc_block(others % channel_blocks, blocks->channels, g->in_channels);
  const int64_t group = others / channel_blocks % g->groups;
  const int64_t image = others / channel_blocks / g->groups;
  const int64_t offset =
      bc_input_offset(g, image, group) + bc_place(g->input, channels.begin, part.input_pixel);
  const bc_block_view view = bc_view(g->input, bc_range_length(channels), part.geometry.in_pixels);
  const int64_t pixels = part.geometry.out_pixels;

  if (!ctx->plan->request.accumulate)
    bc_clear_block(view, ctx->tensors->result + offset);
  for (int64_t p = 0; p < pixels; p += blocks->pixels)
    add_patches(ctx, &part, image, group, channels,
                (bc_range){p, bc_min(pixels, p + blocks->pixels)}, patch_buffer(ctx, thread));
  bc_epilogue_apply(&ctx->tensors->epilogue, view, group * g->in_channels + channels.begin, offset,
                    ctx->tensors->result + offset);
}

/* ---- all passes ---- */

static const bc_weights_method weights_method = {.patches = bc_lowered_patches};

static bc_schedule prepare(const bc_geometry *geometry, const bc_request *request)
{
  if (request->pass == BLASCONV_FORWARD)
    return prepare_forward(geometry, request);
  if (request->pass == BLASCONV_BACKWARD_DATA)
    return prepare_backward_data(geometry, request);
  return bc_weights_prepare(geometry, request, &weights_method);
}

static bc_work work(const bc_geometry *g, const bc_request *request, const bc_schedule *schedule)
{
  if (request->pass == BLASCONV_BACKWARD_WEIGHTS)
    return bc_weights_work(g, schedule, &weights_method);
  const bc_blocks *blocks = &schedule->blocks;
  const bool forward = request->pass == BLASCONV_FORWARD;
  /* Blocks of filters each lower all patches; in backward data all filters are summed up. */
  const int64_t filters = forward ? blocks->filters : g->out_channels;
  const double images = (double)(g->batch * g->groups);
  const double lowerings = images * (double)bc_count_blocks(g->out_channels, filters);
  const double rows = bc_mean_block(g->patch_rows, blocks->depth);
  const double pixels = bc_mean_block(most_pixels(g, blocks->bands), blocks->pixels);
  const double patches = lowerings * (double)g->patch_rows * (double)met_pixels(g, blocks->bands);
  const double cleared = forward ? 0.0 : images * (double)(g->in_channels * g->in_pixels);
  const double mean_filters = bc_mean_block(g->out_channels, filters);
  return (bc_work){.products = patches / rows / pixels,
                   .m = forward ? mean_filters : rows,
                   .n = pixels,
                   .k = forward ? rows : mean_filters,
                   .turned = bc_turns_operand(g, request->pass),
                   .far_weights = bc_far_weights(g, request->pass),
                   .far_pixels = bc_far_pixels(g, request->pass),
                   .moved = patches + cleared,
                   .run = bc_copied_run(g)};
}

static void run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace)
{
  context ctx = {plan, tensors, workspace};
  if (plan->request.pass == BLASCONV_BACKWARD_WEIGHTS)
    bc_weights_run(plan, tensors, workspace, &weights_method);
  else
    bc_parallel_for(plan->threads, plan->schedule.tasks,
                    plan->request.pass == BLASCONV_FORWARD ? forward_block : backward_data_block,
                    &ctx);
}

const bc_algorithm bc_im2col_gemm = {
    .name = "im2col_gemm", .reject = reject, .prepare = prepare, .work = work, .run = run};
