/* Sums over three taps along rows of pixels, with vectors of channels: each pixel is added to the
 * three results that it takes part in. */
#ifndef BC_PIXEL_ROWS_H
#define BC_PIXEL_ROWS_H

#include "lanes.h"

/* Fetches what the next row reads and writes: `n` cache lines of the results from number `first`
 * on, and `of_source` times as many of the source. Pixels are too far apart for the CPU to see what
 * comes next, and memory is faster in its own order. */
INLINE void fetch_next(const bc_stencil *s, int64_t first, int64_t n, int64_t of_source,
                       const float *source, const float *result)
{
  for (int64_t i = first; i < first + n; ++i)
    __builtin_prefetch(result + s->next_result + i * CACHE_LINE, 1);
  for (int64_t i = first * of_source; i < (first + n) * of_source; ++i)
    __builtin_prefetch(source + s->next_source + i * CACHE_LINE, 0, 2);
}

enum { MOST_ROWS = 3, ALONG = 3 };

/* Sums of the results that a pixel of the source takes part in. */
typedef struct rolling {
  pair first, second, third;
} rolling;

/* Adds what pixel `pixel` means for the results under which it is the last tap, the middle one and
 * the first; with stride 2 for those under which its tap is even, or odd. */
INLINE void add_pixel(int stride, bool odd, const bc_stencil *s, const float *source, int64_t pixel,
                      int64_t high, const pair *w, rolling *sums)
{
  if (pixel < 0 || pixel >= s->sources)
    return;
#pragma GCC unroll 3
  for (int64_t row = 0; row < MOST_ROWS; ++row) {
    if (row >= s->taps_across)
      break;
    const float *from = source + s->across[row] + pixel * s->pixel;
    const pair x = {load(from), load(from + high)};
    if (stride == 2 && odd) {
      add_pair(w[row * ALONG + 1], x, &sums->first);
      continue;
    }
    add_pair(w[row * ALONG + 2], x, &sums->first);
    if (stride == 1)
      add_pair(w[row * ALONG + 1], x, &sums->second);
    add_pair(w[row * ALONG], x, stride == 1 ? &sums->third : &sums->second);
  }
}

INLINE void sum_pixel_row(int stride, const bc_stencil *s, const float *source, int64_t at,
                          int64_t high, const pair *w, float *result)
{
  const pair none = {{0}, {0}};
  rolling sums = {none, none, none};
  for (int64_t j = stride == 1 ? -2 : -1; j < s->lines; ++j) {
    const int64_t pixel = s->first + j * stride + 2;
    if (stride == 2)
      add_pixel(stride, true, s, source + at, pixel - 1, high, w, &sums);
    add_pixel(stride, false, s, source + at, pixel, high, w, &sums);
    if (j >= 0) {
      float *to = result + at + j * s->result_step;
      fetch_next(s, at / (LANES + LANES) * s->lines + j, 1, (int64_t)stride * stride, source,
                 result);
      store(sums.first.low, to);
      store(sums.first.high, to + high);
    }
    sums = (rolling){sums.second, stride == 1 ? sums.third : none, none};
  }
}

INLINE void sum_pixel_rows(int stride, const bc_stencil *s, const float *source,
                           const float *weights, float *result)
{
  for (int64_t x = 0; x < s->elements; x += LANES + LANES) {
    const int64_t at = vector_at(x, s->elements), high = vector_at(x + LANES, s->elements) - at;
    pair w[MOST_ROWS * ALONG];
    for (int64_t row = 0; row < s->taps_across; ++row)
      for (int64_t tap = 0; tap < ALONG; ++tap) {
        const float *from = weights + at + row * s->weight.across + tap * s->weight.along;
        w[row * ALONG + tap] = (pair){load(from), load(from + high)};
      }
    sum_pixel_row(stride, s, source, at, high, w, result);
  }
}

/* Returns false if it is another shape. */
static bool sum_if_three(const bc_stencil *s, const float *source, const float *weights,
                         float *result)
{
  if (s->accumulate || s->planes != 1 || s->taps_across < 1 || s->taps_across > MOST_ROWS ||
      s->taps_along != ALONG || s->apart != 1 || s->stride > 2)
    return false;
  if (s->stride == 1)
    sum_pixel_rows(1, s, source, weights, result);
  else
    sum_pixel_rows(2, s, source, weights, result);
  return true;
}

#endif
