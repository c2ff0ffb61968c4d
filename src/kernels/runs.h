/* Vectors of eight outputs that are two runs of four, so that seven outputs in a row, or fourteen,
 * still fill vectors. Where outputs do not go up evenly, runs overlap: they are computed twice. */
#ifndef BC_RUNS_H
#define BC_RUNS_H

#include "geometry.h"
#include "vector_math.h"

enum { RUN = 4, LANES = 2 * RUN };
typedef float run __attribute__((vector_size(RUN * sizeof(float))));
typedef float floats __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t ints __attribute__((vector_size(LANES * sizeof(int32_t))));

/* The output columns at which the runs begin. */
typedef struct pair {
  int64_t low, high;
} pair;

INLINE pair pair_at(bc_range inside, int64_t column)
{
  const int64_t last = inside.end - RUN;
  return (pair){bc_min(column, last), bc_min(column + RUN, last)};
}

/* Reads floats, or the bits of integers. */
INLINE floats join(const void *low, const void *high)
{
  run a, b;
  memcpy(&a, low, sizeof a);
  memcpy(&b, high, sizeof b);
  return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
}

/* Reads nothing behind the last element that it needs. */
INLINE floats load(const float *low, const float *high, int64_t step)
{
  if (step == 1)
    return join(low, high);
  if (step == 2)
    return __builtin_shufflevector(join(low, high), join(low + 3, high + 3), 0, 2, 9, 11, 4, 6, 13,
                                   15);
  return (floats){low[0],  low[step],  low[2 * step],  low[3 * step],
                  high[0], high[step], high[2 * step], high[3 * step]};
}

/* Writes floats, or the bits of integers. */
INLINE void store(floats value, void *row, pair at)
{
  const run low = __builtin_shufflevector(value, value, 0, 1, 2, 3);
  const run high = __builtin_shufflevector(value, value, 4, 5, 6, 7);
  memcpy((char *)row + at.low * (int64_t)sizeof(float), &low, sizeof low);
  memcpy((char *)row + at.high * (int64_t)sizeof(float), &high, sizeof high);
}

INLINE ints splat(int64_t low, int64_t high)
{
  const int32_t l = (int32_t)low, h = (int32_t)high;
  return (ints){l, l, l, l, h, h, h, h};
}

INLINE ints select(ints condition, ints yes, ints no)
{
  return (condition & yes) | (~condition & no);
}

/* Where `next` takes the place of the maximum so far: if it is larger, or the first NaN. (All but
 * NaN are at most infinity.) */
INLINE ints exceeds(floats next, floats best)
{
  return ~(next <= best) & (best <= __builtin_inff());
}

#endif
