/* How the learning rate changes from step to step. */
#include <blasconv/train.h>
#include <math.h>
#include <stdbool.h>

static const double PI = 3.14159265358979323846;

static bool at_least_zero(double x)
{
  return isfinite(x) && x >= 0.0;
}

static bool numbers_fit(const blasconv_schedule *schedule)
{
  if (!at_least_zero(schedule->rate) || schedule->warm_up < 0)
    return false;
  switch (schedule->kind) {
  case BLASCONV_SCHEDULE_CONSTANT:
    return true;
  case BLASCONV_SCHEDULE_STEP:
    return schedule->period >= 1 && schedule->factor > 0.0 && schedule->factor <= 1.0;
  case BLASCONV_SCHEDULE_COSINE:
    return schedule->period >= 1 && at_least_zero(schedule->last_rate);
  }
  return false;
}

/* Both ends exact: nothing is added that would be taken away again. */
static double cosine_rate(const blasconv_schedule *schedule, int64_t t)
{
  if (t >= schedule->period)
    return schedule->last_rate;
  const double way = (double)(t - 1) / (double)(schedule->period - 1);
  const double share = 0.5 * (1.0 + cos(PI * way));
  return share * schedule->rate + (1.0 - share) * schedule->last_rate;
}

static double rate_at(const blasconv_schedule *schedule, int64_t step)
{
  if (step <= schedule->warm_up)
    return schedule->rate * ((double)step / ((double)schedule->warm_up + 1.0));
  const int64_t t = step - schedule->warm_up;
  if (schedule->kind == BLASCONV_SCHEDULE_STEP) {
    const int64_t drops = (t - 1) / schedule->period;
    return schedule->rate * pow(schedule->factor, (double)drops);
  }
  if (schedule->kind == BLASCONV_SCHEDULE_COSINE)
    return cosine_rate(schedule, t);
  return schedule->rate;
}

blasconv_status blasconv_schedule_rate(const blasconv_schedule *schedule, int64_t step,
                                       double *rate)
{
  if (schedule == NULL || rate == NULL)
    return BLASCONV_NULL_POINTER;
  if (schedule->struct_size != sizeof *schedule)
    return BLASCONV_VERSION_MISMATCH;
  if (!numbers_fit(schedule) || step < 1)
    return BLASCONV_BAD_ARGUMENT;
  *rate = rate_at(schedule, step);
  return BLASCONV_SUCCESS;
}
