#include "copy.h"

#include "measure.h"

#include <string.h>

double bench_copy_run(const void *context)
{
  const bench_copy *copy = context;
  const double begin = bench_now();
#pragma omp parallel for num_threads(copy->threads) default(none) shared(copy) schedule(static)
  for (int thread = 0; thread < copy->threads; ++thread) {
    const int64_t first = copy->count * thread / copy->threads,
                  end = copy->count * (thread + 1) / copy->threads;
    memcpy(copy->to + first, copy->from + first, (size_t)(end - first) * sizeof(float));
  }
  return bench_now() - begin;
}
