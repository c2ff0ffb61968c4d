#include "depthwise.h"

#include "geometry.h"
#include "kernels.h"
#include "vector_math.h"

enum { LANES = BC_DEPTHWISE_LANES, LINES = 4, MOST_ALONG = 5, HALF = LANES / 2 };

/* Rare, and too much code to have many copies of. */
#define NOINLINE static __attribute__((noinline))

typedef float floats __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t ints __attribute__((vector_size(LANES * sizeof(int32_t))));

INLINE floats load(const float *from)
{
  floats value;
  memcpy(&value, from, sizeof value);
  return value;
}

INLINE void store(floats value, float *to)
{
  memcpy(to, &value, sizeof value);
}

/* The lanes from `first` to before `end`, zero in the others. */
INLINE floats keep(floats value, int64_t first, int64_t end)
{
  const ints lanes = {0, 1, 2, 3, 4, 5, 6, 7};
  return (floats)((ints)value & (lanes >= (int32_t)first) & (lanes < (int32_t)end));
}

/* n of LANES elements, zero behind them; reads no more. */
INLINE floats load_few(const float *from, int64_t n)
{
  float copy[LANES] = {0};
  for (int64_t i = 0; i < n; ++i)
    copy[i] = from[i];
  return load(copy);
}

/* ---- sums over taps ---- */

/* How a block of results is summed: inlined with constants. */
typedef struct shape {
  bool for_all;      /* a weight is for all lanes */
  bool single;       /* one line instead of LINES */
  bool narrow;       /* one vector instead of two */
  int along, stride; /* taps along, and how many of them one line is from the next; `along` 0:
                        whatever the stencil says */
} shape;

/* Two vectors of a line. */
typedef struct pair {
  floats low, high;
} pair;

/* The elements at which they begin. */
typedef struct places {
  int64_t low, high;
} places;

/* Sums of a block's lines: members instead of an array, so that compilers keep them in
 * registers. */
typedef struct block {
  pair first, second, third, fourth;
} block;

INLINE pair load_pair(shape is, const float *from, places at)
{
  return (pair){load(from + at.low), is.narrow ? (floats){0} : load(from + at.high)};
}

/* A weight for all lanes, or one for each. */
INLINE pair load_weights(shape is, const float *weight, places at)
{
  if (!is.for_all)
    return load_pair(is, weight, at);
  const floats all = *weight - (floats){0};
  return (pair){all, all};
}

INLINE void add_product(shape is, pair weight, pair x, pair *sum)
{
  sum->low += weight.low * x.low;
  if (!is.narrow)
    sum->high += weight.high * x.high;
}

/* One line of taps along, whatever their number and steps. */
INLINE void add_any_taps(shape is, const bc_stencil *s, const float *source, const float *weights,
                         places at, block *b)
{
  const int64_t line = s->line_step;
  for (int64_t tap = 0; tap < s->taps_along; ++tap) {
    const pair weight = load_weights(is, weights + tap * s->weight.along, at);
    const float *x = source + tap * s->along_step;
    add_product(is, weight, load_pair(is, x, at), &b->first);
    if (is.single)
      continue;
    add_product(is, weight, load_pair(is, x + line, at), &b->second);
    add_product(is, weight, load_pair(is, x + 2 * line, at), &b->third);
    add_product(is, weight, load_pair(is, x + 3 * line, at), &b->fourth);
  }
}

/* Adds what place number `place` of the source, counted from the first line's first tap, means for
 * a line; maybe nothing. */
INLINE void add_place(shape is, int place, int line, const pair weights[MOST_ALONG], pair x,
                      pair *sum)
{
  const int tap = place - line * is.stride;
  if (tap >= 0 && tap < is.along)
    add_product(is, weights[tap], x, sum);
}

/* One line of taps along of LINES lines: what several of them read is loaded once. */
INLINE void add_known_taps(shape is, const bc_stencil *s, const float *source, const float *weights,
                           places at, block *b)
{
  pair w[MOST_ALONG];
#pragma GCC unroll 5
  for (int tap = 0; tap < is.along; ++tap)
    w[tap] = load_weights(is, weights + tap * s->weight.along, at);
#pragma GCC unroll 11
  for (int place = 0; place < (LINES - 1) * is.stride + is.along; ++place) {
    const pair x = load_pair(is, source + place * s->along_step, at);
    add_place(is, place, 0, w, x, &b->first);
    add_place(is, place, 1, w, x, &b->second);
    add_place(is, place, 2, w, x, &b->third);
    add_place(is, place, 3, w, x, &b->fourth);
  }
}

