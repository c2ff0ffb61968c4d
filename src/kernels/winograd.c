#include "winograd.h"

#include "kernels.h"

#include "vectors.h"

/* The points of an axis: 0, infinity, and pairs +p, -p. Chosen by their error, see
 * docs/algorithms.md: 1 for four points; the roots of 1/2 and 2 for six; 1/2, 1 and 2 for eight.
 * Pairs are numbered from 1 on. */
enum { MOST_PAIRS = 3, FOUR = 4, SIX = 6 };

#define ROOT_2 0x1.6a09e667f3bcdp+0

INLINE double point(int64_t points, int64_t pair)
{
  if (points == FOUR)
    return 1.0;
  if (points == SIX)
    return pair == 1 ? ROOT_2 / 2 : ROOT_2;
  return pair == 1 ? 0.5 : pair == 2 ? 1.0 : 2.0;
}

/* p^2: exact, where the product of roots would not be. */
INLINE double square(int64_t points, int64_t pair)
{
  if (points == SIX)
    return pair == 1 ? 0.5 : 2.0;
  return point(points, pair) * point(points, pair);
}

/* Coefficient number `power` of the product of (y - p^2) over all pairs but `without`; y is x^2. */
INLINE double product_of_pairs(int64_t points, int64_t without, int64_t power)
{
  double product[MOST_PAIRS + 1] = {1.0};
  UNROLL for (int64_t pair = 1; pair < points / 2; ++pair)
  {
    if (pair == without)
      continue;
    UNROLL for (int64_t i = MOST_PAIRS; i >= 0; --i) product[i] =
        (i > 0 ? product[i - 1] : 0.0) - square(points, pair) * product[i];
  }
  return product[power];
}

/* What a filter's value at +p and -p is divided by: the product of the distances to the other
 * points. `pair` 0: the same for 0. */
INLINE double distances(int64_t points, int64_t pair)
{
  double product = pair == 0 ? 1.0 : 2.0 * square(points, pair);
  UNROLL for (int64_t other = 1; other < points / 2; ++other) if (other != pair) product *=
      (pair == 0 ? 0.0 : square(points, pair)) - square(points, other);
  return product;
}

INLINE double power_of(double x, int64_t n)
{
  double power = 1.0;
  UNROLL for (int64_t i = 0; i < n; ++i) power *= x;
  return power;
}

/* Every one-dimensional transform comes in groups of two values: group 0 is of the points 0 and
 * infinity, group g of those of pair g. An axis without taps has one point, and nothing to do. */
INLINE int64_t count_groups(int64_t points)
{
  return (points + 1) / 2;
}

/* What results meet, [points]: for each point, the product of (x - q) over the other points q, as
 * a row of coefficients. */
INLINE void spread_source(int64_t points, int64_t group, const floats *d, floats *first,
                          floats *second)
{
  floats even = {0}, odd = {0};
  if (points == 1) {
    *first = d[0];
    return;
  }
  const int64_t shift = group == 0 ? 0 : 1, terms = points / 2 - shift;
  UNROLL for (int64_t i = 0; i < terms; ++i)
  {
    const float factor = (float)product_of_pairs(points, group, i);
    const floats a = d[2 * (i + shift)], b = d[2 * i + 1];
    even = i == 0 ? factor * a : even + (factor == 1.0f ? a : factor * a);
    odd = i == 0 ? factor * b : odd + (factor == 1.0f ? b : factor * b);
  }
  if (group == 0) {
    *first = even;
    *second = odd;
    return;
  }
  const float p = (float)point(points, group);
  *first = even + p * odd;
  *second = even - p * odd;
}

