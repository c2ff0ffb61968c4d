/*
 * How many threads work is worth: one for little, as many as were asked for where there is enough.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "parallel.h"
#include "support.h"

#include <blasconv/blasconv.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { pass_count = 3, asked = 8 };

/* The number that the plan's description gives behind "threads: ". */
static int described_threads(const blasconv_problem *problem, int pass, const char *algorithm)
{
  char text[4096];
  blasconv_options options = blasconv_options_default();
  options.threads = asked;
  options.algorithm = algorithm;
  blasconv_plan *plan = NULL;
  const blasconv_status status =
      blasconv_plan_create(problem, (blasconv_pass)pass, &options, &plan);
  if (algorithm != NULL && status == BLASCONV_ALGORITHM_REFUSED)
    return -1;
  ck_assert_int_eq(status, BLASCONV_SUCCESS);
  ck_assert_uint_lt(blasconv_plan_describe(plan, text, sizeof text), sizeof text);
  blasconv_plan_destroy(plan);
  const char *line = strstr(text, "\nthreads: ");
  int threads = 0;
  ck_assert_ptr_nonnull(line);
  ck_assert_int_eq(sscanf(line, "\nthreads: %d\n", &threads), 1);
  return threads;
}

/* Checks what each algorithm that serves, and the library's choice, says of the problem. */
static void check_plans(const blasconv_problem *shape, int least, int most)
{
  blasconv_problem problem = *shape;
  for (int layout = 0; layout < 2; ++layout)
    for (int pass = 0; pass < pass_count; ++pass) {
      problem.layout = (blasconv_layout)layout;
      const char *algorithm = NULL;
      size_t next = 0;
      do {
        const int threads = described_threads(&problem, pass, algorithm);
        support_assert(threads == -1 || (threads >= least && threads <= most),
                       "layout %d, pass %d, %s: %d threads, not %d to %d", layout, pass,
                       algorithm == NULL ? "the choice" : algorithm, threads, least, most);
        algorithm = blasconv_algorithm_name(next++);
      } while (algorithm != NULL);
    }
}

START_TEST(little_work_is_for_one_thread)
{
  const blasconv_problem one = blasconv_problem_2d(1, 1, 1, 1, 1, 1, 1);
  const blasconv_problem pointwise = blasconv_problem_2d(1, 4, 4, 4, 4, 1, 1);
  const blasconv_problem spatial = blasconv_problem_2d(1, 2, 6, 6, 2, 3, 3);
  const blasconv_problem images = blasconv_problem_1d(16, 1, 4, 2, 2);
  blasconv_problem depthwise = blasconv_problem_2d(1, 4, 6, 6, 4, 3, 3);
  depthwise.groups = 4;
  check_plans(&one, 1, 1);
  check_plans(&pointwise, 1, 1);
  check_plans(&spatial, 1, 1);
  check_plans(&images, 1, 1);
  check_plans(&depthwise, 1, 1);
}
END_TEST

START_TEST(much_work_is_for_several)
{
  const blasconv_problem pointwise = blasconv_problem_2d(4, 128, 56, 56, 128, 1, 1);
  const blasconv_problem spatial = blasconv_problem_2d(4, 128, 28, 28, 128, 3, 3);
  blasconv_problem depthwise = blasconv_problem_2d(8, 128, 56, 56, 128, 3, 3);
  depthwise.groups = 128;
  check_plans(&pointwise, 2, asked);
  check_plans(&spatial, 2, asked);
  check_plans(&depthwise, 2, asked);
}
END_TEST

/* The more work, the more threads, and some of it is for some of them. */
START_TEST(teams_grow_with_the_work)
{
  int before = 1, some = 0;
  for (int64_t batch = 1; batch <= 256; ++batch) {
    const blasconv_problem problem = blasconv_problem_2d(batch, 8, 6, 6, 8, 3, 3);
    const int threads = described_threads(&problem, BLASCONV_FORWARD, "im2col_gemm");
    ck_assert_int_ge(threads, before);
    some += threads > 1 && threads < asked;
    before = threads;
  }
  ck_assert_int_eq(before, asked);
  ck_assert_int_gt(some, 0);
}
END_TEST

START_TEST(a_team_has_work_for_each)
{
  ck_assert(bc_thread_seconds > 0.0);
  ck_assert_int_eq(bc_team(asked, 0.0), 1);
  ck_assert_int_eq(bc_team(asked, 1.9 * bc_thread_seconds), 1);
  ck_assert_int_eq(bc_team(asked, 2.1 * bc_thread_seconds), 2);
  ck_assert_int_eq(bc_team(asked, 7.9 * bc_thread_seconds), 7);
  ck_assert_int_eq(bc_team(asked, 8.1 * bc_thread_seconds), asked);
  ck_assert_int_eq(bc_team(asked, 1e300), asked);
  ck_assert_int_eq(bc_team(1, 1.0), 1);
}
END_TEST

/* ---- element-wise work ---- */

enum { task_count = 4 };

/* Who ran the tasks, each of which waits until all have begun, or for `patience` seconds. */
typedef struct meeting {
  atomic_int begun;
  double patience;
  pthread_t thread_of_task[task_count];
} meeting;

static double now(void)
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void meet(void *context, int64_t task, int thread)
{
  meeting *m = context;
  const double start = now();
  (void)thread;
  m->thread_of_task[task] = pthread_self();
  atomic_fetch_add(&m->begun, 1);
  while (atomic_load(&m->begun) < task_count && now() - start < m->patience)
    nanosleep(&(struct timespec){0, 1000000}, NULL);
}

