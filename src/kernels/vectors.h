/* Vectors of neighbouring floats: of as many as the including file says, BC_VECTOR_LANES being 4, 8
 * or 16, or else of as many as the instruction set has. */
#ifndef BC_VECTORS_H
#define BC_VECTORS_H

#include "vector_math.h"

#ifndef BC_VECTOR_LANES
#if defined(__AVX512F__)
#define BC_VECTOR_LANES 16
#elif defined(__AVX__)
#define BC_VECTOR_LANES 8
#else
#define BC_VECTOR_LANES 4
#endif
#endif

enum { CACHE_LINE = 16 /* floats */ };

typedef float floats __attribute__((vector_size(BC_VECTOR_LANES * sizeof(float))));
typedef int32_t ints __attribute__((vector_size(BC_VECTOR_LANES * sizeof(int32_t))));

INLINE floats load(const float *from)
{
  floats value;
  memcpy(&value, from, sizeof value);
  return value;
}

INLINE void store(floats value, float *to)
{
  memcpy(to, &value, sizeof value);
}

/* -1 for the lanes from `first` to before `end`, 0 for the others. */
INLINE ints lanes_between(int64_t first, int64_t end)
{
#if BC_VECTOR_LANES == 16
  const ints lanes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
#elif BC_VECTOR_LANES == 8
  const ints lanes = {0, 1, 2, 3, 4, 5, 6, 7};
#else
  const ints lanes = {0, 1, 2, 3};
#endif
  return (lanes >= (int32_t)first) & (lanes < (int32_t)end);
}

/* The lanes of the mask, zero in the others. */
INLINE floats masked(floats value, ints mask)
{
  return (floats)((ints)value & mask);
}

/* Adds the lanes from `first` on to what is there. The sum is masked, not the value: with AVX-512
 * GCC makes one masked addition of a mask and the last addition in the value, which is then not
 * fused with its multiplication, and has other bits than where no lane is left out. */
INLINE void add_lanes(floats value, int64_t first, float *to)
{
  const floats old = load(to);
  const ints added = lanes_between(first, BC_VECTOR_LANES);
  store((floats)((ints)masked(old + value, added) | (ints)masked(old, ~added)), to);
}

#endif
