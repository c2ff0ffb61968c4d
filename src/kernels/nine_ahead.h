/* What comes behind the rows of nine_taps.h is fetched meanwhile. */
#ifndef BC_NINE_AHEAD_H
#define BC_NINE_AHEAD_H

#include "nine_taps.h"
#include "vectors.h"

/* Where it begins: the results behind the rows of these, and what they will meet of the source. */
typedef struct later {
  const float *source, *result;
} later;

/* The source's rows go on at number `row`. */
INLINE later later_of(const bc_nine_taps *n, const float *source, int64_t row, const float *result)
{
  return (later){source + row * n->source_row, result + n->rows * n->row_step};
}

/* Fetches `elements` from where *next is, which moves on: in the order of memory, since pixels are
 * too far apart for the CPU to see what comes next, and a little at a time, which compilers must
 * not gather, since more at once keeps it waiting. Into the second-level cache: in the first, or to
 * be written, it costs more than it saves. */
INLINE void fetch(bool fetches, const float **next, int64_t elements)
{
  if (!fetches)
    return;
  for (int64_t i = 0; i < elements; i += CACHE_LINE)
    __builtin_prefetch(*next + i, 0, 2);
  *next += elements;
  __asm__ volatile("" ::: "memory");
}

#endif
