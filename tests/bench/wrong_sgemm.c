/*
 * A cblas_sgemm that comes before the BLAS's own (LD_PRELOAD) and spoils one element of each
 * product: what checks results has to notice.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <dlfcn.h>
#include <stdlib.h>

#define JOIN_TOKENS(prefix, name) prefix##name
#define JOIN(prefix, name) JOIN_TOKENS(prefix, name)
#define SGEMM JOIN(BLASCONV_CBLAS_PREFIX, cblas_sgemm)
#define STRING_OF(name) #name
#define STRING(name) STRING_OF(name)

typedef void sgemm(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                   const float *a, int a_stride, const float *b, int b_stride, float beta, float *c,
                   int c_stride);

sgemm SGEMM;

void SGEMM(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha,
           const float *a, int a_stride, const float *b, int b_stride, float beta, float *c,
           int c_stride)
{
  sgemm *next;
  *(void **)(void *)&next = dlsym(RTLD_NEXT, STRING(SGEMM));
  if (next == NULL)
    abort();
  next(order, transpose_a, transpose_b, m, n, k, alpha, a, a_stride, b, b_stride, beta, c,
       c_stride);
  for (int column = 0; column < n; ++column)
    c[column] += 1e-2f;
}
