/* Convolution as matrix products on blocks of the patch matrix (see lowering/lowering.h), M = K/G
 * filters, N = P Q pixels, depth C/G R S:
 *
 *   forward           output [M][N]          = weights [M][depth] * patches [depth][N]
 *   backward data     patch gradient [depth][N] = weights^T * output gradient [M][N], then col2im
 *   backward weights  gradient [M][depth]    = output gradient * patches^T, over images
 */
#include "blocks.h"
#include "epilogue.h"
#include "lowering/lowering.h"
#include "parallel.h"
#include "sgemm.h"

#include <string.h>

enum { MOST_DEPTH = 512, LEAST_PIXELS = 64, LEAST_FILTERS = 96, LEAST_DEPTH = 32 };

typedef struct context {
  const blasconv_plan *plan;
  const blasconv_arguments *tensors;
  void *workspace;
} context;

static float *patch_buffer(const context *ctx, int thread)
{
  return bc_workspace_of_thread(&ctx->plan->schedule.workspace, ctx->workspace, thread);
}

static const char *reject(const bc_geometry *geometry, const bc_request *request)
{
  (void)request;
  return bc_reject_long_rows(geometry);
}

/* ---- forward: tasks are images x groups x blocks of filters x blocks of pixels ---- */

static bc_schedule prepare_forward(const bc_geometry *g)
{
  bc_schedule schedule = {0};
  bc_blocks *blocks = &schedule.blocks;
  const int64_t images = g->batch * g->groups;
  blocks->depth = bc_even_block(g->patch_rows, MOST_DEPTH, 32);
  blocks->pixels = bc_even_block(g->out_pixels, BC_PATCH_ELEMENTS / blocks->depth, 32);
  bc_split_for_tasks(g->out_pixels, images, LEAST_PIXELS, 32, &blocks->pixels);
  const int64_t pixel_blocks = bc_count_blocks(g->out_pixels, blocks->pixels);
  /* Each block of filters lowers its patches again: only where nothing else gives tasks. */
  blocks->filters = g->out_channels;
  bc_split_for_tasks(g->out_channels, images * pixel_blocks, LEAST_FILTERS, 32, &blocks->filters);
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

  const float *input = ctx->tensors->input + bc_input_offset(g, image, group);
  const float *weights = ctx->tensors->weights + first_filter * g->patch_rows;
  float *output = ctx->tensors->output + bc_output_offset(g, image, group) +
                  filters.begin * g->out_pixels + pixels.begin;
  float *patches = patch_buffer(ctx, thread);
  const int64_t n = bc_range_length(pixels), m = bc_range_length(filters);
  for (int64_t k = 0; k < g->patch_rows; k += blocks->depth) {
    const bc_range depth = {k, bc_min(g->patch_rows, k + blocks->depth)};
    bc_im2col(g, input, depth, pixels, patches, n);
    bc_sgemm(m, n, bc_range_length(depth), (bc_operand){weights + k, g->patch_rows, false}, patches,
             n, k == 0 ? 0.0f : 1.0f, output, g->out_pixels);
  }
  const bc_epilogue epilogue = {.activation = ctx->plan->request.activation,
                                .bias = ctx->tensors->bias};
  bc_epilogue_apply(&epilogue, (bc_block_view){m, n, g->out_pixels, 1}, first_filter, 0, output);
}

/* ---- backward data: tasks are images x groups x blocks of channels, each the only writer of its
 * channels ---- */

static bc_schedule prepare_backward_data(const bc_geometry *g)
{
  bc_schedule schedule = {0};
  bc_blocks *blocks = &schedule.blocks;
  const int64_t images = g->batch * g->groups;
  blocks->channels = bc_even_block(g->in_channels, bc_max(1, MOST_DEPTH / g->taps), 1);
  bc_split_for_tasks(g->in_channels, images, bc_max(1, LEAST_DEPTH / g->taps), 1,
                     &blocks->channels);
  blocks->depth = bc_min(blocks->channels * g->taps, MOST_DEPTH);
  blocks->pixels = bc_even_block(g->out_pixels, BC_PATCH_ELEMENTS / blocks->depth, 32);
  schedule.tasks = images * bc_count_blocks(g->in_channels, blocks->channels);
  schedule.workspace.thread_bytes = bc_workspace_book(blocks->depth * blocks->pixels);
  return schedule;
}

static void backward_data_block(void *argument, int64_t task, int thread)
{
  const context *ctx = argument;
  const bc_geometry *g = &ctx->plan->geometry;
  const bc_blocks *blocks = &ctx->plan->schedule.blocks;
  const int64_t channel_blocks = bc_count_blocks(g->in_channels, blocks->channels);
  const bc_range channels = bc_block(task % channel_blocks, blocks->channels, g->in_channels);
  const int64_t group = task / channel_blocks % g->groups;
  const int64_t image = task / channel_blocks / g->groups;

  const float *weights = ctx->tensors->weights + bc_weights_offset(g, group);
  const float *output_gradient = ctx->tensors->output_gradient + bc_output_offset(g, image, group);
  float *input_gradient = ctx->tensors->input_gradient + bc_input_offset(g, image, group);
  float *patches = patch_buffer(ctx, thread);
  if (!ctx->plan->request.accumulate)
    memset(input_gradient + channels.begin * g->in_pixels, 0,
           (size_t)(bc_range_length(channels) * g->in_pixels) * sizeof(float));
  for (int64_t p = 0; p < g->out_pixels; p += blocks->pixels)
    for (int64_t k = channels.begin * g->taps; k < channels.end * g->taps; k += blocks->depth) {
      const bc_range pixels = {p, bc_min(g->out_pixels, p + blocks->pixels)};
      const bc_range depth = {k, bc_min(channels.end * g->taps, k + blocks->depth)};
      const int64_t n = bc_range_length(pixels);
      bc_sgemm(bc_range_length(depth), n, g->out_channels,
               (bc_operand){weights + k, g->patch_rows, true}, output_gradient + p, g->out_pixels,
               0.0f, patches, n);
      bc_col2im(g, patches, depth, pixels, input_gradient);
    }
}

/* ---- all passes ---- */

static bc_schedule prepare(const bc_geometry *geometry, const bc_request *request)
{
  if (request->pass == BLASCONV_FORWARD)
    return prepare_forward(geometry);
  if (request->pass == BLASCONV_BACKWARD_DATA)
    return prepare_backward_data(geometry);
  return bc_weights_prepare(geometry);
}

static void run(const blasconv_plan *plan, const blasconv_arguments *tensors, void *workspace)
{
  context ctx = {plan, tensors, workspace};
  if (plan->request.pass == BLASCONV_BACKWARD_WEIGHTS)
    bc_weights_run(plan, tensors, workspace, bc_lowered_patches);
  else
    bc_parallel_for(plan->threads, plan->schedule.tasks,
                    plan->request.pass == BLASCONV_FORWARD ? forward_block : backward_data_block,
                    &ctx);
}

const bc_algorithm bc_im2col_gemm = {"im2col_gemm", reject, prepare, run};
