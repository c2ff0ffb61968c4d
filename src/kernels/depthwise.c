/* Sums over taps. */
#include "channel_taps.h"
#include "few_taps.h"
#include "same_maps.h"
#include "window_rows.h"

enum { MOST_ALONG = 5 };

/* ---- sums over taps ---- */

/* How a block of results is summed: inlined with constants. */
typedef struct shape {
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

/* A weight for all lanes. */
INLINE pair load_weight(const float *weight)
{
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
                         int64_t high, block *b)
{
  for (int64_t tap = 0; tap < s->taps_along; ++tap) {
    const pair weight = load_weight(weights + tap * s->weight.along);
    const float *const x = source + tap * s->along_step;
    add_product(is, weight, load_pair(is, x, high), &b->first);
    if (is.single)
      continue;
    add_product(is, weight, load_pair(is, x + s->line_step, high), &b->second);
    add_product(is, weight, load_pair(is, x + 2 * s->line_step, high), &b->third);
    add_product(is, weight, load_pair(is, x + 3 * s->line_step, high), &b->fourth);
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
                           int64_t high, block *b)
{
  pair w[MOST_ALONG];
#pragma GCC unroll 5
  for (int tap = 0; tap < is.along; ++tap)
    w[tap] = load_weight(weights + tap * s->weight.along);
#pragma GCC unroll 11
  for (int place = 0; place < (LINES - 1) * is.stride + is.along; ++place) {
    const pair x = load_pair(is, source, high);
    add_place(is, place, 0, w, x, &b->first);
    add_place(is, place, 1, w, x, &b->second);
    add_place(is, place, 2, w, x, &b->third);
    add_place(is, place, 3, w, x, &b->fourth);
    source += s->along_step;
  }
}

/* The same, in two turns where all weights would not stay in registers. */
INLINE void add_line(shape is, const bc_stencil *s, const float *source, const float *weights,
                     int64_t high, block *b)
{
  const int turn = is.along > MOST_ALONG ? (is.along + 1) / 2 : is.along, rest = is.along - turn;
  is.along = turn;
  add_known_taps(is, s, source, weights, high, b);
  is.along = rest;
  if (rest > 0)
    add_known_taps(is, s, source + turn * s->along_step, weights + turn * s->weight.along, high, b);
}

INLINE block sum_block(shape is, const bc_stencil *s, const float *source, const float *weights,
                       int64_t high)
{
  block b = {0};
  for (int64_t channel = 0; channel < s->channels; ++channel)
    for (int64_t plane = 0; plane < s->planes; ++plane) {
      const float *in = source + channel * s->channel_step + plane * s->plane_step;
      const float *with = weights + channel * s->weight.channel + plane * s->weight.plane;
      for (int64_t tap = 0; tap < s->taps_across; ++tap)
        if (is.along > 0)
          add_line(is, s, in + s->across[tap], with + tap * s->weight.across, high, &b);
        else
          add_any_taps(is, s, in + s->across[tap], with + tap * s->weight.across, high, &b);
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

/* Writes a block, the elements from x on. Before `end` come lines that are written later: what is
 * too much for a short line does no harm there. */
INLINE void write_block(shape is, const bc_stencil *s, const block *b, int64_t x, float *result,
                        const float *end)
{
  const int64_t at = vector_at(x, s->elements), high = vector_at(x + LANES, s->elements) - at;
  const int64_t last = is.single ? 0 : (LINES - 1) * s->result_step;
  if (!s->accumulate && (s->elements >= LANES || end - (result + last) >= LANES))
    store_block(is, s, b, high, result + at);
  else
    put_block(is, s, b, x, result);
}

INLINE void sum_elements(shape is, const bc_stencil *s, int64_t x, const float *source,
                         const float *weights, float *result, const float *end)
{
  const int64_t at = vector_at(x, s->elements), high = vector_at(x + LANES, s->elements) - at;
  const block b = sum_block(is, s, source + at, weights, high);
  write_block(is, s, &b, x, result, end);
}

INLINE void sum_line_block(shape is, const bc_stencil *s, int64_t line, const float *source,
                           const float *weights, float *result, const float *end)
{
  int64_t x = 0;
  source += line * s->line_step;
  result += line * s->result_step;
  for (; x + LANES < s->elements; x += LANES + LANES)
    sum_elements(is, s, x, source, weights, result, end);
  is.narrow = true;
  if (x < s->elements)
    sum_elements(is, s, x, source, weights, result, end);
}

/* Two blocks of lines that have one vector, since the sums of one would wait for each other; the
 * second ends with the last line, and may have some of the first. */
INLINE void sum_two_blocks(shape is, const bc_stencil *s, int64_t line, const float *source,
                           const float *weights, float *result, const float *end)
{
  const int64_t second = bc_min(line + LINES, s->lines - LINES);
  const block both =
      sum_block(is, s, source + line * s->line_step, weights, (second - line) * s->line_step);
  const block high = {{.low = both.first.high},
                      {.low = both.second.high},
                      {.low = both.third.high},
                      {.low = both.fourth.high}};
  is.narrow = true;
  write_block(is, s, &both, 0, result + line * s->result_step, end);
  write_block(is, s, &high, 0, result + second * s->result_step, end);
}

/* The last lines that fill no block are summed in a block with some before them or, where that does
 * not pay or results accumulate, one by one. */
INLINE void sum_lines(shape is, const bc_stencil *s, const float *source, const float *weights,
                      float *result, const float *end)
{
  const int64_t whole = s->lines - s->lines % LINES;
  const bool join = !s->accumulate && whole > 0 && s->lines - whole > 1;
  const int64_t joined = join ? s->lines : whole;
  int64_t line = 0;
  for (; s->elements <= LANES && line + LINES < joined; line += LINES + LINES)
    sum_two_blocks(is, s, line, source, weights, result, end);
  for (; line < joined; line += LINES)
    sum_line_block(is, s, bc_min(line, s->lines - LINES), source, weights, result, end);
  for (line = joined; line < s->lines; ++line)
    sum_line_block((shape){.single = true}, s, line, source, weights, result, end);
}

static void sum_map(const bc_stencil *s, const float *source, const float *weights, float *result,
                    const float *end)
{
  int64_t stride = 0; /* of no shape that is known */
  if (!BC_IS_SMALL && s->line_step == s->along_step)
    stride = 1;
  else if (!BC_IS_SMALL && s->line_step == 2 * s->along_step)
    stride = 2;
  if (stride == 1 && s->taps_along == 3)
    sum_lines((shape){.along = 3, .stride = 1}, s, source, weights, result, end);
  else if (stride == 2 && s->taps_along == 3)
    sum_lines((shape){.along = 3, .stride = 2}, s, source, weights, result, end);
  else if (stride == 1 && s->taps_along == 5)
    sum_lines((shape){.along = 5, .stride = 1}, s, source, weights, result, end);
  else if (stride == 2 && s->taps_along == 5)
    sum_lines((shape){.along = 5, .stride = 2}, s, source, weights, result, end);
  else if (stride == 1 && s->taps_along == 7)
    sum_lines((shape){.along = 7, .stride = 1}, s, source, weights, result, end);
  else
    sum_lines((shape){0}, s, source, weights, result, end);
}

static void sum_pixels(const bc_stencil *s, const float *source, const float *weights,
                       float *result)
{
  if (!BC_IS_SMALL && sum_if_few(s, source, weights, result))
    return;
  for (int64_t map = 0; map < s->maps; ++map)
    sum_map(s, source + map * s->source_map, weights + map * s->weight_map,
            result + map * s->result_map, end_of_lines(s, map, result));
}

const bc_depthwise_kernels BC_FOR_VECTOR_ISA(bc_depthwise_kernels) = {
    .sum_pixels = sum_pixels,
    .sum_channels = BC_FOR_VECTOR_ISA(bc_sum_channels),
    .sum_same = sum_same,
    .spread_twice = spread_twice,
    .copy = copy,
    .divide = divide,
    .interleave = interleave};
