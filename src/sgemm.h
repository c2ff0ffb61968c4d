/* Matrix products. sgemm.c is the only file that knows CBLAS. */
#ifndef BC_SGEMM_H
#define BC_SGEMM_H

#include "cpu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A matrix: element (i, j) at data + i * row_step + j * column_step. One of the steps is 1,
 * whichever way the matrix lies; the same matrix with its steps exchanged is its transpose. */
typedef struct bc_operand {
  const float *data;
  int64_t row_step, column_step;
} bc_operand;

/* The matrix that a product writes. */
typedef struct bc_result {
  float *data;
  int64_t row_step, column_step;
} bc_result;

/* c = a b + beta c for a [m][k], b [k][n] and c [m][n], on the calling thread alone. beta is 0 (c
 * is not read) or 1. Sizes and steps may be anything. */
void bc_sgemm(int64_t m, int64_t n, int64_t k, bc_operand a, bc_operand b, float beta, bc_result c);

/* The same where the BLAS takes no extent and no stride above `longest` (at least 1): what passes
 * it is computed in parts. bc_sgemm() has the largest number of the BLAS; tests have small ones. */
void bc_sgemm_within(int64_t longest, int64_t m, int64_t n, int64_t k, bc_operand a, bc_operand b,
                     float beta, bc_result c);

/* Extents of the largest product that one call of the BLAS computes. */
typedef struct bc_sgemm_piece {
  int64_t m, n, k;
} bc_sgemm_piece;

/* What larger products are cut into, which makes them slower; kept small for one reason alone, that
 * the BLAS stays on the calling thread. */
bc_sgemm_piece bc_sgemm_pieces(void);

/* "OpenBLAS 0.3.21, pthread, kernels SkylakeX", or "CBLAS" for one that cannot be asked. Written
 * to text [size], cut if need be. */
void bc_sgemm_describe(char *text, size_t size);

/* The BLAS never asks OpenMP for threads, so it need not be told to leave them alone. */
bool bc_sgemm_keeps_its_thread(void);

/* What the BLAS's kernels use; of one that cannot be asked, all that the CPU has. */
bc_isa bc_sgemm_isa(void);

/* The OPENBLAS_CORETYPE that lets the BLAS use instruction set `isa`; NULL if it does already. */
const char *bc_sgemm_coretype_advice(bc_isa isa);

#endif
