/*
 * A cblas_sgemm that comes before the BLAS's own (LD_PRELOAD) and spoils a row of each product:
 * what checks results has to notice.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#define _GNU_SOURCE /* RTLD_NEXT */
#include "blas.h"

#include <dlfcn.h>
#include <stdlib.h>

#define STRING_OF(name) #name
#define STRING(name) STRING_OF(name)

void BLAS(cblas_sgemm)(int order, int transpose_a, int transpose_b, blas_int m, blas_int n,
                       blas_int k, float alpha, const float *a, blas_int a_stride, const float *b,
                       blas_int b_stride, float beta, float *c, blas_int c_stride)
{
  blas_sgemm *next;
  *(void **)(void *)&next = dlsym(RTLD_NEXT, STRING(BLAS(cblas_sgemm)));
  if (next == NULL)
    abort();
  next(order, transpose_a, transpose_b, m, n, k, alpha, a, a_stride, b, b_stride, beta, c,
       c_stride);
  for (blas_int column = 0; column < n; ++column)
    c[column] += 1e-2f;
}
