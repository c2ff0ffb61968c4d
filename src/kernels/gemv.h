/* Products of a matrix and a vector, and of two vectors: what is left of a convolution with one
 * patch. gemv.c is compiled once for each instruction set; memory has no more for AVX-512. */
#ifndef BC_GEMV_H
#define BC_GEMV_H

#include <stdbool.h>
#include <stdint.h>

/* A matrix [rows][columns]; its columns are neighbours. */
typedef struct bc_matrix {
  int64_t rows, columns;
  int64_t row_step; /* elements from a row to the next */
} bc_matrix;

/* Where `add` is set, to what is there; else it is not read. */
typedef struct bc_gemv_kernels {
  /* result[i] (+)= sum over j of matrix[i][j] * vector[j] */
  void (*by_column)(const bc_matrix *shape, const float *matrix, const float *vector, bool add,
                    float *result);
  /* result[j] (+)= sum over i of vector[i] * matrix[i][j] */
  void (*by_row)(const bc_matrix *shape, const float *matrix, const float *vector, bool add,
                 float *result);
  /* matrix[i][j] (+)= column[i] * row[j] */
  void (*outer)(const bc_matrix *shape, const float *column, const float *row, bool add,
                float *matrix);
} bc_gemv_kernels;

extern const bc_gemv_kernels bc_gemv_kernels_generic, bc_gemv_kernels_avx2;

#endif
