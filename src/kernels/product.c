/* Products of rows, listed, by panels. */
#include "coming.h"
#include "even_product.h"
#include "kernels.h"
#include "tile.h"

#if defined(__AVX512F__)
enum { READS_IN_PLACE = 1 };
#else
enum { READS_IN_PLACE = 0 };
#endif

/* So many terms at a time, as long as there are so many. */
#define ADD_TERMS(count)                                                                           \
  for (; k <= stop - (count)*step; k += (count)*step)                                              \
    _Pragma("GCC unroll 4") for (int64_t term = 0; term < (count); ++term)                         \
    {                                                                                              \
      const int64_t begin = slides == PANEL_SLIDES ? *shift++ : 0;                                 \
      if (slides == PANEL_SLIDES)                                                                  \
        panel = p->panel + begin;                                                                  \
      if (slides == PANEL_SLIDES && vectors > 2)                                                   \
        beside = p->beside + begin;                                                                \
      const int64_t place = slides == ROWS_SLIDE ? *shift++ : k + term * step;                     \
      const floats a = load(panel), b = vectors > 1 ? load(panel + WIDTH) : a;                     \
      const floats c = vectors > 2 ? load(beside) : a, d = vectors > 3 ? load(beside + WIDTH) : a; \
      EACH_ROW(ADD)                                                                                \
      if (slides != PANEL_SLIDES)                                                                  \
        panel += panel_step;                                                                       \
      if (slides != PANEL_SLIDES && vectors > 2)                                                   \
        beside += panel_step;                                                                      \
    }

/* What a tile's shifts are for. */
typedef enum slide_of { NOTHING_SLIDES, PANEL_SLIDES, ROWS_SLIDE } slide_of;

/* Elements from a row's factor, or a panel's row, to the next, or 0: the product says it. */
typedef struct steps {
  int64_t rows, panel;
} steps;

INLINE void multiply_tile(int rows, int vectors, slide_of slides, steps known,
                          const bc_panel_product *p, const float *const *at, float *const *results)
{
  const bool is_short = slides != NOTHING_SLIDES; /* one segment in one piece */
  const int64_t step = known.rows != 0 ? known.rows : p->step;
  const int64_t panel_step = known.panel != 0 ? known.panel : p->panel_step;
  const int64_t offset = p->offset;
  const float *panel = p->panel, *beside = p->beside;
  const int64_t *shift = p->shifts;
  /* Where each vector ends: if it begins in another line, a tile before it ended there. */
#define EXPECT(i)                                                                                  \
  for (int64_t v = 0; v < vectors && (i) < rows; ++v)                                              \
    __builtin_prefetch(results[(i)] + offset + (v + 1) * WIDTH - 1, 1);
  if (slides != ROWS_SLIDE) { /* whose tiles are too short for that */
    EACH_ROW(EXPECT)
  }
  EACH_ROW(DECLARE)
  for (int64_t segment = 0; segment < (is_short ? 1 : p->segments); ++segment) {
    if (!is_short && p->panel_at != NULL) {
      panel = p->panel + p->panel_at[segment];
      if (vectors > 2)
        beside = p->beside + p->panel_at[segment];
    }
#define BEGIN(i) const float *const row##i = at[(i) % rows];
    EACH_ROW(BEGIN)
    const int64_t end = p->length * step;
    for (int64_t k = 0, stop; k < end;) {
      stop = !is_short && k + PIECE * step < end ? k + PIECE * step : end;
      /* What is short has none, but asked all the same GCC keeps all sums in registers. */
      if (p->coming != NULL)
        fetch(p->coming);
      if (known.rows != 0 || known.panel != 0)
        ADD_TERMS(TOGETHER)
      ADD_TERMS(1)
    }
    at += p->segment_step;
  }
  const bool add = p->add;
#define STORE(i)                                                                                   \
  if ((i) < rows) {                                                                                \
    float *const to = results[(i)] + offset;                                                       \
    PUT_ROW(i, to)                                                                                 \
  }
  EACH_ROW(STORE)
}

INLINE void multiply_tiles(int rows, int vectors, steps known, const bc_panel_product *p,
                           int64_t begin, int64_t end)
{
  for (int64_t row = begin; row < end; row += rows)
    multiply_tile(rows, vectors, NOTHING_SLIDES, known, p, p->rows_at + row, p->results + row);
}

/* Operands that lie as packing leaves them have steps that are known. It does not count for tiles
 * of few rows, which wait for their sums to be added. Half a panel beside a whole one is rare but
 * for pixels by few filters. */
