/* Threads. parallel.c is the only file that knows OpenMP. */
#ifndef BC_PARALLEL_H
#define BC_PARALLEL_H

#include <stdint.h>

/* One of the tasks 0 .. tasks-1; `thread` is below the number of threads asked for, and no two
 * tasks run with the same `thread` at the same time. */
typedef void bc_task(void *context, int64_t task, int thread);

/* Runs the tasks on at most `threads` threads and returns when all are done. BLAS calls within a
 * task run serially. Which thread runs a task is left open: results must not depend on it. */
void bc_parallel_for(int threads, int64_t tasks, bc_task *run, void *context);

/* The same for tasks that do little with each of so many elements, all tasks together: on fewer
 * threads if the elements are few. */
void bc_parallel_elements(int threads, int64_t elements, int64_t tasks, bc_task *run,
                          void *context);

/* Elements of a task that does little with each, 64 KiB of floats. */
enum { BC_TASK_ELEMENTS = 1 << 14 };

/* The work that a thread is woken for. */
extern const double bc_thread_seconds;

/* How many of `threads` threads work of so many seconds keeps busy; at least one. */
int bc_team(int threads, double seconds);

/* As many threads as OpenMP would use here. */
int bc_parallel_default_threads(void);

#endif
