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

/* A clock that only goes forward. */
double bench_now(void);

void bench_samples_add(bench_samples *samples, double seconds);

/* NaN if there are none. */
double bench_samples_median(const bench_samples *samples);

#endif
