/* Sums over taps, and the rows around them. */
#include "lanes.h"

enum { LINES = 4, MOST_ALONG = 5, ROWS_AHEAD = 6, CACHE_LINE = 16 /* floats */ };

/* Rare, and too much code to have many copies of. */
#define NOINLINE static __attribute__((noinline))

/* ---- sums over taps ---- */

/* How a block of results is summed: inlined with constants. */
typedef struct shape {
  bool for_all;      /* a weight is for all lanes */
  bool single;       /* one line instead of LINES */
  bool narrow;       /* one vector instead of two */
  int along, stride; /* taps along, and how many of them one line is from the next; `along` 0:
                        whatever the stencil says */
} shape;

/* Two vectors of a line; `high` is where the second begins, from the first. */
typedef struct pair {
  floats low, high;
} pair;

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

INLINE void add_any_tap(shape is, const bc_stencil *s, const float *source, start from, int64_t line,
                        pair weight, int64_t high, pair *sum)
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

/* Writes fewer elements than there are lanes. */
static void put_few(const bc_stencil *s, floats sum, float *line)
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

/* Writes the vector for the elements from x on. */
static void put(const bc_stencil *s, floats sum, int64_t x, float *line)
{
  const int64_t at = vector_at(x, s->elements);
  if (s->elements < LANES)
    put_few(s, sum, line);
  else if (s->accumulate)
    store(load(line + at) + keep(sum, x - at, LANES), line + at);
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

/* Fetches what the next row reads and writes: `n` cache lines of the results from number `first` on,
 * and `of_source` times as many of the source. Pixels are too far apart for the CPU to see what comes
 * next, and memory is faster in its own order. */
INLINE void fetch_next(const bc_stencil *s, int64_t first, int64_t n, int64_t of_source,
                       const float *source, const float *result)
{
  for (int64_t i = first; i < first + n; ++i)
    __builtin_prefetch(result + s->next_result + i * CACHE_LINE, 1);
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

/* ---- a few taps of maps ---- */

/* Sums of LINES lines, a vector each. */
typedef struct lines {
  floats first, second, third, fourth;
} lines;

/* Weights of taps along, for all lanes. */
typedef struct column {
  floats top, middle, bottom;
} column;

/* Those across. */
typedef struct nine {
  column left, centre, right;
} nine;

/* Up to three by three taps: inlined with constants. */
typedef struct few {
  int stride, across, along;
} few;

INLINE column load_column(few is, const bc_stencil *s, int tap, const float *weights)
{
  const float *w = weights + tap * s->weight.across;
  const floats none = {0};
  return (column){*w - none, is.along > 1 ? w[s->weight.along] - none : none,
                  is.along > 2 ? w[2 * s->weight.along] - none : none};
}

INLINE nine load_nine(few is, const bc_stencil *s, const float *weights)
{
  return (nine){load_column(is, s, 0, weights),
                load_column(is, s, is.across > 1 ? 1 : 0, weights),
                load_column(is, s, is.across > 2 ? 2 : 0, weights)};
}

/* Adds what place number `place`, counted from the first line's first tap, means for a line. */
INLINE void add_tap(few is, int tap, column w, floats x, floats *sum)
{
  if (tap >= 0 && tap < is.along)
    *sum += (tap == 0 ? w.top : tap == 1 ? w.middle : w.bottom) * x;
}

INLINE void add_taps(few is, int place, column w, floats x, lines *sums)
{
  add_tap(is, place, w, x, &sums->first);
  add_tap(is, place - is.stride, w, x, &sums->second);
  add_tap(is, place - 2 * is.stride, w, x, &sums->third);
  add_tap(is, place - 3 * is.stride, w, x, &sums->fourth);
}

INLINE lines sum_few(few is, const nine *w, const float *source, int64_t step, int64_t left,
                     int64_t centre, int64_t right)
{
  lines sums = {0};
#pragma GCC unroll 9
  for (int place = 0; place < (LINES - 1) * is.stride + is.along; ++place) {
    add_taps(is, place, w->left, load(source + left), &sums);
    if (is.across > 1)
      add_taps(is, place, w->centre, load(source + centre), &sums);
    if (is.across > 2)
      add_taps(is, place, w->right, load(source + right), &sums);
    source += step;
  }
  return sums;
}

/* Writes lines that are shorter than a vector, the last of which ends where no more may be
 * written. */
NOINLINE void put_short(const bc_stencil *s, const lines *sums, float *result)
{
  put_few(s, sums->first, result);
  put_few(s, sums->second, result + s->result_step);
  put_few(s, sums->third, result + 2 * s->result_step);
  put_few(s, sums->fourth, result + 3 * s->result_step);
}

enum { AHEAD = 512 /* elements of the result that are fetched before they are written */ };

/* A map of LINES lines or more. Where a line is shorter than a vector, what is too much goes where
 * the next line is written later; behind `end` it must not. */
INLINE void sum_few_lines(few is, const bc_stencil *s, const float *source, const float *weights,
                          float *result, const float *end)
{
  const int64_t step = s->result_step, elements = s->elements;
  const int64_t ahead = bc_count_blocks(AHEAD, LINES * step) * LINES * step;
  const int64_t left = s->across[0], centre = s->across[is.across > 1 ? 1 : 0],
                right = s->across[is.across > 2 ? 2 : 0], line_step = s->line_step,
                along_step = s->along_step;
  const nine w = load_nine(is, s, weights);
  for (int64_t i = 0; i < s->lines; i += LINES) {
    const int64_t line = bc_min(i, s->lines - LINES);
    for (int64_t x = 0; x < elements; x += LANES) {
      const int64_t at = vector_at(x, elements);
      const lines sums =
          sum_few(is, &w, source + line * line_step + at, along_step, left, centre, right);
      float *to = result + line * step + at;
      __builtin_prefetch(to + ahead, 1);
      __builtin_prefetch(to + ahead + step, 1);
      __builtin_prefetch(to + ahead + 2 * step, 1);
      __builtin_prefetch(to + ahead + 3 * step, 1);
      if (elements < LANES && end - (to + 3 * step) < LANES) {
        put_short(s, &sums, to);
        continue;
      }
      store(sums.first, to);
      store(sums.second, to + step);
      store(sums.third, to + 2 * step);
      store(sums.fourth, to + 3 * step);
    }
  }
}

INLINE void sum_few_maps(few is, const bc_stencil *s, const float *source, const float *weights,
                         float *result)
{
  const int64_t map_end = (s->lines - 1) * s->result_step + s->elements;
  const bool joined = s->result_map == map_end;
  for (int64_t map = 0; map < s->maps; ++map) {
    float *to = result + map * s->result_map;
    sum_few_lines(is, s, source + map * s->source_map, weights + map * s->weight_map, to,
                  joined ? result + s->maps * map_end : to + map_end);
  }
}

/* Returns false if these are not so few taps. */
static bool sum_if_few(const bc_stencil *s, const float *source, const float *weights,
                       float *result)
{
  /* Lines that are too short must be joined. */
  if (s->accumulate || s->channels * s->planes != 1 || s->lines < LINES ||
      (s->elements < LANES && s->result_step != s->elements))
    return false;
  const int64_t stride = s->line_step / bc_max(1, s->along_step);
  if (s->line_step != stride * s->along_step)
    return false;
  if (stride == 1 && s->taps_across == 3 && s->taps_along == 3)
    sum_few_maps((few){1, 3, 3}, s, source, weights, result);
  else if (stride == 2 && s->taps_across == 3 && s->taps_along == 3)
    sum_few_maps((few){2, 3, 3}, s, source, weights, result);
  else if (stride == 1 && s->taps_across == 2 && s->taps_along == 2)
    sum_few_maps((few){1, 2, 2}, s, source, weights, result);
  else if (stride == 1 && s->taps_across == 1 && s->taps_along == 2)
    sum_few_maps((few){1, 1, 2}, s, source, weights, result);
  else if (stride == 1 && s->taps_across == 2 && s->taps_along == 1)
    sum_few_maps((few){1, 2, 1}, s, source, weights, result);
  else if (stride == 1 && s->taps_across == 1 && s->taps_along == 1)
    sum_few_maps((few){1, 1, 1}, s, source, weights, result);
  else
    return false;
  return true;
}

/* ---- three taps of neighbouring pixels ---- */

enum { MOST_ROWS = 3, ALONG = 3 };

/* Sums of the results that a pixel of the source takes part in. */
typedef struct rolling {
  pair first, second, third;
} rolling;

INLINE void add_pair(pair weight, pair x, pair *sum)
{
  sum->low += weight.low * x.low;
  sum->high += weight.high * x.high;
}

/* Adds what pixel `pixel` means for the results under which it is the last tap, the middle one and
 * the first; with stride 2 for those under which its tap is even, or odd. */
INLINE void add_pixel(int stride, bool odd, const bc_stencil *s, const float *source, int64_t pixel,
                      int64_t high, const pair *w, rolling *sums)
{
  if (pixel < 0 || pixel >= s->sources)
    return;
#pragma GCC unroll 3
  for (int64_t row = 0; row < MOST_ROWS; ++row) {
    if (row >= s->taps_across)
      break;
    const float *from = source + s->across[row] + pixel * s->pixel;
    const pair x = {load(from), load(from + high)};
    if (stride == 2 && odd) {
      add_pair(w[row * ALONG + 1], x, &sums->first);
      continue;
    }
    add_pair(w[row * ALONG + 2], x, &sums->first);
    if (stride == 1)
      add_pair(w[row * ALONG + 1], x, &sums->second);
    add_pair(w[row * ALONG], x, stride == 1 ? &sums->third : &sums->second);
  }
}

INLINE void sum_pixel_row(int stride, const bc_stencil *s, const float *source, int64_t at,
                          int64_t high, const pair *w, float *result)
{
  const pair none = {{0}, {0}};
  rolling sums = {none, none, none};
  for (int64_t j = stride == 1 ? -2 : -1; j < s->lines; ++j) {
    const int64_t pixel = s->first + j * stride + 2;
    if (stride == 2)
      add_pixel(stride, true, s, source + at, j < 0 ? -1 : pixel - 1, high, w, &sums);
    add_pixel(stride, false, s, source + at, pixel, high, w, &sums);
    if (j >= 0) {
      float *to = result + at + j * s->result_step;
      fetch_next(s, at / (LANES + LANES) * s->lines + j, 1, stride * stride, source, result);
      store(sums.first.low, to);
      store(sums.first.high, to + high);
    }
    sums = (rolling){sums.second, stride == 1 ? sums.third : none, none};
  }
}

INLINE void sum_pixel_rows(int stride, const bc_stencil *s, const float *source,
                           const float *weights, float *result)
{
  for (int64_t x = 0; x < s->elements; x += LANES + LANES) {
    const int64_t at = vector_at(x, s->elements), high = vector_at(x + LANES, s->elements) - at;
    pair w[MOST_ROWS * ALONG];
    for (int64_t row = 0; row < s->taps_across; ++row)
      for (int64_t tap = 0; tap < ALONG; ++tap) {
        const float *from = weights + at + row * s->weight.across + tap * s->weight.along;
        w[row * ALONG + tap] = (pair){load(from), load(from + high)};
      }
    sum_pixel_row(stride, s, source, at, high, w, result);
  }
}

/* Returns false if it is another shape. */
static bool sum_if_three(const bc_stencil *s, const float *source, const float *weights,
                         float *result)
{
  if (s->accumulate || s->planes != 1 || s->taps_across < 1 || s->taps_across > MOST_ROWS ||
      s->taps_along != ALONG || s->apart != 1 || s->stride > 2)
    return false;
  if (s->stride == 1)
    sum_pixel_rows(1, s, source, weights, result);
  else
    sum_pixel_rows(2, s, source, weights, result);
  return true;
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
  if (!for_all && stride == 1 && s->taps_along == 1)
    sum_lines((shape){.for_all = for_all, .along = 1, .stride = 1}, s, source, weights, result);
  else if (!for_all && stride == 1 && s->taps_along == 2)
    sum_lines((shape){.for_all = for_all, .along = 2, .stride = 1}, s, source, weights, result);
  else if (for_all && stride == 1 && s->taps_along == 3)
    sum_lines((shape){.for_all = for_all, .along = 3, .stride = 1}, s, source, weights, result);
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
  if (!KNOWS_SHAPES || !sum_if_three(stencil, source, weights, result))
    sum(false, stencil, source, weights, result);
}

/* ---- rows ---- */

typedef float half __attribute__((vector_size(HALF * sizeof(float))));

INLINE half load_half(const float *from)
{
  half value;
  memcpy(&value, from, sizeof value);
  return value;
}

INLINE void store_half(half value, float *to)
{
  memcpy(to, &value, sizeof value);
}

/* Where lines are shorter than a vector, halves of vectors overlap. */
INLINE void copy_row(const float *from, int64_t n, float *to)
{
  int64_t x = 0;
  for (; n >= LANES && x < n; x += LANES)
    store(load(from + vector_at(x, n)), to + vector_at(x, n));
  for (; n >= HALF && x < n; x += HALF)
    store_half(load_half(from + bc_min(x, n - HALF)), to + bc_min(x, n - HALF));
  for (; x < n; ++x)
    to[x] = from[x];
}

/* Memory brings what is copied next while this is summed. */
INLINE void fetch(const float *row, int64_t n)
{
  for (int64_t x = 0; x < n; x += CACHE_LINE)
    __builtin_prefetch(row + x, 0, 2);
}

static void copy(const bc_grid *grid, const float *image, float *packed)
{
  for (int64_t plane = 0; plane < grid->planes; ++plane)
    for (int64_t row = 0; row < grid->rows; ++row) {
      const float *from = image + plane * grid->plane_step + row * grid->row_step;
      fetch(from + grid->next, grid->columns);
      copy_row(from, grid->columns,
               packed + plane * grid->packed_plane_step + row * grid->packed_row_step);
    }
}

INLINE void divide_vector(const float *from, float *even, float *odd)
{
  const floats a = load(from), b = load(from + LANES);
  store(__builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14), even);
  store(__builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15), odd);
}

