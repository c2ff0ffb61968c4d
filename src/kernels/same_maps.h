/* Sums over three by three taps from tensor to tensor: what a tap meets left and right of a row is
 * a zero that is shifted into a vector, and rows above and below are left out. */
#ifndef BC_SAME_MAPS_H
#define BC_SAME_MAPS_H

#include "few_taps.h"

enum { ROWS = LINES + 2 /* that LINES results meet */ };

/* Where a vector lies in its row. */
typedef struct side {
  bool first, last; /* nothing left of it, nothing right of it */
  bool narrow;      /* the row is shorter than a vector */
} side;

/* What the taps of a row meet. */
typedef struct three {
  floats left, centre, right;
} three;

INLINE floats behind_zero(floats x)
{
  return __builtin_shufflevector((floats){0}, x, 0, 8, 9, 10, 11, 12, 13, 14);
}

INLINE floats before_zero(floats x)
{
  return __builtin_shufflevector(x, (floats){0}, 1, 2, 3, 4, 5, 6, 7, 8);
}

INLINE three load_three(side is, const float *row, int64_t columns, const float *end)
{
  three x;
  if (is.narrow)
    x.centre = keep(end - row < LANES ? load_few(row, end - row) : load(row), 0, columns);
  else
    x.centre = load(row);
  x.left = is.first ? behind_zero(x.centre) : load(row - 1);
  x.right = is.last ? before_zero(x.centre) : load(row + 1);
  return x;
}

/* LINES results from `at` on; rows that are not there are NULL. */
INLINE four sum_near(side is, const nine *w, const float *const rows[ROWS], int64_t at,
                     int64_t columns, const float *end)
{
  const few taps = {1, 3, 3};
  four sums = {0};
#pragma GCC unroll 6
  for (int place = 0; place < ROWS; ++place)
    if (rows[place] != NULL) {
      const three x = load_three(is, rows[place] + at, columns, end);
      add_taps(taps, place, w->left, x.left, &sums);
      add_taps(taps, place, w->centre, x.centre, &sums);
      add_taps(taps, place, w->right, x.right, &sums);
    }
  return sums;
}

INLINE void put_near(side is, const bc_stencil *s, const nine *w, const float *const rows[ROWS],
                     int64_t at, const float *end, float *to, const float *result_end)
{
  const four sums = sum_near(is, w, rows, at, s->elements, end);
  put_lines(s, &sums, result_end, to + at);
}

/* LINES rows of results. */
INLINE void sum_near_lines(const bc_stencil *s, const nine *w, const float *const rows[ROWS],
                           const float *end, float *to, const float *result_end)
{
  const int64_t last = s->elements - LANES;
  if (last < 0) {
    const side whole = {.first = true, .last = true, .narrow = true};
    put_near(whole, s, w, rows, 0, end, to, result_end);
    return;
  }
  if (last == 0) {
    put_near((side){.first = true, .last = true}, s, w, rows, 0, end, to, result_end);
    return;
  }
  put_near((side){.first = true}, s, w, rows, 0, end, to, result_end);
  for (int64_t at = LANES; at < last; at += LANES)
    put_near((side){.first = false}, s, w, rows, at, end, to, result_end);
  put_near((side){.last = true}, s, w, rows, last, end, to, result_end);
}

static void sum_same(const bc_stencil *s, const float *source, const float *weights, float *result)
{
  const int64_t columns = s->elements;
  const float *const end = source + s->sources, *const result_end =
                                                    result + s->maps * s->result_map;
  const few taps = {1, 3, 3};
  for (int64_t map = 0; map < s->maps; ++map) {
    const nine w = load_nine(taps, s, weights + map * s->weight_map);
    for (int64_t i = 0; i < s->lines; i += LINES) {
      const int64_t line = bc_min(i, s->lines - LINES);
      const float *rows[ROWS];
      for (int64_t place = 0; place < ROWS; ++place) {
        const int64_t row = line + place - 1;
        const bool there = row >= 0 && row < s->lines;
        rows[place] = there ? source + map * s->source_map + row * columns : NULL;
      }
      sum_near_lines(s, &w, rows, end, result + map * s->result_map + line * columns, result_end);
    }
  }
}

/* ---- backward data with stride 2 ---- */

/* The products of a pixel of the source, its neighbour to the right and those below both, that go
 * to the results at twice its place and beside: rows 2 y and 2 y + 1. */
INLINE void spread_vector(side is, const nine *w, const float *here, const float *below,
                          float *even, float *odd)
{
  const floats none = {0};
  const floats centre = load(here), right = is.last ? before_zero(centre) : load(here + 1);
  const floats under = below != NULL ? load(below) : none;
  const floats beside = below == NULL ? none : is.last ? before_zero(under) : load(below + 1);
  store_interleaved(w->centre.middle * centre, w->right.middle * centre + w->left.middle * right,
                    even);
  store_interleaved(w->centre.bottom * centre + w->centre.top * under,
                    w->right.bottom * centre + w->left.bottom * right + w->right.top * under +
                        w->left.top * beside,
                    odd);
}

INLINE void spread_row(const nine *w, const float *here, const float *below, int64_t columns,
                       float *to)
{
  const int64_t last = columns - LANES;
  float *const odd = to + 2 * columns;
  for (int64_t at = 0; at < last; at += LANES)
    spread_vector((side){.last = false}, w, here + at, below == NULL ? NULL : below + at,
                  to + 2 * at, odd + 2 * at);
  spread_vector((side){.last = true}, w, here + last, below == NULL ? NULL : below + last,
                to + 2 * last, odd + 2 * last);
}

static void spread_twice(const bc_stencil *s, const float *source, const float *weights,
                         float *result)
{
  const few taps = {1, 3, 3};
  for (int64_t map = 0; map < s->maps; ++map) {
    const nine w = load_nine(taps, s, weights + map * s->weight_map);
    for (int64_t line = 0; line < s->lines; ++line) {
      const float *here = source + map * s->source_map + line * s->elements;
      spread_row(&w, here, line + 1 < s->lines ? here + s->elements : NULL, s->elements,
                 result + map * s->result_map + 4 * line * s->elements);
    }
  }
}

#endif
