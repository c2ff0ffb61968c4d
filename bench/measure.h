/* Times and their medians. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stddef.h>

enum { BENCH_MAX_SAMPLES = 2048 };

/* Durations of one thing, measured again and again; those past the capacity are dropped. */
typedef struct bench_samples {
  double seconds[BENCH_MAX_SAMPLES];
  size_t count;
} bench_samples;

/* One of the things that are timed against each other: computes once, returns the seconds. */
typedef struct bench_runner {
  double (*run)(const void *context);
  const void *context;
} bench_runner;

enum { BENCH_MAX_RUNNERS = 8 };

/* A clock that only goes forward. */
double bench_now(void);

void bench_samples_add(bench_samples *samples, double seconds);

/* Runs runners [count] once each, and adds their times to samples [count]. */
void bench_turn(const bench_runner *runners, int count, bench_samples *samples);

/* Runs runners [count] in so many turns, after one that is not counted; medians [count] gets the
 * seconds of each. */
void bench_take_turns(const bench_runner *runners, int count, int turns, double *medians);

/* NaN if there are none. */
double bench_samples_median(const bench_samples *samples);

#endif