static int strangers(const meeting *m)
{
  int count = 0;
  for (int i = 0; i < task_count; ++i)
    count += !pthread_equal(m->thread_of_task[i], pthread_self());
  return count;
}

START_TEST(few_elements_stay_with_the_caller)
{
  meeting m = {.patience = 0.05};
  bc_parallel_elements(task_count, 1000, task_count, meet, &m);
  ck_assert_int_eq(atomic_load(&m.begun), task_count);
  ck_assert_int_eq(strangers(&m), 0);
}
END_TEST

START_TEST(many_elements_are_shared_out)
{
  meeting m = {.patience = 20.0};
  bc_parallel_elements(task_count, (int64_t)1 << 40, task_count, meet, &m);
  ck_assert_int_eq(atomic_load(&m.begun), task_count);
  ck_assert_int_eq(strangers(&m), task_count - 1);
}
END_TEST

/* ---- which thread runs what ---- */

enum { most_threads = 130, most_tasks = 5000 };

typedef struct ledger {
  int threads;
  atomic_int runs[most_tasks];   /* of each task */
  atomic_int busy[most_threads]; /* 1 while a task runs with that number */
  atomic_int mistakes;
} ledger;

static void enter(void *context, int64_t task, int thread)
{
  ledger *l = context;
  if (thread < 0 || thread >= l->threads || atomic_fetch_add(&l->busy[thread], 1) != 0) {
    atomic_fetch_add(&l->mistakes, 1);
    return;
  }
  atomic_fetch_add(&l->runs[task], 1);
  atomic_fetch_sub(&l->busy[thread], 1);
}

/* More threads than there are shares, too. */
START_TEST(every_task_runs_once)
{
  static const int teams[] = {1, 2, 3, 7, 64, 65, most_threads};
  static const int64_t counts[] = {0, 1, 2, 63, 64, 65, 131, 1000, most_tasks};
  static ledger l;
  for (size_t i = 0; i < sizeof teams / sizeof *teams; ++i)
    for (size_t j = 0; j < sizeof counts / sizeof *counts; ++j) {
      memset(&l, 0, sizeof l);
      l.threads = teams[i];
      bc_parallel_for(teams[i], counts[j], enter, &l);
      ck_assert_int_eq(atomic_load(&l.mistakes), 0);
      for (int64_t task = 0; task < most_tasks; ++task)
        support_assert(atomic_load(&l.runs[task]) == (task < counts[j]),
                       "%d threads, %d tasks: number %d ran %d times", teams[i], (int)counts[j],
                       (int)task, atomic_load(&l.runs[task]));
    }
}
END_TEST

/* Tasks that wait until some others have begun. */
typedef struct waiting {
  atomic_int begun[task_count];
  bool (*may_end)(struct waiting *w, int64_t task);
  atomic_int late; /* those that waited in vain */
  int thread_of_task[task_count];
} waiting;

static bool have_begun(waiting *w, int64_t first, int64_t end)
{
  for (int64_t task = first; task < end; ++task)
    if (atomic_load(&w->begun[task]) == 0)
      return false;
  return true;
}

/* The other thread's task in the same place of its share. */
static bool has_partner(waiting *w, int64_t task)
{
  const int64_t partner = (task + task_count / 2) % task_count;
  return have_begun(w, partner, partner + 1);
}

/* For the first task all of them, the others need not wait. */
static bool have_all_if_first(waiting *w, int64_t task)
{
  return task > 0 || have_begun(w, 0, task_count);
}

static void wait_for_others(void *context, int64_t task, int thread)
{
  waiting *w = context;
  const double start = now();
  w->thread_of_task[task] = thread;
  atomic_store(&w->begun[task], 1);
  while (!w->may_end(w, task) && now() - start < 20.0)
    nanosleep(&(struct timespec){0, 1000000}, NULL);
  if (!w->may_end(w, task))
    atomic_fetch_add(&w->late, 1);
}

/* From one queue, the second thread would take the second task, which waits for the last. */
START_TEST(neighbouring_tasks_are_for_one_thread)
{
  waiting w = {.may_end = has_partner};
  bc_parallel_for(2, task_count, wait_for_others, &w);
  ck_assert_int_eq(atomic_load(&w.late), 0);
  for (int task = 0; task < task_count; ++task)
    ck_assert_int_eq(w.thread_of_task[task], w.thread_of_task[task - task % 2]);
  ck_assert_int_ne(w.thread_of_task[0], w.thread_of_task[task_count / 2]);
}
END_TEST

START_TEST(who_has_done_with_its_tasks_takes_others)
{
  waiting w = {.may_end = have_all_if_first};
  bc_parallel_for(2, task_count, wait_for_others, &w);
  ck_assert_int_eq(atomic_load(&w.late), 0);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("teams");
  support_add(suite, little_work_is_for_one_thread);
  support_add(suite, much_work_is_for_several);
  support_add(suite, teams_grow_with_the_work);
  support_add(suite, a_team_has_work_for_each);
  support_add(suite, few_elements_stay_with_the_caller);
  support_add(suite, many_elements_are_shared_out);
  support_add(suite, every_task_runs_once);
  support_add(suite, neighbouring_tasks_are_for_one_thread);
  support_add(suite, who_has_done_with_its_tasks_takes_others);
  return support_run(suite);
}
