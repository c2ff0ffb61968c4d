/* Products of rows and panels that lie evenly: all panels by a tile's rows, then by the next ones,
 * so that results are written in the order of memory where rows are pixels. */
#include "even_product.h"

#include "coming.h"
#include "geometry.h"
#include "tile.h"

/* Rows of a tile by a panel and a half, which takes as many registers as one of PACKED_ROWS by a
 * panel, and rows that both kinds of tiles share. */
enum { TAIL_ROWS = WIDE_ROWS > 0 ? WIDE_ROWS : 4, GROUP_ROWS = 12 };

enum { TAIL_LANES = LANES + WIDTH, PAIR_LANES = 2 * LANES };

_Static_assert((int)GROUP_ROWS % (int)PACKED_ROWS == 0 && (int)GROUP_ROWS % (int)TAIL_ROWS == 0,
               "tiles do not fill a group of rows");

/* Of the panels by which rows are packed: as many as a tile can have. */
enum {
  FIRST_PANELS = WIDE_ROWS > 0 ? 2 : 1,
  FIRST_VECTORS = WIDE_ROWS > 0 ? TWO_PANELS : ONE_PANEL,
  FIRST_LANES = FIRST_PANELS * LANES
};

/* Where a tile's operands and results begin. */
typedef struct tile_place {
  const float *first; /* of its rows */
  const float *panel;
  const float *apart; /* where it is yet, if it is apart */
  float *result;
  int64_t result_step;
  bool add;
} tile_place;

/* What a tile copies to where others will read it: its panel, which is apart yet; or its rows,
 * which are neighbours. */
enum { NOTHING = 0, PANEL = 1, THE_ROWS = 2 };

/* known_step: from a row's factor to the next, if that is known when compiled; else 0. */
INLINE void multiply_tile(int rows, int vectors, int copied, int64_t known_step,
                          const bc_even_product *p, tile_place at)
{
  const int64_t step = known_step != 0 ? known_step : p->step;
  const int64_t row_step = (copied & THE_ROWS) != 0 ? 1 : p->row_step;
  const int64_t panel_step = (copied & PANEL) != 0 ? p->apart_step : LANES;
  const float *panel = (copied & PANEL) != 0 ? at.apart : at.panel;
  const float *beside =
      vectors > 2 ? panel + ((copied & PANEL) != 0 ? LANES : p->panel_step) : panel;
  float *copy = (copied & PANEL) != 0 ? p->copies + (at.panel - p->panels) : NULL;
  float *row_copy = p->packed_rows;
#define RESULT(i) (at.result + (i)*at.result_step)
  /* Where each vector ends: if it begins in another line, a tile before it ended there. */
#define EXPECT(i)                                                                                  \
  for (int64_t v = 0; v < vectors && (i) < rows; ++v)                                              \
    __builtin_prefetch(RESULT(i) + (v + 1) * WIDTH - 1, 1);
  EACH_ROW(EXPECT)
  EACH_ROW(DECLARE)
#define BEGIN(i) const float *const row##i = at.first + (i) % rows * row_step;
  EACH_ROW(BEGIN)
  const int64_t end = p->depth * step;
/* So many terms at a time, as long as there are so many. */
#define ADD_TERMS(count)                                                                           \
  for (; k <= stop - (count)*step; k += (count)*step)                                              \
    _Pragma("GCC unroll 4") for (int64_t term = 0; term < (count); ++term)                         \
    {                                                                                              \
      const int64_t place = k + term * step;                                                       \
      const floats a = load(panel), b = vectors > 1 ? load(panel + WIDTH) : a;                     \
      const floats c = vectors > 2 ? load(beside) : a, d = vectors > 3 ? load(beside + WIDTH) : a; \
      EACH_ROW(ADD)                                                                                \
      if ((copied & PANEL) != 0) {                                                                 \
        store(a, copy);                                                                            \
        store(b, copy + WIDTH);                                                                    \
        if (vectors > 2) {                                                                         \
          store(c, copy + p->panel_step);                                                          \
          store(d, copy + p->panel_step + WIDTH);                                                  \
        }                                                                                          \
        copy += LANES;                                                                             \
      }                                                                                            \
      if ((copied & THE_ROWS) != 0) {                                                              \
        memcpy(row_copy, row0 + place, PACKED_ROWS * sizeof *row_copy);                            \
        row_copy += PACKED_ROWS;                                                                   \
      }                                                                                            \
      panel += panel_step;                                                                         \
      if (vectors > 2)                                                                             \
        beside += panel_step;                                                                      \
    }
  for (int64_t k = 0, stop; k < end;) {
    stop = k + PIECE * step < end ? k + PIECE * step : end;
    if (p->coming != NULL)
      fetch(p->coming);
    if (rows >= TAIL_ROWS) /* as most tiles have */
      ADD_TERMS(TOGETHER)
    ADD_TERMS(1)
  }
  const bool add = at.add;
#define STORE(i)                                                                                   \
  if ((i) < rows)                                                                                  \
  PUT_ROW(i, RESULT(i))
  EACH_ROW(STORE)
}

