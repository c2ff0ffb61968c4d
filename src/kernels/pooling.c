#include "pooling.h"

#include "kernels.h"
#include "runs.h"

#include <string.h>

/* Inlined with the step from one output column to the next as a constant, 1 or 2, loads become a
 * shuffle or none. */

/* Most dilations are 1, and a division takes longer than a small window. */
INLINE int64_t steps(int64_t pixels, int64_t dilation)
{
  return dilation == 1 ? pixels : pixels / dilation;
}

/* The taps that meet the image when tap 0 stands at `position`, which is before its end. */
INLINE bc_range taps_inside(const bc_axis *axis, int64_t position)
{
  const int64_t last = axis->input - 1 - position;
  if (position >= 0 && (axis->kernel - 1) * axis->dilation <= last)
    return (bc_range){0, axis->kernel};
  const int64_t begin = position >= 0 ? 0 : steps(axis->dilation - 1 - position, axis->dilation);
  const int64_t end = bc_min(axis->kernel, steps(last, axis->dilation) + 1);
  return (bc_range){bc_min(begin, end), end};
}

/* What of a window lies in the image: a grid of rows x columns pixels, maybe none. */
typedef struct window {
  int64_t first;         /* element of the image */
  int64_t rows, columns; /* taps */
  int64_t row_step;      /* elements from one row of taps to the next */
  int64_t column_step;
} window;

/* The windows of a row of outputs have their rows of taps in common. */
INLINE window window_rows(const bc_pooling *p, int64_t output_row)
{
  const bc_axis *h = &p->height, *w = &p->width;
  const int64_t top = output_row * h->stride - h->pad_begin;
  const bc_range rows = taps_inside(h, top);
  return (window){.first = (top + rows.begin * h->dilation) * w->input - w->pad_begin,
                  .rows = bc_range_length(rows),
                  .columns = w->kernel,
                  .row_step = h->dilation * w->input,
                  .column_step = w->dilation};
}

/* The window of one output of that row. */
INLINE window window_at(const bc_pooling *p, window row, int64_t output_column)
{
  const bc_axis *w = &p->width;
  const int64_t left = output_column * w->stride;
  const bc_range columns = taps_inside(w, left - w->pad_begin);
  row.first += left + columns.begin * w->dilation;
  row.columns = bc_range_length(columns);
  return row;
}

/* Rows that follow each other without a gap are one. */
INLINE window flattened(window area)
{
  if (area.row_step == area.columns * area.column_step) {
    area.columns *= area.rows;
    area.rows = 1;
  }
  return area;
}

/* What a sum is divided by; 0 only where there is nothing to sum. */
INLINE int64_t divisor(const bc_pooling *p, window area)
{
  return p->all_taps ? p->height.kernel * p->width.kernel : area.rows * area.columns;
}

/* The outputs of that row for which vectors will do. Dilated windows may have no pixels. */
INLINE bc_range vector_columns(const bc_pooling *p, window row)
{
  return row.rows > 0 ? p->inside : (bc_range){0, 0};
}

/* ---- maximum ---- */

INLINE void max_pair(window row, int64_t step, const float *image, pair at, float *output,
                     int32_t *winners)
{
  const int64_t low = row.first + at.low * step, high = row.first + at.high * step;
  floats best = load(image + low, image + high, step);
  ints tap = {0};
  for (int64_t r = 0; r < row.rows; ++r)
    for (int64_t s = 0; s < row.columns; ++s) {
      const int64_t offset = r * row.row_step + s * row.column_step;
      const floats next = load(image + low + offset, image + high + offset, step);
      const ints better = exceeds(next, best);
      best = (floats)select(better, (ints)next, (ints)best);
      if (winners)
        tap = select(better, splat(offset, offset), tap);
    }
  store(best, output, at);
  if (winners) {
    const ints lanes = {0, 1, 2, 3, 0, 1, 2, 3};
    store((floats)(tap + lanes * splat(step, step) + splat(low, high)), winners, at);
  }
}

