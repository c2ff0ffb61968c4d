/* The tile of a product: rows x two vectors, all of which stay in registers. */
#include "product.h"

#include "kernels.h"

/* A tile's rows as a list, since compilers keep variables with names in registers, but not the
 * elements of an array. With vectors of 512 bits an instruction does so much that those around the
 * multiplications do not count; else several terms TOGETHER spare some of them. */
#define SIX_ROWS(use) use(0) use(1) use(2) use(3) use(4) use(5)
#if defined(__AVX512F__)
#define EACH_ROW(use) SIX_ROWS(use) use(6) use(7)
enum { ROWS = 8, PIECE = 32, TOGETHER = 1, TURNED = 512, READS_IN_PLACE = 1 };
#else
#define EACH_ROW(use) SIX_ROWS(use)
enum { ROWS = 6, PIECE = 64, TOGETHER = 4, TURNED = 96, READS_IN_PLACE = 0 };
#endif

#include "vectors.h"

enum { WIDTH = BC_VECTOR_LANES, LANES = 2 * WIDTH };

_Static_assert((int)ROWS <= (int)BC_MOST_TILE_ROWS && (int)LANES <= (int)BC_MOST_LANES,
               "a tile is too large");

/* Turns to the next row that has anything to be fetched. Returns whether there is one. */
static bool turn_to_next_row(bc_coming *coming)
{
  do {
    if (coming->rows > 1) {
      --coming->rows;
      coming->first += coming->step;
      coming->at = 0;
    } else if (coming->then != NULL) {
      *coming = *coming->then;
    } else {
      return false;
    }
  } while (coming->at >= coming->length);
  return true;
}

/* Into the first-level cache, though it holds the panel: fetched into the second alone, lines come
 * up to a tenth slower. */
static void fetch(bc_coming *coming)
{
  const float *first = coming->first;
  int64_t at = coming->at, length = coming->length;
  for (int64_t left = coming->at_once; left > 0; --left) {
    if (at >= length) {
      coming->at = at;
      if (!turn_to_next_row(coming))
        return;
      first = coming->first;
      at = coming->at;
      length = coming->length;
    }
    __builtin_prefetch(first + at);
    at += BC_CACHE_LINE;
  }
  coming->at = at;
}

#define ADD(i)                                                                                     \
  if ((i) < rows) {                                                                                \
    const floats factor = row##i[place] - (floats){0};                                             \
    low##i += factor * low;                                                                        \
    if (!half)                                                                                     \
      high##i += factor * high;                                                                    \
  }
/* So many terms at a time, as long as there are so many. */
#define ADD_TERMS(count)                                                                           \
  for (; k <= stop - (count)*step; k += (count)*step)                                              \
    _Pragma("GCC unroll 4") for (int64_t term = 0; term < (count); ++term)                         \
    {                                                                                              \
      if (slides == PANEL_SLIDES)                                                                  \
        panel = p->panel + *shift++;                                                               \
      const int64_t place = slides == ROWS_SLIDE ? *shift++ : k + term * step;                     \
      const floats low = load(panel), high = half ? low : load(panel + WIDTH);                     \
      EACH_ROW(ADD)                                                                                \
      if (slides != PANEL_SLIDES)                                                                  \
        panel += panel_step;                                                                       \
    }

/* What a tile's shifts are for. */
typedef enum slide_of { NOTHING_SLIDES, PANEL_SLIDES, ROWS_SLIDE } slide_of;