/* More lanes than a vector has: the last of them overlap what is before. */
INLINE void put_overlapping(const float *sums, int64_t lanes, bool add, float *to)
{
  const int64_t last = lanes - WIDTH;
  floats low = load(sums), high = load(sums + last);
  if (add) {
    low += load(to);
    high += load(to + last);
  }
  store(low, to);
  store(high, to + last);
}

/* A tile of which some lanes are not kept. */
INLINE void multiply_few_lanes(int rows, int64_t known_step, const bc_even_product *p,
                               tile_place at, int64_t lanes)
{
  float sums[PACKED_ROWS][LANES], *result = at.result;
  at.result = sums[0];
  at.result_step = LANES;
  at.add = false;
  if (lanes < WIDTH)
    multiply_tile(rows, HALF, NOTHING, known_step, p, at);
  else
    multiply_tile(rows, ONE_PANEL, NOTHING, known_step, p, at);
  for (int64_t i = 0; i < rows; ++i, result += p->result_step)
    if (lanes > WIDTH)
      put_overlapping(sums[i], lanes, p->add, result);
    else
      for (int64_t lane = 0; lane < lanes; ++lane)
        result[lane] = p->add ? sums[i][lane] + result[lane] : sums[i][lane];
}

INLINE void next_panels(const bc_even_product *p, int64_t count, bool apart, tile_place *at)
{
  if (apart)
    at->apart += count * LANES;
  at->panel += count * p->panel_step;
  at->result += count * LANES;
}

/* To the rows behind so many that follow each other. */
INLINE void next_rows(const bc_even_product *p, int64_t count, tile_place *at)
{
  at->first += count * p->row_step;
  at->result += count * p->result_step;
}

/* A tile's rows by the panels of so many lanes, of which the whole ones may be apart yet. */
INLINE void multiply_panels(int rows, bool apart, int64_t known_step, const bc_even_product *p,
                            tile_place at, int64_t lanes)
{
  const int copied = apart ? PANEL : NOTHING;
  for (; WIDE_ROWS > 0 && lanes >= PAIR_LANES; lanes -= PAIR_LANES) {
    multiply_tile(rows, TWO_PANELS, copied, known_step, p, at);
    next_panels(p, 2, apart, &at);
  }
  for (; lanes >= LANES; lanes -= LANES) {
    multiply_tile(rows, ONE_PANEL, copied, known_step, p, at);
    next_panels(p, 1, apart, &at);
  }
  if (lanes == WIDTH)
    multiply_tile(rows, HALF, NOTHING, known_step, p, at);
  else if (lanes > 0)
    multiply_few_lanes(rows, known_step, p, at, lanes);
}

/* Each a function of its own: where many tiles are in one, GCC runs out of registers. */
typedef void panels_product(const bc_even_product *p, const tile_place *at, int64_t lanes);

#define TILES(name, rows, apart, step)                                                             \
  static __attribute__((noinline)) void name(const bc_even_product *p, const tile_place *at,       \
                                             int64_t lanes)                                        \
  {                                                                                                \
    multiply_panels(rows, apart, step, p, *at, lanes);                                             \
  }
TILES(multiply_neighbours, PACKED_ROWS, false, 1)
TILES(multiply_packed, PACKED_ROWS, false, PACKED_ROWS)
TILES(multiply_side_by_side, PACKED_ROWS, false, 0)
TILES(multiply_5, 5, false, 0)
TILES(multiply_4, 4, false, 0)
TILES(multiply_3, 3, false, 0)
TILES(multiply_2, 2, false, 0)
TILES(multiply_1, 1, false, 0)
TILES(copy_by_neighbours, PACKED_ROWS, true, 1)
TILES(copy_by_packed, PACKED_ROWS, true, PACKED_ROWS)
TILES(copy_by_side_by_side, PACKED_ROWS, true, 0)
TILES(copy_by_5, 5, true, 0)
TILES(copy_by_4, 4, true, 0)
TILES(copy_by_3, 3, true, 0)
TILES(copy_by_2, 2, true, 0)
TILES(copy_by_1, 1, true, 0)

_Static_assert((int)PACKED_ROWS == 6, "tiles of fewer rows than those are missing");

