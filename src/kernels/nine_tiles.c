/* Rows of results under three by three taps in tiles: some results of a row at a time, channels
 * innermost. */
#include "nine_tiles.h"

#include "kernels.h"
#include "nine_couples.h"

enum { TILE = 4 /* results */ };

/* How a tile is summed: inlined with constants. */
typedef struct tile_manner {
  int results, stride;
  bool accumulate;
  bool near;  /* caches have the tensors: nothing is fetched */
  bool whole; /* all pixels are there */
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

INLINE int columns_of(tile_manner is)
{
  return (is.results - 1) * is.stride + TAPS;
}

INLINE bool is_there(tile_manner is, const bc_nine_taps *n, const tile *t, int column)
{
  if (is.whole)
    return true;
  if (is.results == 1)
    return has_column(n, t->column + column);
  return (column > 0 || t->has_first) && (column + 1 < columns_of(is) || t->has_last);
}

/* Adds a tap's products. */
INLINE void add_tap(tile_manner is, const bc_nine_taps *n, const tile *t, const channels *c,
                    int tap, const float *weight, const float *source, tile_sums *s)
{
  const couple w = load_couple(weight, c);
#define ADD_TAP(i)                                                                                 \
  if ((i) < is.results && is_there(is, n, t, (i)*is.stride + tap))                                 \
    add_couple(w, load_couple(source + ((i)*is.stride + tap) * n->source_pixel, c), &s->result##i);
  EACH_RESULT(ADD_TAP)
}

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

/* Adds all pixels' products, each read once, and fetches between them; with stride 2 there is more
 * to be fetched than there are results. */
INLINE void add_pixels(tile_manner is, const bc_nine_taps *n, const tile *t, const channels *c,
                       const float *weights, const float *source, tile_sums *s, later *next)
{
  const tap_row w = {load_couple(weights, c), load_couple(weights + n->along, c),
                     load_couple(weights + 2 * n->along, c)};
#define ADD_PIXEL_TO(i)                                                                            \
  if ((i) < is.results)                                                                            \
    add_pixel(column - is.stride * (i), &w, x, &s->result##i);
#define ADD_PIXEL(number)                                                                          \
  if ((number) < columns_of(is) && is_there(is, n, t, number)) {                                   \
    const int column = number;                                                                     \
    const couple x = load_couple(source + column * n->source_pixel, c);                            \
    EACH_RESULT(ADD_PIXEL_TO)                                                                      \
    fetch(is.stride == 2 && column % 2 == 1, &next->source, COUPLE_LANES);                         \
  }
  EACH_COLUMN(ADD_PIXEL)
}

/* Adds a row of taps. From memory pixels are read in their order; where caches have them, it is tap
 * by tap that leaves registers for the sums. The order of a result's sum is the same. */
INLINE void add_tap_row(tile_manner is, const bc_nine_taps *n, const tile *t, const channels *c,
                        int64_t row, const float *source, const float *weights, tile_sums *s,
                        later *next)
{
  const float *const with = weights + row * n->across;
  const float *const from = source + (t->row + row) * n->source_row + t->column * n->source_pixel;
  if (!is.near) {
    add_pixels(is, n, t, c, with, from, s, next);
    return;
  }
  add_tap(is, n, t, c, 0, with, from, s);
  add_tap(is, n, t, c, 1, with + n->along, from, s);
  add_tap(is, n, t, c, 2, with + 2 * n->along, from, s);
}

INLINE void sum_channels(tile_manner is, const bc_nine_taps *n, const tile *t, const float *source,
                         const float *weights, float *to, later *next)
{
  const bc_range rows = is.whole ? (bc_range){0, TAPS} : t->tap_rows;
  for (int64_t x = 0; x < n->channels; x += COUPLE_LANES) {
    const channels c = channels_at(n, x);
    tile_sums s = {0};
#pragma GCC unroll 3
    for (int64_t row = rows.begin; row < rows.end; ++row)
      add_tap_row(is, n, t, &c, row, source, weights, &s, next);
#define PUT_RESULT(i)                                                                              \
  if ((i) < is.results) {                                                                          \
    fetch(!is.near, &next->result, COUPLE_LANES);                                                  \
    fetch(!is.near, &next->source, COUPLE_LANES);                                                  \
    put_couple(is.accumulate, s.result##i, &c, to + (i)*n->pixel_step);                            \
  }
    EACH_RESULT(PUT_RESULT)
  }
}

/* The results from number `result` on. */
INLINE void sum_tile(tile_manner is, const bc_nine_taps *n, int64_t result, tile *t,
                     const float *source, const float *weights, float *to, later *next)
{
  to += result * n->pixel_step;
  t->column = n->first_column + is.stride * result;
  t->has_first = has_column(n, t->column);
  t->has_last = has_column(n, t->column + columns_of(is) - 1);
  if (is.near && is.results == TILE && bc_range_length(t->tap_rows) == TAPS && t->has_first &&
      t->has_last) {
    is.whole = true;
    sum_channels(is, n, t, source, weights, to, next);
  } else
    sum_channels(is, n, t, source, weights, to, next);
}

/* So many results. */
INLINE tile_manner with_results(tile_manner is, int results)
{
  is.results = results;
  return is;
}

/* Results with all columns but the first one's first and the last one's last, maybe. */
INLINE void sum_tiles(tile_manner is, const bc_nine_taps *n, bc_range results, tile *t,
                      const float *source, const float *weights, float *to, later *next)
{
  int64_t i = results.begin;
  for (; i + TILE <= results.end; i += TILE)
    sum_tile(with_results(is, TILE), n, i, t, source, weights, to, next);
  switch (results.end - i) {
  case 3:
    sum_tile(with_results(is, 3), n, i, t, source, weights, to, next);
    break;
  case 2:
    sum_tile(with_results(is, 2), n, i, t, source, weights, to, next);
    break;
  default:
    break;
  }
}

/* A row of results that meets the source from row `first_row` on. */
INLINE void sum_row(tile_manner is, const bc_nine_taps *n, int64_t first_row, const float *source,
                    const float *weights, float *to)
{
  /* the results whose middle column there is */
  bc_range most = bc_places_inside(n->first_column + 1, is.stride, n->columns, n->source_columns);
  tile t = {.tap_rows = rows_inside(n, first_row, TAPS), .row = first_row};
  later next = {source + (first_row + TAPS) * n->source_row, to + n->row_step};
  if (bc_range_length(most) % TILE == 1)
    --most.end;
  sum_tiles(is, n, most, &t, source, weights, to, &next);
  for (int64_t i = 0; i < n->columns; ++i)
    if (i < most.begin || i >= most.end)
      sum_tile(with_results(is, 1), n, i, &t, source, weights, to, &next);
}

INLINE void sum_strided(int stride, const bc_nine_taps *n, int64_t first_row, const float *source,
                        const float *weights, float *to)
{
  if (n->accumulate)
    sum_row((tile_manner){.stride = stride, .accumulate = true}, n, first_row, source, weights, to);
  else if (!BC_IS_SMALL && !n->fetches)
    sum_row((tile_manner){.stride = stride, .near = true}, n, first_row, source, weights, to);
  else
    sum_row((tile_manner){.stride = stride}, n, first_row, source, weights, to);
}

/* Of a copy, since compilers must assume that results overwrite what pointers point at. */
void BC_FOR_ISA(bc_nine_tiles)(const bc_nine_taps *taps, int64_t first_row, const float *source,
                               const float *weights, float *to)
{
  const bc_nine_taps n = *taps;
  if (n.stride == 1)
    sum_strided(1, &n, first_row, source, weights, to);
  else
    sum_strided(2, &n, first_row, source, weights, to);
}
