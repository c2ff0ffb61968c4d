/* 1x1 kernels with stride 1 and no pads, and whatever bc_geometry_simplify() makes of them: the
 * patch matrix is the input itself, so SGEMM runs straight on the user's tensors; only the weight
 * gradient needs workspace. */
#include "blocks.h"
#include "parallel.h"
#include "sgemm.h"

enum { MOST_PIXELS = 4096, LEAST_PIXELS = 96, MOST_ROWS = 2048, LEAST_ROWS = 64 };

static const char *reject(const bc_geometry *g, const bc_request *request)
{
  (void)request;
  if (!bc_geometry_is_pointwise(g))
    return "it is no plain matrix product: neither a 1x1 kernel with stride 1 and no pads, nor one "
           "that covers the whole image";
  return NULL;
}

/* Forward and backward data are both result [rows][pixels] = matrix [rows][depth] * maps
 * [depth][pixels] for each image and group: from input maps to output maps, and back. */
typedef struct product {
  int64_t rows, depth;
  bool transposed; /* the matrix is the transpose of the weights */
  const float *maps;
  bc_steps maps_steps, result_steps;
} product;

typedef struct context {
  const blasconv_plan *plan;
  const bc_tensors *tensors;
  product product;
} context;

static bc_schedule prepare_product(const bc_geometry *g, blasconv_pass pass)
{
  bc_schedule schedule = {0};
  bc_blocks *blocks = &schedule.blocks;
  const int64_t images = g->batch * g->groups;
  blocks->pixels = bc_even_block(g->out_pixels, MOST_PIXELS, 32);
  bc_split_for_tasks(BC_ENOUGH_TASKS, g->out_pixels, images, LEAST_PIXELS, 32, &blocks->pixels);
  const int64_t pixel_blocks = bc_count_blocks(g->out_pixels, blocks->pixels);
  const int64_t rows = pass == BLASCONV_FORWARD ? g->out_channels : g->in_channels;
  int64_t *row_block = pass == BLASCONV_FORWARD ? &blocks->filters : &blocks->channels;
  *row_block = bc_even_block(rows, MOST_ROWS, 32);
  bc_split_for_tasks(BC_ENOUGH_TASKS, rows, images * pixel_blocks, LEAST_ROWS, 32, row_block);
  schedule.tasks = images * pixel_blocks * bc_count_blocks(rows, *row_block);
  return schedule;
}

static void multiply_block(void *argument, int64_t task, int thread)
{
  (void)thread;
  const context *ctx = argument;
  const product *x = &ctx->product;
  const bc_steps from = x->maps_steps, to = x->result_steps;
  const bc_geometry *g = &ctx->plan->geometry;
  const bc_blocks *blocks = &ctx->plan->schedule.blocks;
  const int64_t row_size = bc_max(blocks->filters, blocks->channels);
  const int64_t row_blocks = bc_count_blocks(x->rows, row_size);
  const int64_t pixel_blocks = bc_count_blocks(g->out_pixels, blocks->pixels);
  const bc_range rows = bc_block(task % row_blocks, row_size, x->rows);
  const bc_range pixels = bc_block(task / row_blocks % pixel_blocks, blocks->pixels, g->out_pixels);
  const int64_t group = task / row_blocks / pixel_blocks % g->groups;
  const int64_t image = task / row_blocks / pixel_blocks / g->groups;

  const int64_t offset =
      image * to.image + group * to.group + bc_place(to, rows.begin, pixels.begin);
  float *result = ctx->tensors->result + offset;
  const bc_operand maps = {x->maps + image * from.image + group * from.group +
                               bc_place(from, 0, pixels.begin),
                           from.channel, from.pixel};
  const float *weights = ctx->tensors->weights + bc_weights_offset(g, group);
  const bc_operand matrix =
      x->transposed ? (bc_operand){weights + rows.begin, 1, g->patch_rows}
                    : (bc_operand){weights + rows.begin * g->patch_rows, g->patch_rows, 1};
  const int64_t m = bc_range_length(rows), n = bc_range_length(pixels);
  bc_sgemm(m, n, x->depth, matrix, maps, ctx->plan->request.accumulate ? 1.0f : 0.0f,
           (bc_result){result, to.channel, to.pixel});
  bc_epilogue_apply(&ctx->tensors->epilogue, bc_view(to, m, n), group * x->rows + rows.begin,
                    offset, result);
}

static product find_product(const bc_geometry *g, blasconv_pass pass, const bc_tensors *tensors)
{
  if (pass == BLASCONV_FORWARD)
    return (product){.rows = g->out_channels,
                     .depth = g->in_channels,
                     .maps = tensors->input,
                     .maps_steps = g->input,
                     .result_steps = g->output};
  return (product){.rows = g->in_channels,
                   .depth = g->out_channels,
                   .transposed = true,
                   .maps = tensors->output,
                   .maps_steps = g->output,
                   .result_steps = g->input};
}

static const bc_weights_method weights_method = {.patches = bc_nearest_patches};

static bc_schedule prepare(const bc_geometry *geometry, const bc_request *request)
{
  return request->pass == BLASCONV_BACKWARD_WEIGHTS
             ? bc_weights_prepare(geometry, request, &weights_method)
             : prepare_product(geometry, request->pass);
}

static bc_work work(const bc_geometry *g, const bc_request *request, const bc_schedule *schedule)
{
  if (request->pass == BLASCONV_BACKWARD_WEIGHTS)
    return bc_weights_work(g, schedule, &weights_method);
  const bc_blocks *blocks = &schedule->blocks;
  const bool forward = request->pass == BLASCONV_FORWARD;
  return (bc_work){.products = (double)schedule->tasks,
                   .m = forward ? bc_mean_block(g->out_channels, blocks->filters)
                                : bc_mean_block(g->in_channels, blocks->channels),
                   .n = bc_mean_block(g->out_pixels, blocks->pixels),
                   .k = (double)(forward ? g->in_channels : g->out_channels),
                   .turned = bc_turns_operand(g, request->pass),
                   .far_weights = bc_far_weights(g, request->pass),
                   .far_pixels = bc_far_pixels(g, request->pass)};
}

static void run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace)
{
  if (plan->request.pass == BLASCONV_BACKWARD_WEIGHTS) {
    bc_weights_run(plan, tensors, workspace, &weights_method);
    return;
  }
  context ctx = {plan, tensors, find_product(&plan->geometry, plan->request.pass, tensors)};
  bc_parallel_for(plan->threads, plan->schedule.tasks, multiply_block, &ctx);
}

const bc_algorithm bc_pointwise_gemm = {
    .name = "pointwise_gemm", .reject = reject, .prepare = prepare, .work = work, .run = run};