/* The one for so many rows by panels which are where they belong, or apart. */
static panels_product *tiles_of(int64_t rows, int64_t step, bool apart)
{
  static panels_product *const few[][2] = {{multiply_1, copy_by_1},
                                           {multiply_2, copy_by_2},
                                           {multiply_3, copy_by_3},
                                           {multiply_4, copy_by_4},
                                           {multiply_5, copy_by_5}};
  if (rows < PACKED_ROWS)
    return few[rows - 1][apart ? 1 : 0];
  if (step == 1)
    return apart ? copy_by_neighbours : multiply_neighbours;
  if (step == PACKED_ROWS)
    return apart ? copy_by_packed : multiply_packed;
  return apart ? copy_by_side_by_side : multiply_side_by_side;
}

/* The first of several panels by rows which lie side by side, and are packed for the others. */
static __attribute__((noinline)) void pack_rows(const bc_even_product *p, const tile_place *at)
{
  multiply_tile(PACKED_ROWS, FIRST_VECTORS, THE_ROWS, 0, p, *at);
}

static __attribute__((noinline)) void pack_both(const bc_even_product *p, const tile_place *at)
{
  multiply_tile(PACKED_ROWS, FIRST_VECTORS, PANEL | THE_ROWS, 0, p, *at);
}

/* A tile's rows by all panels. */
static void multiply_rows(const bc_even_product *p, const tile_place *tile, int64_t rows,
                          bool apart)
{
  if (p->packed_rows == NULL || rows < PACKED_ROWS || p->lanes <= FIRST_LANES) {
    tiles_of(rows, p->step, apart)(p, tile, p->lanes);
    return;
  }
  tile_place at = *tile;
  if (apart)
    pack_both(p, &at);
  else
    pack_rows(p, &at);
  next_panels(p, FIRST_PANELS, apart, &at);
  at.first = p->packed_rows;
  tiles_of(rows, PACKED_ROWS, apart)(p, &at, p->lanes - FIRST_LANES);
}

/* Two tiles, or three where the last panel and a half are multiplied. */
static void multiply_group(const bc_even_product *p, const tile_place *group)
{
  const int64_t lanes = p->lanes - TAIL_LANES;
  tile_place at = *group;
  for (int i = 0; i < GROUP_ROWS / PACKED_ROWS && lanes > 0; ++i) {
    tiles_of(PACKED_ROWS, p->step, false)(p, &at, lanes);
    next_rows(p, PACKED_ROWS, &at);
  }
  at = *group;
  at.panel += lanes / LANES * p->panel_step;
  at.result += lanes;
  for (int i = 0; i < GROUP_ROWS / TAIL_ROWS; ++i) {
    if (p->step == 1)
      multiply_tile(TAIL_ROWS, ONE_AND_HALF, NOTHING, 1, p, at);
    else
      multiply_tile(TAIL_ROWS, ONE_AND_HALF, NOTHING, 0, p, at);
    next_rows(p, TAIL_ROWS, &at);
  }
}

/* Whether rows, which are not packed, are cut into other tiles where half a panel would be alone.
 */
static bool has_groups(const bc_even_product *p)
{
  return p->step != PACKED_ROWS && p->apart == NULL && p->lanes > LANES &&
         p->lanes % LANES == WIDTH;
}

/* A tile of few rows would wait for its sums to be added, so the last two share what is left,
 * unless they are packed. */
static int64_t rows_of_tile(const bc_even_product *p, int64_t left)
{
  const bool shares =
      p->step != PACKED_ROWS && left > PACKED_ROWS && left - PACKED_ROWS < PACKED_ROWS / 2;
  return shares ? (left + 1) / 2 : bc_min(left, PACKED_ROWS);
}

void BC_FOR_ISA(bc_multiply_evenly)(const bc_even_product *p)
{
  tile_place at = {.first = p->first,
                   .panel = p->panels,
                   .apart = p->apart,
                   .result = p->results,
                   .result_step = p->result_step,
                   .add = p->add};
  const bool groups = has_groups(p);
  int64_t left = p->rows;
  for (; groups && left >= GROUP_ROWS; left -= GROUP_ROWS) {
    multiply_group(p, &at);
    next_rows(p, GROUP_ROWS, &at);
  }
  for (int64_t tile = 0, rows; left > 0; ++tile, left -= rows) {
    rows = rows_of_tile(p, left);
    multiply_rows(p, &at, rows, tile == 0 && p->apart != NULL);
    at.first += rows < PACKED_ROWS ? rows * p->row_step : p->tile_step;
    at.result += rows * p->result_step;
  }
}
