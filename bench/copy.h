/* A plain copy, the ceiling of what does little with each number. */
#ifndef BENCH_COPY_H
#define BENCH_COPY_H

#include <stdint.h>

typedef struct bench_copy {
  const float *from; /* [count] */
  float *to;         /* [count] */
  int64_t count;
  int threads;
} bench_copy;

/* Copies once, each thread one piece; context is a bench_copy. Returns the seconds. */
double bench_copy_run(const void *context);

#endif
