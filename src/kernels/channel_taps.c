/* Sums over taps with a weight for each element of a line: lines are neighbouring pixels, elements
 * their channels. Some lines are summed at once in registers, tap by tap, while two vectors of
 * channels at a time go by: the source is read along the channels, as memory has it. */
#include "channel_taps.h"

#include "lanes.h"

/* ---- where lines meet the source ---- */

/* The pixel under tap 0 along of a line. */
INLINE int64_t first_pixel(const bc_stencil *s, int64_t line)
{
  return s->first + line * s->stride;
}

/* Lines all of whose taps along meet the source. */
INLINE bc_range whole_lines(const bc_stencil *s)
{
  const int64_t reach = (s->taps_along - 1) * s->apart;
  return bc_places_inside(s->first, s->stride, s->lines, s->sources - reach);
}

/* ---- results ---- */

/* The lanes from `first` on are those that no vector before has. */
INLINE void put(const bc_stencil *s, floats sum, int64_t first, float *to)
{
  if (s->accumulate)
    add_lanes(sum, first, to);
  else
    store(sum, to);
}

/* Fetches what the next row reads and writes: `n` cache lines of the results from number `first`
 * on, and as many of the source. Memory is faster in its own order. */
INLINE void fetch_next(const bc_stencil *s, int64_t first, int64_t n, const float *source,
                       const float *result)
{
  for (int64_t i = first; i < first + n; ++i) {
    __builtin_prefetch(result + s->next_result + i * CACHE_LINE, 0, 2);
    __builtin_prefetch(source + s->next_source + i * CACHE_LINE, 0, 2);
  }
}

/* ---- LINES lines ---- */

/* Sums of a block's lines: members instead of an array, so that compilers keep them in registers.
 */
typedef struct block {
  pair first, second, third, fourth;
} block;

INLINE pair load_pair(const float *from, int64_t high)
{
  return (pair){load(from), load(from + high)};
}

/* Of elements `high` apart, which all taps meet the source for. */
INLINE block sum_block(const bc_stencil *s, int64_t high, const float *source, const float *weights)
{
  block b = {0};
  for (int64_t plane = 0; plane < s->planes; ++plane)
    for (int64_t tap = 0; tap < s->taps_across; ++tap) {
      const float *from = source + plane * s->plane_step + s->across[tap];
      const float *with = weights + plane * s->weight.plane + tap * s->weight.across;
      for (int64_t along = 0; along < s->taps_along; ++along) {
        const pair weight = load_pair(with, high);
        add_pair(weight, load_pair(from, high), &b.first);
        add_pair(weight, load_pair(from + s->line_step, high), &b.second);
        add_pair(weight, load_pair(from + 2 * s->line_step, high), &b.third);
        add_pair(weight, load_pair(from + 3 * s->line_step, high), &b.fourth);
        from += s->along_step;
        with += s->weight.along;
      }
    }
  return b;
}

INLINE void put_pair(const bc_stencil *s, pair sum, int64_t x, int64_t high, float *to)
{
  const int64_t at = vector_at(x, s->elements);
  put(s, sum.low, x - at, to + at);
  put(s, sum.high, x + LANES - at - high, to + at + high);
}

INLINE void sum_elements(const bc_stencil *s, int64_t x, int64_t high, const float *source,
                         const float *weights, float *result)
{
  const int64_t at = vector_at(x, s->elements);
  const block b = sum_block(s, high, source + at, weights + at);
  put_pair(s, b.first, x, high, result);
  put_pair(s, b.second, x, high, result + s->result_step);
  put_pair(s, b.third, x, high, result + 2 * s->result_step);
  put_pair(s, b.fourth, x, high, result + 3 * s->result_step);
}

/* The lines from `line` on. */
static void sum_lines(const bc_stencil *s, int64_t line, const float *source, const float *weights,
                      float *result)
{
  const float *const from = source + first_pixel(s, line) * s->pixel;
  float *const to = result + line * s->result_step;
  int64_t x = 0;
  for (; x + LANES + LANES <= s->elements; x += LANES + LANES) {
    if (s->fetches)
      fetch_next(s, (line * s->elements + x * LINES) / CACHE_LINE, LINES, source, result);
    sum_elements(s, x, LANES, from, weights, to);
  }
  if (x < s->elements)
    sum_elements(s, x, vector_at(x + LANES, s->elements) - vector_at(x, s->elements), from, weights,
                 to);
}

/* ---- one line ---- */

/* Taps along that meet the source. */
INLINE bc_range taps_inside(const bc_stencil *s, int64_t line)
{
  return bc_places_inside(first_pixel(s, line), s->apart, s->taps_along, s->sources);
}

/* Four vectors of elements from x on, which begin earlier where they would not fit. */
INLINE void sum_four(const bc_stencil *s, bc_range along, int64_t x, const float *source,
                     const float *weights, float *to)
{
  int64_t at[4];
  floats sums[4] = {{0}};
#pragma GCC unroll 4
  for (int v = 0; v < 4; ++v)
    at[v] = vector_at(x + v * LANES, s->elements);
  for (int64_t plane = 0; plane < s->planes; ++plane)
    for (int64_t tap = 0; tap < s->taps_across; ++tap) {
      const float *const from = source + plane * s->plane_step + s->across[tap];
      const float *const with = weights + plane * s->weight.plane + tap * s->weight.across;
      for (int64_t i = along.begin; i < along.end; ++i)
#pragma GCC unroll 4
        for (int v = 0; v < 4; ++v)
          sums[v] +=
              load(with + i * s->weight.along + at[v]) * load(from + i * s->along_step + at[v]);
    }
#pragma GCC unroll 4
  for (int v = 0; v < 4; ++v)
    put(s, sums[v], x + v * LANES - at[v], to + at[v]);
}

static void sum_line(const bc_stencil *s, int64_t line, const float *source, const float *weights,
                     float *result)
{
  const bc_range along = taps_inside(s, line);
  for (int64_t x = 0; x < s->elements; x += 4 * LANES)
    sum_four(s, along, x, source + first_pixel(s, line) * s->pixel, weights,
             result + line * s->result_step);
}

/* Blocks of lines that are whole. What is left of those is summed with some before them, or, where
 * results accumulate, like those at the edges line by line. */
void BC_FOR_VECTOR_ISA(bc_sum_channels)(const bc_stencil *stencil, const float *source,
                                        const float *weights, float *result)
{
  const bc_stencil s = *stencil; /* results might overwrite what is pointed at */
  const bc_range whole = whole_lines(&s);
  int64_t line = 0;
  for (; line < whole.begin; ++line)
    sum_line(&s, line, source, weights, result);
  for (; line + LINES <= whole.end; line += LINES)
    sum_lines(&s, line, source, weights, result);
  if (line < whole.end && whole.end - whole.begin >= LINES && !s.accumulate) {
    sum_lines(&s, whole.end - LINES, source, weights, result);
    line = whole.end;
  }
  for (; line < s.lines; ++line)
    sum_line(&s, line, source, weights, result);
}
