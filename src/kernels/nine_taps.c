/* Sums under three by three taps, all of which stay in registers. */
#include "nine_taps.h"

#include "geometry.h"
#include "kernels.h"
#include "vectors.h"

/* Rows as a list, since compilers keep variables with names in registers, but not the elements of
 * an array; and the half of them that sums with stride 2 have. */
#if defined(__AVX512F__)
#define EACH_HALF_ROW(use) use(0) use(1)
#define EACH_ROW(use) EACH_HALF_ROW(use) use(2) use(3)
#define EACH_SOURCE_ROW(use) EACH_ROW(use) use(4) use(5)
enum { ROWS = 4 };
#else
#define EACH_HALF_ROW(use) use(0)
#define EACH_ROW(use) EACH_HALF_ROW(use) use(1)
#define EACH_SOURCE_ROW(use) EACH_ROW(use) use(2) use(3)
enum { ROWS = 2 };
#endif

enum { LANES = BC_VECTOR_LANES, TAPS = 3 };

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

/* Of `rows` rows of the source from number `first` on, those that there are. */
INLINE bc_range rows_inside(const bc_nine_taps *n, int64_t first, int64_t rows)
{
  const int64_t begin = bc_min(rows, bc_max(0, -first));
  return (bc_range){begin, bc_max(begin, bc_min(rows, n->source_rows - first))};
}

/* Fetches a part of what comes next, so many elements from `at` on: in the order of memory, since
 * pixels are too far apart for the CPU to see what comes next. Into the second-level cache: in the
 * first, or to be written, it costs more than it saves. */
INLINE void fetch(const float *next, int64_t at, int64_t elements)
{
  for (int64_t i = at; i < at + elements; i += CACHE_LINE)
    __builtin_prefetch(next + i, 0, 2);
}

/* Of the rows of results behind these. */
INLINE void fetch_results(const bc_nine_taps *n, int64_t at, int64_t elements, const float *result)
{
  fetch(result + n->rows * n->row_step, at, elements);
}

/* What belongs to `elements` of the results: theirs, and those of the source behind the last row
 * that is read. */
