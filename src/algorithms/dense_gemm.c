/* Kernels that cover the whole image, dense layers among them: an image is its own patch, so the
 * batch is the matrix. With N images, depth C/G R S and M = K/G filters, in each group:
 *
 *   forward           output^T [M][N]    = weights [M][depth] * images^T [depth][N]
 *   backward data     gradient [N][depth] = output gradient [N][M] * weights [M][depth]
 *   backward weights  gradient [M][depth] = (output gradient)^T [M][N] * images [N][depth]
 *
 * The forward pass transposes blocks of images and of output, which costs little and spares SGEMM
 * a transposed second operand; so the rows of a block are filters, as the epilogue wants them. */
#include "blocks.h"
#include "cpu.h"
#include "epilogue.h"
#include "kernels/kernels.h"
#include "parallel.h"
#include "sgemm.h"

enum { MOST_DEPTH = 512, MOST_IMAGES = 192, MOST_FILTERS = 256, LEAST_ROWS = 32, LEAST_DEPTH = 64 };

typedef struct context {
  const blasconv_plan *plan;
  const blasconv_arguments *tensors;
  void *workspace;
} context;

/* What a task computes: its part of a group's filters, images or patch rows. */
typedef struct part {
  int64_t group;
  bc_range filters, images, depth;
} part;

/* Elements from one image to the next in the input and in the output. */
static int64_t input_stride(const bc_geometry *g)
{
  return g->groups * g->patch_rows;
}

static int64_t output_stride(const bc_geometry *g)
{
  return g->groups * g->out_channels;
}

static const char *reject(const bc_geometry *g, const bc_request *request)
{
  (void)request;
  const bc_axis *axes[] = {&g->height, &g->width};
  for (int i = 0; i < 2; ++i) {
    if (axes[i]->kernel != axes[i]->input || (axes[i]->dilation != 1 && axes[i]->kernel != 1))
      return "the kernel does not cover the whole image";
    if (axes[i]->pad_begin != 0 || axes[i]->pad_end != 0)
      return "there are pads";
  }
  if (bc_max(input_stride(g), output_stride(g)) > BC_SGEMM_MAX_STRIDE)
    return "an image has more than 2^31 - 1 elements, beyond SGEMM's 32-bit strides";
  return NULL;
}

/* ---- schedules: blocks of the two extents of the result are tasks, the third is summed ---- */

static void count_tasks(const bc_geometry *g, bc_schedule *schedule)
{
  const bc_blocks *blocks = &schedule->blocks;
  schedule->tasks = g->groups * bc_count_blocks(g->out_channels, blocks->filters) *
                    bc_count_blocks(g->batch, blocks->images) *
                    bc_count_blocks(g->patch_rows, blocks->depth);
}

static bc_schedule prepare_forward(const bc_geometry *g)
{
  bc_schedule schedule = {0};
  bc_blocks *blocks = &schedule.blocks;
  blocks->images = bc_even_block(bc_max(1, g->batch), MOST_IMAGES, 32);
  blocks->filters = bc_even_block(g->out_channels, MOST_FILTERS, 32);
  bc_split_for_tasks(g->out_channels, g->groups * bc_count_blocks(g->batch, blocks->images),
                     LEAST_ROWS, 32, &blocks->filters);
  blocks->depth = g->patch_rows; /* within a task */
  count_tasks(g, &schedule);
  schedule.workspace.thread_bytes =
      bc_workspace_book(bc_min(MOST_DEPTH, g->patch_rows) * blocks->images) +
      bc_workspace_book(blocks->filters * blocks->images);
  return schedule;
}

static bc_schedule prepare_backward(const bc_geometry *g, blasconv_pass pass)
{
  bc_schedule schedule = {0};
  bc_blocks *blocks = &schedule.blocks;
  const bool data = pass == BLASCONV_BACKWARD_DATA;
  const int64_t rows = data ? bc_max(1, g->batch) : g->out_channels;
  int64_t row_block = bc_even_block(rows, MOST_FILTERS, 32);
  blocks->depth = bc_even_block(g->patch_rows, MOST_DEPTH, 32);
  bc_split_for_tasks(g->patch_rows, g->groups * bc_count_blocks(rows, row_block), LEAST_DEPTH, 32,
                     &blocks->depth);
  bc_split_for_tasks(rows, g->groups * bc_count_blocks(g->patch_rows, blocks->depth), LEAST_ROWS,
                     32, &row_block);
  blocks->images = data ? row_block : bc_max(1, g->batch);
  blocks->filters = data ? g->out_channels : row_block;
  count_tasks(g, &schedule);
  return schedule;
}