/* Row by row, pixel by pixel. */
static int64_t max_of_few(window area, const float *image)
{
  int64_t best = area.first;
  float largest = image[best];
  for (int64_t r = 0; r < area.rows; ++r)
    for (int64_t s = 0; s < area.columns; ++s) {
      const int64_t place = area.first + r * area.row_step + s * area.column_step;
      if (!(image[place] <= largest) && largest == largest) {
        largest = image[place];
        best = place;
      }
    }
  return best;
}

/* The largest pixel of rows of LANES or more neighbours, or NaN; the last vector of a row overlaps
 * the one before. */
static float largest_of_many(window area, const float *image)
{
  floats best = join(image + area.first, image + area.first + RUN);
  for (int64_t r = 0; r < area.rows; ++r)
    for (int64_t s = 0; s < area.columns; s += LANES) {
      const float *at = image + area.first + r * area.row_step + bc_min(s, area.columns - LANES);
      const floats next = join(at, at + RUN);
      best = (floats)select(exceeds(next, best), (ints)next, (ints)best);
    }
  float largest = best[0];
  for (int lane = 1; lane < LANES; ++lane)
    largest = !(best[lane] <= largest) && largest == largest ? best[lane] : largest;
  return largest;
}

/* Two sweeps, each simple: what is the largest, and where is the first of them. */
static int64_t max_of_many(window area, const float *image)
{
  const float largest = largest_of_many(area, image);
  for (int64_t r = 0; r < area.rows; ++r) {
    const int64_t row = area.first + r * area.row_step;
    for (int64_t s = 0; s < area.columns; ++s)
      if (image[row + s] == largest || image[row + s] != image[row + s])
        return row + s;
  }
  return -1; /* for the compiler: it is somewhere */
}

static void max_single(window area, const float *image, float *output, int32_t *winner)
{
  const window flat = flattened(area);
  int64_t best = -1;
  if (flat.rows > 0 && flat.columns >= LANES && flat.column_step == 1)
    best = max_of_many(flat, image);
  else if (area.rows * area.columns > 0)
    best = max_of_few(area, image);
  *output = best < 0 ? -__builtin_inff() : image[best];
  if (winner)
    *winner = (int32_t)best;
}

static void max_singles(const bc_pooling *p, window row, bc_range columns, const float *image,
                        float *output, int32_t *winners)
{
  for (int64_t q = columns.begin; q < columns.end; ++q)
    max_single(window_at(p, row, q), image, output + q, winners ? winners + q : NULL);
}

INLINE void max_rows(const bc_pooling *p, int64_t step, const float *image, float *output,
                     int32_t *winners)
{
  for (int64_t row = 0; row < p->height.output; ++row) {
    const window w = window_rows(p, row);
    float *to = output + row * p->width.output;
    int32_t *places = winners ? winners + row * p->width.output : NULL;
    const bc_range inside = vector_columns(p, w);
    if (inside.begin > 0)
      max_singles(p, w, (bc_range){0, inside.begin}, image, to, places);
    for (int64_t q = inside.begin; q < inside.end; q += LANES)
      max_pair(w, step, image, pair_at(inside, q), to, places);
    if (inside.end < p->width.output)
      max_singles(p, w, (bc_range){inside.end, p->width.output}, image, to, places);
  }
}

static void max(const bc_pooling *pooling, const float *image, float *output)
{
  if (pooling->width.stride == 1)
    max_rows(pooling, 1, image, output, NULL);
  else if (pooling->width.stride == 2)
    max_rows(pooling, 2, image, output, NULL);
  else
    max_rows(pooling, pooling->width.stride, image, output, NULL);
}

static void max_winners(const bc_pooling *pooling, const float *image, float *output,
                        int32_t *winners)
{
  if (pooling->width.stride == 1)
    max_rows(pooling, 1, image, output, winners);
  else if (pooling->width.stride == 2)
    max_rows(pooling, 2, image, output, winners);
  else
    max_rows(pooling, pooling->width.stride, image, output, winners);
}

/* ---- average ---- */

