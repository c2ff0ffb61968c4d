/* Pooling by half: every pixel is in one window, so it is read once and written once. */
#include "kernels.h"
#include "pooling.h"
#include "runs.h"

#include <string.h>

/* The 2x2 windows of eight outputs. */
typedef struct corners {
  floats top_left, top_right, bottom_left, bottom_right;
} corners;

/* The image's columns at which the runs begin. */
INLINE pair doubled(pair at)
{
  return (pair){2 * at.low, 2 * at.high, false};
}

INLINE void load_row(const float *row, pair at, floats *left, floats *right)
{
  const floats a = join(row + at.low, row + at.high);
  const floats b = join(row + at.low + RUN, row + at.high + RUN);
  *left = __builtin_shufflevector(a, b, 0, 2, 8, 10, 4, 6, 12, 14);
  *right = __builtin_shufflevector(a, b, 1, 3, 9, 11, 5, 7, 13, 15);
}

INLINE void store_row(floats left, floats right, float *row, pair at)
{
  store(__builtin_shufflevector(left, right, 0, 8, 1, 9, 4, 12, 5, 13), row, at);
  store(__builtin_shufflevector(left, right, 2, 10, 3, 11, 6, 14, 7, 15), row + RUN, at);
}

INLINE corners load_corners(const float *row, int64_t width, pair at)
{
  corners c;
  load_row(row, at, &c.top_left, &c.top_right);
  load_row(row + width, at, &c.bottom_left, &c.bottom_right);
  return c;
}

INLINE void store_corners(corners c, float *row, int64_t width, pair at)
{
  store_row(c.top_left, c.top_right, row, at);
  store_row(c.bottom_left, c.bottom_right, row + width, at);
}

/* Where the top left corners of the windows stand, in an image row that begins at `row`. */
INLINE ints places_of(int64_t row, pair at)
{
  const ints lanes = {0, 2, 4, 6, 0, 2, 4, 6};
  return lanes + splat(row + at.low, row + at.high);
}

/* ---- maximum ---- */

typedef struct largest {
  floats value;
  ints tap;
} largest;

INLINE largest larger(largest first, largest second)
{
  const ints better = exceeds(second.value, first.value);
  return (largest){(floats)select(better, (ints)second.value, (ints)first.value),
                   select(better, second.tap, first.tap)};
}

INLINE void max_rows(const bc_pooling *p, const float *image, float *output, int32_t *winners)
{
  const int64_t width = p->width.input, columns = p->width.output;
  const ints right = splat(1, 1), below = splat(width, width);
  for (int64_t i = 0; i < p->height.output; ++i)
    for (int64_t q = 0; q < columns; q += LANES) {
      const pair at = pair_at((bc_range){0, columns}, q);
      const corners c = load_corners(image + 2 * i * width, width, doubled(at));
      const largest top = larger((largest){c.top_left, {0}}, (largest){c.top_right, right});
      const largest bottom =
          larger((largest){c.bottom_left, below}, (largest){c.bottom_right, below + right});
      const largest best = larger(top, bottom);
      store(best.value, output + i * columns, at);
      if (winners)
        store((floats)(best.tap + places_of(2 * i * width, doubled(at))), winners + i * columns,
              at);
    }
}

static void max(const bc_pooling *pooling, const float *image, float *output)
{
  max_rows(pooling, image, output, NULL);
}

static void max_winners(const bc_pooling *pooling, const float *image, float *output,
                        int32_t *winners)
{
  max_rows(pooling, image, output, winners);
}

/* ---- average ---- */

static void average(const bc_pooling *pooling, const float *image, float *output)
{
  const int64_t width = pooling->width.input, columns = pooling->width.output;
  for (int64_t i = 0; i < pooling->height.output; ++i)
    for (int64_t q = 0; q < columns; q += LANES) {
      const pair at = pair_at((bc_range){0, columns}, q);
      const corners c = load_corners(image + 2 * i * width, width, doubled(at));
      const floats sum = ((c.top_left + c.top_right) + c.bottom_left) + c.bottom_right;
      store(sum / 4.0f, output + i * columns, at);
    }
}

/* ---- gradients ---- */

/* What no window covers if extents are odd: the last column and the last row. */
static void clear_rest(const bc_pooling *pooling, float *image_gradient)
{
  const int64_t height = pooling->height.input, width = pooling->width.input;
  if (width % 2 != 0)
    for (int64_t row = 0; row < height; ++row)
      image_gradient[(row + 1) * width - 1] = 0.0f;
  if (height % 2 != 0)
    memset(image_gradient + (height - 1) * width, 0, (size_t)width * sizeof *image_gradient);
}

static void spread(const bc_pooling *pooling, const float *output_gradient, float *image_gradient)
{
  const int64_t width = pooling->width.input, columns = pooling->width.output;
  for (int64_t i = 0; i < pooling->height.output; ++i) {
    const float *from = output_gradient + i * columns;
    for (int64_t q = 0; q < columns; q += LANES) {
      const pair at = pair_at((bc_range){0, columns}, q);
      const floats share = join(from + at.low, from + at.high) / 4.0f;
      store_corners((corners){share, share, share, share}, image_gradient + 2 * i * width, width,
                    doubled(at));
    }
  }
  clear_rest(pooling, image_gradient);
}

/* The gradient where the winner stands at this place, else 0. */
INLINE floats won(floats gradient, ints winner, ints place)
{
  return (floats)((ints)gradient & (winner == place));
}

static void scatter(const bc_pooling *pooling, const float *output_gradient, const int32_t *winners,
                    float *image_gradient)
{
  const int64_t width = pooling->width.input, columns = pooling->width.output;
  const ints right = splat(1, 1), below = splat(width, width);
  for (int64_t i = 0; i < pooling->height.output; ++i) {
    const float *from = output_gradient + i * columns;
    const int32_t *by = winners + i * columns;
    for (int64_t q = 0; q < columns; q += LANES) {
      const pair at = pair_at((bc_range){0, columns}, q);
      const floats gradient = join(from + at.low, from + at.high);
      const ints winner = (ints)join(by + at.low, by + at.high);
      const ints place = places_of(2 * i * width, doubled(at));
      const corners c = {won(gradient, winner, place), won(gradient, winner, place + right),
                         won(gradient, winner, place + below),
                         won(gradient, winner, place + below + right)};
      store_corners(c, image_gradient + 2 * i * width, width, doubled(at));
    }
  }
  clear_rest(pooling, image_gradient);
}

const bc_max_pooling_kernels BC_FOR_VECTOR_ISA(bc_max_halving_kernels) = {max, max_winners,
                                                                          scatter};
const bc_average_pooling_kernels BC_FOR_VECTOR_ISA(bc_average_halving_kernels) = {average, spread};
