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

/* Where lines are shorter than a vector, halves of vectors overlap. */
INLINE void copy_row(const float *from, int64_t n, float *to)
{
  int64_t x = 0;
  for (; n >= LANES && x < n; x += LANES)
    store(load(from + vector_at(x, n)), to + vector_at(x, n));
  for (; n >= HALF && x < n; x += HALF)
    store_half(load_half(from + bc_min(x, n - HALF)), to + bc_min(x, n - HALF));
  for (; x < n; ++x)
    to[x] = from[x];
}

/* Memory brings what is copied next while this is summed. */
INLINE void fetch(const float *row, int64_t n)
{
  for (int64_t x = 0; x < n; x += CACHE_LINE)
    __builtin_prefetch(row + x, 0, 2);
}

static void copy(const bc_grid *grid, const float *image, float *packed)
{
  for (int64_t plane = 0; plane < grid->planes; ++plane)
    for (int64_t row = 0; row < grid->rows; ++row) {
      const float *from = image + plane * grid->plane_step + row * grid->row_step;
      fetch(from + grid->next, grid->columns);
      copy_row(from, grid->columns,
               packed + plane * grid->packed_plane_step + row * grid->packed_row_step);
    }
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

INLINE void divide_row(const float *from, int64_t n, float *even, float *odd)
{
  const int64_t pairs = n / 2;
  int64_t i = 0;
  for (; pairs >= LANES && i < pairs; i += LANES) {
    const int64_t at = vector_at(i, pairs);
    divide_vector(from + 2 * at, even + at, odd + at);
  }
  for (; pairs >= HALF && i < pairs; i += HALF) {
    const int64_t at = bc_min(i, pairs - HALF);
    divide_half(from + 2 * at, even + at, odd + at);
  }
  for (; i < pairs; ++i) {
    even[i] = from[2 * i];
    odd[i] = from[2 * i + 1];
  }
  if (n % 2 == 1)
    even[pairs] = from[n - 1];
}

static void divide(const bc_grid *grid, const float *image, float *even, float *odd)
{
  for (int64_t plane = 0; plane < grid->planes; ++plane)
    for (int64_t row = 0; row < grid->rows; ++row) {
      const int64_t packed = plane * grid->packed_plane_step + row * grid->packed_row_step;
      const float *from = image + plane * grid->plane_step + row * grid->row_step;
      fetch(from + grid->next, grid->columns);
      divide_row(from, grid->columns, even + packed, odd + packed);
    }
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
  for (; pairs >= LANES && i < pairs; i += LANES) {
    const int64_t at = vector_at(i, pairs);
    store_interleaved(load(even + at), load(odd + at), to + 2 * at);
  }
  for (; pairs >= HALF && i < pairs; i += HALF) {
    const int64_t at = bc_min(i, pairs - HALF);
    interleave_half(even + at, odd + at, to + 2 * at);
  }
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
