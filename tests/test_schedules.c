/*
 * Learning rates against their formulas.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <blasconv/train.h>
#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------------
 * Schedules
 * ------------------------------------------------------------------------------------------ */

static double rate_of(const blasconv_schedule *schedule, int64_t t)
{
  double rate = NAN;
  ck_assert_int_eq(blasconv_schedule_rate(schedule, t, &rate), BLASCONV_SUCCESS);
  return rate;
}

static void check_schedule(const blasconv_schedule *schedule)
{
  const double pi = acos(-1.0), first = schedule->rate, last = schedule->last_rate;
  for (int64_t s = 1; s <= 60; ++s) {
    double expected = first * (double)s / (double)(schedule->warm_up + 1);
    if (s > schedule->warm_up) {
      const int64_t t = s - schedule->warm_up;
      expected = first;
      if (schedule->kind == BLASCONV_SCHEDULE_STEP)
        for (int64_t drop = schedule->period; drop <= t - 1; drop += schedule->period)
          expected *= schedule->factor;
      if (schedule->kind == BLASCONV_SCHEDULE_COSINE)
        expected =
            t >= schedule->period
                ? last
                : last + (first - last) / 2.0 *
                             (1.0 + cos(pi * (double)(t - 1) / (double)(schedule->period - 1)));
    }
    ck_assert(fabs(rate_of(schedule, s) - expected) <= 1e-14 * (first + last));
  }
}

START_TEST(schedules_follow_their_formulas)
{
  static const int64_t periods[] = {1, 2, 3, 10, 50, 1000}, warm_ups[] = {0, 1, 5, 59, 100};
  for (int kind = 0; kind < 3; ++kind)
    for (size_t i = 0; i < sizeof periods / sizeof *periods; ++i)
      for (size_t j = 0; j < sizeof warm_ups / sizeof *warm_ups; ++j) {
        blasconv_schedule schedule = blasconv_schedule_of((blasconv_schedule_kind)kind, 0.3);
        schedule.factor = 0.7;
        schedule.last_rate = 0.01;
        schedule.period = periods[i];
        schedule.warm_up = warm_ups[j];
        check_schedule(&schedule);
      }
}
END_TEST

START_TEST(schedules_have_exact_ends)
{
  blasconv_schedule schedule = blasconv_schedule_of(BLASCONV_SCHEDULE_COSINE, 0.3);
  schedule.last_rate = 0.1;
  schedule.period = 17;
  ck_assert(rate_of(&schedule, 1) == 0.3 && rate_of(&schedule, 17) == 0.1);
  ck_assert(rate_of(&schedule, 18) == 0.1 && rate_of(&schedule, INT64_MAX) == 0.1);
  schedule.warm_up = INT64_MAX;
  ck_assert(rate_of(&schedule, 1) > 0.0 && rate_of(&schedule, INT64_MAX) <= 0.3);
  schedule = blasconv_schedule_of(BLASCONV_SCHEDULE_STEP, 0.3);
  ck_assert(rate_of(&schedule, 1) == 0.3 && rate_of(&schedule, INT64_MAX) == 0.0);
  schedule.rate = 0.0;
  ck_assert(rate_of(&schedule, 5) == 0.0);
}
END_TEST

static void check_rate_refused(blasconv_schedule schedule, int64_t t, blasconv_status status,
                               const char *what)
{
  double rate = 7.0;
  support_assert(blasconv_schedule_rate(&schedule, t, &rate) == status && rate == 7.0, "%s", what);
}

START_TEST(schedules_refuse)
{
  static const double bad[] = {-0.1, NAN, HUGE_VAL};
  const blasconv_schedule by_step = blasconv_schedule_of(BLASCONV_SCHEDULE_STEP, 0.1);
  const blasconv_schedule cosine = blasconv_schedule_of(BLASCONV_SCHEDULE_COSINE, 0.1);
  blasconv_schedule s;
  double rate = 7.0;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    check_rate_refused((s = by_step, s.rate = bad[i], s), 1, BLASCONV_BAD_ARGUMENT, "rate");
    check_rate_refused((s = by_step, s.factor = bad[i], s), 1, BLASCONV_BAD_ARGUMENT, "factor");
    check_rate_refused((s = cosine, s.last_rate = bad[i], s), 1, BLASCONV_BAD_ARGUMENT, "last");
  }
  check_rate_refused((s = by_step, s.factor = 0.0, s), 1, BLASCONV_BAD_ARGUMENT, "factor 0");
  check_rate_refused((s = by_step, s.factor = 1.1, s), 1, BLASCONV_BAD_ARGUMENT, "factor 1.1");
  check_rate_refused((s = by_step, s.period = 0, s), 1, BLASCONV_BAD_ARGUMENT, "period");
  check_rate_refused((s = cosine, s.period = 0, s), 1, BLASCONV_BAD_ARGUMENT, "period");
  check_rate_refused((s = cosine, s.warm_up = -1, s), 1, BLASCONV_BAD_ARGUMENT, "warm-up");
  check_rate_refused(cosine, 0, BLASCONV_BAD_ARGUMENT, "step 0");
  check_rate_refused((s = cosine, s.struct_size = 0, s), 1, BLASCONV_VERSION_MISMATCH, "size");
  check_rate_refused((s = cosine, s.kind = (blasconv_schedule_kind)3, s), 1, BLASCONV_BAD_ARGUMENT,
                     "kind");
  ck_assert_int_eq(blasconv_schedule_rate(NULL, 1, &rate), BLASCONV_NULL_POINTER);
  ck_assert_int_eq(blasconv_schedule_rate(&cosine, 1, NULL), BLASCONV_NULL_POINTER);
  ck_assert(rate == 7.0);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("schedules");
  support_add(suite, schedules_follow_their_formulas);
  support_add(suite, schedules_have_exact_ends);
  support_add(suite, schedules_refuse);
  return support_run(suite);
}