INLINE void divide_half(const float *from, float *even, float *odd)
{
  const half a = load_half(from), b = load_half(from + HALF);
  store_half(__builtin_shufflevector(a, b, 0, 2, 4, 6), even);
  store_half(__builtin_shufflevector(a, b, 1, 3, 5, 7), odd);
}

INLINE void divide_row(const float *from, int64_t n, float *even, float *odd)
{
  const int64_t pairs = n / 2;
  int64_t i = 0;
  for (; pairs >= LANES && i < pairs; i += LANES) {
    const int64_t at = vector_at(i, pairs);
    divide_vector(from + 2 * at, even + at, odd + at);
  }
  for (; pairs >= HALF && i < pairs; i += HALF) {
    const int64_t at = bc_min(i, pairs - HALF);
    divide_half(from + 2 * at, even + at, odd + at);
  }
  for (; i < pairs; ++i) {
    even[i] = from[2 * i];
    odd[i] = from[2 * i + 1];
  }
  if (n % 2 == 1)
    even[pairs] = from[n - 1];
}

static void divide(const bc_grid *grid, const float *image, float *even, float *odd)
{
  for (int64_t plane = 0; plane < grid->planes; ++plane)
    for (int64_t row = 0; row < grid->rows; ++row) {
      const int64_t packed = plane * grid->packed_plane_step + row * grid->packed_row_step;
      const float *from = image + plane * grid->plane_step + row * grid->row_step;
      fetch(from + grid->next, grid->columns);
      divide_row(from, grid->columns, even + packed, odd + packed);
    }
}

