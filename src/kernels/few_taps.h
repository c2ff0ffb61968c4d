/* Sums over up to three by three taps of many maps, with all weights in registers. */
#ifndef BC_FEW_TAPS_H
#define BC_FEW_TAPS_H

#include "lanes.h"

/* Writes fewer elements than there are lanes. */
static void put_few(const bc_stencil *s, floats sum, float *line)
{
  const int64_t n = s->elements;
  float copy[LANES];
  store(sum, copy);
  if (s->accumulate)
    for (int64_t i = 0; i < n; ++i)
      line[i] += copy[i];
  else if (n >= HALF) {
    memcpy(line, copy, HALF * sizeof *line);
    memcpy(line + n - HALF, copy + n - HALF, HALF * sizeof *line);
  } else
    for (int64_t i = 0; i < n; ++i)
      line[i] = copy[i];
}

/* Sums of LINES lines, a vector each. */
typedef struct four {
  floats first, second, third, fourth;
} four;

/* Weights of taps along, for all lanes. */
typedef struct column {
  floats top, middle, bottom;
} column;

/* Those across. */
typedef struct nine {
  column left, centre, right;
} nine;

/* Up to three by three taps: inlined with constants. */
typedef struct few {
  int stride, across, along;
} few;

INLINE column load_column(few is, const bc_stencil *s, int tap, const float *weights)
{
  const float *w = weights + tap * s->weight.across;
  const floats none = {0};
  return (column){*w - none, is.along > 1 ? w[s->weight.along] - none : none,
                  is.along > 2 ? w[2 * s->weight.along] - none : none};
}

INLINE nine load_nine(few is, const bc_stencil *s, const float *weights)
{
  return (nine){load_column(is, s, 0, weights), load_column(is, s, is.across > 1 ? 1 : 0, weights),
                load_column(is, s, is.across > 2 ? 2 : 0, weights)};
}

/* Adds what place number `place`, counted from the first line's first tap, means for a line. */
INLINE void add_tap(few is, int tap, column w, floats x, floats *sum)
{
  if (tap >= 0 && tap < is.along)
    *sum += (tap == 0 ? w.top : tap == 1 ? w.middle : w.bottom) * x;
}

INLINE void add_taps(few is, int place, column w, floats x, four *sums)
{
  add_tap(is, place, w, x, &sums->first);
  add_tap(is, place - is.stride, w, x, &sums->second);
  add_tap(is, place - 2 * is.stride, w, x, &sums->third);
  add_tap(is, place - 3 * is.stride, w, x, &sums->fourth);
}

INLINE four sum_few(few is, const nine *w, const float *source, int64_t step, int64_t left,
                    int64_t centre, int64_t right)
{
  four sums = {0};
#pragma GCC unroll 9
  for (int place = 0; place < (LINES - 1) * is.stride + is.along; ++place) {
    add_taps(is, place, w->left, load(source + left), &sums);
    if (is.across > 1)
      add_taps(is, place, w->centre, load(source + centre), &sums);
    if (is.across > 2)
      add_taps(is, place, w->right, load(source + right), &sums);
    source += step;
  }
  return sums;
}

/* Writes lines that are shorter than a vector, the last of which ends where no more may be
 * written. */
NOINLINE void put_short(const bc_stencil *s, const four *sums, float *result)
{
  put_few(s, sums->first, result);
  put_few(s, sums->second, result + s->result_step);
  put_few(s, sums->third, result + 2 * s->result_step);
  put_few(s, sums->fourth, result + 3 * s->result_step);
}

INLINE void put_four(const four *sums, int64_t step, float *to)
{
  store(sums->first, to);
  store(sums->second, to + step);
  store(sums->third, to + 2 * step);
  store(sums->fourth, to + 3 * step);
}

/* Where lines are shorter than a vector, what is too much goes where the next line is written
 * later; behind `end` it must not. */