INLINE void average_pair(window row, float count, int64_t step, const float *image, pair at,
                         float *output)
{
  const float *low = image + row.first + at.low * step;
  const float *high = image + row.first + at.high * step;
  floats sum = {0};
  for (int64_t r = 0; r < row.rows; ++r)
    for (int64_t s = 0; s < row.columns; ++s) {
      const int64_t offset = r * row.row_step + s * row.column_step;
      sum += load(low + offset, high + offset, step);
    }
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

/* In lanes of fixed number, so that the order is the same on every instruction set. */
INLINE double sum_large(window area, int64_t column_step, const float *image)
{
  enum { SUMS = 16 };
  double sums[SUMS] = {0};
  for (int64_t r = 0; r < area.rows; ++r) {
    const float *row = image + area.first + r * area.row_step;
    int64_t s = 0;
    for (; s + SUMS <= area.columns; s += SUMS)
      for (int lane = 0; lane < SUMS; ++lane)
        sums[lane] += (double)row[(s + lane) * column_step];
    for (int lane = 0; s < area.columns; ++s, ++lane)
      sums[lane] += (double)row[s * column_step];
  }
  for (int half = SUMS / 2; half > 0; half /= 2)
    for (int lane = 0; lane < half; ++lane)
      sums[lane] += sums[lane + half];
  return sums[0];
}

INLINE float average_single(const bc_pooling *p, window area, const float *image)
{
  if (area.rows * area.columns == 0)
    return 0.0f;
  if (p->height.kernel * p->width.kernel <= BC_POOLING_FLOAT_TAPS)
    return sum_small(area, image) / (float)divisor(p, area);
  const double sum =
      area.column_step == 1 ? sum_large(area, 1, image) : sum_large(area, area.column_step, image);
  return (float)(sum / (double)divisor(p, area));
}

INLINE void average_singles(const bc_pooling *p, window row, bc_range columns, const float *image,
                            float *output)
{
  for (int64_t q = columns.begin; q < columns.end; ++q)
    output[q] = average_single(p, window_at(p, row, q), image);
}

INLINE void average_rows(const bc_pooling *p, int64_t step, const float *image, float *output)
{
  const bool small = p->height.kernel * p->width.kernel <= BC_POOLING_FLOAT_TAPS;
  for (int64_t row = 0; row < p->height.output; ++row) {
    const window w = window_rows(p, row);
    const bc_range inside = small ? vector_columns(p, w) : (bc_range){0, 0};
    float *to = output + row * p->width.output;
    average_singles(p, w, (bc_range){0, inside.begin}, image, to);
    for (int64_t q = inside.begin; q < inside.end; q += LANES)
      average_pair(w, (float)divisor(p, w), step, image, pair_at(inside, q), to);
    average_singles(p, w, (bc_range){inside.end, p->width.output}, image, to);
  }
}

static void average(const bc_pooling *pooling, const float *image, float *output)
{
  if (pooling->width.stride == 1)
    average_rows(pooling, 1, image, output);
  else if (pooling->width.stride == 2)
    average_rows(pooling, 2, image, output);
  else
    average_rows(pooling, pooling->width.stride, image, output);
}

/* ---- the gradient of the average ---- */

INLINE void spread_singles(const bc_pooling *p, window row, bc_range columns,
                           const float *output_gradient, float *image_gradient)
{
  for (int64_t q = columns.begin; q < columns.end; ++q) {
    const window area = window_at(p, row, q);
    const float share = output_gradient[q] / (float)divisor(p, area);
    for (int64_t r = 0; r < area.rows; ++r)
      for (int64_t s = 0; s < area.columns; ++s)
        image_gradient[area.first + r * area.row_step + s * area.column_step] += share;
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

static void spread(const bc_pooling *pooling, const float *output_gradient, float *image_gradient)
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

/* ---- the gradient of the maximum ---- */

/* Winners are looked at before they are used: they may be any numbers. */
static void scatter(const bc_pooling *pooling, const float *output_gradient, const int32_t *winners,
                    float *image_gradient)
{
  const int64_t in_pixels = pooling->height.input * pooling->width.input;
  const int64_t out_pixels = pooling->height.output * pooling->width.output;
  memset(image_gradient, 0, (size_t)in_pixels * sizeof *image_gradient);
  for (int64_t i = 0; i < out_pixels; ++i)
    if (winners[i] >= 0 && winners[i] < in_pixels)
      image_gradient[winners[i]] += output_gradient[i];
}

const bc_pooling_kernels BC_FOR_VECTOR_ISA(bc_pooling_kernels) = {max, max_winners, average, spread,
                                                                  scatter};
