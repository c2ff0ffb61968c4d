/* Rows of pixels into windows, and back. */
#ifndef BC_WINDOW_ROWS_H
#define BC_WINDOW_ROWS_H

#include "lanes.h"

enum { ROWS_AHEAD = 6 /* fetched before they are written */ };

typedef float half __attribute__((vector_size(HALF * sizeof(float))));

INLINE half load_half(const float *from)
{
  half value;
  memcpy(&value, from, sizeof value);
  return value;
}

INLINE void store_half(half value, float *to)
{
  memcpy(to, &value, sizeof value);
}

/* Rows are at least so long, a constant: LANES, HALF or less. The last vector of a row overlaps
 * what is before it; where rows are shorter than a vector, halves do. */
INLINE void copy_row(int least, const float *from, int64_t n, float *to)
{
  int64_t x = 0;
  if (least == LANES) {
    for (; x + LANES <= n; x += LANES)
      store(load(from + x), to + x);
    store(load(from + n - LANES), to + n - LANES);
  } else if (least == HALF) {
    store_half(load_half(from), to);
    store_half(load_half(from + n - HALF), to + n - HALF);
  } else
    for (; x < n; ++x)
      to[x] = from[x];
}

/* Memory brings what is copied next while this is summed. */
INLINE void fetch(const float *row, int64_t n)
{
  for (int64_t x = 0; x < n; x += CACHE_LINE)
    __builtin_prefetch(row + x, 0, 2);
}

INLINE void copy_rows(int least, bc_grid grid, const float *image, float *packed)
{
  for (int64_t plane = 0; plane < grid.planes; ++plane) {
    const float *from = image + plane * grid.plane_step;
    float *to = packed + plane * grid.packed_plane_step;
    for (int64_t row = 0; row < grid.rows; ++row) {
      fetch(from + row * grid.row_step + grid.next, grid.columns);
      copy_row(least, from + row * grid.row_step, grid.columns, to + row * grid.packed_row_step);
    }
  }
}

static void copy(const bc_grid *grid, const float *image, float *packed)
{
  if (grid->columns >= LANES)
    copy_rows(LANES, *grid, image, packed);
  else if (grid->columns >= HALF)
    copy_rows(HALF, *grid, image, packed);
  else
    copy_rows(0, *grid, image, packed);
}

INLINE void divide_vector(const float *from, float *even, float *odd)
{
  const floats a = load(from), b = load(from + LANES);
  store(__builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14), even);
  store(__builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15), odd);
}

INLINE void divide_half(const float *from, float *even, float *odd)
{
  const half a = load_half(from), b = load_half(from + HALF);
  store_half(__builtin_shufflevector(a, b, 0, 2, 4, 6), even);
  store_half(__builtin_shufflevector(a, b, 1, 3, 5, 7), odd);
}

/* So many pairs, or more, as in copy_row(). */
INLINE void divide_row(int least, const float *from, int64_t n, float *even, float *odd)
{
  const int64_t pairs = n / 2;
  int64_t i = 0;
  if (least == LANES) {
    for (; i + LANES <= pairs; i += LANES)
      divide_vector(from + 2 * i, even + i, odd + i);
    i = pairs - LANES;
    divide_vector(from + 2 * i, even + i, odd + i);
  } else if (least == HALF) {
    divide_half(from, even, odd);
    i = pairs - HALF;
    divide_half(from + 2 * i, even + i, odd + i);
  } else
    for (; i < pairs; ++i) {
      even[i] = from[2 * i];
      odd[i] = from[2 * i + 1];
    }
  if (n % 2 == 1)
    even[pairs] = from[n - 1];
}

INLINE void divide_rows(int least, bc_grid grid, const float *image, float *even, float *odd)
{
  for (int64_t plane = 0; plane < grid.planes; ++plane)
    for (int64_t row = 0; row < grid.rows; ++row) {
      const int64_t packed = plane * grid.packed_plane_step + row * grid.packed_row_step;
      const float *from = image + plane * grid.plane_step + row * grid.row_step;
      fetch(from + grid.next, grid.columns);
      divide_row(least, from, grid.columns, even + packed, odd + packed);
    }
}

static void divide(const bc_grid *grid, const float *image, float *even, float *odd)
{
  const int64_t pairs = grid->columns / 2;
  if (pairs >= LANES)
    divide_rows(LANES, *grid, image, even, odd);
  else if (pairs >= HALF)
    divide_rows(HALF, *grid, image, even, odd);
  else
    divide_rows(0, *grid, image, even, odd);
}

INLINE void interleave_half(const float *even, const float *odd, float *to)
{
  const half a = load_half(even), b = load_half(odd);
  store(__builtin_shufflevector(a, b, 0, 4, 1, 5, 2, 6, 3, 7), to);
}

INLINE void interleave_row(const float *even, const float *odd, float *to, int64_t n)
{
  const int64_t pairs = n / 2;
  int64_t i = 0;
  if (pairs >= LANES) {
    for (; i + LANES <= pairs; i += LANES)
      store_interleaved(load(even + i), load(odd + i), to + 2 * i);
    i = pairs - LANES;
    store_interleaved(load(even + i), load(odd + i), to + 2 * i);
  } else if (pairs >= HALF) {
    interleave_half(even, odd, to);
    i = pairs - HALF;
    interleave_half(even + i, odd + i, to + 2 * i);
  } else
    for (; i < pairs; ++i) {
      to[2 * i] = even[i];
      to[2 * i + 1] = odd[i];
    }
  if (n % 2 == 1)
    to[n - 1] = even[pairs];
}

INLINE void fetch_to_write(const float *row, int64_t n)
{
  for (int64_t x = 0; x < n; x += CACHE_LINE)
    __builtin_prefetch(row + x, 1);
}

static void interleave(const bc_grid *grid, const float *even, const float *odd, float *to)
{
  for (int64_t plane = 0; plane < grid->planes; ++plane)
    for (int64_t row = 0; row < grid->rows; ++row) {
      const int64_t packed = plane * grid->packed_plane_step + row * grid->packed_row_step;
      float *row_to = to + plane * grid->plane_step + row * grid->row_step;
      fetch_to_write(row_to + ROWS_AHEAD * grid->row_step, grid->columns);
      interleave_row(even + packed, odd + packed, row_to, grid->columns);
    }
}

#endif
