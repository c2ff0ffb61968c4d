/* Means of windows, and their gradient. */
#include "doubles.h"
#include "kernels.h"
#include "windows.h"

/* ---- window by window ---- */

INLINE void average_pair(window row, float count, int64_t step, const float *image, pair at,
                         float *output)
{
  const float *const first = image + row.first;
  floats sum = {0};
  for (int64_t r = 0; r < row.rows; ++r)
    for (int64_t s = 0; s < row.columns; ++s)
      sum += load(first + r * row.row_step + s * row.column_step, at, step);
  store(sum / count, output, at);
}

/* In float and in the order of average_pair(). */
INLINE float sum_small(window area, const float *image)
{
  float sum = 0.0f;
  for (int64_t r = 0; r < area.rows; ++r)
    for (int64_t s = 0; s < area.columns; ++s)
      sum += image[area.first + r * area.row_step + s * area.column_step];
  return sum;
}

/* Every `step`-th of a row. */
INLINE doubles next_doubles(const float *from, int64_t step)
{
  if (step == 1)
    return widened(from);
  return (doubles){(double)from[0], (double)from[step], (double)from[2 * step],
                   (double)from[3 * step]};
}

/* Vectors of the same width on every instruction set: so the order is the same. */
INLINE double sum_large(window area, int64_t column_step, const float *image)
{
  enum { VECTORS = 4, ALL = VECTORS * WIDTH };
  doubles sums[VECTORS] = {{0}};
  double rest = 0.0;
  for (int64_t r = 0; r < area.rows; ++r) {
    const float *row = image + area.first + r * area.row_step;
    int64_t s = 0;
    for (; s + ALL <= area.columns; s += ALL)
      UNROLL for (int64_t v = 0; v < VECTORS; ++v) sums[v] +=
          next_doubles(row + (s + v * WIDTH) * column_step, column_step);
    for (; s + WIDTH <= area.columns; s += WIDTH)
      sums[0] += next_doubles(row + s * column_step, column_step);
    for (; s < area.columns; ++s)
      rest += (double)row[s * column_step];
  }
  const doubles all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  return ((all[0] + all[1]) + (all[2] + all[3])) + rest;
}

static double sum_in_double(window flat, const float *image)
{
  return flat.column_step == 1 ? sum_large(flat, 1, image)
                               : sum_large(flat, flat.column_step, image);
}

INLINE float average_single(const bc_pooling *p, window area, const float *image)
{
  if (area.rows * area.columns == 0)
    return 0.0f;
  if (sums_are_float(p))
    return sum_small(area, image) / (float)divisor(p, area);
  return (float)(sum_in_double(flattened(area), image) / (double)divisor(p, area));
}

INLINE void average_column(const bc_pooling *p, int64_t column, const float *image, float *output)
{
  const window_columns columns = columns_of(p, column);
  for (int64_t row = 0; row < p->height.output; ++row)
    output[row * p->width.output + column] =
        average_single(p, crossing(window_rows(p, row), columns), image);
}

INLINE void average_rows(const bc_pooling *p, int64_t step, const float *image, float *output)
{
  for (int64_t row = 0; row < p->height.output; ++row) {
    const window w = window_rows(p, row);
    const float count = (float)bc_max(divisor(p, w), 1);
    float *to = output + row * p->width.output;
    for (int64_t q = p->inside.begin; q < p->inside.end; q += LANES)
      average_pair(w, count, step, image, pair_at(p->inside, q), to);
  }
  for (int64_t q = skip(p->inside, 0); q < p->width.output; q = skip(p->inside, q + 1))
    average_column(p, q, image, output);
}

static void average_by_window(const bc_pooling *pooling, const float *image, float *output)
{
  if (pooling->width.stride == 1)
    average_rows(pooling, 1, image, output);
  else if (pooling->width.stride == 2)
    average_rows(pooling, 2, image, output);
  else
    average_rows(pooling, pooling->width.stride, image, output);
}

static void average_in_double(const bc_pooling *p, const float *image, float *output)
{
  for (int64_t q = 0; q < p->width.output; ++q)
    average_column(p, q, image, output);
}

/* A row of taps without gaps is a loop over neighbours. */
static void give_share(window flat, float share, float *image_gradient)
{
  for (int64_t r = 0; r < flat.rows; ++r) {
    float *const to = image_gradient + flat.first + r * flat.row_step;
    if (flat.column_step != 1) {
      for (int64_t s = 0; s < flat.columns; ++s)
        to[s * flat.column_step] += share;
      continue;
    }
#pragma omp simd
    for (int64_t s = 0; s < flat.columns; ++s)
      to[s] += share;
  }
}

INLINE void spread_singles(const bc_pooling *p, window row, bc_range columns,
                           const float *output_gradient, float *image_gradient)
{
  for (int64_t q = columns.begin; q < columns.end; ++q) {
    const window area = crossing(row, columns_of(p, q));
    give_share(flattened(area), output_gradient[q] / (float)divisor(p, area), image_gradient);
  }
}

