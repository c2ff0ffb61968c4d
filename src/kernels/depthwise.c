#include "depthwise.h"

#include "geometry.h"
#include "kernels.h"
#include "vector_math.h"

enum { LANES = BC_DEPTHWISE_LANES, LINES = 4, HALF = LANES / 2 };

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

/* A weight for all lanes, or one for each. */
INLINE floats load_weight(bool for_all, const float *weight)
{
  return for_all ? *weight - (floats){0} : load(weight);
}

/* How a block of lines is summed. Inlined with constants; `along` 0: whatever the stencil says. */
typedef struct shape {
  bool for_all; /* a weight is for all lanes */
  int lines;
  int along, stride; /* taps along, and how many taps one line is from the next */
} shape;

/* Adds one line of taps along. What several lines read is loaded once if it is known where. */
INLINE void add_taps(shape is, const bc_stencil *s, const float *source, const float *weights,
                     floats sums[LINES])
{
  if (is.along == 0) {
    for (int64_t tap = 0; tap < s->taps_along; ++tap) {
      const floats weight = load_weight(is.for_all, weights + tap * s->weight.along);
      for (int line = 0; line < is.lines; ++line)
        sums[line] += weight * load(source + line * s->line_step + tap * s->along_step);
    }
    return;
  }
  for (int place = 0; place < (is.lines - 1) * is.stride + is.along; ++place) {
    const floats x = load(source + place * s->along_step);
    for (int line = 0; line < is.lines; ++line) {
      const int tap = place - line * is.stride;
      if (tap >= 0 && tap < is.along)
        sums[line] += load_weight(is.for_all, weights + tap * s->weight.along) * x;
    }
  }
}

INLINE void sum_vectors(shape is, const bc_stencil *s, const float *source, const float *weights,
                        floats sums[LINES])
{
  for (int line = 0; line < is.lines; ++line)
    sums[line] = (floats){0};
  for (int64_t channel = 0; channel < s->channels; ++channel)
    for (int64_t plane = 0; plane < s->planes; ++plane) {
      const float *from = source + channel * s->channel_step + plane * s->plane_step;
      const float *with = weights + channel * s->weight.channel + plane * s->weight.plane;
      for (int64_t tap = 0; tap < s->taps_across; ++tap)
        add_taps(is, s, from + s->across[tap], with + tap * s->weight.across, sums);
    }
}

/* Writes fewer elements than there are lanes. */
INLINE void put_few(floats sum, int64_t n, bool accumulate, float *to)
{
  float copy[LANES];
  store(sum, copy);
  if (accumulate)
    for (int64_t i = 0; i < n; ++i)
      to[i] += copy[i];
  else if (n >= HALF) {
    memcpy(to, copy, HALF * sizeof *to);
    memcpy(to + n - HALF, copy + n - HALF, HALF * sizeof *to);
  } else
    for (int64_t i = 0; i < n; ++i)
      to[i] = copy[i];
}

/* Where the vector for the elements from x on begins: earlier than x if it would not fit in the
 * line. */
INLINE int64_t vector_at(int64_t x, int64_t elements)
{
  return bc_max(0, bc_min(x, elements - LANES));
}

INLINE void put(const bc_stencil *s, floats sum, int64_t x, float *line)
{
  const int64_t at = vector_at(x, s->elements);
  if (s->elements < LANES)
    put_few(sum, s->elements, s->accumulate, line);
  else if (s->accumulate)
    store(load(line + at) + keep(sum, x - at, LANES), line + at);
  else
    store(sum, line + at);
}

INLINE void sum_block(shape is, const bc_stencil *s, const float *source, const float *weights,
                      float *result)
{
  for (int64_t x = 0; x < s->elements; x += LANES) {
    const int64_t at = vector_at(x, s->elements);
    floats sums[LINES];
    sum_vectors(is, s, source + at, is.for_all ? weights : weights + at, sums);
    for (int line = 0; line < is.lines; ++line)
      put(s, sums[line], x, result + line * s->result_step);
  }
}

INLINE void sum_lines(shape is, const bc_stencil *s, const float *source, const float *weights,
                      float *result)
{
  int64_t line = 0;
  is.lines = LINES;
  for (; line + LINES <= s->lines; line += LINES)
    sum_block(is, s, source + line * s->line_step, weights, result + line * s->result_step);
  is.lines = 1;
  for (; line < s->lines; ++line)
    sum_block(is, s, source + line * s->line_step, weights, result + line * s->result_step);
}

INLINE void sum(bool for_all, const bc_stencil *s, const float *source, const float *weights,
                float *result)
{
  const bool dense = s->line_step == s->along_step, halved = s->line_step == 2 * s->along_step;
  if (s->taps_along == 3 && dense)
    sum_lines((shape){for_all, 0, 3, 1}, s, source, weights, result);
  else if (s->taps_along == 3 && halved)
    sum_lines((shape){for_all, 0, 3, 2}, s, source, weights, result);
  else if (s->taps_along == 5 && dense)
    sum_lines((shape){for_all, 0, 5, 1}, s, source, weights, result);
  else if (s->taps_along == 5 && halved)
    sum_lines((shape){for_all, 0, 5, 2}, s, source, weights, result);
  else
    sum_lines((shape){for_all, 0, 0, 0}, s, source, weights, result);
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
