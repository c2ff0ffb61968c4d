/* Sums over taps. */
#include "few_taps.h"
#include "same_maps.h"
#include "window_rows.h"

enum { MOST_ALONG = 5 };

/* ---- sums over taps ---- */

/* How a block of results is summed: inlined with constants. */
typedef struct shape {
  bool for_all;      /* a weight is for all lanes */
  bool single;       /* one line instead of LINES */
  bool narrow;       /* one vector instead of two */
  int along, stride; /* taps along, and how many of them one line is from the next; `along` 0:
                        whatever the stencil says */
} shape;

/* Sums of a block's lines: members instead of an array, so that compilers keep them in
 * registers. */
typedef struct block {
  pair first, second, third, fourth;
} block;

INLINE pair load_pair(shape is, const float *from, int64_t high)
{
  return (pair){load(from), is.narrow ? (floats){0} : load(from + high)};
}

/* A weight for all lanes, or one for each. */
INLINE pair load_weights(shape is, const float *weight, int64_t high)
{
  if (!is.for_all)
    return load_pair(is, weight, high);
  const floats all = *weight - (floats){0};
  return (pair){all, all};
}

INLINE void add_product(shape is, pair weight, pair x, pair *sum)
{
  sum->low += weight.low * x.low;
  if (!is.narrow)
    sum->high += weight.high * x.high;
}

/* Whether a pixel of the source is in its row; windows have zeros around them instead. */
INLINE bool is_inside(shape is, const bc_stencil *s, int64_t pixel)
{
  return is.for_all || (pixel >= 0 && pixel < s->sources);
}

/* Where lines begin: their number, elements of the source, and pixels. */
typedef struct start {
  int64_t line, at, pixel;
} start;

INLINE void add_any_tap(shape is, const bc_stencil *s, const float *source, start from,
                        int64_t line, pair weight, int64_t high, pair *sum)
{
  if (is_inside(is, s, from.pixel + line * s->stride))
    add_product(is, weight, load_pair(is, source + from.at + line * s->line_step, high), sum);
}

