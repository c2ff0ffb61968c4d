/* 1x1 kernels with stride 1 and no pads: the patch matrix is the input itself, [C/G][H W], so
 * SGEMM runs straight on the user's tensors; only the weight gradient needs workspace. */
#include "blocks.h"
#include "epilogue.h"
#include "parallel.h"
#include "sgemm.h"

enum { MOST_PIXELS = 4096, LEAST_PIXELS = 96, MOST_ROWS = 2048, LEAST_ROWS = 64 };

static const char *reject(const bc_geometry *g, const bc_request *request)
{
  (void)request;
  const bc_axis *axes[] = {&g->height, &g->width};
  for (int i = 0; i < 2; ++i) {
    if (axes[i]->kernel != 1)
      return "the kernel is not 1x1";
    if (axes[i]->stride != 1)
      return "a stride is not 1";
    if (axes[i]->pad_begin != 0 || axes[i]->pad_end != 0)
      return "there are pads";
  }
  return bc_reject_long_rows(g);
}

/* Forward and backward data are both result [rows][pixels] = matrix [rows][depth] * maps
 * [depth][pixels] for each image and group: from input maps to output maps, and back. */
typedef struct product {
  int64_t rows, depth;
  const float *weights;
  bool transposed;   /* the matrix is the transpose of the weights */
  const float *maps; /* [N G][depth][pixels] */
  const float *bias; /* [G rows], or NULL */
  float beta;
  float *result; /* [N G][rows][pixels] */
} product;

typedef struct context {
  const blasconv_plan *plan;
  product product;
} context;

static bc_schedule prepare_product(const bc_geometry *g, blasconv_pass pass)
{
  bc_schedule schedule = {0};
  bc_blocks *blocks = &schedule.blocks;
  const int64_t images = g->batch * g->groups;
  blocks->pixels = bc_even_block(g->out_pixels, MOST_PIXELS, 32);
  bc_split_for_tasks(g->out_pixels, images, LEAST_PIXELS, 32, &blocks->pixels);
  const int64_t pixel_blocks = bc_count_blocks(g->out_pixels, blocks->pixels);
  const int64_t rows = pass == BLASCONV_FORWARD ? g->out_channels : g->in_channels;
  int64_t *row_block = pass == BLASCONV_FORWARD ? &blocks->filters : &blocks->channels;
  *row_block = bc_even_block(rows, MOST_ROWS, 32);
  bc_split_for_tasks(rows, images * pixel_blocks, LEAST_ROWS, 32, row_block);
  schedule.tasks = images * pixel_blocks * bc_count_blocks(rows, *row_block);
  return schedule;
}

static void multiply_block(void *argument, int64_t task, int thread)
{
  (void)thread;
  const context *ctx = argument;
  const product *x = &ctx->product;
  const bc_geometry *g = &ctx->plan->geometry;
  const bc_blocks *blocks = &ctx->plan->schedule.blocks;
  const int64_t row_size = bc_max(blocks->filters, blocks->channels);
  const int64_t row_blocks = bc_count_blocks(x->rows, row_size);
  const int64_t pixel_blocks = bc_count_blocks(g->out_pixels, blocks->pixels);
  const bc_range rows = bc_block(task % row_blocks, row_size, x->rows);
  const bc_range pixels = bc_block(task / row_blocks % pixel_blocks, blocks->pixels, g->out_pixels);
  const int64_t image = task / row_blocks / pixel_blocks; /* counts images x groups */
  const int64_t group = image % g->groups;

  const float *weights =
      x->weights + bc_weights_offset(g, group) + rows.begin * (x->transposed ? 1 : g->patch_rows);
  const float *maps = x->maps + image * x->depth * g->out_pixels + pixels.begin;
  float *result = x->result + (image * x->rows + rows.begin) * g->out_pixels + pixels.begin;
  bc_sgemm(bc_range_length(rows), bc_range_length(pixels), x->depth,
           (bc_operand){weights, g->patch_rows, x->transposed}, maps, g->out_pixels, x->beta,
           result, g->out_pixels);
  const bc_epilogue epilogue = {.activation = ctx->plan->request.activation, .bias = x->bias};
  const bc_block_view view = {bc_range_length(rows), bc_range_length(pixels), g->out_pixels, 1};
  bc_epilogue_apply(&epilogue, view, group * x->rows + rows.begin, 0, result);
}

static product forward_product(const blasconv_plan *plan, const blasconv_arguments *tensors)
{
  return (product){.rows = plan->geometry.out_channels,
                   .depth = plan->geometry.in_channels,
                   .weights = tensors->weights,
                   .maps = tensors->input,
                   .bias = tensors->bias,
                   .result = tensors->output};
}

static product backward_data_product(const blasconv_plan *plan, const blasconv_arguments *tensors)
{
  return (product){.rows = plan->geometry.in_channels,
                   .depth = plan->geometry.out_channels,
                   .weights = tensors->weights,
                   .transposed = true,
                   .maps = tensors->output_gradient,
                   .beta = plan->request.accumulate ? 1.0f : 0.0f,
                   .result = tensors->input_gradient};
}

/* The patches of one image are where the input is; those of several are put side by side. */
static bc_operand input_itself(const bc_geometry *geometry, const float *input, bc_range images,
                               bc_range depth, bc_range pixels, float *buffer)
{
  if (bc_range_length(images) > 1)
    return bc_lowered_patches(geometry, input, images, depth, pixels, buffer);
  return (bc_operand){input + bc_input_offset(geometry, images.begin, 0) +
                          depth.begin * geometry->out_pixels + pixels.begin,
                      geometry->out_pixels, false};
}

static bc_schedule prepare(const bc_geometry *geometry, const bc_request *request)
{
  return request->pass == BLASCONV_BACKWARD_WEIGHTS ? bc_weights_prepare(geometry)
                                                    : prepare_product(geometry, request->pass);
}

static void run(const blasconv_plan *plan, const blasconv_arguments *tensors, void *workspace)
{
  if (plan->request.pass == BLASCONV_BACKWARD_WEIGHTS) {
    bc_weights_run(plan, tensors, workspace, input_itself);
    return;
  }
  context ctx = {plan, plan->request.pass == BLASCONV_FORWARD
                           ? forward_product(plan, tensors)
                           : backward_data_product(plan, tensors)};
  bc_parallel_for(plan->threads, plan->schedule.tasks, multiply_block, &ctx);
}

const bc_algorithm bc_pointwise_gemm = {"pointwise_gemm", reject, prepare, run};
