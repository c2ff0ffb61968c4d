#define _GNU_SOURCE /* RTLD_NEXT */
#include "sgemm_clock.h"

#include "blas.h"
#include "measure.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define SGEMM BLAS(cblas_sgemm)
#define STRING_OF(name) #name
#define STRING(name) STRING_OF(name)

static atomic_bool counting;
static _Atomic uint64_t nanoseconds;
static blas_sgemm *next;
static pthread_once_t found = PTHREAD_ONCE_INIT;

static void find_next(void)
{
  void *symbol = dlsym(RTLD_NEXT, STRING(SGEMM));
  if (symbol == NULL) {
    fprintf(stderr, "no %s behind the benchmark's own\n", STRING(SGEMM));
    abort();
  }
  *(void **)(void *)&next = symbol;
}

void SGEMM(int order, int transpose_a, int transpose_b, blas_int m, blas_int n, blas_int k,
           float alpha, const float *a, blas_int a_stride, const float *b, blas_int b_stride,
           float beta, float *c, blas_int c_stride)
{
  pthread_once(&found, find_next);
  const bool count = atomic_load_explicit(&counting, memory_order_relaxed);
  const double start = count ? bench_now() : 0.0;
  next(order, transpose_a, transpose_b, m, n, k, alpha, a, a_stride, b, b_stride, beta, c,
       c_stride);
  if (count)
    atomic_fetch_add_explicit(&nanoseconds, (uint64_t)(1e9 * (bench_now() - start)),
                              memory_order_relaxed);
}

void bench_sgemm_clock_start(void)
{
  atomic_store(&nanoseconds, 0);
  atomic_store(&counting, true);
}

double bench_sgemm_clock_stop(void)
{
  atomic_store(&counting, false);
  return 1e-9 * (double)atomic_load(&nanoseconds);
}