/* The values of a polynomial of `count` coefficients g, over the distances. */
INLINE void spread_polynomial(int64_t points, int64_t count, int64_t group, const floats *g,
                              floats *first, floats *second)
{
  floats even = {0}, odd = {0};
  if (points == 1) {
    *first = g[0];
    return;
  }
  const double scale = 1.0 / distances(points, group);
  if (group == 0) {
    *first = (float)scale * g[0];
    *second = g[count - 1];
    return;
  }
  UNROLL for (int64_t i = 0; i < count; i += 2)
  {
    const float factor = (float)(scale * power_of(square(points, group), i / 2));
    even = i == 0 ? factor * g[i] : even + factor * g[i];
  }
  UNROLL for (int64_t i = 1; i < count; i += 2)
  {
    const double p = point(points, group);
    const float factor = (float)(scale * p * power_of(square(points, group), i / 2));
    odd = i == 1 ? factor * g[i] : odd + factor * g[i];
  }
  *first = even + odd;
  *second = even - odd;
}

/* Adds what two points give to the `count` results y of an axis: the groups in order. */
INLINE void collect_pair(int64_t points, int64_t count, int64_t group, floats first, floats second,
                         floats *y)
{
  if (points == 1) {
    y[0] = first;
    return;
  }
  if (group == 0) {
    y[0] = first;
    y[count - 1] = second;
    return;
  }
  const floats sum = first + second, difference = first - second;
  UNROLL for (int64_t i = 0; i < count; ++i)
  {
    const double p = i % 2 == 0 ? 1.0 : point(points, group);
    const float factor = (float)(p * power_of(square(points, group), i / 2));
    const floats part = i % 2 == 0 ? sum : difference;
    const floats term = factor == 1.0f ? part : factor * part;
    y[i] = group == 1 && i > 0 && i < count - 1 ? term : y[i] + term;
  }
}

/* What is spread: what results meet, or coefficients, so many. */
enum { SOURCE = 0 };

INLINE void spread_pair(int64_t points, int64_t count, int64_t group, const floats *elements,
                        floats *first, floats *second)
{
  if (count == SOURCE)
    spread_source(points, group, elements, first, second);
  else
    spread_polynomial(points, count, group, elements, first, second);
}

/* The values of a row of the tile, at the points of the width. */
INLINE void spread_row(int64_t points, int64_t count, const floats *row, int64_t point_step,
                       float *to)
{
  UNROLL for (int64_t group = 0; group < count_groups(points); ++group)
  {
    floats first, second = {0};
    spread_pair(points, count, group, row, &first, &second);
    store(first, to + 2 * group * point_step);
    if (points > 1)
      store(second, to + (2 * group + 1) * point_step);
  }
}

/* Column by column, then row by row: a group's two rows at a time, so that both stay in
 * registers. */
INLINE void spread(int64_t height, int64_t rows, int64_t width, int64_t columns,
                   const bc_winograd_spread *tile)
{
  const int64_t tile_rows = rows == SOURCE ? height : rows;
  const int64_t tile_columns = columns == SOURCE ? width : columns;
  const int64_t point_step = tile->point_step;
  for (int64_t v = 0; v < tile->vectors; ++v) {
    const int64_t offset = v * tile->element_step;
    float *to = tile->values + v * tile->value_step;
    UNROLL for (int64_t group = 0; group < count_groups(height); ++group)
    {
      floats first[BC_MOST_POINTS], second[BC_MOST_POINTS], column[BC_MOST_POINTS];
      UNROLL for (int64_t j = 0; j < tile_columns; ++j)
      {
        UNROLL for (int64_t i = 0; i < tile_rows; ++i) column[i] =
            load(tile->elements[i * tile_columns + j] + offset);
        spread_pair(height, rows, group, column, &first[j], &second[j]);
      }
      spread_row(width, columns, first, point_step, to + 2 * group * width * point_step);
      if (height > 1)
        spread_row(width, columns, second, point_step, to + (2 * group + 1) * width * point_step);
    }
  }
}

INLINE void collect_row(int64_t points, int64_t count, const float *from, int64_t point_step,
                        floats *y)
{
  UNROLL for (int64_t group = 0; group < count_groups(points); ++group)
  {
    const floats first = load(from + 2 * group * point_step);
    const floats second = points > 1 ? load(from + (2 * group + 1) * point_step) : first;
    collect_pair(points, count, group, first, second, y);
  }
}

