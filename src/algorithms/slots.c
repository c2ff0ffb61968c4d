#include "slots.h"

#include "blocks.h"
#include "cpu.h"
#include "kernels/kernels.h"
#include "parallel.h"

enum { SUM_ELEMENTS = 1 << 10 /* of the gradient in a task of the sum */ };

/* At most so many, but more than half of it if all can have equally many units then. */
static int64_t even_slots(int64_t units, int64_t most)
{
  for (int64_t slots = most; 2 * slots > most; --slots)
    if (units % slots == 0)
      return slots;
  return most;
}

static int64_t count_slots(const bc_geometry *g, int64_t tasks, int64_t units, size_t used,
                           size_t room)
{
  if (used >= room)
    return 1;
  const int64_t fitting = (int64_t)((room - used) / bc_workspace_book(bc_count_weights(g)));
  const int64_t wanted = bc_count_blocks(BC_ENOUGH_TASKS, tasks);
  return even_slots(units, bc_max(1, bc_min(bc_min(wanted, fitting), units)));
}

bc_schedule bc_slots_schedule(const bc_geometry *g, int64_t tasks, int64_t units,
                              size_t thread_bytes, const bc_request *request)
{
  const int64_t slots = count_slots(g, tasks, units, thread_bytes, request->room);
  return (bc_schedule){
      .blocks.slots = slots,
      .tasks = tasks * slots,
      .workspace = {.shared_bytes = slots > 1 ? bc_workspace_book(slots * bc_count_weights(g)) : 0,
                    .thread_bytes = thread_bytes}};
}

bc_range bc_slot_units(const blasconv_plan *plan, int64_t units, int64_t slot)
{
  return bc_share(slot, plan->schedule.blocks.slots, units);
}

float *bc_slot_gradient(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace,
                        int64_t slot)
{
  return plan->schedule.blocks.slots > 1
             ? bc_workspace_shared(workspace) + slot * bc_count_weights(&plan->geometry)
             : tensors->result;
}

typedef struct context {
  const blasconv_plan *plan;
  const float *slots; /* [slots][weights] */
  float *gradient;
} context;

/* SUM_ELEMENTS of the gradient. */
static void sum_elements(void *argument, int64_t task, int thread)
{
  (void)thread;
  const context *ctx = argument;
  const int64_t weights = bc_count_weights(&ctx->plan->geometry);
  const bc_range part = bc_block(task, SUM_ELEMENTS, weights);
  const int64_t n = bc_range_length(part);
  float *const gradient = ctx->gradient + part.begin;
  double sums[SUM_ELEMENTS] = {0};
  for (int64_t slot = 0; slot < ctx->plan->schedule.blocks.slots; ++slot)
    bc_cpu_kernels()->add_to_sums(sums, ctx->slots + slot * weights + part.begin, n);
  for (int64_t i = 0; i < n; ++i)
    gradient[i] = ctx->plan->request.accumulate ? gradient[i] + (float)sums[i] : (float)sums[i];
}

void bc_slots_add_up(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace)
{
  const int64_t slots = plan->schedule.blocks.slots, weights = bc_count_weights(&plan->geometry);
  if (slots == 1)
    return;
  context ctx = {plan, bc_workspace_shared(workspace), tensors->result};
  bc_parallel_elements(plan->threads, weights * slots, bc_count_blocks(weights, SUM_ELEMENTS),
                       sum_elements, &ctx);
}
