/* Sums under three by three taps, for nine_taps.c: some neighbouring results are summed in
 * registers while two vectors of channels at a time go by. So the source is read in whole cache
 * lines and along the channels, wherever its pixels are. */
#ifndef BC_NINE_TILES_H
#define BC_NINE_TILES_H

#include "geometry.h"
#include "nine_ahead.h"
#include "nine_taps.h"
#include "vectors.h"

enum { TAPS = 3, TILE = 4, TILE_LANES = 2 * BC_VECTOR_LANES /* results, and channels at a time */ };

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

/* ---- results of a row ---- */

/* How a tile is summed: inlined with constants. */
typedef struct tile_manner {
  int results, stride;
  bool accumulate;
} tile_manner;

/* Where a tile is. */
typedef struct tile {
  bc_range tap_rows;        /* those with a row of the source */
  int64_t row;              /* of the source, under tap row 0 */
  int64_t column;           /* under the first tap of the first result */
  bool has_first, has_last; /* of the columns */
} tile;

/* Sums as a list: compilers keep them in registers. */
typedef struct tile_sums {
  couple result0, result1, result2, result3;
} tile_sums;

#define EACH_RESULT(use) use(0) use(1) use(2) use(3)
#define EACH_COLUMN(use) use(0) use(1) use(2) use(3) use(4) use(5) use(6) use(7) use(8)

/* Weights of a row of taps. */
typedef struct tap_row {
  couple left, centre, right;
} tap_row;

/* Adds what a pixel means for the result under which it is tap number `tap`, maybe nothing. */
INLINE void add_pixel(int tap, const tap_row *w, couple x, couple *sum)
{
  if (tap == 0)
    add_couple(w->left, x, sum);
  else if (tap == 1)
    add_couple(w->centre, x, sum);
  else if (tap == 2)
    add_couple(w->right, x, sum);
}

INLINE int columns_of(tile_manner is)
{
  return (is.results - 1) * is.stride + TAPS;
}

INLINE bool is_there(tile_manner is, const bc_nine_taps *n, const tile *t, int column)
{
  if (is.results == 1)
    return has_column(n, t->column + column);
  return (column > 0 || t->has_first) && (column + 1 < columns_of(is) || t->has_last);
}

/* Adds a row of taps; with stride 2 there is more to be fetched than there are results. */
INLINE void add_tap_row(tile_manner is, const bc_nine_taps *n, const tile *t, const channels *c,
                        int64_t row, const float *source, const float *weights, later *next,
                        tile_sums *s)
{
  const float *const with = weights + row * n->across;
  const float *const from = source + (t->row + row) * n->source_row;
  const tap_row w = {load_couple(with, c), load_couple(with + n->along, c),
                     load_couple(with + 2 * n->along, c)};
#define ADD_TO(i)                                                                                  \
  if ((i) < is.results)                                                                            \
    add_pixel(column - is.stride * (i), &w, x, &s->result##i);
#define ADD_COLUMN(number)                                                                         \
  if ((number) < columns_of(is) && is_there(is, n, t, number)) {                                   \
    const int column = number;                                                                     \
    const couple x = load_couple(from + (t->column + column) * n->source_pixel, c);                \
    EACH_RESULT(ADD_TO)                                                                            \
    if (is.stride == 2 && column % 2 == 1)                                                         \
      fetch(&next->source, TILE_LANES);                                                            \
  }
  EACH_COLUMN(ADD_COLUMN)
}

/* The results from number `result` on. */
INLINE void sum_tile(tile_manner is, const bc_nine_taps *n, int64_t result, tile *t,
                     const float *source, const float *weights, float *to, later *next)
{
  t->column = n->first_column + is.stride * result;
  t->has_first = has_column(n, t->column);
  t->has_last = has_column(n, t->column + columns_of(is) - 1);
  for (int64_t x = 0; x < n->channels; x += TILE_LANES) {
    const channels c = channels_at(n, x);
    tile_sums s = {0};
    for (int64_t row = t->tap_rows.begin; row < t->tap_rows.end; ++row)
      add_tap_row(is, n, t, &c, row, source, weights, next, &s);
#define PUT_RESULT(i)                                                                              \
  if ((i) < is.results) {                                                                          \
    fetch(&next->result, TILE_LANES);                                                              \
    fetch(&next->source, TILE_LANES);                                                              \
    put_couple(is.accumulate, s.result##i, &c, to + (result + (i)) * n->pixel_step);               \
  }
    EACH_RESULT(PUT_RESULT)
  }
}

/* Results with all columns but the first one's first and the last one's last, maybe. */
INLINE void sum_tiles(int stride, bool accumulate, const bc_nine_taps *n, bc_range results, tile *t,
                      const float *source, const float *weights, float *to, later *next)
{
  int64_t i = results.begin;
  for (; i + TILE <= results.end; i += TILE)
    sum_tile((tile_manner){TILE, stride, accumulate}, n, i, t, source, weights, to, next);
  switch (results.end - i) {
  case 3:
    sum_tile((tile_manner){3, stride, accumulate}, n, i, t, source, weights, to, next);
    break;
  case 2:
    sum_tile((tile_manner){2, stride, accumulate}, n, i, t, source, weights, to, next);
    break;
  default:
    break;
  }
}

/* A row of results that meets the source from row `first_row` on. */
INLINE void sum_row(int stride, bool accumulate, const bc_nine_taps *n, int64_t first_row,
                    const float *source, const float *weights, float *to, later *next)
{
  /* the results whose middle column there is */
  bc_range whole = bc_places_inside(n->first_column + 1, stride, n->columns, n->source_columns);
  tile t = {.tap_rows = rows_inside(n, first_row, TAPS), .row = first_row};
  if (bc_range_length(whole) % TILE == 1)
    --whole.end;
  sum_tiles(stride, accumulate, n, whole, &t, source, weights, to, next);
  for (int64_t i = 0; i < n->columns; ++i)
    if (i < whole.begin || i >= whole.end)
      sum_tile((tile_manner){1, stride, accumulate}, n, i, &t, source, weights, to, next);
}

/* ---- two by two results of the gradient of the input with stride 2 ---- */

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

INLINE void put_if(bool is_wanted, bool accumulate, couple value, const channels *c, float *result,
                   int64_t place, later *next)
{
  if (!is_wanted)
    return;
  fetch(&next->result, TILE_LANES);
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
  put_if(is.top && is.first, is.accumulate, sum, c, result, at.result, next);
  sum = (couple){{0}, {0}};
  add_couple(load_couple(weights + along, c), here, &sum);
  add_couple(load_couple(bottom + along, c), above, &sum);
  put_if(is.top && is.second, is.accumulate, sum, c, result, at.result + n->pixel_step, next);
  sum = (couple){{0}, {0}};
  add_couple(load_couple(middle, c), here, &sum);
  add_couple(load_couple(middle + 2 * along, c), left, &sum);
  put_if(is.bottom && is.first, is.accumulate, sum, c, result, below, next);
  sum = (couple){{0}, {0}};
  add_couple(load_couple(middle + along, c), here, &sum);
  put_if(is.bottom && is.second, is.accumulate, sum, c, result, below + n->pixel_step, next);
  fetch(&next->source, TILE_LANES);
}

INLINE void spread_pair(pair_manner is, const bc_nine_taps *n, pair_place at, const float *source,
                        const float *weights, float *result, later *next)
{
  for (int64_t x = 0; x < n->channels; x += TILE_LANES) {
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
