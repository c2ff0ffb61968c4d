/* Vectors of neighbouring elements, for the kernels in depthwise.h. */
#ifndef BC_LANES_H
#define BC_LANES_H

#include "depthwise.h"
#include "geometry.h"

#define BC_VECTOR_LANES 8
#include "vectors.h"

enum {
  LANES = BC_VECTOR_LANES,
  HALF = LANES / 2,
  LINES = 4 /* summed at once */
};

_Static_assert((int)LANES == (int)BC_DEPTHWISE_LANES, "vectors are not what depthwise.h says");

/* Rare, and too much code to have many copies of. */
#define NOINLINE static __attribute__((noinline))

/* An element of each in turn. */
INLINE void store_interleaved(floats even, floats odd, float *to)
{
  store(__builtin_shufflevector(even, odd, 0, 8, 1, 9, 2, 10, 3, 11), to);
  store(__builtin_shufflevector(even, odd, 4, 12, 5, 13, 6, 14, 7, 15), to + LANES);
}

/* The lanes from `first` to before `end`, zero in the others. */
INLINE floats keep(floats value, int64_t first, int64_t end)
{
  return masked(value, lanes_between(first, end));
}

/* n of LANES elements, zero behind them; reads no more. */
INLINE floats load_few(const float *from, int64_t n)
{
  float copy[LANES] = {0};
  for (int64_t i = 0; i < n; ++i)
    copy[i] = from[i];
  return load(copy);
}

/* Where the vector for the elements from x on begins: earlier than x if it would not fit in the
 * line. */
INLINE int64_t vector_at(int64_t x, int64_t elements)
{
  return bc_max(0, bc_min(x, elements - LANES));
}

/* Two vectors of a line; `high` is where the second begins, from the first. */
typedef struct pair {
  floats low, high;
} pair;

INLINE void add_pair(pair weight, pair x, pair *sum)
{
  sum->low += weight.low * x.low;
  sum->high += weight.high * x.high;
}

#endif