INLINE void put_lines(const bc_stencil *s, const four *sums, const float *end, float *to)
{
  if (s->elements < LANES && end - (to + (LINES - 1) * s->result_step) < LANES)
    put_short(s, sums, to);
  else
    put_four(sums, s->result_step, to);
}

/* Where what is too much for a map's short lines has to end, if such lines follow each other, and
 * so maybe do maps: what comes later is written later. */
INLINE const float *end_of_lines(const bc_stencil *s, int64_t map, const float *result)
{
  const int64_t whole = s->lines * s->elements;
  const float *const first = result + map * s->result_map;
  if (s->result_step != s->elements || s->accumulate)
    return first;
  return s->result_map == whole ? result + s->maps * whole : first + whole;
}

enum { AHEAD = 512 /* elements of the result that are fetched before they are written */ };

/* A map of LINES lines or more. */
INLINE void sum_few_lines(few is, const bc_stencil *s, const float *source, const float *weights,
                          float *result, const float *end)
{
  const int64_t step = s->result_step, elements = s->elements;
  const int64_t ahead = bc_count_blocks(AHEAD, LINES * step) * LINES * step;
  const int64_t left = s->across[0], centre = s->across[is.across > 1 ? 1 : 0],
                right = s->across[is.across > 2 ? 2 : 0], line_step = s->line_step,
                along_step = s->along_step;
  const nine w = load_nine(is, s, weights);
  for (int64_t i = 0; i < s->lines; i += LINES) {
    const int64_t line = bc_min(i, s->lines - LINES);
    for (int64_t x = 0; x < elements; x += LANES) {
      const int64_t at = vector_at(x, elements);
      const four sums =
          sum_few(is, &w, source + line * line_step + at, along_step, left, centre, right);
      float *to = result + line * step + at;
      __builtin_prefetch(to + ahead, 1);
      __builtin_prefetch(to + ahead + step, 1);
      __builtin_prefetch(to + ahead + 2 * step, 1);
      __builtin_prefetch(to + ahead + 3 * step, 1);
      put_lines(s, &sums, end, to);
    }
  }
}

INLINE void sum_few_maps(few is, const bc_stencil *s, const float *source, const float *weights,
                         float *result)
{
  for (int64_t map = 0; map < s->maps; ++map)
    sum_few_lines(is, s, source + map * s->source_map, weights + map * s->weight_map,
                  result + map * s->result_map, end_of_lines(s, map, result));
}

/* Returns false if these are not so few taps. */
static bool sum_if_few(const bc_stencil *s, const float *source, const float *weights,
                       float *result)
{
  /* Lines that are too short must be joined. */
  if (s->accumulate || s->channels * s->planes != 1 || s->lines < LINES ||
      (s->elements < LANES && s->result_step != s->elements))
    return false;
  const int64_t stride = s->line_step / bc_max(1, s->along_step);
  if (s->line_step != stride * s->along_step)
    return false;
  if (stride == 1 && s->taps_across == 3 && s->taps_along == 3)
    sum_few_maps((few){1, 3, 3}, s, source, weights, result);
  else if (stride == 2 && s->taps_across == 3 && s->taps_along == 3)
    sum_few_maps((few){2, 3, 3}, s, source, weights, result);
  else if (stride == 1 && s->taps_across == 2 && s->taps_along == 2)
    sum_few_maps((few){1, 2, 2}, s, source, weights, result);
  else if (stride == 1 && s->taps_across == 1 && s->taps_along == 2)
    sum_few_maps((few){1, 1, 2}, s, source, weights, result);
  else if (stride == 1 && s->taps_across == 2 && s->taps_along == 1)
    sum_few_maps((few){1, 2, 1}, s, source, weights, result);
  else if (stride == 1 && s->taps_across == 1 && s->taps_along == 1)
    sum_few_maps((few){1, 1, 1}, s, source, weights, result);
  else
    return false;
  return true;
}

#endif