INLINE block sum_block(shape is, const bc_stencil *s, const float *source, const float *weights,
                       places at)
{
  block b = {0};
  for (int64_t channel = 0; channel < s->channels; ++channel)
    for (int64_t plane = 0; plane < s->planes; ++plane) {
      const float *from = source + channel * s->channel_step + plane * s->plane_step;
      const float *with = weights + channel * s->weight.channel + plane * s->weight.plane;
      for (int64_t tap = 0; tap < s->taps_across; ++tap)
        if (is.along > 0)
          add_known_taps(is, s, from + s->across[tap], with + tap * s->weight.across, at, &b);
        else
          add_any_taps(is, s, from + s->across[tap], with + tap * s->weight.across, at, &b);
    }
  return b;
}

/* Where the vector for the elements from x on begins: earlier than x if it would not fit in the
 * line. */
INLINE int64_t vector_at(int64_t x, int64_t elements)
{
  return bc_max(0, bc_min(x, elements - LANES));
}

/* Writes fewer elements than there are lanes. */
NOINLINE void put_few(const bc_stencil *s, floats sum, float *line)
{
  const int64_t n = s->elements;
  float copy[LANES];
  store(sum, copy);
  if (s->accumulate)
    for (int64_t i = 0; i < n; ++i)
      line[i] += copy[i];
  else if (n >= HALF) {
    memcpy(line, copy, HALF * sizeof *line);
    memcpy(line + n - HALF, copy + n - HALF, HALF * sizeof *line);
  } else
    for (int64_t i = 0; i < n; ++i)
      line[i] = copy[i];
}

/* Adds the vector for the elements from x on. */
NOINLINE void put_more(floats sum, int64_t x, int64_t at, float *line)
{
  store(load(line + at) + keep(sum, x - at, LANES), line + at);
}

/* Writes the vector for the elements from x on. */
INLINE void put(const bc_stencil *s, floats sum, int64_t x, int64_t at, float *line)
{
  if (s->elements < LANES)
    put_few(s, sum, line);
  else if (s->accumulate)
    put_more(sum, x, at, line);
  else
    store(sum, line + at);
}

INLINE void put_pair(shape is, const bc_stencil *s, pair sum, int64_t x, places at, float *line)
{
  put(s, sum.low, x, at.low, line);
  if (!is.narrow)
    put(s, sum.high, x + LANES, at.high, line);
}

/* The elements from x on. */
INLINE void sum_elements(shape is, const bc_stencil *s, int64_t x, const float *source,
                         const float *weights, float *result)
{
  const places at = {vector_at(x, s->elements), vector_at(x + LANES, s->elements)};
  const block b = sum_block(is, s, source, weights, at);
  put_pair(is, s, b.first, x, at, result);
  if (is.single)
    return;
  put_pair(is, s, b.second, x, at, result + s->result_step);
  put_pair(is, s, b.third, x, at, result + 2 * s->result_step);
  put_pair(is, s, b.fourth, x, at, result + 3 * s->result_step);
}

INLINE void sum_line_block(shape is, const bc_stencil *s, int64_t line, const float *source,
                           const float *weights, float *result)
{
  int64_t x = 0;
  source += line * s->line_step;
  result += line * s->result_step;
  for (; x + LANES < s->elements; x += 2 * LANES)
    sum_elements(is, s, x, source, weights, result);
  is.narrow = true;
  if (x < s->elements)
    sum_elements(is, s, x, source, weights, result);
}

/* The last lines that fill no block are summed in a block with some before them or, where results
 * accumulate or are too few, one by one. */
INLINE void sum_lines(shape is, const bc_stencil *s, const float *source, const float *weights,
                      float *result)
{
  const int64_t whole = s->lines - s->lines % LINES;
  const int64_t end = s->accumulate || whole == 0 ? whole : s->lines;
  for (int64_t line = 0; line < end; line += LINES)
    sum_line_block(is, s, bc_min(line, s->lines - LINES), source, weights, result);
  for (int64_t line = end; line < s->lines; ++line)
    sum_line_block((shape){.for_all = is.for_all, .single = true}, s, line, source, weights,
                   result);
}

INLINE void sum(bool for_all, const bc_stencil *s, const float *source, const float *weights,
                float *result)
{
  const int64_t stride = s->line_step == s->along_step       ? 1
                         : s->line_step == 2 * s->along_step ? 2
                                                             : 0;
  if (stride == 1 && s->taps_along == 1)
    sum_lines((shape){.for_all = for_all, .along = 1, .stride = 1}, s, source, weights, result);
  else if (stride == 1 && s->taps_along == 2)
    sum_lines((shape){.for_all = for_all, .along = 2, .stride = 1}, s, source, weights, result);
  else if (stride == 1 && s->taps_along == 3)
    sum_lines((shape){.for_all = for_all, .along = 3, .stride = 1}, s, source, weights, result);
  else if (stride == 2 && s->taps_along == 3)
    sum_lines((shape){.for_all = for_all, .along = 3, .stride = 2}, s, source, weights, result);
  else if (stride == 1 && s->taps_along == 5)
    sum_lines((shape){.for_all = for_all, .along = 5, .stride = 1}, s, source, weights, result);
  else if (stride == 2 && s->taps_along == 5)
    sum_lines((shape){.for_all = for_all, .along = 5, .stride = 2}, s, source, weights, result);
  else
    sum_lines((shape){.for_all = for_all}, s, source, weights, result);
}

