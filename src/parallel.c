#include "parallel.h"

#include "sgemm.h"

#include <omp.h>
#include <stdatomic.h>
#include <stdbool.h>

/* How often a thread looks before it sleeps: for some 50 microseconds. */
enum { MOST_LOOKS = 4000 };

/* A moment in which a core does little. */
static void pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

/* Until the other threads have ended their tasks: one that reaches the end of the region earlier
 * may sleep there (OMP_WAIT_POLICY=passive), and waking it takes the last one 20 microseconds and
 * more, see docs/performance.md, "Waking threads". Who gives up the core instead may get it back
 * milliseconds later, where others want it too. */
static void await(atomic_llong *left)
{
  for (int i = 0; i < MOST_LOOKS && atomic_load_explicit(left, memory_order_relaxed) > 0; ++i)
    pause_briefly();
}

void bc_parallel_for(int threads, int64_t tasks, bc_task *run, void *context)
{
  const int team = tasks < threads ? (int)tasks : threads;
  if (team <= 1 && bc_sgemm_keeps_its_thread()) {
    for (int64_t task = 0; task < tasks; ++task)
      run(context, task, 0);
    return;
  }
  if (team < 1)
    return;
  /* Thousands of small tasks (depthwise layers) are handed out several at a time. */
  const int64_t chunk = tasks / team / 16 + 1;
  const bool has_cores = team <= omp_get_num_procs();
  atomic_llong left = tasks;
#pragma omp parallel num_threads(team) default(none)                                               \
    shared(tasks, run, context, chunk, left, has_cores)
  {
    /* OpenBLAS's OpenMP flavour asks for the threads of the task that calls it, and a team of one
     * does not count as parallel. The setting belongs to this region's implicit task alone: it
     * ends with the region, and the host's stays as it is. */
    omp_set_num_threads(1);
#pragma omp for schedule(dynamic, chunk) nowait
    for (int64_t task = 0; task < tasks; ++task) {
      run(context, task, omp_get_thread_num());
      atomic_fetch_sub_explicit(&left, 1, memory_order_relaxed);
    }
    if (has_cores) /* else others wait for this one's */
      await(&left);
  }
}

/* An element that is read, changed a little and written. */
static const double element_seconds = 0.3e-9;

void bc_parallel_elements(int threads, int64_t elements, int64_t tasks, bc_task *run, void *context)
{
  bc_parallel_for(bc_team(threads, (double)elements * element_seconds), tasks, run, context);
}

int bc_team(int threads, double seconds)
{
  if (seconds >= threads * bc_thread_seconds)
    return threads;
  return seconds > bc_thread_seconds ? (int)(seconds / bc_thread_seconds) : 1;
}

int bc_parallel_default_threads(void)
{
  return omp_get_max_threads();
}