INLINE void interleave_vector(const float *even, const float *odd, float *to)
{
  const floats a = load(even), b = load(odd);
  store(__builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11), to);
  store(__builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15), to + LANES);
}

INLINE void interleave_half(const float *even, const float *odd, float *to)
{
  const half a = load_half(even), b = load_half(odd);
  store(__builtin_shufflevector(a, b, 0, 4, 1, 5, 2, 6, 3, 7), to);
}

INLINE void interleave_row(const float *even, const float *odd, float *to, int64_t n)
{
  const int64_t pairs = n / 2;
  int64_t i = 0;
  for (; pairs >= LANES && i < pairs; i += LANES) {
    const int64_t at = vector_at(i, pairs);
    interleave_vector(even + at, odd + at, to + 2 * at);
  }
  for (; pairs >= HALF && i < pairs; i += HALF) {
    const int64_t at = bc_min(i, pairs - HALF);
    interleave_half(even + at, odd + at, to + 2 * at);
  }
  for (; i < pairs; ++i) {
    to[2 * i] = even[i];
    to[2 * i + 1] = odd[i];
  }
  if (n % 2 == 1)
    to[n - 1] = even[pairs];
}

INLINE void fetch_to_write(const float *row, int64_t n)
{
  for (int64_t x = 0; x < n; x += CACHE_LINE)
    __builtin_prefetch(row + x, 1);
}

static void interleave(const bc_grid *grid, const float *even, const float *odd, float *to)
{
  for (int64_t plane = 0; plane < grid->planes; ++plane)
    for (int64_t row = 0; row < grid->rows; ++row) {
      const int64_t packed = plane * grid->packed_plane_step + row * grid->packed_row_step;
      float *row_to = to + plane * grid->plane_step + row * grid->row_step;
      fetch_to_write(row_to + ROWS_AHEAD * grid->row_step, grid->columns);
      interleave_row(even + packed, odd + packed, row_to, grid->columns);
    }
}

const bc_depthwise_kernels BC_FOR_VECTOR_ISA(bc_depthwise_kernels) = {
    .sum_pixels = sum_pixels, .sum_channels = sum_channels, .copy = copy, .divide = divide, .interleave = interleave};