INLINE void multiply_by_step(int rows, int vectors, const bc_panel_product *p, int64_t begin,
                             int64_t end)
{
  const bool is_packed = p->panel_step == LANES, are_whole = vectors != ONE_AND_HALF;
  const bool counts = vectors > HALF && 3 * rows * vectors >= 2 * ROWS * ONE_PANEL;
  if (counts && is_packed && p->step == 1)
    multiply_tiles(rows, vectors, (steps){1, LANES}, p, begin, end);
  else if (counts && are_whole && is_packed && p->step == PACKED_ROWS)
    multiply_tiles(rows, vectors, (steps){PACKED_ROWS, LANES}, p, begin, end);
  else if (counts && are_whole && is_packed && p->step == LANES)
    multiply_tiles(rows, vectors, (steps){LANES, LANES}, p, begin, end);
  else if (counts && are_whole && is_packed && READS_IN_PLACE)
    multiply_tiles(rows, vectors, (steps){0, LANES}, p, begin, end);
  else
    multiply_tiles(rows, vectors, (steps){0}, p, begin, end);
}

static int vectors_of(const bc_panel_product *p)
{
  if (WIDE_ROWS == 0 || p->beside == NULL)
    return p->half ? HALF : ONE_PANEL;
  return p->half ? ONE_AND_HALF : TWO_PANELS;
}

INLINE void multiply_vectors(int rows, const bc_panel_product *p, int64_t begin, int64_t end)
{
  const int vectors = vectors_of(p);
  if (vectors == HALF)
    multiply_by_step(rows, HALF, p, begin, end);
  else if (vectors == ONE_PANEL)
    multiply_by_step(rows, ONE_PANEL, p, begin, end);
  else if (WIDE_ROWS > 0 && vectors == ONE_AND_HALF)
    multiply_by_step(rows, ONE_AND_HALF, p, begin, end);
  else if (rows <= WIDE_ROWS)
    multiply_by_step(rows, TWO_PANELS, p, begin, end);
}

/* Tiles of so many rows. */
static void multiply_alike(const bc_panel_product *p, int64_t rows, int64_t begin, int64_t end)
{
#define CASE(i)                                                                                    \
  case (i) + 1:                                                                                    \
    multiply_vectors((i) + 1, p, begin, end);                                                      \
    break;
  switch (rows) {
    EACH_ROW(CASE)
  default:
    break;
  }
}

/* Full tiles, but for the last three where rows are left: one of few rows would wait for its sums
 * to be added, so these share them evenly. */
static void multiply(const bc_panel_product *p)
{
  const int64_t most = vectors_of(p) == TWO_PANELS ? PACKED_ROWS : ROWS, full = p->rows / most;
  int64_t sharing = p->rows % most == 0 ? 0 : full < 2 ? full + 1 : 3;
  int64_t row = sharing == 0 ? p->rows : (full + 1 - sharing) * most;
  multiply_alike(p, most, 0, row);
  for (; sharing > 0; --sharing) {
    const int64_t rows = (p->rows - row + sharing - 1) / sharing;
    multiply_alike(p, rows, row, row + rows);
    row += rows;
  }
}

static void slide_panel(const bc_panel_product *p)
{
  const int vectors = vectors_of(p);
  if (WIDE_ROWS > 0 && vectors == ONE_AND_HALF)
    multiply_tile(ROWS, ONE_AND_HALF, PANEL_SLIDES, (steps){0}, p, p->rows_at, p->results);
  else if (vectors == HALF)
    multiply_tile(ROWS, HALF, PANEL_SLIDES, (steps){0}, p, p->rows_at, p->results);
  else
    multiply_tile(ROWS, ONE_PANEL, PANEL_SLIDES, (steps){0}, p, p->rows_at, p->results);
}

static void slide_rows(const bc_panel_product *p)
{
  if (p->half)
    multiply_tile(ROWS, HALF, ROWS_SLIDE, (steps){1, LANES}, p, p->rows_at, p->results);
  else
    multiply_tile(ROWS, ONE_PANEL, ROWS_SLIDE, (steps){1, LANES}, p, p->rows_at, p->results);
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

/* The width is known, and the step if it is 1: neighbours are few vectors, no call of memcpy(). */
INLINE void put_blocks(const bc_row_source *row, int64_t width, int64_t step, float *to)
{
  const float *from = row->from;
  int64_t left = row->n;
  for (; left >= width; left -= width, from += width * step, to += row->block_step) {
    if (step == 1) {
      memcpy(to, from, (size_t)width * sizeof *to);
      continue;
    }
    UNROLL for (int64_t i = 0; i < width; ++i) to[i] = from[i * step];
  }
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
  if (row->width == PACKED_ROWS)
    put_steps(row, PACKED_ROWS, to);
  else
    put_steps(row, LANES, to);
}

const bc_product_kernels BC_FOR_ISA(bc_product_kernels) = {
    .rows = ROWS,
    .wide_rows = WIDE_ROWS,
    .packed_rows = PACKED_ROWS,
    .lanes = LANES,
    .piece = PIECE,
    .reads_in_place = READS_IN_PLACE,
    .multiply = multiply,
    .multiply_evenly = BC_FOR_ISA(bc_multiply_evenly),
    .slide_panel = slide_panel,
    .slide_rows = slide_rows,
    .gather = gather,
    .put_row = put_row};