/* Where a pixel is in several windows of a row, it is under the last tap of the first of them. */
INLINE void spread_inside(const bc_pooling *p, window row, int64_t step,
                          const float *output_gradient, float *image_gradient)
{
  enum { CHUNK = 256 };
  float shares[CHUNK];
  for (int64_t q = p->inside.begin; q < p->inside.end; q += CHUNK) {
    const int64_t n = bc_min(CHUNK, p->inside.end - q);
    for (int64_t j = 0; j < n; ++j)
      shares[j] = output_gradient[q + j] / (float)divisor(p, row);
    for (int64_t r = 0; r < row.rows; ++r)
      for (int64_t s = row.columns - 1; s >= 0; --s) {
        float *to = image_gradient + row.first + q * step + r * row.row_step + s * row.column_step;
#pragma omp simd
        for (int64_t j = 0; j < n; ++j)
          to[j * step] += shares[j];
      }
  }
}

INLINE void spread_rows(const bc_pooling *p, int64_t step, const float *output_gradient,
                        float *image_gradient)
{
  for (int64_t row = 0; row < p->height.output; ++row) {
    const window w = window_rows(p, row);
    const float *from = output_gradient + row * p->width.output;
    spread_singles(p, w, (bc_range){0, p->inside.begin}, from, image_gradient);
    spread_inside(p, w, step, from, image_gradient);
    spread_singles(p, w, (bc_range){p->inside.end, p->width.output}, from, image_gradient);
  }
}

static void spread_by_window(const bc_pooling *pooling, const float *output_gradient,
                             float *image_gradient)
{
  memset(image_gradient, 0,
         (size_t)(pooling->height.input * pooling->width.input) * sizeof *image_gradient);
  if (pooling->width.stride == 1)
    spread_rows(pooling, 1, output_gradient, image_gradient);
  else if (pooling->width.stride == 2)
    spread_rows(pooling, 2, output_gradient, image_gradient);
  else
    spread_rows(pooling, pooling->width.stride, output_gradient, image_gradient);
}

/* ---- windows that move by one pixel ---- */

/* Then a mean comes from the pixels around one, and a gradient from the shares around one: a sum
 * over rows of numbers with zeros left and right. Those rows that a window reaches are in a ring.
 */
enum { ROOM = 4096 };

typedef struct number_ring {
  float numbers[ROOM]; /* [rows][length] */
  int64_t rows, length;
  int64_t newest; /* of the rows */
  int64_t margin; /* zeros before the numbers; as many behind them and LANES more */
} number_ring;

/* A ring of zeros for rows of so many numbers, if there is room. */
static bool start_ring(const bc_pooling *p, int64_t columns, number_ring *ring)
{
  ring->rows = reach(&p->height);
  ring->newest = 0;
  ring->margin = reach(&p->width) - 1;
  ring->length = columns + 2 * ring->margin + LANES;
  if (ring->rows > ROOM / ring->length)
    return false;
  memset(ring->numbers, 0, (size_t)(ring->rows * ring->length) * sizeof *ring->numbers);
  return true;
}

/* The row that is so many before the newest. */
INLINE float *row_before(number_ring *ring, int64_t rows)
{
  const int64_t row = ring->newest - rows + (ring->newest < rows ? ring->rows : 0);
  return ring->numbers + row * ring->length + ring->margin;
}

/* What each output of a row of windows gives to their pixels. */
static void find_shares(const bc_pooling *p, int64_t output_row, const float *output_gradient,
                        float *shares)
{
  const window row = window_rows(p, output_row);
  const float *from = output_gradient + output_row * p->width.output;
  const float count = (float)bc_max(divisor(p, row), 1);
  for (int64_t q = skip(p->inside, 0); q < p->width.output; q = skip(p->inside, q + 1)) {
    const int64_t taps = divisor(p, crossing(row, columns_of(p, q)));
    shares[q] = from[q] / (float)bc_max(taps, 1);
  }
#pragma omp simd
  for (int64_t q = p->inside.begin; q < p->inside.end; ++q)
    shares[q] = from[q] / count;
}

/* What is summed: the image, or each output's share of its gradient. */
typedef enum numbers_of { IMAGE, SHARES } numbers_of;

/* Row `row` takes the place of the oldest; behind the last there are zeros. */
INLINE void push_row(const bc_pooling *p, numbers_of kind, int64_t row, const float *from,
                     number_ring *ring)
{
  const bc_axis *w = &p->width;
  const int64_t rows = kind == IMAGE ? p->height.input : p->height.output;
  const int64_t columns = kind == IMAGE ? w->input : w->output;
  ring->newest = ring->newest + 1 < ring->rows ? ring->newest + 1 : 0;
  float *const to = row_before(ring, 0);
  if (row >= rows)
    memset(to, 0, (size_t)columns * sizeof *to);
  else if (kind == IMAGE)
    memcpy(to, from + row * columns, (size_t)columns * sizeof *to);
  else
    find_shares(p, row, from, to);
}