static void sum_pixels(const bc_stencil *stencil, const float *source, const float *weights,
                       float *result)
{
  sum(true, stencil, source, weights, result);
}

static void sum_channels(const bc_stencil *stencil, const float *source, const float *weights,
                         float *result)
{
  sum(false, stencil, source, weights, result);
}

/* ---- correlation ---- */

typedef struct products {
  floats of[BC_DEPTHWISE_MOST_TAPS];
} products;

/* Inlined with the number of taps as a constant, the sums are registers. */
typedef void correlate_taps(int taps, const bc_correlation *c, const float *source,
                            const float *gradient, float *sums);

/* Adds the products of a vector; lanes outside of [first, end) count nothing, whatever they are. */
INLINE void add_part(int taps, const bc_correlation *c, floats gradient, const float *source,
                     int64_t first, int64_t end, products *sums)
{
  for (int tap = 0; tap < taps; ++tap)
    sums->of[tap] += keep(gradient, first, end) * keep(load(source + c->offsets[tap]), first, end);
}

INLINE void add_line(int taps, const bc_correlation *c, const float *source, const float *gradient,
                     products *sums)
{
  const int64_t n = c->elements, whole = n - n % LANES;
  for (int64_t x = 0; x < whole; x += LANES) {
    const floats g = load(gradient + x);
    for (int tap = 0; tap < taps; ++tap)
      sums->of[tap] += g * load(source + c->offsets[tap] + x);
  }
  if (whole == 0)
    add_part(taps, c, load_few(gradient, n), source, 0, n, sums);
  else if (whole < n)
    add_part(taps, c, load(gradient + n - LANES), source + n - LANES, whole - (n - LANES), LANES,
             sums);
}

INLINE void correlate_lines(int taps, const bc_correlation *c, const float *source,
                            const float *gradient, float *sums)
{
  products p = {0};
  for (int64_t line = 0; line < c->lines; ++line)
    add_line(taps, c, source + line * c->line_step, gradient + line * c->gradient_step, &p);
  for (int tap = 0; tap < taps; ++tap)
    store(load(sums + tap * c->sums_step) + p.of[tap], sums + tap * c->sums_step);
}

INLINE void correlate_vectors(int taps, const bc_correlation *c, const float *source,
                              const float *gradient, float *sums)
{
  for (int64_t x = 0; x < c->elements; x += LANES) {
    const int64_t at = vector_at(x, c->elements);
    products p = {0};
    for (int64_t line = 0; line < c->lines; ++line) {
      const floats g = load(gradient + line * c->gradient_step + at);
      for (int tap = 0; tap < taps; ++tap)
        p.of[tap] += g * load(source + line * c->line_step + c->offsets[tap] + at);
    }
    for (int tap = 0; tap < taps; ++tap) {
      float *to = sums + tap * c->sums_step + at;
      store(load(to) + keep(p.of[tap], x - at, LANES), to);
    }
  }
}

INLINE void correlate(correlate_taps *run, const bc_correlation *c, const float *source,
                      const float *gradient, float *sums)
{
  switch (c->taps) {
  case 1:
    run(1, c, source, gradient, sums);
    return;
  case 2:
    run(2, c, source, gradient, sums);
    return;
  case 3:
    run(3, c, source, gradient, sums);
    return;
  case 4:
    run(4, c, source, gradient, sums);
    return;
  case 5:
    run(5, c, source, gradient, sums);
    return;
  case 6:
    run(6, c, source, gradient, sums);
    return;
  case 7:
    run(7, c, source, gradient, sums);
    return;
  case 8:
    run(8, c, source, gradient, sums);
    return;
  default:
    run(9, c, source, gradient, sums);
    return;
  }
}

static void correlate_pixels(const bc_correlation *correlation, const float *source,
                             const float *gradient, float *sums)
{
  correlate(correlate_lines, correlation, source, gradient, sums);
}

static void correlate_channels(const bc_correlation *correlation, const float *source,
                               const float *gradient, float *sums)
{
  correlate(correlate_vectors, correlation, source, gradient, sums);
}

/* ---- phases ---- */

static void interleave(const float *even, const float *odd, float *to, int64_t n)
{
  int64_t i = 0;
  for (; 2 * (i + LANES) <= n; i += LANES) {
    const floats a = load(even + i), b = load(odd + i);
    store(__builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11), to + 2 * i);
    store(__builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15), to + 2 * i + LANES);
  }
  for (; 2 * i < n; ++i) {
    to[2 * i] = even[i];
    if (2 * i + 1 < n)
      to[2 * i + 1] = odd[i];
  }
}

const bc_depthwise_kernels BC_FOR_ISA(bc_depthwise_kernels) = {
    sum_pixels, sum_channels, correlate_pixels, correlate_channels, interleave};
