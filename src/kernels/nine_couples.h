/* Two vectors of channels at a time, for the kernels of nine_taps.h that sum some neighbouring
 * results in registers while the channels go by. So the source is read in whole cache lines and
 * along the channels, wherever its pixels are. */
#ifndef BC_NINE_COUPLES_H
#define BC_NINE_COUPLES_H

#include "geometry.h"
#include "nine_ahead.h"
#include "vectors.h"

enum { TAPS = 3, COUPLE_LANES = 2 * BC_VECTOR_LANES };

/* Two vectors of channels. */
typedef struct couple {
  floats low, high;
} couple;

/* Where they are: the first, the second from there, and the lanes of both that the vectors before
 * have not written. */
typedef struct channels {
  int64_t at, high, low_first, high_first;
} channels;

/* Those from x on: both vectors begin earlier where they would not fit. */
INLINE channels channels_at(const bc_nine_taps *n, int64_t x)
{
  const int64_t last = n->channels - BC_VECTOR_LANES;
  const int64_t low = bc_min(x, last), high = bc_min(x + BC_VECTOR_LANES, last);
  return (channels){low, high - low, x - low, x + BC_VECTOR_LANES - high};
}

INLINE couple load_couple(const float *from, const channels *c)
{
  return (couple){load(from + c->at), load(from + c->at + c->high)};
}

INLINE void add_couple(couple weight, couple x, couple *sum)
{
  sum->low += weight.low * x.low;
  sum->high += weight.high * x.high;
}

/* Writes the lanes from `first` on, or all: those before it have been written. */
INLINE void put(bool accumulate, floats value, int64_t first, float *to)
{
  if (accumulate)
    add_lanes(value, first, to);
  else
    store(value, to);
}

INLINE void put_couple(bool accumulate, couple value, const channels *c, float *to)
{
  put(accumulate, value.low, c->low_first, to + c->at);
  put(accumulate, value.high, c->high_first, to + c->at + c->high);
}

/* Of `rows` rows of the source from number `first` on, those that there are. */
INLINE bc_range rows_inside(const bc_nine_taps *n, int64_t first, int64_t rows)
{
  return bc_places_inside(first, 1, rows, n->source_rows);
}

INLINE bool has_column(const bc_nine_taps *n, int64_t column)
{
  return column >= 0 && column < n->source_columns;
}

#endif
