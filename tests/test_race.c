/*
 * How runs are timed within a budget, by a clock that the test moves.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "planning/race.h"
#include "support.h"

enum { most_runners = 4, most_runs = 4096, rounds_of_random = 2000 };

/* Runners that take as long as the test says. */
typedef struct track {
  double time;
  double seconds[most_runners]; /* of a run */
  double extra;                 /* added to a run, less in each that follows */
  int runs[most_runners];
  size_t order[most_runs];
  int started;
} track;

static double now(void *context)
{
  return ((const track *)context)->time;
}

static void run(void *context, size_t runner)
{
  track *t = context;
  ck_assert_int_lt(t->started, most_runs);
  t->order[t->started++] = runner;
  ++t->runs[runner];
  t->time += t->seconds[runner] + t->extra / t->runs[runner];
}

static void hold(track *t, size_t runners, double budget, double *least)
{
  const bc_race race = {runners, t->time, budget, now, run, t};
  for (size_t i = 0; i < runners; ++i)
    least[i] = -1.0;
  bc_race_hold(&race, least);
}

static bool near(double a, double b)
{
  return a - b < 1e-9 && b - a < 1e-9;
}

START_TEST(runners_take_turns)
{
  track t = {.time = 100.0, .seconds = {1.0, 3.0, 2.0}};
  double least[3];
  hold(&t, 3, 20.0, least);
  for (int i = 0; i < t.started; ++i)
    ck_assert_uint_eq(t.order[i], (size_t)i % 3);
  ck_assert(near(least[0], 1.0) && near(least[1], 3.0) && near(least[2], 2.0));
  ck_assert_int_eq(t.started, 10); /* three rounds in 18, one more in 19, none of 3 after that */
}
END_TEST

START_TEST(the_least_counts)
{
  track t = {.seconds = {1.0, 0.5}, .extra = 8.0};
  double least[2];
  hold(&t, 2, 1000.0, least);
  ck_assert_int_gt(t.runs[0], 4);
  ck_assert(near(least[0], 1.0 + 8.0 / t.runs[0]) && near(least[1], 0.5 + 8.0 / t.runs[1]));
}
END_TEST

/* A run that is slower than those before does not replace their time. */
START_TEST(a_slow_run_is_forgotten)
{
  track t = {.seconds = {2.0, 2.0}, .extra = -1.0};
  double least[2];
  hold(&t, 2, 100.0, least);
  ck_assert_int_gt(t.runs[0], 4);
  ck_assert(near(least[0], 1.0) && near(least[1], 1.0));
}
END_TEST

START_TEST(the_first_runs_whatever_the_budget)
{
  static const double budgets[] = {0.0, 1e-9, 1.0, -5.0};
  for (size_t i = 0; i < sizeof budgets / sizeof *budgets; ++i) {
    track t = {.seconds = {1.0, 1.0}};
    double least[2];
    hold(&t, 2, budgets[i], least);
    ck_assert_int_eq(t.started, 1);
    ck_assert(near(least[0], 1.0) && least[1] == 0.0);
  }
}
END_TEST

/* What was spent before the race counts. */
START_TEST(the_start_is_heeded)
{
  track t = {.time = 10.0, .seconds = {1.0, 1.0}};
  double least[2];
  const bc_race race = {2, 5.0, 8.5, now, run, &t};
  bc_race_hold(&race, least);
  ck_assert_int_eq(t.started, 3);
}
END_TEST

/* One that never ran may be longer than what is left: exceeding is by that one run. */
START_TEST(the_budget_is_exceeded_by_one_run_at_most)
{
  support_random random = support_random_start(1);
  for (int i = 0; i < rounds_of_random; ++i) {
    const size_t runners = (size_t)support_random_between(&random, 1, most_runners);
    track t = {.time = 3.0};
    double least[most_runners], slowest = 0.0;
    for (size_t j = 0; j < runners; ++j)
      t.seconds[j] = (double)support_random_between(&random, 1, 1000);
    const double budget = (double)support_random_between(&random, 0, 5000);
    hold(&t, runners, budget, least);
    const double last = t.seconds[t.order[t.started - 1]];
    for (size_t j = 0; j < runners; ++j) {
      ck_assert(t.runs[j] > 0 ? near(least[j], t.seconds[j]) : least[j] == 0.0);
      slowest = t.runs[j] > 0 && t.seconds[j] > slowest ? t.seconds[j] : slowest;
    }
    ck_assert(t.time - 3.0 <= budget + slowest);
    ck_assert(t.time - 3.0 - last < budget || t.started == 1);
    ck_assert(t.started <= (int)runners || t.time - 3.0 <= budget);
  }
}
END_TEST

/* A clock that stands still: the race ends, and nobody's time is 0. */
START_TEST(it_ends_by_itself)
{
  track t = {.time = 1.0};
  double least[2];
  hold(&t, 2, 1.0, least);
  ck_assert_int_eq(t.runs[0], t.runs[1]);
  ck_assert_int_gt(t.runs[0], 10);
  ck_assert(least[0] > 0.0 && least[1] > 0.0);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("race");
  support_add(suite, runners_take_turns);
  support_add(suite, the_least_counts);
  support_add(suite, a_slow_run_is_forgotten);
  support_add(suite, the_first_runs_whatever_the_budget);
  support_add(suite, the_start_is_heeded);
  support_add(suite, the_budget_is_exceeded_by_one_run_at_most);
  support_add(suite, it_ends_by_itself);
  return support_run(suite);
}