INLINE void fetch_both(const bc_nine_taps *n, int64_t at, int64_t elements, const float *source,
                       const float *result)
{
  const int64_t of_source = n->stride * n->stride;
  const int64_t row = n->first_row + (n->rows - 1) * n->stride + TAPS;
  fetch_results(n, at, elements, result);
  fetch(source + row * n->source_row, at * of_source, elements * of_source);
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
 * results under which it is the last tap, the middle one and the first; with stride 2 for those
 * under which its tap is even, or odd. */
INLINE void add_taps(int stride, bool odd, int row, const nine *w, floats x, rolling *sums)
{
  if (row < 0 || row >= TAPS)
    return;
  const floats left = row == 0 ? w->top.left : row == 1 ? w->middle.left : w->bottom.left;
  const floats centre = row == 0 ? w->top.centre : row == 1 ? w->middle.centre : w->bottom.centre;
  const floats right = row == 0 ? w->top.right : row == 1 ? w->middle.right : w->bottom.right;
  if (stride == 2 && odd) {
    sums->first += centre * x;
    return;
  }
  sums->first += right * x;
  if (stride == 1) {
    sums->second += centre * x;
    sums->third += left * x;
  } else
    sums->second += left * x;
}

/* Of all rows. */
typedef struct all_rows {
#define DECLARE(i) rolling row##i;
  EACH_ROW(DECLARE)
} all_rows;

INLINE void add_rows(int rows, int stride, bool odd, int row, const nine *w, floats x,
                     all_rows *sums)
{
#define ADD(i)                                                                                     \
  if ((i) < rows)                                                                                  \
    add_taps(stride, odd, row - (i)*stride, w, x, &sums->row##i);
  EACH_ROW(ADD)
}

/* Adds the pixels of a column of the source, those of the rows inside. */
INLINE void add_column(int rows, int stride, bool odd, const bc_nine_taps *n, const float *source,
                       int64_t column, bc_range inside, const nine *w, all_rows *sums)
{
  if (column < 0 || column >= n->source_columns)
    return;
  const int64_t first = n->first_row * n->source_row + column * n->source_pixel;
#define ADD_ROW(row)                                                                               \
  if ((row) < (rows - 1) * stride + TAPS && (row) >= inside.begin && (row) < inside.end)           \
    add_rows(rows, stride, odd, row, w, load(source + first + (row)*n->source_row), sums);
  EACH_SOURCE_ROW(ADD_ROW)
}

/* Writes the lanes from `first` on, or all: those before it have been written. */
INLINE void put(const bc_nine_taps *n, floats value, int64_t first, float *to)
{
  if (n->accumulate)
    add_lanes(value, first, to);
  else
    store(value, to);
}

/* The vector for the channels from x on. */
INLINE void sum_vector(int rows, int stride, const bc_nine_taps *n, int64_t x, const float *source,
                       const float *weights, float *result)
{
  const int64_t at = vector_at(n, x);
  const bc_range inside = rows_inside(n, n->first_row, (rows - 1) * stride + TAPS);
  const nine w = load_nine(n, weights + at);
  const floats none = {0};
  all_rows s = {0};
  for (int64_t j = stride == 1 ? -2 : -1; j < n->columns; ++j) {
    const int64_t column = n->first_column + j * stride + TAPS - 1;
    if (stride == 2)
      add_column(rows, stride, true, n, source + at, column - 1, inside, &w, &s);
    add_column(rows, stride, false, n, source + at, column, inside, &w, &s);
    if (j >= 0) {
      fetch_both(n, (x * n->columns + j * LANES) * rows, (int64_t)rows * LANES, source, result);
      float *const to = result + at + j * n->pixel_step;
#define PUT(i)                                                                                     \
  if ((i) < rows)                                                                                  \
    put(n, s.row##i.first, x - at, to + (i)*n->row_step);
      EACH_ROW(PUT)
    }
#define ROLL(i) s.row##i = (rolling){s.row##i.second, stride == 1 ? s.row##i.third : none, none};
    EACH_ROW(ROLL)
  }
}

INLINE void sum_rows(int rows, int stride, const bc_nine_taps *n, const float *source,
                     const float *weights, float *result)
{
  for (int64_t x = 0; x < n->channels; x += LANES)
    sum_vector(rows, stride, n, x, source, weights, result);
}

/* ---- the gradient of the input with stride 2 ---- */

/* Neighbours in a column of the source. */
typedef struct two {
  floats above, here;
} two;

INLINE floats load_inside(const bc_nine_taps *n, const float *source, int64_t row, int64_t column)
{
  if (row < 0 || row >= n->source_rows || column < 0 || column >= n->source_columns)
    return (floats){0};
  return load(source + row * n->source_row + column * n->source_pixel);
}

INLINE two load_two(const bc_nine_taps *n, const float *source, int64_t column)
{
  return (two){load_inside(n, source, n->first_row - 1, column),
               load_inside(n, source, n->first_row, column)};
}

/* Two by two results. */
typedef struct four {
  floats top_left, top_right, bottom_left, bottom_right;
} four;

/* From 0 on: of a sum of two products compilers might fuse either, and bits would depend on where
 * this is inlined. */
INLINE four spread_pixel(const nine *w, two left, two right)
{
  four sums = {{0}, {0}, {0}, {0}};
  sums.top_left += w->top.left * right.here;
  sums.top_left += w->top.right * left.here;
  sums.top_left += w->bottom.left * right.above;
  sums.top_left += w->bottom.right * left.above;
  sums.top_right += w->top.centre * right.here;
  sums.top_right += w->bottom.centre * right.above;
  sums.bottom_left += w->middle.left * right.here;
  sums.bottom_left += w->middle.right * left.here;
  sums.bottom_right += w->middle.centre * right.here;
  return sums;
}

/* A column's one result, or two. */
INLINE void put_column(const bc_nine_taps *n, floats first, floats second, int64_t before,
                       float *to)
{
  if (!n->half_row)
    put(n, first, before, to);
  if (n->half_row || n->rows == 2)
    put(n, second, before, to + (n->half_row ? 0 : n->row_step));
}

INLINE void spread_vector(const bc_nine_taps *n, int64_t x, const float *source,
                          const float *weights, float *result)
{
  const int64_t at = vector_at(n, x);
  const nine w = load_nine(n, weights + at);
  two left = load_two(n, source + at, n->first_column - 1);
  int64_t column = n->first_column;
  for (int64_t j = n->half_column ? -1 : 0; j < n->columns; j += 2) {
    const two right = load_two(n, source + at, column++);
    const four sums = spread_pixel(&w, left, right);
    fetch_results(n, 2 * (x * n->columns + j * LANES), (int64_t)4 * LANES, result);
    fetch(source + (n->first_row + 1) * n->source_row, (x * n->columns + j * LANES) / 2, LANES);
    if (j >= 0)
      put_column(n, sums.top_left, sums.bottom_left, x - at, result + at + j * n->pixel_step);
    if (j + 1 < n->columns)
      put_column(n, sums.top_right, sums.bottom_right, x - at,
                 result + at + (j + 1) * n->pixel_step);
    left = right;
  }
}

static void spread(const bc_nine_taps *n, const float *source, const float *weights, float *result)
{
  for (int64_t x = 0; x < n->channels; x += LANES)
    spread_vector(n, x, source, weights, result);
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

/* Adds what the pixels of a column of the source mean, those of the rows inside. */
INLINE void correlate_column(int rows, int stride, bool odd, const bc_nine_taps *n,
                             const float *source, int64_t column, bc_range inside,
                             const all_rows *gradients, nine *sums)
{
  if (column < 0 || column >= n->source_columns)
    return;
  const int64_t first = n->first_row * n->source_row + column * n->source_pixel;
#define CORRELATE(row)                                                                             \
  if ((row) < (rows - 1) * stride + TAPS && (row) >= inside.begin && (row) < inside.end) {         \
    const floats x = load(source + first + (row)*n->source_row);                                   \
    correlate_rows(rows, stride, odd, row, x, gradients, sums);                                    \
  }
  EACH_SOURCE_ROW(CORRELATE)
}

/* The gradient of result `column` of a row, 0 behind the last. */
INLINE floats load_gradient(const bc_nine_taps *n, const float *gradient, int64_t row,
                            int64_t column)
{
  if (column >= n->columns)
    return (floats){0};
  return load(gradient + row * n->row_step + column * n->pixel_step);
}

INLINE nine correlate_vector(int rows, int stride, const bc_nine_taps *n, int64_t x,
                             const float *source, const float *gradient)
{
  const int64_t at = vector_at(n, x);
  const bc_range inside = rows_inside(n, n->first_row, (rows - 1) * stride + TAPS);
  nine sums = {{{0}, {0}, {0}}, {{0}, {0}, {0}}, {{0}, {0}, {0}}};
  all_rows gradients = {0};
  for (int64_t j = stride == 1 ? -2 : -1; j < n->columns; ++j) {
    const int64_t column = n->first_column + j * stride + TAPS - 1;
    const int64_t newest = j + (stride == 1 ? 2 : 1);
#define NEXT(i)                                                                                    \
  if ((i) < rows) {                                                                                \
    const floats g = load_gradient(n, gradient + at, i, newest);                                   \
    gradients.row##i = stride == 1 ? (rolling){gradients.row##i.second, gradients.row##i.third, g} \
                                   : (rolling){gradients.row##i.second, g, g};                     \
  }
    EACH_ROW(NEXT)
    if (stride == 2)
      correlate_column(rows, stride, true, n, source + at, column - 1, inside, &gradients, &sums);
    correlate_column(rows, stride, false, n, source + at, column, inside, &gradients, &sums);
    if (j >= 0)
      fetch_both(n, (x * n->columns + j * LANES) * rows, (int64_t)rows * LANES, source, gradient);
  }
  return sums;
}

INLINE void add_three(const bc_nine_taps *n, const three *values, int64_t first, float *to)
{
  add_lanes(values->left, first, to);
  add_lanes(values->centre, first, to + n->along);
  add_lanes(values->right, first, to + 2 * n->along);
}

INLINE void correlate_all(int rows, int stride, const bc_nine_taps *n, const float *source,
                          const float *gradient, float *sums)
{
  for (int64_t x = 0; x < n->channels; x += LANES) {
    const nine part = correlate_vector(rows, stride, n, x, source, gradient);
    const int64_t at = vector_at(n, x);
    add_three(n, &part.top, x - at, sums + at);
    add_three(n, &part.middle, x - at, sums + at + n->across);
    add_three(n, &part.bottom, x - at, sums + at + 2 * n->across);
  }
}

/* ---- for each number of rows and each stride ---- */

INLINE void run_rows(bool correlates, int rows, int stride, const bc_nine_taps *n,
                     const float *source, const float *with, float *to)
{
  if (correlates)
    correlate_all(rows, stride, n, source, with, to);
  else
    sum_rows(rows, stride, n, source, with, to);
}

INLINE void run(bool correlates, const bc_nine_taps *n, const float *source, const float *with,
                float *to)
{
#define ONCE(i)                                                                                    \
  case (i) + 1:                                                                                    \
    run_rows(correlates, (i) + 1, 1, n, source, with, to);                                         \
    break;
#define TWICE(i)                                                                                   \
  case ROWS + (i) + 1:                                                                             \
    run_rows(correlates, (i) + 1, 2, n, source, with, to);                                         \
    break;
  switch (n->rows + (n->stride == 2 ? ROWS : 0)) {
    EACH_ROW(ONCE)
    EACH_HALF_ROW(TWICE)
  default:
    break;
  }
}

static void sum(const bc_nine_taps *n, const float *source, const float *weights, float *result)
{
  run(false, n, source, weights, result);
}

static void correlate(const bc_nine_taps *n, const float *source, const float *gradient,
                      float *sums)
{
  run(true, n, source, gradient, sums);
}

const bc_nine_tap_kernels BC_FOR_ISA(bc_nine_tap_kernels) = {
    .rows = ROWS, .lanes = LANES, .sum = sum, .spread = spread, .correlate = correlate};
