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
  bool neighbours; /* what compilers should know: high is low + RUN */
} pair;

INLINE pair pair_at(bc_range inside, int64_t column)
{
  const int64_t last = inside.end - RUN;
  return (pair){bc_min(column, last), bc_min(column + RUN, last), false};
}

/* Of LANES columns or more. */
INLINE pair neighbours_at(bc_range inside, int64_t column)
{
  const int64_t low = bc_min(column, inside.end - LANES);
  return (pair){low, low + RUN, true};
}

/* Reads floats, or the bits of integers. */
INLINE floats join(const void *low, const void *high)
{
  run a, b;
  memcpy(&a, low, sizeof a);
  memcpy(&b, high, sizeof b);
  return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
}

INLINE floats whole(const float *from)
{
  floats all;
  memcpy(&all, from, sizeof all);
  return all;
}

/* Outputs that are `step` columns of the image apart; reads nothing behind the last. */
INLINE floats load(const float *image, pair at, int64_t step)
{
  const float *const low = image + at.low * step, *const high = image + at.high * step;
  if (step == 1)
    return at.neighbours ? whole(low) : join(low, high);
  if (step == 2)
    return __builtin_shufflevector(join(low, high), join(low + 3, high + 3), 0, 2, 9, 11, 4, 6, 13,
                                   15);
  return (floats){low[0],  low[step],  low[2 * step],  low[3 * step],
                  high[0], high[step], high[2 * step], high[3 * step]};
}

INLINE void store_whole(floats value, float *to)
{
  memcpy(to, &value, sizeof value);
}

/* Those under three taps that are neighbours. Steps of 2 leave their lanes as loads of neighbours
 * are shuffled the fastest: put_in_order() is for what they come to. */
typedef struct three_taps {
  floats first, second, third;
} three_taps;

INLINE three_taps load_three(const float *image, pair at, int64_t step)
{
  if (step != 2 || !at.neighbours)
    return (three_taps){load(image, at, step), load(image + 1, at, step),
                        load(image + 2, at, step)};
  const float *const from = image + 2 * at.low;
  const floats front = whole(from), back = whole(from + LANES);
  return (three_taps){
      __builtin_shufflevector(front, back, 0, 2, 8, 10, 4, 6, 12, 14),
      __builtin_shufflevector(front, back, 1, 3, 9, 11, 5, 7, 13, 15),
      /* ends with what is needed */
      __builtin_shufflevector(whole(from + 2), whole(from + 1 + LANES), 0, 2, 9, 11, 4, 6, 13, 15),
  };
}

INLINE floats put_in_order(floats lanes, pair at, int64_t step)
{
  if (step != 2 || !at.neighbours)
    return lanes;
  return __builtin_shufflevector(lanes, lanes, 0, 1, 4, 5, 2, 3, 6, 7);
}

/* Writes floats, or the bits of integers. */
INLINE void store(floats value, void *row, pair at)
{
  char *const low = (char *)row + at.low * (int64_t)sizeof(float);
  char *const high = (char *)row + at.high * (int64_t)sizeof(float);
  if (at.neighbours) {
    memcpy(low, &value, sizeof value);
    return;
  }
  const run first = __builtin_shufflevector(value, value, 0, 1, 2, 3);
  const run second = __builtin_shufflevector(value, value, 4, 5, 6, 7);
  memcpy(low, &first, sizeof first);
  memcpy(high, &second, sizeof second);
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
