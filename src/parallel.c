#include "parallel.h"

#include "sgemm.h"

#include <omp.h>
#include <stdatomic.h>
#include <stdbool.h>

/* A thread looks so long before it sleeps. In seconds, since a pause takes 40 cycles or 140. */
static const double looking_seconds = 50e-6;

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
  const double end = omp_get_wtime() + looking_seconds;
  while (atomic_load_explicit(left, memory_order_relaxed) > 0 && omp_get_wtime() < end)
    pause_briefly();
}

enum { MOST_SHARES = 64, LINE = 64 /* bytes that cores hand to each other */ };

/* Counted by all threads, on a line of its own. */
typedef struct counter {
  _Alignas(LINE) atomic_llong count;
} counter;

/* Tasks of which one thread takes the next ones, and the others when they have done with theirs. */
typedef struct share {
  _Alignas(LINE) atomic_llong next;
  long long end;
} share;

/* What the threads of a region do. */
typedef struct region {
  bc_task *run;
  void *context;
  long long chunk; /* tasks that are taken at once: small ones (depthwise layers) are thousands */
  int shares;
  share share[MOST_SHARES];
  counter left; /* tasks that have not ended */
} region;

/* Neighbouring tasks to each: what a thread reads and writes is mostly what it had at hand in the
 * region before, in caches that are its core's own. */
static void divide(region *r, int team, int64_t tasks)
{
  r->shares = team < MOST_SHARES ? team : MOST_SHARES;
  r->chunk = tasks / team / 16 + 1;
  for (int i = 0; i < r->shares; ++i) {
    atomic_init(&r->share[i].next, i * tasks / r->shares);
    r->share[i].end = (i + 1) * tasks / r->shares;
  }
  atomic_init(&r->left.count, tasks);
}

static void run_share(region *r, share *s, int thread)
{
  for (;;) {
    const long long begin = atomic_fetch_add_explicit(&s->next, r->chunk, memory_order_relaxed);
    const long long end = begin + r->chunk < s->end ? begin + r->chunk : s->end;
    if (begin >= end)
      return;
    for (long long task = begin; task < end; ++task)
      r->run(r->context, task, thread);
    atomic_fetch_sub_explicit(&r->left.count, end - begin, memory_order_relaxed);
  }
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
  const bool has_cores = team <= omp_get_num_procs();
  region r; /* larger than what is set */
  divide(&r, team, tasks);
  r.run = run;
  r.context = context;
#pragma omp parallel num_threads(team) default(none) shared(r, has_cores)
  {
    /* OpenBLAS's OpenMP flavour asks for the threads of the task that calls it, and a team of one
     * does not count as parallel. The setting belongs to this region's implicit task alone: it
     * ends with the region, and the host's stays as it is. */
    omp_set_num_threads(1);
    const int thread = omp_get_thread_num();
    for (int i = 0; i < r.shares; ++i)
      run_share(&r, &r.share[(thread + i) % r.shares], thread);
    if (has_cores) /* else others wait for this one's */
      await(&r.left.count);
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