/* One line of taps along, whatever their number and steps. */
INLINE void add_any_taps(shape is, const bc_stencil *s, const float *source, start from,
                         const float *weights, int64_t high, block *b)
{
  for (int64_t tap = 0; tap < s->taps_along; ++tap) {
    const pair weight = load_weights(is, weights + tap * s->weight.along, high);
    const start x = {from.line, from.at + tap * s->along_step, from.pixel + tap * s->apart};
    add_any_tap(is, s, source, x, 0, weight, high, &b->first);
    if (is.single)
      continue;
    add_any_tap(is, s, source, x, 1, weight, high, &b->second);
    add_any_tap(is, s, source, x, 2, weight, high, &b->third);
    add_any_tap(is, s, source, x, 3, weight, high, &b->fourth);
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
INLINE void add_known_taps(shape is, const bc_stencil *s, const float *source, start from,
                           const float *weights, int64_t high, block *b)
{
  pair w[MOST_ALONG];
#pragma GCC unroll 5
  for (int tap = 0; tap < is.along; ++tap)
    w[tap] = load_weights(is, weights + tap * s->weight.along, high);
#pragma GCC unroll 11
  for (int place = 0; place < (LINES - 1) * is.stride + is.along; ++place) {
    if (is_inside(is, s, from.pixel)) {
      const pair x = load_pair(is, source + from.at, high);
      add_place(is, place, 0, w, x, &b->first);
      add_place(is, place, 1, w, x, &b->second);
      add_place(is, place, 2, w, x, &b->third);
      add_place(is, place, 3, w, x, &b->fourth);
    }
    from.at += s->along_step;
    from.pixel += s->apart;
  }
}

INLINE block sum_block(shape is, const bc_stencil *s, const float *source, start from,
                       const float *weights, int64_t high)
{
  block b = {0};
  for (int64_t channel = 0; channel < s->channels; ++channel)
    for (int64_t plane = 0; plane < s->planes; ++plane) {
      const float *in = source + channel * s->channel_step + plane * s->plane_step;
      const float *with = weights + channel * s->weight.channel + plane * s->weight.plane;
      for (int64_t tap = 0; tap < s->taps_across; ++tap)
        if (is.along > 0)
          add_known_taps(is, s, in + s->across[tap], from, with + tap * s->weight.across, high, &b);
        else
          add_any_taps(is, s, in + s->across[tap], from, with + tap * s->weight.across, high, &b);
    }
  return b;
}

/* Writes the vector for the elements from x on. */
static void put(const bc_stencil *s, floats sum, int64_t x, float *line)
{
  const int64_t at = vector_at(x, s->elements);
  if (s->elements < LANES)
    put_few(s, sum, line);
  else if (s->accumulate)
    add_lanes(sum, x - at, line + at);
  else
    store(sum, line + at);
}

/* Writes the vectors for the elements from x on of a block that needs care. */
NOINLINE void put_block(shape is, const bc_stencil *s, const block *b, int64_t x, float *result)
{
  const pair *const lines[LINES] = {&b->first, &b->second, &b->third, &b->fourth};
  for (int64_t line = 0; line < (is.single ? 1 : LINES); ++line) {
    put(s, lines[line]->low, x, result + line * s->result_step);
    if (!is.narrow)
      put(s, lines[line]->high, x + LANES, result + line * s->result_step);
  }
}

INLINE void store_pair(shape is, pair value, int64_t high, float *to)
{
  store(value.low, to);
  if (!is.narrow)
    store(value.high, to + high);
}

/* The same where whole vectors are written. */
INLINE void store_block(shape is, const bc_stencil *s, const block *b, int64_t high, float *to)
{
  const int64_t step = s->result_step;
  store_pair(is, b->first, high, to);
  if (is.single)
    return;
  store_pair(is, b->second, high, to + step);
  store_pair(is, b->third, high, to + 2 * step);
  store_pair(is, b->fourth, high, to + 3 * step);
}

/* Fetches what the next row reads and writes: `n` cache lines of the results from number `first`
 * on, and `of_source` times as many of the source. Pixels are too far apart for the CPU to see what
 * comes next, and memory is faster in its own order. */
INLINE void fetch_next(const bc_stencil *s, int64_t first, int64_t n, int64_t of_source,
                       const float *source, const float *result)
{
  for (int64_t i = first; i < first + n; ++i)
    __builtin_prefetch(result + s->next_result + i * CACHE_LINE, 0, 2);
  for (int64_t i = first * of_source; i < (first + n) * of_source; ++i)
    __builtin_prefetch(source + s->next_source + i * CACHE_LINE, 0, 2);
}

/* The elements from x on. Before `end` come lines that are written later: what is too much for a
 * short line does no harm there. */
INLINE void sum_elements(shape is, const bc_stencil *s, int64_t x, const float *source, start from,
                         const float *weights, float *result, const float *end)
{
  const int64_t at = vector_at(x, s->elements), high = vector_at(x + LANES, s->elements) - at;
  const block b = sum_block(is, s, source + at, from, is.for_all ? weights : weights + at, high);
  const int64_t last = is.single ? 0 : (LINES - 1) * s->result_step;
  if (!is.for_all && !is.single)
    fetch_next(s, (from.line * s->elements + x * LINES) / CACHE_LINE, LINES, 1, source,
               result - from.line * s->result_step);
  if (!s->accumulate && (s->elements >= LANES || end - (result + last) >= LANES))
    store_block(is, s, &b, high, result + at);
  else
    put_block(is, s, &b, x, result);
}

INLINE void sum_line_block(shape is, const bc_stencil *s, int64_t line, const float *source,
                           const float *weights, float *result)
{
  const start from = {line, line * s->line_step + s->first * s->pixel, s->first + line * s->stride};
  const bool joined = s->result_step == s->elements && !s->accumulate;
  const float *end = joined ? result + s->lines * s->elements : result;
  int64_t x = 0;
  result += line * s->result_step;
  for (; x + LANES < s->elements; x += LANES + LANES)
    sum_elements(is, s, x, source, from, weights, result, end);
  is.narrow = true;
  if (x < s->elements)
    sum_elements(is, s, x, source, from, weights, result, end);
}

/* The last lines that fill no block are summed in a block with some before them or, where that does
 * not pay or results accumulate, one by one. */
INLINE void sum_lines(shape is, const bc_stencil *s, const float *source, const float *weights,
                      float *result)
{
  const int64_t whole = s->lines - s->lines % LINES;
  const bool join = !s->accumulate && whole > 0 && s->lines - whole > 1;
  const int64_t end = join ? s->lines : whole;
  for (int64_t line = 0; line < end; line += LINES)
    sum_line_block(is, s, bc_min(line, s->lines - LINES), source, weights, result);
  for (int64_t line = end; line < s->lines; ++line)
    sum_line_block((shape){.for_all = is.for_all, .single = true}, s, line, source, weights,
                   result);
}

#ifdef BC_SMALL_KERNELS
enum { KNOWS_SHAPES = false };
#else
enum { KNOWS_SHAPES = true };
#endif

INLINE void sum(bool for_all, const bc_stencil *s, const float *source, const float *weights,
                float *result)
{
  int64_t stride = 0; /* of no shape that is known */
  if (KNOWS_SHAPES && s->line_step == s->along_step)
    stride = 1;
  else if (KNOWS_SHAPES && s->line_step == 2 * s->along_step)
    stride = 2;
  if (!for_all && stride == 1 && s->taps_along == 2)
    sum_lines((shape){.for_all = for_all, .along = 2, .stride = 1}, s, source, weights, result);
  else if (stride == 1 && s->taps_along == 3)
    sum_lines((shape){.for_all = for_all, .along = 3, .stride = 1}, s, source, weights, result);
  else if (for_all && stride == 2 && s->taps_along == 3)
    sum_lines((shape){.for_all = for_all, .along = 3, .stride = 2}, s, source, weights, result);
  else if (stride == 1 && s->taps_along == 5)
    sum_lines((shape){.for_all = for_all, .along = 5, .stride = 1}, s, source, weights, result);
  else if (stride == 2 && s->taps_along == 5)
    sum_lines((shape){.for_all = for_all, .along = 5, .stride = 2}, s, source, weights, result);
  else
    sum_lines((shape){.for_all = for_all}, s, source, weights, result);
}

static void sum_pixels(const bc_stencil *s, const float *source, const float *weights,
                       float *result)
{
  if (KNOWS_SHAPES && sum_if_few(s, source, weights, result))
    return;
  for (int64_t map = 0; map < s->maps; ++map)
    sum(true, s, source + map * s->source_map, weights + map * s->weight_map,
        result + map * s->result_map);
}

static void sum_channels(const bc_stencil *stencil, const float *source, const float *weights,
                         float *result)
{
  sum(false, stencil, source, weights, result);
}

const bc_depthwise_kernels BC_FOR_VECTOR_ISA(bc_depthwise_kernels) = {.sum_pixels = sum_pixels,
                                                                      .sum_channels = sum_channels,
                                                                      .sum_same = sum_same,
                                                                      .spread_twice = spread_twice,
                                                                      .copy = copy,
                                                                      .divide = divide,
                                                                      .interleave = interleave};