/* known_step: the rows', the panel being packed; or 0, and the tile says both. */
INLINE void multiply_tile(int rows, bool half, slide_of slides, int64_t known_step,
                          const bc_panel_product *p, const float *const *at, float *const *results)
{
  const bool is_known = known_step != 0;
  const bool is_short = slides != NOTHING_SLIDES; /* one segment in one piece */
  const int64_t step = is_known ? known_step : p->step;
  const int64_t panel_step = is_known ? LANES : p->panel_step;
  const int64_t offset = p->offset;
  const float *panel = p->panel;
  const int64_t *shift = p->shifts;
  /* Where each vector ends: if it begins in another line, a tile before it ended there. */
#define EXPECT(i)                                                                                  \
  if ((i) < rows) {                                                                                \
    __builtin_prefetch(results[(i)] + offset + WIDTH - 1, 1);                                      \
    if (!half)                                                                                     \
      __builtin_prefetch(results[(i)] + offset + LANES - 1, 1);                                    \
  }
  if (slides != ROWS_SLIDE) { /* whose tiles are too short for that */
    EACH_ROW(EXPECT)
  }
#define DECLARE(i) floats low##i = {0}, high##i = {0};
  EACH_ROW(DECLARE)
  for (int64_t segment = 0; segment < (is_short ? 1 : p->segments); ++segment) {
    if (!is_short && p->panel_at != NULL)
      panel = p->panel + p->panel_at[segment];
#define BEGIN(i) const float *const row##i = at[(i) % rows];
    EACH_ROW(BEGIN)
    const int64_t end = p->length * step;
    for (int64_t k = 0, stop; k < end;) {
      stop = !is_short && k + PIECE * step < end ? k + PIECE * step : end;
      /* What is short has none, but asked all the same GCC keeps all sums in registers. */
      if (p->coming != NULL)
        fetch(p->coming);
      if (is_known)
        ADD_TERMS(TOGETHER)
      ADD_TERMS(1)
    }
    at += p->segment_step;
  }
  const bool add = p->add;
#define STORE(i)                                                                                   \
  if ((i) < rows) {                                                                                \
    float *const to = results[(i)] + offset;                                                       \
    store(add ? low##i + load(to) : low##i, to);                                                   \
    if (!half)                                                                                     \
      store(add ? high##i + load(to + WIDTH) : high##i, to + WIDTH);                               \
  }
  EACH_ROW(STORE)
}

INLINE void multiply_tiles(int rows, bool half, int64_t known_step, const bc_panel_product *p,
                           int64_t begin, int64_t end)
{
  for (int64_t row = begin; row < end; row += rows)
    multiply_tile(rows, half, NOTHING_SLIDES, known_step, p, p->rows_at + row, p->results + row);
}

/* Operands that lie as packing leaves them have steps that are known. It does not count for tiles
 * of few rows, which wait for their sums to be added. */
INLINE void multiply_by_step(int rows, bool half, const bc_panel_product *p, int64_t begin,
                             int64_t end)
{
  const bool is_packed = !half && p->panel_step == LANES;
  const bool counts = TOGETHER > 1 && 3 * rows >= 2 * ROWS;
  if (counts && is_packed && p->step == 1)
    multiply_tiles(rows, half, 1, p, begin, end);
  else if (counts && is_packed && p->step == ROWS)
    multiply_tiles(rows, half, ROWS, p, begin, end);
  else if (counts && is_packed && p->step == LANES)
    multiply_tiles(rows, half, LANES, p, begin, end);
  else
    multiply_tiles(rows, half, 0, p, begin, end);
}

/* Tiles of so many rows. */
static void multiply_alike(const bc_panel_product *p, int64_t rows, int64_t begin, int64_t end)
{
#define CASE(i)                                                                                    \
  case (i) + 1:                                                                                    \
    multiply_by_step((i) + 1, false, p, begin, end);                                               \
    break;                                                                                         \
  case ROWS + (i) + 1:                                                                             \
    multiply_by_step((i) + 1, true, p, begin, end);                                                \
    break;
  switch (rows + (p->half ? ROWS : 0)) {
    EACH_ROW(CASE)
  default:
    break;
  }
}

/* Full tiles, but for the last three where rows are left: one of few rows would wait for its sums
 * to be added, so these share them evenly. */
static void multiply(const bc_panel_product *p)
{
  const int64_t full = p->rows / ROWS;
  int64_t sharing = p->rows % ROWS == 0 ? 0 : full < 2 ? full + 1 : 3;
  int64_t row = sharing == 0 ? p->rows : (full + 1 - sharing) * ROWS;
  multiply_alike(p, ROWS, 0, row);
  for (; sharing > 0; --sharing) {
    const int64_t rows = (p->rows - row + sharing - 1) / sharing;
    multiply_alike(p, rows, row, row + rows);
    row += rows;
  }
}

static void slide_panel(const bc_panel_product *p)
{
  if (p->half)
    multiply_tile(ROWS, true, PANEL_SLIDES, 0, p, p->rows_at, p->results);
  else
    multiply_tile(ROWS, false, PANEL_SLIDES, 0, p, p->rows_at, p->results);
}

static void slide_rows(const bc_panel_product *p)
{
  if (p->half)
    multiply_tile(ROWS, true, ROWS_SLIDE, 1, p, p->rows_at, p->results);
  else
    multiply_tile(ROWS, false, ROWS_SLIDE, 1, p, p->rows_at, p->results);
}

/* ---- panels of pixels ---- */

/* Every element, or every other; reads nothing behind the last that it needs. */
INLINE floats load_apart(const float *from, int64_t step)
{
  if (step == 1)
    return load(from);
#if defined(__AVX512F__)
  return __builtin_shufflevector(load(from), load(from + WIDTH - 1), 0, 2, 4, 6, 8, 10, 12, 14, 17,
                                 19, 21, 23, 25, 27, 29, 31);
#elif defined(__AVX__)
  return __builtin_shufflevector(load(from), load(from + WIDTH - 1), 0, 2, 4, 6, 9, 11, 13, 15);
#else
  return __builtin_shufflevector(load(from), load(from + WIDTH - 1), 0, 2, 5, 7);
#endif
}

/* Lanes of a vector that are as far from each other as the source's steps are: those of `mask` in
 * what is loaded from `offset` on. */
typedef struct run {
  int64_t offset;
  ints mask;
} run;

/* The vector of lanes from `first` on as runs. Returns how many, or -1 if loads of whole vectors
 * would leave the tensor. */
static int find_runs(const bc_lanes_source *from, int64_t first, int64_t channels, run runs[WIDTH])
{
  const int64_t last = (channels - 1) * from->source_step + (WIDTH - 1) * from->lane_step;
  ints inside;
  int count = 0;
  memcpy(&inside, from->inside + first, sizeof inside);
  for (int64_t r = 0, lane = 0; lane < WIDTH && r < from->runs; ++r) {
    const int64_t end = from->run_ends[r] - first;
    if (end <= lane)
      continue;
    const int64_t offset = from->offsets[first + lane] - lane * from->lane_step;
    if (offset < from->readable || offset + last >= from->limit)
      return -1;
    runs[count++] = (run){offset, inside & lanes_between(lane, end)};
    lane = end;
  }
  return count;
}

INLINE void gather_runs(const bc_lanes_source *from, int64_t step, int count, const run *runs,
                        int64_t channels, float *panel, int64_t panel_step)
{
  const float *source = from->source;
  const int64_t ahead = LANES * step;
  for (int64_t c = 0; c < channels; ++c) {
    ints lanes = {0};
    for (int i = 0; i < count; ++i)
      lanes |= (ints)load_apart(source + runs[i].offset, step) & runs[i].mask;
    store((floats)lanes, panel);
    if (count > 0)
      __builtin_prefetch(source + runs[count - 1].offset + ahead);
    source += from->source_step;
    panel += panel_step;
  }
}

/* Lane by lane. */
static void gather_lanes(const bc_lanes_source *from, int64_t first, int64_t channels, float *panel,
                         int64_t panel_step)
{
  for (int64_t lane = 0; lane < WIDTH; ++lane) {
    const bool inside = from->inside[first + lane];
    const float *source = from->source + (inside ? from->offsets[first + lane] : 0);
    for (int64_t c = 0; c < channels; ++c)
      panel[c * panel_step + lane] = inside ? source[c * from->source_step] : 0.0f;
  }
}

static void gather_vector(const bc_lanes_source *from, int64_t first, int64_t channels,
                          float *panel, int64_t panel_step)
{
  run runs[WIDTH];
  const int64_t step = from->lane_step;
  const int count = step <= 2 ? find_runs(from, first, channels, runs) : -1;
  if (count < 0)
    gather_lanes(from, first, channels, panel, panel_step);
  else if (step == 1 && count == 1)
    gather_runs(from, 1, 1, runs, channels, panel, panel_step);
  else if (step == 1 && count == 2)
    gather_runs(from, 1, 2, runs, channels, panel, panel_step);
  else
    gather_runs(from, step, count, runs, channels, panel, panel_step);
}

static void gather(const bc_lanes_source *from, int64_t channels, float *panel, int64_t panel_step)
{
  gather_vector(from, 0, channels, panel, panel_step);
  gather_vector(from, WIDTH, channels, panel + WIDTH, panel_step);
}

/* ---- packed rows and columns ---- */

/* The width is known, and the step if it is 1: no call of memcpy() for a few numbers. */
INLINE void put_blocks(const bc_row_source *row, int64_t width, int64_t step, float *to)
{
  const float *from = row->from;
  int64_t left = row->n;
  for (; left >= width; left -= width, from += width * step, to += row->block_step)
    for (int64_t i = 0; i < width; ++i)
      to[i] = from[i * step];
  for (int64_t i = 0; i < left; ++i)
    to[i] = from[i * step];
}

INLINE void put_steps(const bc_row_source *row, int64_t width, float *to)
{
  if (row->step == 1)
    put_blocks(row, width, 1, to);
  else
    put_blocks(row, width, row->step, to);
}

static void put_row(const bc_row_source *row, float *to)
{
  if (row->width == ROWS)
    put_steps(row, ROWS, to);
  else
    put_steps(row, LANES, to);
}

const bc_product_kernels BC_FOR_ISA(bc_product_kernels) = {.rows = ROWS,
                                                           .lanes = LANES,
                                                           .piece = PIECE,
                                                           .turned = TURNED,
                                                           .reads_in_place = READS_IN_PLACE,
                                                           .multiply = multiply,
                                                           .slide_panel = slide_panel,
                                                           .slide_rows = slide_rows,
                                                           .gather = gather,
                                                           .put_row = put_row};