INLINE void collect(int64_t height, int64_t rows, int64_t width, int64_t columns,
                    const bc_winograd_collect *tile)
{
  const int64_t point_step = tile->point_step;
  for (int64_t v = 0; v < tile->vectors; ++v) {
    const float *from = tile->values + v * tile->value_step;
    floats sums[BC_MOST_POINTS][BC_MOST_POINTS]; /* [column][row] */
    UNROLL for (int64_t group = 0; group < count_groups(height); ++group)
    {
      floats first[BC_MOST_POINTS], second[BC_MOST_POINTS];
      collect_row(width, columns, from + 2 * group * width * point_step, point_step, first);
      if (height > 1)
        collect_row(width, columns, from + (2 * group + 1) * width * point_step, point_step,
                    second);
      UNROLL for (int64_t j = 0; j < columns; ++j)
          collect_pair(height, rows, group, first[j], height > 1 ? second[j] : first[j], sums[j]);
    }
    UNROLL for (int64_t i = 0; i < rows; ++i)
    {
      UNROLL for (int64_t j = 0; j < columns; ++j)
          store(sums[j][i], tile->elements[i * columns + j] + v * tile->element_step);
    }
  }
}

/* The transforms for m x n results of r x s taps. */
#define TRANSFORMS(m, r, n, s)                                                                     \
  static void sources_##m##r##n##s(const bc_winograd_spread *tile)                                 \
  {                                                                                                \
    spread((m) + (r)-1, SOURCE, (n) + (s)-1, SOURCE, tile);                                        \
  }                                                                                                \
  static void filters_##m##r##n##s(const bc_winograd_spread *tile)                                 \
  {                                                                                                \
    spread((m) + (r)-1, r, (n) + (s)-1, s, tile);                                                  \
  }                                                                                                \
  static void results_##m##r##n##s(const bc_winograd_collect *tile)                                \
  {                                                                                                \
    collect((m) + (r)-1, m, (n) + (s)-1, n, tile);                                                 \
  }                                                                                                \
  static void gradients_##m##r##n##s(const bc_winograd_spread *tile)                               \
  {                                                                                                \
    spread((m) + (r)-1, m, (n) + (s)-1, n, tile);                                                  \
  }                                                                                                \
  static void sums_##m##r##n##s(const bc_winograd_collect *tile)                                   \
  {                                                                                                \
    collect((m) + (r)-1, r, (n) + (s)-1, s, tile);                                                 \
  }

#define ROW(m, r, n, s)                                                                            \
  {                                                                                                \
    .height = {m, r, (m) + (r)-1}, .width = {n, s, (n) + (s)-1}, .sources = sources_##m##r##n##s,  \
    .filters = filters_##m##r##n##s, .results = results_##m##r##n##s,                              \
    .gradients = gradients_##m##r##n##s, .sums = sums_##m##r##n##s                                 \
  }

TRANSFORMS(4, 3, 4, 3)
TRANSFORMS(2, 3, 2, 3)
TRANSFORMS(4, 3, 1, 1)
TRANSFORMS(1, 1, 4, 3)
TRANSFORMS(2, 5, 2, 5)
TRANSFORMS(2, 7, 1, 1)
TRANSFORMS(1, 1, 2, 7)

static const bc_winograd_transforms transforms[] = {
    ROW(4, 3, 4, 3), ROW(2, 3, 2, 3), ROW(4, 3, 1, 1), ROW(1, 1, 4, 3),
    ROW(2, 5, 2, 5), ROW(2, 7, 1, 1), ROW(1, 1, 2, 7)};

const bc_winograd_kernels BC_FOR_ISA(bc_winograd_kernels) = {.lanes = BC_VECTOR_LANES,
                                                             .count = sizeof transforms /
                                                                      sizeof *transforms,
                                                             .transforms = transforms};
