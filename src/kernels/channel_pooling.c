/* Pooling in NHWC: vectors of channels, which have their windows in common. */
#include "kernels.h"
#include "windows.h"

enum { TOGETHER = 4, PAIR = 2 /* vectors, for which a window is walked once */ };

/* Some channels: `count` whole vectors, or one that overlaps the vector before it, or has fewer
 * lanes if there are no more channels. */
typedef struct part {
  int64_t first, count, lanes;
  int64_t fresh; /* the first lane that no vector before has had */
} part;

INLINE part part_at(int64_t channels, int64_t channel)
{
  const int64_t vectors = (channels - channel) / LANES;
  if (vectors >= PAIR)
    return (part){channel, vectors >= TOGETHER ? TOGETHER : PAIR, LANES, 0};
  const int64_t first = bc_max(0, bc_min(channel, channels - LANES));
  return (part){first, 1, bc_min(LANES, channels), channel - first};
}

/* Floats, or the bits of integers; zeros behind them. */
INLINE floats load_lanes(const void *from, int64_t lanes)
{
  floats value = {0};
  if (lanes == LANES)
    return whole(from);
  memcpy(&value, from, (size_t)lanes * sizeof(float));
  return value;
}

INLINE void store_lanes(floats value, void *to, int64_t lanes)
{
  if (lanes == LANES)
    store_whole(value, to);
  else
    memcpy(to, &value, (size_t)lanes * sizeof(float));
}

/* A tap's pixel. */
INLINE int64_t place_of(window area, int64_t r, int64_t s)
{
  return area.first + r * area.row_step + s * area.column_step;
}

/* ---- maximum ---- */

INLINE void max_vectors(window area, int64_t channels, int64_t count, int64_t lanes,
                        const float *image, float *output, int32_t *winners)
{
  floats best[TOGETHER];
  ints places[TOGETHER];
  UNROLL for (int64_t v = 0; v < count; ++v)
  {
    best[v] = load_lanes(image + area.first * channels + v * LANES, lanes);
    places[v] = splat(area.first, area.first);
  }
  for (int64_t r = 0; r < area.rows; ++r)
    for (int64_t s = 0; s < area.columns; ++s) {
      const int64_t place = place_of(area, r, s);
      const float *const from = image + place * channels;
      UNROLL for (int64_t v = 0; v < count; ++v)
      {
        const floats next = load_lanes(from + v * LANES, lanes);
        const ints better = exceeds(next, best[v]);
        best[v] = (floats)select(better, (ints)next, (ints)best[v]);
        if (winners)
          places[v] = select(better, splat(place, place), places[v]);
      }
    }
  UNROLL for (int64_t v = 0; v < count; ++v)
  {
    store_lanes(best[v], output + v * LANES, lanes);
    if (winners)
      store_lanes((floats)places[v], winners + v * LANES, lanes);
  }
}

/* A window in pads alone. */
static void max_of_none(int64_t channels, float *output, int32_t *winners)
{
  for (int64_t c = 0; c < channels; ++c) {
    output[c] = -__builtin_inff();
    if (winners)
      winners[c] = -1;
  }
}

INLINE void max_pixel(window area, int64_t channels, const float *image, float *output,
                      int32_t *winners)
{
  if (area.rows * area.columns == 0) {
    max_of_none(channels, output, winners);
    return;
  }
  for (int64_t c = 0; c < channels;) {
    const part at = part_at(channels, c);
    int32_t *const marks = winners ? winners + at.first : NULL;
    if (at.count == TOGETHER)
      max_vectors(area, channels, TOGETHER, LANES, image + at.first, output + at.first, marks);
    else if (at.count == PAIR)
      max_vectors(area, channels, PAIR, LANES, image + at.first, output + at.first, marks);
    else
      max_vectors(area, channels, 1, at.lanes, image + at.first, output + at.first, marks);
    c = at.first + at.count * LANES;
  }
}

INLINE void max_rows(const bc_pooling *p, int64_t channels, bc_range rows, const float *image,
                     float *output, int32_t *winners)
{
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const window w = window_rows(p, row);
    for (int64_t q = 0; q < p->width.output; ++q) {
      const int64_t at = (row * p->width.output + q) * channels;
      max_pixel(crossing(w, columns_of(p, q)), channels, image, output + at,
                winners ? winners + at : NULL);
    }
  }
}

static void max(const bc_pooling *pooling, int64_t channels, bc_range rows, const float *image,
                float *output, int32_t *winners)
{
  if (winners)
    max_rows(pooling, channels, rows, image, output, winners);
  else
    max_rows(pooling, channels, rows, image, output, NULL);
}

/* ---- average ---- */

/* Adds the next vectors of a tap. */
INLINE void add_tap(int64_t count, int64_t lanes, const float *from, floats *sum)
{
  UNROLL for (int64_t v = 0; v < count; ++v) sum[v] += load_lanes(from + v * LANES, lanes);
}

