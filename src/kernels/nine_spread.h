/* The gradient of the input under three by three taps with stride 2, for nine_taps.c. */
#ifndef BC_NINE_SPREAD_H
#define BC_NINE_SPREAD_H

#include "nine_couples.h"

/* Of a pair of rows and of columns: which results are wanted, and which pixels there are. */
typedef struct pair_manner {
  bool accumulate;
  bool top, bottom, first, second; /* rows and columns of results */
  bool above, here, left, right;   /* of the source */
} pair_manner;

/* Elements to where the pair's first result is, or would be, and to the pixel that the last one
 * meets with its middle tap. */
typedef struct pair_place {
  int64_t result, pixel;
} pair_place;

INLINE couple load_if(bool is_there, const float *source, int64_t pixel, const channels *c)
{
  if (!is_there)
    return (couple){{0}, {0}};
  return load_couple(source + pixel, c);
}

INLINE void put_if(bool is_wanted, bool accumulate, const bc_nine_taps *n, couple value,
                   const channels *c, float *result, int64_t place, later *next)
{
  if (!is_wanted)
    return;
  fetch(n->fetches, &next->result, COUPLE_LANES);
  put_couple(accumulate, value, c, result + place);
}

INLINE void spread_couple(pair_manner is, const bc_nine_taps *n, const channels *c, pair_place at,
                          const float *source, const float *weights, float *result, later *next)
{
  const int64_t up = n->source_row, back = n->source_pixel;
  const couple here = load_if(is.here && is.right, source, at.pixel, c);
  const couple left = load_if(is.here && is.left, source, at.pixel - back, c);
  const couple above = load_if(is.above && is.right, source, at.pixel - up, c);
  const couple above_left = load_if(is.above && is.left, source, at.pixel - up - back, c);
  const float *const middle = weights + n->across, *const bottom = middle + n->across;
  const int64_t along = n->along, below = at.result + n->row_step;
  couple sum = {{0}, {0}};
  add_couple(load_couple(weights, c), here, &sum);
  add_couple(load_couple(weights + 2 * along, c), left, &sum);
  add_couple(load_couple(bottom, c), above, &sum);
  add_couple(load_couple(bottom + 2 * along, c), above_left, &sum);
  put_if(is.top && is.first, is.accumulate, n, sum, c, result, at.result, next);
  sum = (couple){{0}, {0}};
  add_couple(load_couple(weights + along, c), here, &sum);
  add_couple(load_couple(bottom + along, c), above, &sum);
  put_if(is.top && is.second, is.accumulate, n, sum, c, result, at.result + n->pixel_step, next);
  sum = (couple){{0}, {0}};
  add_couple(load_couple(middle, c), here, &sum);
  add_couple(load_couple(middle + 2 * along, c), left, &sum);
  put_if(is.bottom && is.first, is.accumulate, n, sum, c, result, below, next);
  sum = (couple){{0}, {0}};
  add_couple(load_couple(middle + along, c), here, &sum);
  put_if(is.bottom && is.second, is.accumulate, n, sum, c, result, below + n->pixel_step, next);
  fetch(n->fetches, &next->source, COUPLE_LANES);
}

INLINE void spread_pair(pair_manner is, const bc_nine_taps *n, pair_place at, const float *source,
                        const float *weights, float *result, later *next)
{
  for (int64_t x = 0; x < n->channels; x += COUPLE_LANES) {
    const channels c = channels_at(n, x);
    spread_couple(is, n, &c, at, source, weights, result, next);
  }
}

INLINE bool is_whole(pair_manner is)
{
  return is.top && is.bottom && is.first && is.second && is.above && is.here && is.left && is.right;
}

INLINE void spread_row(bool accumulate, const bc_nine_taps *n, const float *source,
                       const float *weights, float *result)
{
  const pair_manner whole = {accumulate, true, true, true, true, true, true, true, true};
  const bc_range rows = rows_inside(n, n->first_row - 1, 2);
  pair_manner is = {.accumulate = accumulate,
                    .top = !n->half_row,
                    .bottom = n->half_row || n->rows == 2,
                    .above = rows.begin == 0 && rows.end > 0,
                    .here = rows.end == 2};
  later next = later_of(n, source, n->first_row + 1, result);
  int64_t column = n->first_column;
  for (int64_t j = n->half_column ? -1 : 0; j < n->columns; j += 2, ++column) {
    const pair_place at = {j * n->pixel_step - (n->half_row ? n->row_step : 0),
                           n->first_row * n->source_row + column * n->source_pixel};
    is.first = j >= 0;
    is.second = j + 1 < n->columns;
    is.left = has_column(n, column - 1);
    is.right = has_column(n, column);
    if (is_whole(is))
      spread_pair(whole, n, at, source, weights, result, &next);
    else
      spread_pair(is, n, at, source, weights, result, &next);
  }
}

#endif
