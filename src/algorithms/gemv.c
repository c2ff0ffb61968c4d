/* One patch: kernels that cover the whole image, dense layers and the squeezing of channels among
 * them, with one image. The weights are a matrix [filters][depth] that meets one vector, and are
 * read or written once: SGEMM and tiles would have most of their lanes idle. */
#include "kernels/gemv.h"
#include "blocks.h"
#include "cpu.h"
#include "kernels/kernels.h"
#include "parallel.h"

/* A task has at least so many weights, since threads take a few microseconds to begin; and results
 * that stay in the first-level cache where they are added to. */
enum { LEAST_WEIGHTS = 1 << 16, MOST_CHANNELS = 2048, CACHE_LINE = 16 /* floats */ };

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
    *block = bc_even_block(whole, MOST_CHANNELS, CACHE_LINE);
  bc_split_for_tasks(BC_ENOUGH_TASKS, whole, g->groups, bc_count_blocks(LEAST_WEIGHTS, other),
                     CACHE_LINE, block);
  schedule.tasks = g->groups * bc_count_blocks(whole, *block);
  return schedule;
}

static bc_work work(const bc_geometry *g, const bc_request *request, const bc_schedule *schedule)
{
  (void)request;
  (void)schedule;
  return (bc_work){.vectors = (double)bc_count_weights(g), .run = g->in_channels};
}

typedef struct context {
  const blasconv_plan *plan;
  const bc_tensors *tensors;
} context;

static void run_block(void *argument, int64_t task, int thread)
{
  (void)thread;
  const context *ctx = argument;
  const bc_tensors *t = ctx->tensors;
  const bc_geometry *g = &ctx->plan->geometry;
  const bc_blocks *b = &ctx->plan->schedule.blocks;
  const bc_gemv_kernels *k = bc_cpu_kernels()->gemv;
  const int64_t channel_blocks = bc_count_blocks(g->in_channels, b->channels);
  const int64_t parts = channel_blocks * bc_count_blocks(g->out_channels, b->filters);
  const int64_t group = task / parts, part = task % parts;
  const bc_range filters = bc_block(part / channel_blocks, b->filters, g->out_channels);
  const bc_range channels = bc_block(part % channel_blocks, b->channels, g->in_channels);
  const bc_matrix shape = {bc_range_length(filters), bc_range_length(channels), g->in_channels};
  const int64_t input = group * g->input.group + channels.begin;
  const int64_t output = group * g->output.group + filters.begin;
  const int64_t weights =
      bc_weights_offset(g, group) + filters.begin * g->in_channels + channels.begin;
  const bool add = ctx->plan->request.accumulate;
  if (ctx->plan->request.pass == BLASCONV_BACKWARD_WEIGHTS) {
    k->outer(&shape, t->output + output, t->input + input, add, t->result + weights);
    return;
  }
  const bool forward = ctx->plan->request.pass == BLASCONV_FORWARD;
  const int64_t place = forward ? output : input;
  float *result = t->result + place;
  if (forward)
    k->by_column(&shape, t->weights + weights, t->input + input, add, result);
  else
    k->by_row(&shape, t->weights + weights, t->output + output, add, result);
  const bc_range those = forward ? filters : channels;
  bc_epilogue_apply(
      &t->epilogue, bc_view(forward ? g->output : g->input, bc_range_length(those), 1),
      group * (forward ? g->out_channels : g->in_channels) + those.begin, place, result);
}

static void run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace)
{
  (void)workspace;
  context ctx = {plan, tensors};
  bc_parallel_for(plan->threads, plan->schedule.tasks, run_block, &ctx);
}

const bc_algorithm bc_gemv = {
    .name = "gemv", .reject = reject, .prepare = prepare, .work = work, .run = run};