/* Nine taps are written out: a loop of three takes as long as what is in it. */
INLINE void sum_taps(window area, int64_t channels, int64_t count, int64_t lanes,
                     const float *image, floats *sum)
{
  const int64_t down = area.row_step * channels, right = area.column_step * channels;
  const float *row = image + area.first * channels;
  if (area.rows == 3 && area.columns == 3) {
    UNROLL for (int64_t r = 0; r < 3; ++r, row += down)
    {
      add_tap(count, lanes, row, sum);
      add_tap(count, lanes, row + right, sum);
      add_tap(count, lanes, row + 2 * right, sum);
    }
    return;
  }
  for (int64_t r = 0; r < area.rows; ++r, row += down)
    for (int64_t s = 0; s < area.columns; ++s)
      add_tap(count, lanes, row + s * right, sum);
}

INLINE void mean_in_float(window area, int64_t channels, int64_t count, int64_t lanes,
                          const float *image, int64_t taps, float *output)
{
  floats sum[TOGETHER];
  UNROLL for (int64_t v = 0; v < count; ++v) sum[v] = (floats){0};
  sum_taps(area, channels, count, lanes, image, sum);
  UNROLL for (int64_t v = 0; v < count; ++v)
      store_lanes(sum[v] / (float)taps, output + v * LANES, lanes);
}

/* Pixels are walked in the order of memory, a few of a row at once. Compilers make better vectors
 * of a loop than of a conversion of vectors. */
static void mean_in_double(window area, int64_t channels, const float *image, int64_t taps,
                           float *output)
{
  enum { BLOCK = 512, PIXELS = 4 };
  const int64_t right = area.column_step * channels;
  for (int64_t c = 0; c < channels; c += BLOCK) {
    const int64_t n = bc_min(BLOCK, channels - c);
    double sums[BLOCK] = {0};
    for (int64_t r = 0; r < area.rows; ++r) {
      const float *from = image + (area.first + r * area.row_step) * channels + c;
      int64_t s = 0;
      for (; s + PIXELS <= area.columns; s += PIXELS, from += PIXELS * right)
#pragma omp simd
        for (int64_t i = 0; i < n; ++i)
          sums[i] += ((double)from[i] + (double)from[right + i]) +
                     ((double)from[2 * right + i] + (double)from[3 * right + i]);
      for (; s < area.columns; ++s, from += right)
#pragma omp simd
        for (int64_t i = 0; i < n; ++i)
          sums[i] += (double)from[i];
    }
    for (int64_t i = 0; i < n; ++i)
      output[c + i] = (float)(sums[i] / (double)taps);
  }
}

INLINE void mean_pixel(window area, int64_t channels, bool in_float, const float *image,
                       int64_t taps, float *output)
{
  if (!in_float) {
    mean_in_double(area, channels, image, taps, output);
    return;
  }
  for (int64_t c = 0; c < channels;) {
    const part at = part_at(channels, c);
    const float *const from = image + at.first;
    float *const to = output + at.first;
    if (at.count == TOGETHER)
      mean_in_float(area, channels, TOGETHER, LANES, from, taps, to);
    else if (at.count == PAIR)
      mean_in_float(area, channels, PAIR, LANES, from, taps, to);
    else
      mean_in_float(area, channels, 1, at.lanes, from, taps, to);
    c = at.first + at.count * LANES;
  }
}

static void average(const bc_pooling *p, int64_t channels, bc_range rows, const float *image,
                    float *output)
{
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const window w = window_rows(p, row);
    for (int64_t q = 0; q < p->width.output; ++q) {
      const window area = crossing(w, columns_of(p, q));
      mean_pixel(area, channels, sums_are_float(p), image, bc_max(divisor(p, area), 1),
                 output + (row * p->width.output + q) * channels);
    }
  }
}

/* ---- gradient of the maximum: each pixel's, from its windows in their order ---- */

/* What a pixel gets from some outputs [rows][columns]: the gradients of those whose winner it is.
 */
INLINE void won_vectors(window area, int64_t channels, int64_t count, int64_t lanes,
                        const float *output_gradient, const int32_t *winners, int64_t pixel,
                        float *to)
{
  floats sum[TOGETHER];
  UNROLL for (int64_t v = 0; v < count; ++v) sum[v] = (floats){0};
  for (int64_t r = 0; r < area.rows; ++r)
    for (int64_t s = 0; s < area.columns; ++s) {
      const int64_t at = place_of(area, r, s) * channels;
      UNROLL for (int64_t v = 0; v < count; ++v)
      {
        const floats gradient = load_lanes(output_gradient + at + v * LANES, lanes);
        const ints places = (ints)load_lanes(winners + at + v * LANES, lanes);
        sum[v] += (floats)((ints)gradient & (places == splat(pixel, pixel)));
      }
    }
  UNROLL for (int64_t v = 0; v < count; ++v) store_lanes(sum[v], to + v * LANES, lanes);
}

