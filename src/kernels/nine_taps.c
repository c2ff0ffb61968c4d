/* Sums under three by three taps. Where that pays, all nine weights, or their gradients, stay in
 * registers while rows go by, and each pixel is read once for several rows; else tiles are summed.
 */
#include "nine_taps.h"

#include "geometry.h"
#include "kernels.h"
#include "nine_spread.h"
#include "nine_tiles.h"
#include "vectors.h"

#include <limits.h>

/* Rows as a list, since compilers keep variables with names in registers, but not the elements of
 * an array; and those of them that correlations with stride 2 have. Pixels of NEAR elements and
 * more are too far apart to roll rows, of FAR and more where they come from memory. */
#if defined(__AVX512F__)
#define EACH_ROW_TWICE(use) use(0) use(1)
#define EACH_ROW(use) EACH_ROW_TWICE(use) use(2) use(3)
#define EACH_SOURCE_ROW(use) EACH_ROW(use) use(4) use(5)
enum { ROWS = 4, NEAR = INT_MAX, FAR = INT_MAX /* a vector is a cache line, which is read once */ };
#else
#define EACH_ROW_TWICE(use) use(0)
#define EACH_ROW(use) EACH_ROW_TWICE(use) use(1)
#define EACH_SOURCE_ROW(use) EACH_ROW(use) use(2) use(3)
enum { ROWS = 2, NEAR = 64, FAR = 256 };
#endif

enum { LANES = BC_VECTOR_LANES };

/* A row of the taps. */
typedef struct three {
  floats left, centre, right;
} three;

typedef struct nine {
  three top, middle, bottom;
} nine;

/* Where the vector for the channels from x on begins: earlier than x if it would not fit. */
INLINE int64_t vector_at(const bc_nine_taps *n, int64_t x)
{
  return bc_min(x, n->channels - LANES);
}

/* ---- sums over the taps ---- */

/* Sums of a row's results that the next pixel of the source takes part in. */
typedef struct rolling {
  floats first, second, third;
} rolling;

INLINE three load_three(const bc_nine_taps *n, const float *weights)
{
  return (three){load(weights), load(weights + n->along), load(weights + 2 * n->along)};
}

INLINE nine load_nine(const bc_nine_taps *n, const float *weights)
{
  return (nine){load_three(n, weights), load_three(n, weights + n->across),
                load_three(n, weights + 2 * n->across)};
}

/* Adds what a pixel means for a row whose taps it is in row `row` of, maybe nothing: for the
 * results under which it is the last tap, the middle one and the first. */
INLINE void add_taps(int row, const nine *w, floats x, rolling *sums)
{
  if (row < 0 || row >= TAPS)
    return;
  const three *const taps = row == 0 ? &w->top : row == 1 ? &w->middle : &w->bottom;
  sums->first += taps->right * x;
  sums->second += taps->centre * x;
  sums->third += taps->left * x;
}

/* Of all rows. */
typedef struct all_rows {
#define DECLARE(i) rolling row##i;
  EACH_ROW(DECLARE)
} all_rows;

