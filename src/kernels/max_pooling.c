/* The largest pixels of windows, and where the gradient goes to. */
#include "kernels.h"
#include "windows.h"

INLINE bool is_nine(window area)
{
  return area.rows == 3 && area.columns == 3 && area.column_step == 1;
}

/* Eight windows, or one in all lanes: their largest pixels, and under which taps these are. */
typedef struct largest_pixels {
  floats values;
  ints taps; /* elements of the image behind that under tap 0; winners alone need them */
} largest_pixels;

INLINE largest_pixels larger(largest_pixels first, largest_pixels second, bool winners)
{
  const ints better = exceeds(second.values, first.values);
  return (largest_pixels){(floats)select(better, (ints)second.values, (ints)first.values),
                          winners ? select(better, second.taps, first.taps) : first.taps};
}

INLINE largest_pixels pixels_at(const float *image, int64_t tap, pair at, int64_t step)
{
  return (largest_pixels){load(image + tap, at, step), splat(tap, tap)};
}

/* Three taps from `tap` on. */
INLINE largest_pixels largest_of_three(const float *image, int64_t tap, pair at, int64_t step,
                                       bool winners)
{
  const three_taps taps = load_three(image + tap, at, step);
  const largest_pixels first = {taps.first, splat(tap, tap)};
  const largest_pixels second = {taps.second, splat(tap + 1, tap + 1)};
  const largest_pixels third = {taps.third, splat(tap + 2, tap + 2)};
  return larger(larger(first, second, winners), third, winners);
}

/* Windows of 3x3 taps, row by row, since a vector waits for the one that it is compared with. */
INLINE largest_pixels largest_of_nine(window row, const float *first, pair at, int64_t step,
                                      bool winners)
{
  const largest_pixels top = largest_of_three(first, 0, at, step, winners);
  const largest_pixels middle = largest_of_three(first, row.row_step, at, step, winners);
  const largest_pixels bottom = largest_of_three(first, 2 * row.row_step, at, step, winners);
  const largest_pixels best = larger(larger(top, middle, winners), bottom, winners);
  return (largest_pixels){put_in_order(best.values, at, step),
                          (ints)put_in_order((floats)best.taps, at, step)};
}

INLINE largest_pixels largest_of_any(window row, const float *first, pair at, int64_t step,
                                     bool winners)
{
  largest_pixels best = pixels_at(first, 0, at, step);
  for (int64_t r = 0; r < row.rows; ++r)
    for (int64_t s = 0; s < row.columns; ++s)
      best =
          larger(best, pixels_at(first, r * row.row_step + s * row.column_step, at, step), winners);
  return best;
}