static part part_of_task(const context *ctx, int64_t task)
{
  const bc_geometry *g = &ctx->plan->geometry;
  const bc_blocks *blocks = &ctx->plan->schedule.blocks;
  const int64_t depth_blocks = bc_count_blocks(g->patch_rows, blocks->depth);
  const int64_t filter_blocks = bc_count_blocks(g->out_channels, blocks->filters);
  const int64_t image_blocks = bc_count_blocks(g->batch, blocks->images);
  return (part){
      .depth = bc_block(task % depth_blocks, blocks->depth, g->patch_rows),
      .filters = bc_block(task / depth_blocks % filter_blocks, blocks->filters, g->out_channels),
      .images =
          bc_block(task / depth_blocks / filter_blocks % image_blocks, blocks->images, g->batch),
      .group = task / depth_blocks / filter_blocks / image_blocks};
}

/* ---- tasks ---- */

static void forward_block(void *argument, int64_t task, int thread)
{
  const context *ctx = argument;
  const bc_geometry *g = &ctx->plan->geometry;
  const bc_kernels *kernels = bc_cpu_kernels();
  const part p = part_of_task(ctx, task);
  const int64_t m = bc_range_length(p.filters), n = bc_range_length(p.images);
  const int64_t first_filter = p.group * g->out_channels + p.filters.begin;
  const float *weights = ctx->tensors->weights + first_filter * g->patch_rows;
  const float *images = ctx->tensors->input + bc_input_offset(g, p.images.begin, p.group);
  float *result = bc_workspace_of_thread(&ctx->plan->schedule.workspace, ctx->workspace, thread);
  float *columns = result + bc_workspace_book(m * n) / sizeof(float); /* [depth][n] */

  for (int64_t k = 0; k < g->patch_rows; k += MOST_DEPTH) {
    const int64_t depth = bc_min(MOST_DEPTH, g->patch_rows - k);
    kernels->transpose(images + k, input_stride(g), n, depth, columns, n);
    bc_sgemm(m, n, depth, (bc_operand){weights + k, g->patch_rows, false}, columns, n,
             k == 0 ? 0.0f : 1.0f, result, n);
  }
  const bc_epilogue epilogue = {.activation = ctx->plan->request.activation,
                                .bias = ctx->tensors->bias};
  bc_epilogue_apply(&epilogue, (bc_block_view){m, n, n, 1}, first_filter, 0, result);
  kernels->transpose(result, n, m, n,
                     ctx->tensors->output + p.images.begin * output_stride(g) + first_filter,
                     output_stride(g));
}

static float beta(const context *ctx)
{
  return ctx->plan->request.accumulate ? 1.0f : 0.0f;
}

static void backward_data_block(void *argument, int64_t task, int thread)
{
  (void)thread;
  const context *ctx = argument;
  const bc_geometry *g = &ctx->plan->geometry;
  const part p = part_of_task(ctx, task);
  bc_sgemm(
      bc_range_length(p.images), bc_range_length(p.depth), g->out_channels,
      (bc_operand){ctx->tensors->output_gradient + bc_output_offset(g, p.images.begin, p.group),
                   output_stride(g), false},
      ctx->tensors->weights + bc_weights_offset(g, p.group) + p.depth.begin, g->patch_rows,
      beta(ctx),
      ctx->tensors->input_gradient + bc_input_offset(g, p.images.begin, p.group) + p.depth.begin,
      input_stride(g));
}

static void backward_weights_block(void *argument, int64_t task, int thread)
{
  (void)thread;
  const context *ctx = argument;
  const bc_geometry *g = &ctx->plan->geometry;
  const part p = part_of_task(ctx, task);
  bc_sgemm(bc_range_length(p.filters), bc_range_length(p.depth), g->batch,
           (bc_operand){ctx->tensors->output_gradient + bc_output_offset(g, 0, p.group) +
                            p.filters.begin,
                        output_stride(g), true},
           ctx->tensors->input + bc_input_offset(g, 0, p.group) + p.depth.begin, input_stride(g),
           beta(ctx),
           ctx->tensors->weights_gradient + bc_weights_offset(g, p.group) +
               p.filters.begin * g->patch_rows + p.depth.begin,
           g->patch_rows);
}

/* ---- all passes ---- */

static bc_schedule prepare(const bc_geometry *geometry, const bc_request *request)
{
  return request->pass == BLASCONV_FORWARD ? prepare_forward(geometry)
                                           : prepare_backward(geometry, request->pass);
}

static void run(const blasconv_plan *plan, const blasconv_arguments *tensors, void *workspace)
{
  static bc_task *const tasks[] = {[BLASCONV_FORWARD] = forward_block,
                                   [BLASCONV_BACKWARD_DATA] = backward_data_block,
                                   [BLASCONV_BACKWARD_WEIGHTS] = backward_weights_block};
  context ctx = {plan, tensors, workspace};
  bc_parallel_for(plan->threads, plan->schedule.tasks, tasks[plan->request.pass], &ctx);
}

const bc_algorithm bc_dense_gemm = {"dense_gemm", reject, prepare, run};
