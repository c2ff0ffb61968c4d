/* A matrix is read once, so what counts is that loads do not wait for sums: eight rows at a time.
 */
#include "gemv.h"

#include "geometry.h"
#include "kernels.h"

#define BC_VECTOR_LANES 8
#include "vectors.h"

enum { WIDTH = BC_VECTOR_LANES, ROWS = 8 };

/* The rows of a block as a list, since compilers keep variables with names in registers. */
#define EACH_ROW(use) use(0) use(1) use(2) use(3) use(4) use(5) use(6) use(7)

/* Halves, quarters and pairs of lanes, those of a before those of b, added to the other ones. */
INLINE floats add_halves(floats a, floats b)
{
  return __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11) +
         __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
}

INLINE floats add_quarters(floats a, floats b)
{
  return __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13) +
         __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
}

INLINE floats add_pairs(floats a, floats b)
{
  return __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14) +
         __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
}

/* What is behind the whole vectors of a row, in the last lanes of a vector that overlaps them. */
INLINE floats last_of(const float *row, int64_t columns)
{
  return masked(load(row + columns - WIDTH), lanes_between(WIDTH - columns % WIDTH, WIDTH));
}

/* Puts the results of so many rows, up to ROWS. */
INLINE void put_results(floats all, int64_t rows, bool add, float *result)
{
  if (rows == ROWS) {
    store(add ? load(result) + all : all, result);
    return;
  }
  for (int64_t i = 0; i < rows; ++i)
    result[i] = add ? result[i] + all[i] : all[i];
}

/* One result each. Where rows are fewer than ROWS the last one stands for those that are missing.
 * There is a vector of columns at least. */
INLINE void multiply_rows(const bc_matrix *shape, const float *matrix, int64_t rows,
                          const float *vector, bool add, float *result)
{
  const int64_t columns = shape->columns, step = shape->row_step;
  const int64_t whole = columns - columns % WIDTH;
#define BEGIN(i)                                                                                   \
  const float *const row##i = matrix + bc_min(i, rows - 1) * step;                                 \
  floats sums##i = {0};
  EACH_ROW(BEGIN)
  for (int64_t j = 0; j < whole; j += WIDTH) {
    const floats x = load(vector + j);
#define ADD(i) sums##i += load(row##i + j) * x;
    EACH_ROW(ADD)
  }
  if (whole < columns) {
    const floats x = load(vector + columns - WIDTH);
#define ADD_LAST(i) sums##i += last_of(row##i, columns) * x;
    EACH_ROW(ADD_LAST)
  }
  const floats even = add_quarters(add_halves(sums0, sums4), add_halves(sums2, sums6));
  const floats odd = add_quarters(add_halves(sums1, sums5), add_halves(sums3, sums7));
  put_results(add_pairs(even, odd), rows, add, result);
}

/* The same of rows that are shorter than a vector: column by column. */
INLINE void multiply_short_rows(const bc_matrix *shape, const float *matrix, int64_t rows,
                                const float *vector, bool add, float *result)
{
  floats all = {0};
  for (int64_t j = 0; j < shape->columns; ++j) {
#define ELEMENT(i) matrix[bc_min(i, rows - 1) * shape->row_step + j],
    const floats column = {EACH_ROW(ELEMENT)};
    all += column * vector[j];
  }
  put_results(all, rows, add, result);
}

INLINE void multiply_some(const bc_matrix *shape, const float *matrix, int64_t rows,
                          const float *vector, bool add, float *result)
{
  if (shape->columns < WIDTH)
    multiply_short_rows(shape, matrix, rows, vector, add, result);
  else
    multiply_rows(shape, matrix, rows, vector, add, result);
}

static void by_column(const bc_matrix *shape, const float *matrix, const float *vector, bool add,
                      float *result)
{
  int64_t i = 0;
  for (; i + ROWS <= shape->rows; i += ROWS)
    multiply_some(shape, matrix + i * shape->row_step, ROWS, vector, add, result + i);
  if (i < shape->rows)
    multiply_some(shape, matrix + i * shape->row_step, shape->rows - i, vector, add, result + i);
}

/* Adds a block of rows to the result, or one. */
INLINE void add_rows(int count, const bc_matrix *shape, const float *matrix, const float *vector,
                     bool add, float *result)
{
  const int64_t step = shape->row_step, columns = shape->columns;
#define FACTOR(i) const float x##i = (i) < count ? vector[i] : 0.0f;
  EACH_ROW(FACTOR)
  int64_t j = 0;
  for (; j + WIDTH <= columns; j += WIDTH) {
    const float *at = matrix + j;
    floats sum = x0 * load(at), other = {0};
    if (add)
      sum += load(result + j);
#define TERM(to, i)                                                                                \
  if ((i) < count)                                                                                 \
    (to) += x##i * load(at + (i)*step);
    TERM(other, 1)
    TERM(sum, 2)
    TERM(other, 3)
    TERM(sum, 4)
    TERM(other, 5)
    TERM(sum, 6)
    TERM(other, 7)
    store(count > 1 ? sum + other : sum, result + j);
  }
  for (; j < columns; ++j) {
    float sum = add ? result[j] : 0.0f;
#define ADD_ONE(i)                                                                                 \
  if ((i) < count)                                                                                 \
    sum += x##i * matrix[j + (i)*step];
    EACH_ROW(ADD_ONE)
    result[j] = sum;
  }
}

static void by_row(const bc_matrix *shape, const float *matrix, const float *vector, bool add,
                   float *result)
{
  int64_t i = 0;
  for (; i + ROWS <= shape->rows; i += ROWS)
    add_rows(ROWS, shape, matrix + i * shape->row_step, vector + i, add || i > 0, result);
  for (; i < shape->rows; ++i)
    add_rows(1, shape, matrix + i * shape->row_step, vector + i, add || i > 0, result);
}

/* What is behind the whole vectors of a row is the end of a vector that overlaps them. */
INLINE void put_multiple(float factor, const float *row, int64_t columns, bool add, float *to)
{
  const int64_t last = columns - WIDTH;
  int64_t j = 0;
  for (; j + WIDTH <= columns; j += WIDTH) {
    const floats some = factor * load(row + j);
    store(add ? some + load(to + j) : some, to + j);
  }
  if (columns < WIDTH)
    for (; j < columns; ++j)
      to[j] = add ? factor * row[j] + to[j] : factor * row[j];
  else if (j < columns && add)
    add_lanes(factor * load(row + last), j - last, to + last);
  else if (j < columns)
    store(factor * load(row + last), to + last);
}

static void outer(const bc_matrix *shape, const float *column, const float *row, bool add,
                  float *matrix)
{
  for (int64_t i = 0; i < shape->rows; ++i)
    if (add)
      put_multiple(column[i], row, shape->columns, true, matrix + i * shape->row_step);
    else
      put_multiple(column[i], row, shape->columns, false, matrix + i * shape->row_step);
}

const bc_gemv_kernels BC_FOR_VECTOR_ISA(bc_gemv_kernels) = {
    .by_column = by_column, .by_row = by_row, .outer = outer};