INLINE void max_pair(window row, bool nine, int64_t step, const float *image, pair at,
                     float *output, int32_t *winners)
{
  const bool mark = winners != NULL;
  const float *const first = image + row.first;
  const largest_pixels best = nine ? largest_of_nine(row, first, at, step, mark)
                                   : largest_of_any(row, first, at, step, mark);
  store(best.values, output, at);
  if (mark) {
    const ints lanes = {0, 1, 2, 3, 0, 1, 2, 3};
    const int64_t low = row.first + at.low * step, high = row.first + at.high * step;
    store((floats)(best.taps + lanes * splat(step, step) + splat(low, high)), winners, at);
  }
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

INLINE void max_single(window area, const float *image, float *output, int32_t *winner)
{
  const window flat = flattened(area);
  int64_t best = -1;
  if (flat.rows > 0 && flat.columns >= LANES && flat.column_step == 1) {
    best = max_of_many(flat, image);
    *output = image[best];
  } else if (area.rows * area.columns > 0) {
    /* In lanes that are all the same, since branches would go either way. */
    const pair same = {0, 0, false};
    const largest_pixels few = largest_of_any(area, image + area.first, same, 0, winner != NULL);
    best = area.first + few.taps[0];
    *output = few.values[0];
  } else {
    *output = -__builtin_inff();
  }
  if (winner)
    *winner = (int32_t)best;
}

INLINE void max_inside(window row, bc_range inside, int64_t step, const float *image, float *output,
                       int32_t *winners)
{
  if (bc_range_length(inside) < LANES)
    for (int64_t q = inside.begin; q < inside.end; q += LANES)
      max_pair(row, false, step, image, pair_at(inside, q), output, winners);
  else if (is_nine(row))
    for (int64_t q = inside.begin; q < inside.end; q += LANES)
      max_pair(row, true, step, image, neighbours_at(inside, q), output, winners);
  else
    for (int64_t q = inside.begin; q < inside.end; q += LANES)
      max_pair(row, false, step, image, neighbours_at(inside, q), output, winners);
}

/* Windows of rows that all lie in pads are empty. */
INLINE void max_of_none(bc_range inside, float *output, int32_t *winners)
{
  for (int64_t q = inside.begin; q < inside.end; ++q) {
    output[q] = -__builtin_inff();
    if (winners)
      winners[q] = -1;
  }
}

/* Eight windows below each other, `down` elements apart. */
INLINE void max_below(const bc_pooling *p, window area, const float *image, float *output,
                      int32_t *winners)
{
  const int64_t down = p->height.stride * p->width.input;
  const pair all = {0, RUN, false};
  const float *const first = image + area.first;
  const largest_pixels best = largest_of_any(area, first, all, down, winners != NULL);
  for (int lane = 0; lane < LANES; ++lane) {
    output[lane * p->width.output] = best.values[lane];
    if (winners)
      winners[lane * p->width.output] = (int32_t)(area.first + lane * down) + best.taps[lane];
  }
}

/* Rows of outputs whose windows cross neither the upper nor the lower edge, if they are enough. */
static bc_range rows_inside(const bc_axis *height)
{
  if (height->output < LANES)
    return (bc_range){0, 0};
  const bc_range inside = {bc_axis_inside(height, 0).begin,
                           bc_axis_inside(height, height->kernel - 1).end};
  return bc_range_length(inside) >= LANES ? inside : (bc_range){0, 0};
}

/* A column of outputs near an edge, whose windows are cut off alike. */
INLINE void max_column(const bc_pooling *p, int64_t column, const float *image, float *output,
                       int32_t *winners)
{
  const window_columns columns = columns_of(p, column);
  const bc_range inside = columns.taps > 0 ? rows_inside(&p->height) : (bc_range){0, 0};
  for (int64_t row = inside.begin; row < inside.end; row += LANES) {
    const int64_t first = bc_min(row, inside.end - LANES), i = first * p->width.output + column;
    max_below(p, crossing(window_rows(p, first), columns), image, output + i,
              winners ? winners + i : NULL);
  }
  for (int64_t row = skip(inside, 0); row < p->height.output; row = skip(inside, row + 1)) {
    const int64_t i = row * p->width.output + column;
    max_single(crossing(window_rows(p, row), columns), image, output + i,
               winners ? winners + i : NULL);
  }
}

INLINE void max_by_step(const bc_pooling *p, int64_t step, const float *image, float *output,
                        int32_t *winners)
{
  for (int64_t row = 0; row < p->height.output; ++row) {
    const window w = window_rows(p, row);
    float *to = output + row * p->width.output;
    int32_t *places = winners ? winners + row * p->width.output : NULL;
    if (w.rows > 0)
      max_inside(w, p->inside, step, image, to, places);
    else
      max_of_none(p->inside, to, places);
  }
  for (int64_t q = skip(p->inside, 0); q < p->width.output; q = skip(p->inside, q + 1))
    max_column(p, q, image, output, winners);
}

INLINE void max_all(const bc_pooling *p, const float *image, float *output, int32_t *winners)
{
  if (!BC_IS_SMALL && p->width.stride == 1)
    max_by_step(p, 1, image, output, winners);
  else if (!BC_IS_SMALL && p->width.stride == 2)
    max_by_step(p, 2, image, output, winners);
  else
    max_by_step(p, p->width.stride, image, output, winners);
}

static void max(const bc_pooling *pooling, const float *image, float *output)
{
  max_all(pooling, image, output, NULL);
}

static void max_winners(const bc_pooling *pooling, const float *image, float *output,
                        int32_t *winners)
{
  max_all(pooling, image, output, winners);
}

/* ---- the gradient ---- */

/* Rows are cleared when a window meets them first: they come from memory while others are added to.
 * Winners are looked at before they are used, for they may be any numbers; those outside of the
 * rows of their windows are dropped. */
static void scatter(const bc_pooling *pooling, const float *output_gradient, const int32_t *winners,
                    float *image_gradient)
{
  const bc_axis *h = &pooling->height;
  const int64_t width = pooling->width.input, outputs = pooling->width.output;
  int64_t cleared = 0;
  for (int64_t row = 0; row < h->output; ++row, winners += outputs, output_gradient += outputs) {
    const int64_t top = row * h->stride - h->pad_begin;
    const int64_t begin = bc_max(top, 0);
    const int64_t end = bc_min(top + reach(h), h->input);
    cleared = clear_rows(width, cleared, end, image_gradient);
    const uint32_t first = (uint32_t)(begin * width), count = (uint32_t)((end - begin) * width);
    for (int64_t q = 0; q < outputs; ++q)
      if ((uint32_t)winners[q] - first < count)
        image_gradient[winners[q]] += output_gradient[q];
  }
  clear_rows(width, cleared, h->input, image_gradient);
}

const bc_max_pooling_kernels BC_FOR_VECTOR_ISA(bc_max_pooling_kernels) = {max, max_winners,
                                                                          scatter};
