/* Matrix products. sgemm.c is the only file that knows CBLAS. */
#ifndef BC_SGEMM_H
#define BC_SGEMM_H

#include "cpu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A row-major matrix; `transposed`: the product takes its transpose. */
typedef struct bc_operand {
  const float *data;
  int64_t stride; /* elements from one row in memory to the next */
  bool transposed;
} bc_operand;

/* The longest row stride that the BLAS can take. */
#define BC_SGEMM_MAX_STRIDE INT32_MAX

/* c = a b + beta c for a [m][k], b [k][n] and c [m][n], row-major, on the calling thread alone.
 * beta is 0 (c is not read) or 1. No row stride may pass BC_SGEMM_MAX_STRIDE; sizes may. (There is
 * no transposed b: OpenBLAS is slower with one, and its callers can do without.) */
void bc_sgemm(int64_t m, int64_t n, int64_t k, bc_operand a, const float *b, int64_t b_stride,
              float beta, float *c, int64_t c_stride);

/* "OpenBLAS 0.3.21, pthread, kernels SkylakeX", or "CBLAS" for one that cannot be asked. Written
 * to text [size], cut if need be. */
void bc_sgemm_describe(char *text, size_t size);

/* The OPENBLAS_CORETYPE that lets the BLAS use instruction set `isa`; NULL if it does already. */
const char *bc_sgemm_coretype_advice(bc_isa isa);

#endif
