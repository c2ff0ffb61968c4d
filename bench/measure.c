#define _POSIX_C_SOURCE 200809L
#include "measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double bench_now(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void bench_samples_add(bench_samples *samples, double seconds)
{
  if (samples->count < BENCH_MAX_SAMPLES)
    samples->seconds[samples->count++] = seconds;
}

void bench_turn(const bench_runner *runners, int count, bench_samples *samples)
{
  for (int i = 0; i < count; ++i)
    bench_samples_add(&samples[i], runners[i].run(runners[i].context));
}

static int ascending(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double bench_samples_median(const bench_samples *samples)
{
  double sorted[BENCH_MAX_SAMPLES];
  const size_t count = samples->count;
  if (count == 0)
    return NAN;
  memcpy(sorted, samples->seconds, count * sizeof *sorted);
  qsort(sorted, count, sizeof *sorted, ascending);
  return 0.5 * (sorted[(count - 1) / 2] + sorted[count / 2]);
}

void bench_take_turns(const bench_runner *runners, int count, int turns, double *medians)
{
  bench_samples samples[BENCH_MAX_RUNNERS];
  for (int i = 0; i < count; ++i)
    samples[i].count = 0;
  bench_turn(runners, count, samples);
  for (int i = 0; i < count; ++i)
    samples[i].count = 0;
  for (int turn = 0; turn < turns; ++turn)
    bench_turn(runners, count, samples);
  for (int i = 0; i < count; ++i)
    medians[i] = bench_samples_median(&samples[i]);
}
