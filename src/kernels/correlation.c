/* Sums of products of lines, for the weight gradient. */
#include "lanes.h"

/* Sums of the taps: members instead of an array, so that compilers keep them in registers. */
typedef struct nine {
  floats a, b, c, d, e, f, g, h, i;
} nine;

INLINE floats product(bool partly, floats mask, floats gradient, const float *source)
{
  const floats x = load(source);
  return gradient * (partly ? masked(x, (ints)mask) : x);
}

/* Adds the products of a vector; if only `partly`, those in the mask, whatever the others are. */
INLINE void add_products(bool partly, floats mask, const int64_t *offsets, floats gradient,
                         const float *source, nine *sums)
{
  if (partly)
    gradient = masked(gradient, (ints)mask);
  sums->a += product(partly, mask, gradient, source + offsets[0]);
  sums->b += product(partly, mask, gradient, source + offsets[1]);
  sums->c += product(partly, mask, gradient, source + offsets[2]);
  sums->d += product(partly, mask, gradient, source + offsets[3]);
  sums->e += product(partly, mask, gradient, source + offsets[4]);
  sums->f += product(partly, mask, gradient, source + offsets[5]);
  sums->g += product(partly, mask, gradient, source + offsets[6]);
  sums->h += product(partly, mask, gradient, source + offsets[7]);
  sums->i += product(partly, mask, gradient, source + offsets[8]);
}

/* Adds those of the taps that there are to their sums. */
INLINE void add_to_sums(const bc_correlation *c, const nine *p, float *sums)
{
  const floats all[BC_DEPTHWISE_MOST_TAPS] = {p->a, p->b, p->c, p->d, p->e, p->f, p->g, p->h, p->i};
  for (int64_t tap = 0; tap < c->taps; ++tap)
    store(load(sums + tap * c->sums_step) + all[tap], sums + tap * c->sums_step);
}

INLINE void correlate_map(const bc_correlation *c, const float *source, const float *gradient,
                          float *sums)
{
  const int64_t n = c->elements, whole = n - n % LANES, last = bc_max(0, n - LANES);
  const floats ones = (floats)((ints){0} == (ints){0}), none = {0};
  const floats mask = whole == 0 ? keep(ones, 0, n) : keep(ones, whole - last, LANES);
  const float *end = gradient + (c->lines - 1) * c->gradient_step + n;
  nine p = {0};
  for (int64_t line = 0; line < c->lines; ++line) {
    const float *from = source + line * c->line_step, *g = gradient + line * c->gradient_step;
    for (int64_t x = 0; x < n; x += CACHE_LINE)
      __builtin_prefetch(g + c->next_gradient + x, 0, 2);
    for (int64_t x = 0; x < whole; x += LANES)
      add_products(false, none, c->offsets, load(g + x), from + x, &p);
    if (whole == n)
      continue;
    const floats part = end - (g + last) >= LANES ? load(g + last) : load_few(g, n);
    add_products(true, mask, c->offsets, part, from + last, &p);
  }
  add_to_sums(c, &p, sums);
}

static void correlate_pixels(const bc_correlation *correlation, const float *source,
                             const float *gradient, float *sums)
{
  const bc_correlation c = *correlation;
  for (int64_t map = 0; map < c.maps; ++map)
    correlate_map(&c, source + map * c.source_map, gradient + map * c.gradient_map,
                  sums + map * c.sums_map);
}

/* ---- channels ---- */

enum { TAPS = 3 }; /* whose sums are in registers, with what they meet */

typedef struct three {
  pair first, second, third;
} three;

/* Column `column` of the source; `high` is where the second vector begins, from the first. */
INLINE pair load_column(const bc_line_correlation *c, const float *source, int64_t column,
                        int64_t high)
{
  if (column < 0 || column >= c->sources)
    return (pair){{0}, {0}};
  const float *from = source + column * c->source_step;
  return (pair){load(from), load(from + high)};
}

/* What the next line reads, fetched in the order of memory. */
typedef struct lines {
  const float *source, *gradient;
} lines;

/* Sums of three taps, the first of which meets column `column` with result 0. What one result and
 * the next meet is loaded once, if the stride is known. */
INLINE three correlate_three(int64_t stride, const bc_line_correlation *c, const float *source,
                             const float *gradient, int64_t column, int64_t high, lines next)
{
  three sums = {{{0}, {0}}, {{0}, {0}}, {{0}, {0}}};
  pair x = load_column(c, source, column, high),
       y = load_column(c, source, column + c->apart, high);
  for (int64_t j = 0; j < c->results; ++j) {
    const float *g = gradient + j * c->gradient_step;
    const pair all = {load(g), load(g + high)};
    const pair z = load_column(c, source, column + 2 * c->apart, high);
    __builtin_prefetch(next.gradient + j * CACHE_LINE, 0, 2);
    for (int64_t i = j * c->stride; i < (j + 1) * c->stride; ++i)
      __builtin_prefetch(next.source + i * CACHE_LINE, 0, 2);
    add_pair(all, x, &sums.first);
    add_pair(all, y, &sums.second);
    add_pair(all, z, &sums.third);
    column += c->stride;
    x = stride == 1 ? y : stride == 2 ? z : load_column(c, source, column, high);
    y = stride == 1 ? z : load_column(c, source, column + c->apart, high);
  }
  return sums;
}

INLINE void correlate_line(int64_t stride, const bc_line_correlation *c, const float *source,
                           const float *gradient, float *sums)
{
  for (int64_t x = 0; x < c->elements; x += LANES + LANES)
    for (int64_t tap = 0; tap < c->taps; tap += TAPS) {
      const int64_t low = vector_at(x, c->elements), high = vector_at(x + LANES, c->elements);
      const lines next = {source + c->next_source + x * c->results * c->stride,
                          gradient + c->results * c->gradient_step + x * c->results};
      const three part = correlate_three(stride, c, source + low, gradient + low,
                                         c->first + tap * c->apart, high - low, next);
      const pair all[TAPS] = {part.first, part.second, part.third};
      for (int64_t i = 0; i < bc_min(TAPS, c->taps - tap); ++i) {
        float *to = sums + (tap + i) * c->sums_step;
        add_lanes(all[i].low, x - low, to + low);
        if (x + LANES < c->elements)
          add_lanes(all[i].high, x + LANES - high, to + high);
      }
    }
}

static void correlate_channels(const bc_line_correlation *c, const float *source,
                               const float *gradient, float *sums)
{
  if (c->stride == 1 && c->apart == 1)
    correlate_line(1, c, source, gradient, sums);
  else if (c->stride == 2 && c->apart == 1)
    correlate_line(2, c, source, gradient, sums);
  else
    correlate_line(0, c, source, gradient, sums);
}

static void empty_lanes(float *sums, int64_t n, double *totals)
{
  typedef double doubles __attribute__((vector_size(HALF * sizeof(double))));
  for (int64_t i = 0; i < n; ++i) {
    const floats all = load(sums + i * LANES);
    const doubles half =
        __builtin_convertvector(__builtin_shufflevector(all, all, 0, 1, 2, 3), doubles) +
        __builtin_convertvector(__builtin_shufflevector(all, all, 4, 5, 6, 7), doubles);
    totals[i] += (half[0] + half[2]) + (half[1] + half[3]);
    store((floats){0}, sums + i * LANES);
  }
}

const bc_correlation_kernels BC_FOR_VECTOR_ISA(bc_correlation_kernels) = {
    correlate_pixels, correlate_channels, empty_lanes};
