#include "slots.h"

#include "cpu.h"
#include "kernels/descent.h"
#include "parallel.h"

enum { MOST_SLOTS = 256 };

typedef struct slots {
  bc_part_sum *part;
  void *context;
  int64_t items, length; /* of all slots, and of one */
  double sums[MOST_SLOTS];
} slots;

static void sum_slot(void *context, int64_t slot, int thread)
{
  (void)thread;
  slots *s = context;
  s->sums[slot] = s->part(s->context, bc_block(slot, s->length, s->items));
}

double bc_sum_parts(int threads, int64_t items, int64_t elements, bc_part_sum *part, void *context)
{
  slots s = {.part = part, .context = context, .items = items};
  s.length =
      bc_max(bc_count_blocks(BC_TASK_ELEMENTS, elements), bc_count_blocks(items, MOST_SLOTS));
  const int64_t count = bc_count_blocks(items, s.length);
  bc_parallel_for(threads, count, sum_slot, &s);
  double total = 0.0;
  for (int64_t slot = 0; slot < count; ++slot)
    total += s.sums[slot];
  return total;
}

typedef struct interval {
  const float *x;
  float low, high;
} interval;

static double count_outside(void *context, bc_range range)
{
  const interval *i = context;
  return bc_cpu_kernels()->descent->within(i->x + range.begin, i->low, i->high,
                                           bc_range_length(range))
             ? 0.0
             : 1.0;
}

bool bc_all_within(const float *x, int64_t count, float low, float high, int threads)
{
  interval context = {x, low, high};
  return bc_sum_parts(threads, count, 1, count_outside, &context) == 0.0;
}
