/* Pooling in NHWC: vectors of channels, which have their windows in common. */
#include "kernels.h"
#include "windows.h"

enum { TOGETHER = 4 /* vectors, for which a window is walked once */ };

/* Some channels: `count` whole vectors, or one that overlaps the vector before it, or has fewer
 * lanes if there are no more channels. */
typedef struct part {
  int64_t first, count, lanes;
  int64_t fresh; /* the first lane that no vector before has had */
} part;

INLINE part part_at(int64_t channels, int64_t channel)
{
  if (channels - channel >= (int64_t)TOGETHER * LANES)
    return (part){channel, TOGETHER, LANES, 0};
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
    if (at.count > 1)
      max_vectors(area, channels, TOGETHER, LANES, image + at.first, output + at.first, marks);
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

INLINE void mean_in_float(window area, int64_t channels, int64_t count, int64_t lanes,
                          const float *image, int64_t taps, float *output)
{
  floats sum[TOGETHER];
  UNROLL for (int64_t v = 0; v < count; ++v) sum[v] = (floats){0};
  for (int64_t r = 0; r < area.rows; ++r)
    for (int64_t s = 0; s < area.columns; ++s) {
      const float *const from = image + place_of(area, r, s) * channels;
      UNROLL for (int64_t v = 0; v < count; ++v) sum[v] += load_lanes(from + v * LANES, lanes);
    }
  UNROLL for (int64_t v = 0; v < count; ++v)
      store_lanes(sum[v] / (float)taps, output + v * LANES, lanes);
}

/* Compilers make better vectors of a loop than of a conversion of vectors. */
static void mean_in_double(window area, int64_t channels, int64_t lanes, const float *image,
                           int64_t taps, float *output)
{
  double sums[TOGETHER * LANES] = {0};
  for (int64_t r = 0; r < area.rows; ++r)
    for (int64_t s = 0; s < area.columns; ++s) {
      const float *const from = image + place_of(area, r, s) * channels;
#pragma omp simd
      for (int64_t lane = 0; lane < lanes; ++lane)
        sums[lane] += (double)from[lane];
    }
  for (int64_t lane = 0; lane < lanes; ++lane)
    output[lane] = (float)(sums[lane] / (double)taps);
}

INLINE void mean_pixel(window area, int64_t channels, bool in_float, const float *image,
                       int64_t taps, float *output)
{
  for (int64_t c = 0; c < channels;) {
    const part at = part_at(channels, c);
    const float *const from = image + at.first;
    float *const to = output + at.first;
    if (!in_float)
      mean_in_double(area, channels, at.count * at.lanes, from, taps, to);
    else if (at.count > 1)
      mean_in_float(area, channels, TOGETHER, LANES, from, taps, to);
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

/* ---- gradients ---- */

INLINE ints lanes_from(int64_t first)
{
  return (ints){0, 1, 2, 3, 4, 5, 6, 7} >= splat(first, first);
}

/* Adds shares of the output's gradient to the pixels of a window; or all of it, where they are
 * winners. */
INLINE void give_vectors(window area, int64_t channels, part at, int64_t count, int64_t lanes,
                         int64_t taps, const float *output_gradient, const int32_t *winners,
                         float *image_gradient)
{
  floats shares[TOGETHER];
  ints places[TOGETHER];
  UNROLL for (int64_t v = 0; v < count; ++v)
  {
    const floats gradient = load_lanes(output_gradient + v * LANES, lanes);
    shares[v] = winners ? gradient : gradient / (float)taps;
    if (winners)
      places[v] = (ints)load_lanes(winners + v * LANES, lanes);
    if (count == 1)
      shares[v] = (floats)((ints)shares[v] & lanes_from(at.fresh));
  }
  for (int64_t r = 0; r < area.rows; ++r)
    for (int64_t s = 0; s < area.columns; ++s) {
      const int64_t place = place_of(area, r, s);
      float *const to = image_gradient + place * channels;
      UNROLL for (int64_t v = 0; v < count; ++v)
      {
        const floats share =
            winners ? (floats)((ints)shares[v] & (places[v] == splat(place, place))) : shares[v];
        store_lanes(load_lanes(to + v * LANES, lanes) + share, to + v * LANES, lanes);
      }
    }
}

INLINE void give_pixel(window area, int64_t channels, int64_t taps, const float *output_gradient,
                       const int32_t *winners, float *image_gradient)
{
  for (int64_t c = 0; c < channels;) {
    const part at = part_at(channels, c);
    const float *const from = output_gradient + at.first;
    const int32_t *const marks = winners ? winners + at.first : NULL;
    float *const to = image_gradient + at.first;
    if (at.count > 1)
      give_vectors(area, channels, at, TOGETHER, LANES, taps, from, marks, to);
    else
      give_vectors(area, channels, at, 1, at.lanes, taps, from, marks, to);
    c = at.first + at.count * LANES;
  }
}

/* Each window gives to its pixels in `rows`; a mean's shares are of all its pixels. Rows are
 * cleared when a window meets them first. */
INLINE void give_rows(const bc_pooling *p, int64_t channels, bc_range rows,
                      const float *output_gradient, const int32_t *winners, float *image_gradient)
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
                 output_gradient + at, winners ? winners + at : NULL, image_gradient);
    }
  }
  clear_rows(row_elements, cleared, rows.end, image_gradient);
}

static void scatter(const bc_pooling *pooling, int64_t channels, bc_range rows,
                    const float *output_gradient, const int32_t *winners, float *image_gradient)
{
  give_rows(pooling, channels, rows, output_gradient, winners, image_gradient);
}

static void spread(const bc_pooling *pooling, int64_t channels, bc_range rows,
                   const float *output_gradient, float *image_gradient)
{
  give_rows(pooling, channels, rows, output_gradient, NULL, image_gradient);
}

const bc_channel_pooling_kernels BC_FOR_VECTOR_ISA(bc_channel_pooling_kernels) = {max, average,
                                                                                  scatter, spread};
