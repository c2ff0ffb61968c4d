/* One patch: kernels that cover the whole image, dense layers and the squeezing of channels among
 * them, with one image. The weights are a matrix [filters][depth] that meets one vector, and are
 * read or written once: SGEMM and tiles would have most of their lanes idle. */
#include "kernels/gemv.h"
#include "blocks.h"
#include "cpu.h"
#include "kernels/kernels.h"
#include "kernels/product.h"
#include "parallel.h"

/* A task has at least so many weights, since threads take a few microseconds to begin; and results
 * that stay in the first-level cache where they are added to. */
enum { LEAST_WEIGHTS = 1 << 16, MOST_CHANNELS = 2048 };

static const char *reject(const bc_geometry *g, const bc_request *request)
{
  (void)request;
  if (!bc_geometry_is_pointwise(g) || g->batch * g->out_pixels != 1)
    return "it has more than one image, or a kernel that does not cover it";
  return NULL;
}

/* Filters of a block, but for backward data, whose results are the channels. */
static bc_schedule prepare(const bc_geometry *g, const bc_request *request)
{
  bc_schedule schedule = {.blocks = {.filters = g->out_channels, .channels = g->in_channels}};
  bc_blocks *blocks = &schedule.blocks;
  const bool cuts_channels = request->pass == BLASCONV_BACKWARD_DATA;
  const int64_t whole = cuts_channels ? g->in_channels : g->out_channels;
  const int64_t other = cuts_channels ? g->out_channels : g->in_channels;
  int64_t *block = cuts_channels ? &blocks->channels : &blocks->filters;
  if (cuts_channels)
    *block = bc_even_block(whole, MOST_CHANNELS, BC_CACHE_LINE);
  bc_split_for_tasks(BC_ENOUGH_TASKS, whole, g->groups, bc_count_blocks(LEAST_WEIGHTS, other),
                     BC_CACHE_LINE, block);
  schedule.tasks = g->groups * bc_count_blocks(whole, *block);
  return schedule;
}

static bc_work work(const bc_geometry *g, const bc_request *request, const bc_schedule *schedule)
{
  (void)request;
  (void)schedule;
  return (bc_work){.vectors = (double)bc_count_weights(g)};
}

typedef struct context {
  const blasconv_plan *plan;
  const bc_tensors *tensors;
} context;

/* A block of the weights, and where its parts of the tensors begin. */
typedef struct block {
  bc_matrix shape;
  int64_t weights, input, output;
  int64_t filter, channel; /* its first ones, counted over all groups */
} block;

static block find_block(const blasconv_plan *plan, int64_t task)
{
  const bc_geometry *g = &plan->geometry;
  const bc_blocks *b = &plan->schedule.blocks;
  const int64_t channel_blocks = bc_count_blocks(g->in_channels, b->channels);
  const int64_t parts = channel_blocks * bc_count_blocks(g->out_channels, b->filters);
  const int64_t group = task / parts, part = task % parts;
  const bc_range filters = bc_block(part / channel_blocks, b->filters, g->out_channels);
  const bc_range channels = bc_block(part % channel_blocks, b->channels, g->in_channels);
  return (block){.shape = {bc_range_length(filters), bc_range_length(channels), g->in_channels},
                 .weights =
                     bc_weights_offset(g, group) + filters.begin * g->in_channels + channels.begin,
                 .input = group * g->input.group + channels.begin,
                 .output = group * g->output.group + filters.begin,
                 .filter = group * g->out_channels + filters.begin,
                 .channel = group * g->in_channels + channels.begin};
}

static void multiply_forward(const context *ctx, const block *b)
{
  const bc_tensors *t = ctx->tensors;
  float *result = t->result + b->output;
  bc_cpu_kernels()->gemv->by_column(&b->shape, t->weights + b->weights, t->input + b->input,
                                    ctx->plan->request.accumulate, result);
  bc_epilogue_apply(&t->epilogue, bc_view(ctx->plan->geometry.output, b->shape.rows, 1), b->filter,
                    b->output, result);
}

static void multiply_backward(const context *ctx, const block *b)
{
  const bc_tensors *t = ctx->tensors;
  float *result = t->result + b->input;
  bc_cpu_kernels()->gemv->by_row(&b->shape, t->weights + b->weights, t->output + b->output,
                                 ctx->plan->request.accumulate, result);
  bc_epilogue_apply(&t->epilogue, bc_view(ctx->plan->geometry.input, b->shape.columns, 1),
                    b->channel, b->input, result);
}

static void run_task(void *argument, int64_t task, int thread)
{
  (void)thread;
  const context *ctx = argument;
  const bc_tensors *t = ctx->tensors;
  const block b = find_block(ctx->plan, task);
  switch (ctx->plan->request.pass) {
  case BLASCONV_FORWARD:
    multiply_forward(ctx, &b);
    break;
  case BLASCONV_BACKWARD_DATA:
    multiply_backward(ctx, &b);
    break;
  default:
    bc_cpu_kernels()->gemv->outer(&b.shape, t->output + b.output, t->input + b.input,
                                  ctx->plan->request.accumulate, t->result + b.weights);
  }
}

static void run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace)
{
  (void)workspace;
  context ctx = {plan, tensors};
  bc_parallel_for(plan->threads, plan->schedule.tasks, run_task, &ctx);
}

const bc_algorithm bc_gemv = {
    .name = "gemv", .reject = reject, .prepare = prepare, .work = work, .run = run};
