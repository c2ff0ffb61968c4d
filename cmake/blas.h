/* How the BLAS that cmake/blas.cmake chose is called: what its names look like, and the type of its
 * integers. CBLAS is an ABI: declared here rather than taken from a header, so that any library
 * that has it will do. */
#ifndef BLASCONV_BLAS_H
#define BLASCONV_BLAS_H

#include <stdint.h>

#define BLAS_JOIN_TOKENS(prefix, name, suffix) prefix##name##suffix
#define BLAS_JOIN(prefix, name, suffix) BLAS_JOIN_TOKENS(prefix, name, suffix)
#define BLAS(name) BLAS_JOIN(BLASCONV_CBLAS_PREFIX, name, BLASCONV_CBLAS_SUFFIX)

#ifdef BLASCONV_BLAS_INT64
typedef int64_t blas_int;
#define BLAS_INT_MAX INT64_MAX
#else
typedef int32_t blas_int;
#define BLAS_INT_MAX INT32_MAX
#endif

enum { BLAS_ROW_MAJOR = 101, BLAS_AS_IT_IS = 111, BLAS_TRANSPOSED = 112 };

typedef void blas_sgemm(int order, int transpose_a, int transpose_b, blas_int m, blas_int n,
                        blas_int k, float alpha, const float *a, blas_int a_stride, const float *b,
                        blas_int b_stride, float beta, float *c, blas_int c_stride);

extern blas_sgemm BLAS(cblas_sgemm);

#endif
