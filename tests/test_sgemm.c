/*
 * Matrix products under a limit on extents and strides, as a BLAS with 32-bit integers sets it for
 * matrices of gigabytes: with small limits, the same cuts are made of small matrices.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "blas.h"
#include "sgemm.h"
#include "support.h"

#include <math.h>
#include <stdio.h>

enum { lies = 4 };

/* ---- what the BLAS is given ---- */

#define REAL_SGEMM BLAS_JOIN(__real_, BLAS(cblas_sgemm), )
#define WRAP_SGEMM BLAS_JOIN(__wrap_, BLAS(cblas_sgemm), )

extern blas_sgemm REAL_SGEMM, WRAP_SGEMM;

static int64_t largest; /* of the extents and strides of all calls */

static void see(blas_int number)
{
  largest = number > largest ? number : largest;
}

/* The linker puts this in the place of the BLAS's own. */
void WRAP_SGEMM(int order, int transpose_a, int transpose_b, blas_int m, blas_int n, blas_int k,
                float alpha, const float *a, blas_int a_stride, const float *b, blas_int b_stride,
                float beta, float *c, blas_int c_stride)
{
  const blas_int numbers[] = {m, n, k, a_stride, b_stride, c_stride};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; ++i)
    see(numbers[i]);
  REAL_SGEMM(order, transpose_a, transpose_b, m, n, k, alpha, a, a_stride, b, b_stride, beta, c,
             c_stride);
}

/* ---- products ---- */

/* A matrix of integers, somewhere in memory that is NaN elsewhere. */
typedef struct matrix {
  support_tensor memory;
  int64_t rows, columns, row_step, column_step;
} matrix;

/* One of two lies, row by row or column by column; rows or columns touch, or are `gap` apart. */
static matrix make(int64_t rows, int64_t columns, bool by_row, int64_t gap, support_random *random)
{
  matrix made = {.rows = rows, .columns = columns, .row_step = 1, .column_step = 1};
  const int64_t outer = by_row ? rows : columns, inner = by_row ? columns : rows;
  *(by_row ? &made.row_step : &made.column_step) = inner + gap;
  made.memory = support_tensor_poisoned((outer - 1) * (inner + gap) + inner);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      made.memory.data[i * made.row_step + j * made.column_step] =
          (float)support_random_between(random, -4, 4);
  return made;
}

static float *at(const matrix *m, int64_t row, int64_t column)
{
  return &m->memory.data[row * m->row_step + column * m->column_step];
}

/* Small integers: every order of the sum gives the same. */
static float expected(const matrix *a, const matrix *b, const matrix *c, float beta, int64_t row,
                      int64_t column)
{
  float sum = beta == 0.0f ? 0.0f : *at(c, row, column);
  for (int64_t i = 0; i < a->columns; ++i)
    sum += *at(a, row, i) * *at(b, i, column);
  return sum;
}

/* What lies between the rows is NaN, and stays it. */
static void check_result(const matrix *got, const support_tensor *wanted, const char *what)
{
  support_assert(support_tensor_same(&got->memory, wanted), "%s", what);
  support_tensor_check(&got->memory, what);
}

static void check_product(int64_t longest, const int64_t extents[3], int lie, int64_t gap,
                          bool result_by_row, float beta, support_random *random)
{
  char what[256];
  const int64_t m = extents[0], n = extents[1], k = extents[2];
  matrix a = make(m, k, (lie & 1) != 0, gap, random), b = make(k, n, (lie & 2) != 0, gap, random);
  matrix c = make(m, n, result_by_row, gap, random);
  support_tensor wanted = support_tensor_copy(&c.memory);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j)
      wanted.data[i * c.row_step + j * c.column_step] = expected(&a, &b, &c, beta, i, j);
  if (beta == 0.0f) /* what is there is not read */
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < n; ++j)
        *at(&c, i, j) = nanf("");
  snprintf(what, sizeof what, "limit %lld, %lldx%lldx%lld, lie %d, gap %lld, result %d, beta %g",
           (long long)longest, (long long)m, (long long)n, (long long)k, lie, (long long)gap,
           (int)result_by_row, (double)beta);
  largest = 0;
  bc_sgemm_within(longest, m, n, k, (bc_operand){a.memory.data, a.row_step, a.column_step},
                  (bc_operand){b.memory.data, b.row_step, b.column_step}, beta,
                  (bc_result){c.memory.data, c.row_step, c.column_step});
  support_assert(largest > 0 && largest <= longest, "the BLAS got %lld: %s", (long long)largest,
                 what);
  check_result(&c, &wanted, what);
  support_tensor_free(&wanted);
  support_tensor_free(&a.memory);
  support_tensor_free(&b.memory);
  support_tensor_free(&c.memory);
}

/* All lies of operands and result, with and without old contents. */
static void check_lies(int64_t longest, const int64_t extents[3], int64_t gap,
                       support_random *random)
{
  for (int lie = 0; lie < lies; ++lie)
    for (int by_row = 0; by_row < 2; ++by_row)
      for (int beta = 0; beta < 2; ++beta)
        check_product(longest, extents, lie, gap, by_row != 0, (float)beta, random);
}

START_TEST(every_lie_under_every_limit)
{
  static const int64_t shapes[][3] = {{1, 1, 1},   {5, 7, 9},   {9, 5, 7},   {7, 9, 5},
                                      {1, 12, 11}, {12, 1, 11}, {12, 11, 1}, {33, 65, 9}};
  static const int64_t limits[] = {1, 2, 5, 7, 8, 9, 12, 15, 16, 40, INT32_MAX};
  support_random random = support_random_start(1);
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i)
    for (size_t j = 0; j < sizeof limits / sizeof *limits; ++j)
      for (int64_t gap = 0; gap < 9; gap += 4)
        check_lies(limits[j], shapes[i], gap, &random);
}
END_TEST

/* Products that pass the pieces which the BLAS's kernels like. */
START_TEST(larger_products)
{
  static const int64_t limits[] = {30, 100, 290, INT32_MAX};
  support_random random = support_random_start(2);
  for (size_t i = 0; i < sizeof limits / sizeof *limits; ++i)
    check_lies(limits[i], (const int64_t[]){70, 130, 260}, 3, &random);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("sgemm");
  support_add(suite, every_lie_under_every_limit);
  support_add(suite, larger_products);
  return support_run(suite);
}