INLINE floats add_three(floats sum, const float *from)
{
  return sum + whole(from) + whole(from + 1) + whole(from + 2);
}

INLINE bool is_nine(const bc_pooling *p)
{
  return p->height.kernel == 3 && p->width.kernel == 3 && p->width.dilation == 1;
}

/* Eight sums; rows[taps] are those of the window, the first begins at their element `column`. */
INLINE floats add_taps(const bc_pooling *p, bool nine, const float *const *rows, int64_t column)
{
  floats sum = {0};
  if (nine) {
    sum = add_three(sum, rows[0] + column);
    sum = add_three(sum, rows[1] + column);
    return add_three(sum, rows[2] + column);
  }
  for (int64_t r = 0; r < p->height.kernel; ++r)
    for (int64_t s = 0; s < p->width.kernel; ++s)
      sum += whole(rows[r] + column + s * p->width.dilation);
  return sum;
}

/* A row of `count` sums from element `first` of the rows on. For means they are divided by so many
 * rows of divisors[count + LANES], those of one row of taps. */
INLINE void put_sums(const bc_pooling *p, bool nine, const float *const *rows, int64_t first,
                     const float *divisors, float rows_inside, float *to, int64_t count)
{
  for (int64_t j = 0; j < count; j += LANES) {
    const int64_t column = bc_max(0, bc_min(j, count - LANES)); /* the last ones overlap */
    floats sum = add_taps(p, nine, rows, first + column);
    if (divisors != NULL)
      sum /= whole(divisors + column) * rows_inside;
    if (count >= LANES)
      store_whole(sum, to + column);
    else
      memcpy(to, &sum, (size_t)count * sizeof *to);
  }
}

/* [outputs + LANES], of which those near the edges have fewer taps. */
static void find_divisors(const bc_pooling *p, float *divisors)
{
  const int64_t columns = p->width.output;
  for (int64_t q = 0; q < columns + LANES; ++q)
    divisors[q] = (float)p->width.kernel;
  for (int64_t q = skip(p->inside, 0); !p->all_taps && q < columns; q = skip(p->inside, q + 1))
    divisors[q] = (float)bc_max(columns_of(p, q).taps, 1);
}

/* Of the windows of a row of outputs. */
static int64_t count_rows(const bc_pooling *p, int64_t output_row)
{
  const bc_axis *h = &p->height;
  if (p->all_taps)
    return h->kernel;
  return bc_max(bc_range_length(taps_inside(h, output_row - h->pad_begin)), 1);
}

/* Numbers of the image are summed where windows stand; shares where a pixel's windows stand, of
 * which the last begin at it. */
INLINE void sum_around(const bc_pooling *p, numbers_of kind, const float *from, number_ring *ring,
                       float *to)
{
  const bc_axis *h = &p->height, *w = &p->width;
  const bool mean = kind == IMAGE;
  const int64_t above = mean ? h->pad_begin : reach(h) - 1 - h->pad_begin;
  const int64_t left = mean ? w->pad_begin : reach(w) - 1 - w->pad_begin;
  const int64_t rows = mean ? h->output : h->input, columns = mean ? w->output : w->input;
  const float *met[BC_POOLING_FLOAT_TAPS];
  float divisors[ROOM + LANES];
  if (mean)
    find_divisors(p, divisors);
  for (int64_t row = 0, next = 0; row < rows; ++row, to += columns) {
    for (; next < row - above + ring->rows; ++next)
      push_row(p, kind, next, from, ring);
    for (int64_t r = 0; r < h->kernel; ++r)
      met[r] = row_before(ring, (h->kernel - 1 - r) * h->dilation);
    const float taps = mean ? (float)count_rows(p, row) : 1.0f;
    if (is_nine(p))
      put_sums(p, true, met, -left, mean ? divisors : NULL, taps, to, columns);
    else
      put_sums(p, false, met, -left, mean ? divisors : NULL, taps, to, columns);
  }
}

/* ---- all windows ---- */

static bool move_by_pixel(const bc_pooling *p)
{
  return p->height.stride == 1 && p->width.stride == 1 && sums_are_float(p);
}

static void average(const bc_pooling *pooling, const float *image, float *output)
{
  number_ring ring;
  if (!sums_are_float(pooling))
    average_in_double(pooling, image, output);
  else if (move_by_pixel(pooling) && start_ring(pooling, pooling->width.input, &ring))
    sum_around(pooling, IMAGE, image, &ring, output);
  else
    average_by_window(pooling, image, output);
}

static void spread(const bc_pooling *pooling, const float *output_gradient, float *image_gradient)
{
  number_ring ring;
  if (move_by_pixel(pooling) && start_ring(pooling, pooling->width.output, &ring))
    sum_around(pooling, SHARES, output_gradient, &ring, image_gradient);
  else
    spread_by_window(pooling, output_gradient, image_gradient);
}

const bc_average_pooling_kernels BC_FOR_VECTOR_ISA(bc_average_pooling_kernels) = {average, spread};