INLINE void won_pixel(window area, int64_t channels, const float *output_gradient,
                      const int32_t *winners, int64_t pixel, float *to)
{
  for (int64_t c = 0; c < channels;) {
    const part at = part_at(channels, c);
    const float *const from = output_gradient + at.first;
    const int32_t *const marks = winners + at.first;
    if (at.count == TOGETHER)
      won_vectors(area, channels, TOGETHER, LANES, from, marks, pixel, to + at.first);
    else if (at.count == PAIR)
      won_vectors(area, channels, PAIR, LANES, from, marks, pixel, to + at.first);
    else
      won_vectors(area, channels, 1, at.lanes, from, marks, pixel, to + at.first);
    c = at.first + at.count * LANES;
  }
}

static void scatter(const bc_pooling *p, int64_t channels, bc_range rows,
                    const float *output_gradient, const int32_t *winners, float *image_gradient)
{
  const int64_t columns = p->width.output;
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const bc_range h = bc_axis_outputs(&p->height, (bc_range){row, row + 1});
    for (int64_t x = 0; x < p->width.input; ++x) {
      const int64_t pixel = row * p->width.input + x;
      const bc_range w = bc_axis_outputs(&p->width, (bc_range){x, x + 1});
      const window area = {h.begin * columns + w.begin, bc_range_length(h), bc_range_length(w),
                           columns, 1};
      won_pixel(area, channels, output_gradient, winners, pixel, image_gradient + pixel * channels);
    }
  }
}

/* ---- gradient of the average ---- */

INLINE ints lanes_from(int64_t first)
{
  return (ints){0, 1, 2, 3, 4, 5, 6, 7} >= splat(first, first);
}

/* Adds shares of the output's gradient to the pixels of a window. */
INLINE void give_vectors(window area, int64_t channels, part at, int64_t count, int64_t lanes,
                         int64_t taps, const float *output_gradient, float *image_gradient)
{
  floats shares[TOGETHER];
  UNROLL for (int64_t v = 0; v < count; ++v)
  {
    shares[v] = load_lanes(output_gradient + v * LANES, lanes) / (float)taps;
    if (count == 1)
      shares[v] = (floats)((ints)shares[v] & lanes_from(at.fresh));
  }
  for (int64_t r = 0; r < area.rows; ++r)
    for (int64_t s = 0; s < area.columns; ++s) {
      float *const to = image_gradient + place_of(area, r, s) * channels;
      UNROLL for (int64_t v = 0; v < count; ++v)
          store_lanes(load_lanes(to + v * LANES, lanes) + shares[v], to + v * LANES, lanes);
    }
}

INLINE void give_pixel(window area, int64_t channels, int64_t taps, const float *output_gradient,
                       float *image_gradient)
{
  for (int64_t c = 0; c < channels;) {
    const part at = part_at(channels, c);
    const float *const from = output_gradient + at.first;
    float *const to = image_gradient + at.first;
    if (at.count == TOGETHER)
      give_vectors(area, channels, at, TOGETHER, LANES, taps, from, to);
    else if (at.count == PAIR)
      give_vectors(area, channels, at, PAIR, LANES, taps, from, to);
    else
      give_vectors(area, channels, at, 1, at.lanes, taps, from, to);
    c = at.first + at.count * LANES;
  }
}

/* Each window gives to its pixels in `rows`; a share is of all its pixels. Rows are cleared when a
 * window meets them first. */
static void spread(const bc_pooling *p, int64_t channels, bc_range rows,
                   const float *output_gradient, float *image_gradient)
{
  const int64_t row_elements = p->width.input * channels;
  const bc_axis *h = &p->height;
  const bc_range outputs = bc_axis_outputs(h, rows);
  int64_t cleared = rows.begin;
  for (int64_t row = outputs.begin; row < outputs.end; ++row) {
    const window w = window_rows(p, row), met = window_rows_within(p, row, rows);
    const int64_t end = bc_min(row * h->stride - h->pad_begin + reach(h), rows.end);
    cleared = clear_rows(row_elements, cleared, end, image_gradient);
    for (int64_t q = 0; q < p->width.output; ++q) {
      const window_columns columns = columns_of(p, q);
      const int64_t at = (row * p->width.output + q) * channels;
      give_pixel(crossing(met, columns), channels, bc_max(divisor(p, crossing(w, columns)), 1),
                 output_gradient + at, image_gradient);
    }
  }
  clear_rows(row_elements, cleared, rows.end, image_gradient);
}

const bc_channel_pooling_kernels BC_FOR_VECTOR_ISA(bc_channel_pooling_kernels) = {max, average,
                                                                                  scatter, spread};
