/* The weight gradient: sums of input times output gradient, one for each tap of a channel and
 * filter. They are taken in float in the lanes of a vector, which are emptied into doubles before
 * they hold many terms. A task has some channels, and a part of the images' pixels; where channels
 * are too few to keep cores busy, the pixels are cut into a fixed number of slots with partial sums
 * of their own, added in slot order at the end. */
#include "gradient.h"

#include "kernels/depthwise.h"
#include "parallel.h"

enum { SUM_ELEMENTS = 1 << 12 /* of the gradient in a task of the last sum */ };

int64_t bc_gradient_slots(const bc_geometry *g, int64_t tasks, int64_t units, size_t used,
                          size_t room)
{
  if (used >= room)
    return 1;
  const int64_t slots = (int64_t)((room - used) / bc_workspace_book(bc_count_weights(g)));
  return bc_max(1, bc_min(bc_min(bc_count_blocks(BC_ENOUGH_TASKS, tasks), slots), units));
}

bc_schedule bc_gradient_schedule(const bc_geometry *g, int64_t tasks, int64_t units,
                                 size_t thread_bytes, const bc_request *request)
{
  const int64_t slots = bc_gradient_slots(g, tasks, units, thread_bytes, request->room);
  return (bc_schedule){
      .blocks.slots = slots,
      .tasks = tasks * slots,
      .workspace = {.shared_bytes = slots > 1 ? bc_workspace_book(slots * bc_count_weights(g)) : 0,
                    .thread_bytes = thread_bytes}};
}

bc_range bc_gradient_units(const blasconv_plan *plan, int64_t units, int64_t slot)
{
  const int64_t slots = plan->schedule.blocks.slots;
  return (bc_range){units * slot / slots, units * (slot + 1) / slots};
}

void bc_gradient_correlate(bc_correlation *c, bc_correlate *run, const int64_t *offsets,
                           bc_range taps, const float *source, const float *gradient, float *sums)
{
  const int64_t count = bc_range_length(taps);
  const int64_t parts = bc_count_blocks(count, BC_DEPTHWISE_MOST_TAPS);
  for (int64_t part = 0; part < parts; ++part) {
    const int64_t begin = taps.begin + count * part / parts;
    c->taps = taps.begin + count * (part + 1) / parts - begin;
    for (int64_t tap = 0; tap < BC_DEPTHWISE_MOST_TAPS; ++tap)
      c->offsets[tap] = offsets[begin + bc_min(tap, c->taps - 1)];
    run(c, source, gradient, sums + begin * c->sums_step);
  }
}

float *bc_gradient_home(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace,
                        int64_t slot)
{
  return plan->schedule.blocks.slots > 1
             ? bc_workspace_shared(workspace) + slot * bc_count_weights(&plan->geometry)
             : tensors->result;
}

typedef struct context {
  const blasconv_plan *plan;
  const bc_tensors *tensors;
  const float *slots; /* [slots][weights] */
} context;

/* SUM_ELEMENTS of the gradient: the slots' partial sums, always in the same order. */
static void sum_slots(void *argument, int64_t task, int thread)
{
  (void)thread;
  const context *ctx = argument;
  const int64_t weights = bc_count_weights(&ctx->plan->geometry);
  const bc_range part = bc_block(task, SUM_ELEMENTS, weights);
  float *gradient = ctx->tensors->result;
  for (int64_t i = part.begin; i < part.end; ++i) {
    double sum = 0.0;
    for (int64_t slot = 0; slot < ctx->plan->schedule.blocks.slots; ++slot)
      sum += (double)ctx->slots[slot * weights + i];
    gradient[i] = ctx->plan->request.accumulate ? gradient[i] + (float)sum : (float)sum;
  }
}

bc_schedule bc_depthwise_gradient_prepare(const bc_geometry *g, const bc_request *request)
{
  return bc_depthwise_has_channel_vectors(g) ? bc_channels_gradient_prepare(g, request)
                                             : bc_planar_gradient_prepare(g, request);
}

void bc_depthwise_gradient_run(const blasconv_plan *plan, const bc_tensors *tensors,
                               void *workspace)
{
  if (bc_depthwise_has_channel_vectors(&plan->geometry))
    bc_channels_gradient_run(plan, tensors, workspace);
  else
    bc_planar_gradient_run(plan, tensors, workspace);
  context ctx = {plan, tensors, workspace};
  const int64_t weights = bc_count_weights(&plan->geometry);
  if (plan->schedule.blocks.slots > 1)
    bc_parallel_elements(plan->threads, weights * plan->schedule.blocks.slots,
                         bc_count_blocks(weights, SUM_ELEMENTS), sum_slots, &ctx);
}