INLINE void add_rows(int rows, int row, const nine *w, floats x, all_rows *sums)
{
#define ADD(i)                                                                                     \
  if ((i) < rows)                                                                                  \
    add_taps(row - (i), w, x, &sums->row##i);
  EACH_ROW(ADD)
}

/* Adds the pixels of a column of the source. */
INLINE void add_column(int rows, const bc_nine_taps *n, const float *column, const nine *w,
                       all_rows *sums)
{
#define ADD_ROW(i)                                                                                 \
  if ((i) < rows + TAPS - 1)                                                                       \
    add_rows(rows, i, w, load(column + (i)*n->source_row), sums);
  EACH_SOURCE_ROW(ADD_ROW)
}

/* The rows of which no tap's row is missing. */
INLINE bc_range whole_rows(const bc_nine_taps *n)
{
  return bc_places_inside(n->first_row, n->stride, n->rows, n->source_rows - TAPS + 1);
}

/* Steps along a row: number k brings the last column that result k - BEHIND(stride) meets, with
 * stride 2 the one before it too. */
#define BEHIND(stride) ((stride) == 1 ? TAPS - 1 : 1)

typedef struct steps {
  int64_t count;
  bc_range whole; /* those with a result and, if there are any, all their columns */
} steps;

INLINE steps steps_of(int stride, const bc_nine_taps *n)
{
  const int64_t count = n->columns + BEHIND(stride);
  const int64_t before = stride - 1 - n->first_column, after = n->source_columns - n->first_column;
  const int64_t begin = bc_max(BEHIND(stride), bc_count_blocks(bc_max(0, before), stride));
  const int64_t end = bc_min(count, bc_count_blocks(bc_max(0, after), stride));
  return (steps){count, {bc_min(begin, count), end}};
}

/* How sums are made: inlined with constants. */
typedef struct manner {
  int rows;
  bool accumulate, fetches;
} manner;

/* A vector of the sums. */
typedef struct vector {
  const float *source; /* column 0 of the first row */
  float *result;       /* result 0 */
  int64_t first;       /* of the lanes to be written */
  nine weights;
  all_rows sums;
} vector;

/* The next sums take the place of these. */
INLINE void put_and_roll(manner is, bool has_result, const bc_nine_taps *n, float *to, vector *v,
                         later *next)
{
  if (has_result) {
    fetch(is.fetches, &next->result, (int64_t)is.rows * LANES);
    fetch(is.fetches, &next->source, (int64_t)is.rows * LANES);
#define PUT(i)                                                                                     \
  if ((i) < is.rows)                                                                               \
    put(is.accumulate, v->sums.row##i.first, v->first, to + (i)*n->row_step);
    EACH_ROW(PUT)
  }
#define ROLL(i) v->sums.row##i = (rolling){v->sums.row##i.second, v->sums.row##i.third, {0}};
  EACH_ROW(ROLL)
}

/* A step that is whole, and on to the next. */
INLINE void sum_step(manner is, const bc_nine_taps *n, const float **column, float **to, vector *v,
                     later *next)
{
  add_column(is.rows, n, *column, &v->weights, &v->sums);
  put_and_roll(is, true, n, *to, v, next);
  *column += n->source_pixel;
  *to += n->pixel_step;
}

/* Step k, which may have no result, or no column. */
INLINE void sum_edge(manner is, const bc_nine_taps *n, int64_t k, vector *v, later *next)
{
  const int64_t column = n->first_column + k, result = k - BEHIND(1);
  if (has_column(n, column))
    add_column(is.rows, n, v->source + column * n->source_pixel, &v->weights, &v->sums);
  put_and_roll(is, result >= 0, n, result >= 0 ? v->result + result * n->pixel_step : NULL, v,
               next);
}

/* Whole steps from k on, three at once: then the sums are where they were, and none has been moved.
 * Returns the next. */
INLINE int64_t sum_steps(manner is, const bc_nine_taps *n, int64_t k, int64_t end, vector *v,
                         later *next)
{
  if (k + 3 > end)
    return k;
  const float *column = v->source + (n->first_column + k) * n->source_pixel;
  float *to = v->result + (k - BEHIND(1)) * n->pixel_step;
  for (; k + 3 <= end; k += 3) {
    sum_step(is, n, &column, &to, v, next);
    sum_step(is, n, &column, &to, v, next);
    sum_step(is, n, &column, &to, v, next);
  }
  return k;
}

INLINE void sum_vector(manner is, const bc_nine_taps *n, vector *v, later *next)
{
  const steps all = steps_of(1, n);
  int64_t k = 0;
  for (; k < all.whole.begin; ++k)
    sum_edge(is, n, k, v, next);
  for (k = sum_steps(is, n, k, all.whole.end, v, next); k < all.count; ++k)
    sum_edge(is, n, k, v, next);
}

/* Rows of which the first begins at `source`. */
INLINE void roll_rows(manner is, const bc_nine_taps *n, const float *source, const float *weights,
                      float *result, later *next)
{
  for (int64_t x = 0; x < n->channels; x += LANES) {
    const int64_t from = vector_at(n, x);
    vector v = {.source = source + from,
                .result = result + from,
                .first = x - from,
                .weights = load_nine(n, weights + from)};
    sum_vector(is, n, &v, next);
  }
}

INLINE void roll(bool accumulate, bool fetches, int64_t rows, const bc_nine_taps *n,
                 const float *source, const float *weights, float *result)
{
  later next = {source + (rows + TAPS - 1) * n->source_row, result + rows * n->row_step};
#define ROLL_ROWS(i)                                                                               \
  case (i) + 1:                                                                                    \
    roll_rows((manner){(i) + 1, accumulate, fetches}, n, source, weights, result, &next);          \
    break;
  switch (rows) {
    EACH_ROW(ROLL_ROWS)
  default:
    break;
  }
}

/* Whether rows are summed together: not where so few pixels share a set of the first-level cache
 * that it has lost them when the next vector of their channels is read. */
INLINE bool rolls(const bc_nine_taps *n)
{
  return n->stride == 1 && n->source_pixel < (n->fetches ? FAR : NEAR);
}

static int64_t rows_at_once(const bc_nine_taps *taps)
{
  return rolls(taps) ? ROWS : 1;
}

/* Of a copy, since compilers must assume that results overwrite what pointers point at. */
static void sum(const bc_nine_taps *taps, const float *source, const float *weights, float *result)
{
  const bc_nine_taps n = *taps;
  bc_nine_row *const sum_row = BC_FOR_ISA(bc_nine_tiles);
  const bc_range rolled = rolls(&n) ? whole_rows(&n) : (bc_range){0, 0};
  const float *const first = source + (n.first_row + rolled.begin) * n.source_row;
  float *const to = result + rolled.begin * n.row_step;
  for (int64_t i = 0; i < n.rows; ++i)
    if (i < rolled.begin || i >= rolled.end)
      sum_row(&n, n.first_row + i * n.stride, source, weights, result + i * n.row_step);
  if (n.accumulate)
    roll(true, true, bc_range_length(rolled), &n, first, weights, to);
  else if (n.fetches)
    roll(false, true, bc_range_length(rolled), &n, first, weights, to);
  else
    roll(false, false, bc_range_length(rolled), &n, first, weights, to);
}

static void spread(const bc_nine_taps *taps, const float *source, const float *weights,
                   float *result)
{
  const bc_nine_taps n = *taps;
  if (n.accumulate)
    spread_row(true, &n, source, weights, result);
  else
    spread_row(false, &n, source, weights, result);
}

/* ---- sums over the results ---- */

/* Adds what a pixel means for a row of results whose taps it is in row `row` of, maybe nothing. The
 * gradients are those of the results under which it is the last tap, the middle one and the first;
 * with stride 2 those under which its tap is even, or odd. */
INLINE void correlate_taps(int stride, bool odd, int row, floats x, const rolling *gradients,
                           nine *sums)
{
  if (row < 0 || row >= TAPS)
    return;
  three *const to = row == 0 ? &sums->top : row == 1 ? &sums->middle : &sums->bottom;
  if (stride == 2 && odd) {
    to->centre += gradients->first * x;
    return;
  }
  to->right += gradients->first * x;
  if (stride == 1) {
    to->centre += gradients->second * x;
    to->left += gradients->third * x;
  } else
    to->left += gradients->second * x;
}

INLINE void correlate_rows(int rows, int stride, bool odd, int row, floats x,
                           const all_rows *gradients, nine *sums)
{
#define TAKE(i)                                                                                    \
  if ((i) < rows)                                                                                  \
    correlate_taps(stride, odd, row - (i)*stride, x, &gradients->row##i, sums);
  EACH_ROW(TAKE)
}

/* How gradients are correlated: inlined with constants. */
typedef struct correlating {
  int rows, stride;
  bool whole; /* all rows of the source are there */
} correlating;

/* What is summed for a vector of channels. */
typedef struct products {
  const float *source, *gradient; /* column 0 of row 0, and result 0 */
  bc_range inside;                /* rows of the source that are there */
  all_rows gradients;
  nine sums;
} products;

/* Adds what the pixels of a column of the source mean. */
INLINE void correlate_column(correlating is, bool odd, const bc_nine_taps *n, int64_t column,
                             products *p)
{
  const int64_t first = n->first_row * n->source_row + column * n->source_pixel;
#define CORRELATE(i)                                                                               \
  if ((i) < (is.rows - 1) * is.stride + TAPS &&                                                    \
      (is.whole || ((i) >= p->inside.begin && (i) < p->inside.end)))                               \
    correlate_rows(is.rows, is.stride, odd, i, load(p->source + first + (i)*n->source_row),        \
                   &p->gradients, &p->sums);
  EACH_SOURCE_ROW(CORRELATE)
}

/* Step k, which brings the gradients of result k, 0 behind the last; `whole`, or with a look at
 * what there is. */
INLINE void correlate_step(correlating is, bool whole, const bc_nine_taps *n, int64_t k,
                           products *p, later *next)
{
  const int64_t column = n->first_column + k * is.stride;
  const floats none = {0};
#define NEXT(i)                                                                                    \
  if ((i) < is.rows) {                                                                             \
    const bool has_result = whole || k < n->columns;                                               \
    const floats g = has_result ? load(p->gradient + (i)*n->row_step + k * n->pixel_step) : none;  \
    rolling *const r = &p->gradients.row##i;                                                       \
    *r = is.stride == 1 ? (rolling){r->second, r->third, g} : (rolling){r->second, g, g};          \
  }
  EACH_ROW(NEXT)
  if (is.stride == 2 && (whole || has_column(n, column - 1)))
    correlate_column(is, true, n, column - 1, p);
  if (whole || has_column(n, column))
    correlate_column(is, false, n, column, p);
  if (whole || k < n->columns) {
    fetch(true, &next->result, (int64_t)is.rows * LANES);
    fetch(true, &next->source, (int64_t)is.rows * is.stride * is.stride * LANES);
  }
}

/* Three steps at once, as in sum_steps(). */
INLINE nine correlate_vector(correlating is, const bc_nine_taps *n, const float *source,
                             const float *gradient, later *next)
{
  const steps all = steps_of(is.stride, n);
  const int64_t whole = is.whole ? bc_min(all.whole.end, n->columns) : 0;
  products p = {.source = source,
                .gradient = gradient,
                .inside = rows_inside(n, n->first_row, (int64_t)(is.rows - 1) * is.stride + TAPS)};
  int64_t k = 0;
  for (; k < all.whole.begin; ++k)
    correlate_step(is, false, n, k, &p, next);
  for (; k + 3 <= whole; k += 3) {
    correlate_step(is, true, n, k, &p, next);
    correlate_step(is, true, n, k + 1, &p, next);
    correlate_step(is, true, n, k + 2, &p, next);
  }
  for (; k < all.count; ++k)
    correlate_step(is, false, n, k, &p, next);
  return p.sums;
}

INLINE void add_three(const bc_nine_taps *n, const three *values, int64_t first, float *to)
{
  add_lanes(values->left, first, to);
  add_lanes(values->centre, first, to + n->along);
  add_lanes(values->right, first, to + 2 * n->along);
}

INLINE void correlate_all(correlating is, const bc_nine_taps *n, const float *source,
                          const float *gradient, float *sums)
{
  later next = later_of(n, source, n->first_row + (n->rows - 1) * n->stride + TAPS, gradient);
  for (int64_t x = 0; x < n->channels; x += LANES) {
    const int64_t at = vector_at(n, x);
    const nine part = correlate_vector(is, n, source + at, gradient + at, &next);
    add_three(n, &part.top, x - at, sums + at);
    add_three(n, &part.middle, x - at, sums + at + n->across);
    add_three(n, &part.bottom, x - at, sums + at + 2 * n->across);
  }
}

INLINE void correlate_if_whole(int rows, int stride, const bc_nine_taps *n, const float *source,
                               const float *gradient, float *sums)
{
  if (bc_range_length(whole_rows(n)) == rows)
    correlate_all((correlating){rows, stride, true}, n, source, gradient, sums);
  else
    correlate_all((correlating){rows, stride, false}, n, source, gradient, sums);
}

/* For each number of rows and each stride. */
static void correlate(const bc_nine_taps *taps, const float *source, const float *gradient,
                      float *sums)
{
  const bc_nine_taps n = *taps;
#define ONCE(i)                                                                                    \
  case (i) + 1:                                                                                    \
    correlate_if_whole((i) + 1, 1, &n, source, gradient, sums);                                    \
    break;
#define TWICE(i)                                                                                   \
  case ROWS + (i) + 1:                                                                             \
    correlate_if_whole((i) + 1, 2, &n, source, gradient, sums);                                    \
    break;
  switch (n.rows + (n.stride == 2 ? ROWS : 0)) {
    EACH_ROW(ONCE)
    EACH_ROW_TWICE(TWICE)
  default:
    break;
  }
}

const bc_nine_tap_kernels BC_FOR_ISA(bc_nine_tap_kernels) = {.rows = ROWS,
                                                             .lanes = LANES,
                                                             .rows_at_once = rows_at_once,
                                                             .sum = sum,
                                                             .spread = spread,
                                                             .correlate = correlate};
