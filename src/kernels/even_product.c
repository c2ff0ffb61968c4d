/* Products of rows and panels that lie evenly: all panels by a tile's rows, then by the next ones,
 * so that results are written in the order of memory where rows are pixels. */
#include "even_product.h"

#include "geometry.h"
#include "tile.h"

/* Rows of a tile by a panel and a half, which takes as many registers as one of PACKED_ROWS by a
 * panel, and rows that both kinds of tiles share. */
enum { TAIL_ROWS = WIDE_ROWS > 0 ? WIDE_ROWS : 4, GROUP_ROWS = 12 };

enum { TAIL_LANES = LANES + WIDTH, PAIR_LANES = 2 * LANES };

_Static_assert((int)GROUP_ROWS % (int)PACKED_ROWS == 0 && (int)GROUP_ROWS % (int)TAIL_ROWS == 0,
               "tiles do not fill a group of rows");

/* Where a tile's operands and results begin. */
typedef struct tile_place {
  const float *first; /* of its rows */
  const float *panel; /* it may be apart yet: then `copy` is where it belongs */
  float *copy;
  float *result;
  int64_t result_step;
  bool add;
} tile_place;

/* known_step: from a row's factor to the next, if that is known when compiled; else 0. copies: the
 * panel is apart yet. */
INLINE void multiply_tile(int rows, int vectors, bool copies, int64_t known_step,
                          const bc_even_product *p, tile_place at)
{
  const int64_t step = known_step != 0 ? known_step : p->step;
  const int64_t row_step = p->row_step, panel_step = copies ? p->apart_step : LANES;
  const float *panel = at.panel, *beside = vectors > 2 ? panel + p->panel_step : panel;
  float *copy = at.copy;
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
  for (; k <= end - (count)*step; k += (count)*step)                                               \
    _Pragma("GCC unroll 4") for (int64_t term = 0; term < (count); ++term)                         \
    {                                                                                              \
      const int64_t place = k + term * step;                                                       \
      const floats a = load(panel), b = vectors > 1 ? load(panel + WIDTH) : a;                     \
      const floats c = vectors > 2 ? load(beside) : a, d = vectors > 3 ? load(beside + WIDTH) : a; \
      EACH_ROW(ADD)                                                                                \
      if (copies) {                                                                                \
        store(a, copy);                                                                            \
        store(b, copy + WIDTH);                                                                    \
        copy += LANES;                                                                             \
      }                                                                                            \
      panel += panel_step;                                                                         \
      if (vectors > 2)                                                                             \
        beside += panel_step;                                                                      \
    }
  int64_t k = 0;
  ADD_TERMS(TOGETHER)
  ADD_TERMS(1)
  const bool add = at.add;
#define STORE(i)                                                                                   \
  if ((i) < rows)                                                                                  \
  PUT_ROW(i, RESULT(i))
  EACH_ROW(STORE)
}

/* A tile of which some lanes are not kept. */
INLINE void multiply_few_lanes(int rows, const bc_even_product *p, tile_place at, int64_t lanes)
{
  float sums[PACKED_ROWS][LANES], *result = at.result;
  at.result = sums[0];
  at.result_step = LANES;
  at.add = false;
  if (lanes < WIDTH)
    multiply_tile(rows, HALF, false, 0, p, at);
  else
    multiply_tile(rows, ONE_PANEL, false, 0, p, at);
  for (int64_t i = 0; i < rows; ++i, result += p->result_step)
    for (int64_t lane = 0; lane < lanes; ++lane)
      result[lane] = p->add ? sums[i][lane] + result[lane] : sums[i][lane];
}

/* What is fetched with a tile: [rows][length]. */
typedef struct coming {
  const float *first;
  int64_t rows, step, length; /* elements from a row to the next */
  int64_t panel_step;         /* and from what a panel's tile fetches to that of the next */
} coming;

INLINE void fetch(const coming *some)
{
  for (int64_t row = 0; row < some->rows; ++row)
    for (int64_t at = 0; at < some->length; at += CACHE_LINE)
      __builtin_prefetch(some->first + row * some->step + at);
}

/* What each tile fetches evenly: so many elements of the rows ahead with each panel, or so many
 * rows of a panel that is next. */
static int64_t share_of_tile(const bc_even_product *p)
{
  const int64_t panels = bc_count_blocks(p->lanes, LANES);
  if (p->ahead != 0)
    return bc_count_blocks(p->tile_step, panels * CACHE_LINE) * CACHE_LINE;
  return bc_count_blocks(p->depth, bc_count_blocks(p->rows, PACKED_ROWS));
}

static coming coming_with(const bc_even_product *p, int64_t share, const float *first, int64_t tile)
{
  if (p->ahead != 0)
    return (coming){first + p->ahead, 1, 0, share, share};
  if (p->next == NULL)
    return (coming){0};
  const int64_t begin = bc_min(p->depth, tile * share);
  return (coming){p->next + begin * p->apart_step, bc_min(share, p->depth - begin), p->apart_step,
                  LANES, LANES};
}

INLINE void next_panels(const bc_even_product *p, int64_t count, tile_place *at, coming *some)
{
  at->panel += count * p->panel_step;
  at->result += count * LANES;
  some->first += some->panel_step;
}

/* To the rows behind so many that follow each other. */
INLINE void next_rows(const bc_even_product *p, int64_t count, tile_place *at)
{
  at->first += count * p->row_step;
  at->result += count * p->result_step;
}

/* A tile's rows by the panels of so many lanes, of which the whole ones may be apart yet. */
INLINE void multiply_panels(int rows, bool copies, int64_t known_step, const bc_even_product *p,
                            tile_place at, coming some, int64_t lanes)
{
  const float *apart = p->apart;
  for (; copies && lanes >= LANES; lanes -= LANES, apart += LANES) {
    fetch(&some);
    at.copy = p->copies + (at.panel - p->panels);
    const float *const panel = at.panel;
    at.panel = apart;
    multiply_tile(rows, ONE_PANEL, true, known_step, p, at);
    at.panel = panel;
    next_panels(p, 1, &at, &some);
  }
  for (; WIDE_ROWS > 0 && lanes >= PAIR_LANES; lanes -= PAIR_LANES) {
    fetch(&some);
    some.first += some.panel_step;
    fetch(&some);
    multiply_tile(rows, TWO_PANELS, false, known_step, p, at);
    next_panels(p, 2, &at, &some);
  }
  for (; lanes >= LANES; lanes -= LANES) {
    fetch(&some);
    multiply_tile(rows, ONE_PANEL, false, known_step, p, at);
    next_panels(p, 1, &at, &some);
  }
  if (lanes > 0)
    fetch(&some);
  if (lanes == WIDTH)
    multiply_tile(rows, HALF, false, known_step, p, at);
  else if (lanes > 0)
    multiply_few_lanes(rows, p, at, lanes);
}

/* Each a function of its own: where many tiles are in one, GCC runs out of registers. */
typedef void panels_product(const bc_even_product *p, const tile_place *at, const coming *some,
                            int64_t lanes);

#define TILES(name, rows, copies, step)                                                            \
  static __attribute__((noinline)) void name(const bc_even_product *p, const tile_place *at,       \
                                             const coming *some, int64_t lanes)                    \
  {                                                                                                \
    multiply_panels(rows, copies, step, p, *at, *some, lanes);                                     \
  }
TILES(multiply_neighbours, PACKED_ROWS, false, 1)
TILES(multiply_packed, PACKED_ROWS, false, PACKED_ROWS)
TILES(multiply_5, 5, false, 0)
TILES(multiply_4, 4, false, 0)
TILES(multiply_3, 3, false, 0)
TILES(multiply_2, 2, false, 0)
TILES(multiply_1, 1, false, 0)
TILES(copy_by_neighbours, PACKED_ROWS, true, 1)
TILES(copy_by_packed, PACKED_ROWS, true, PACKED_ROWS)
TILES(copy_by_5, 5, true, 0)
TILES(copy_by_4, 4, true, 0)
TILES(copy_by_3, 3, true, 0)
TILES(copy_by_2, 2, true, 0)
TILES(copy_by_1, 1, true, 0)

_Static_assert((int)PACKED_ROWS == 6, "tiles of fewer rows than those are missing");

/* The one for so many rows, either whose factors are neighbours, or which are. */
static panels_product *tiles_of(const bc_even_product *p, int64_t rows, bool copies)
{
  static panels_product *const few[][2] = {{multiply_1, copy_by_1},
                                           {multiply_2, copy_by_2},
                                           {multiply_3, copy_by_3},
                                           {multiply_4, copy_by_4},
                                           {multiply_5, copy_by_5}};
  if (rows < PACKED_ROWS)
    return few[rows - 1][copies ? 1 : 0];
  if (p->step == 1)
    return copies ? copy_by_neighbours : multiply_neighbours;
  return copies ? copy_by_packed : multiply_packed;
}

/* Two tiles, or three where the last panel and a half are multiplied. */
static void multiply_group(const bc_even_product *p, const tile_place *group)
{
  const int64_t lanes = p->lanes - TAIL_LANES;
  tile_place at = *group;
  for (int i = 0; i < GROUP_ROWS / PACKED_ROWS && lanes > 0; ++i) {
    multiply_neighbours(p, &at, &(coming){0}, lanes);
    next_rows(p, PACKED_ROWS, &at);
  }
  at = *group;
  at.panel += lanes / LANES * p->panel_step;
  at.result += lanes;
  for (int i = 0; i < GROUP_ROWS / TAIL_ROWS; ++i) {
    if (p->ahead != 0)
      fetch(&(coming){at.first + p->ahead, 1, 0, TAIL_ROWS * p->row_step, 0});
    multiply_tile(TAIL_ROWS, ONE_AND_HALF, false, 1, p, at);
    next_rows(p, TAIL_ROWS, &at);
  }
}

/* Whether rows, which are not packed, are cut into other tiles where half a panel would be alone.
 */
static bool has_groups(const bc_even_product *p)
{
  return p->step == 1 && p->apart == NULL && p->lanes > LANES && p->lanes % LANES == WIDTH;
}

/* A tile of few rows would wait for its sums to be added, so the last two share what is left,
 * unless they are packed. */
static int64_t rows_of_tile(const bc_even_product *p, int64_t left)
{
  const bool shares = p->step == 1 && left > PACKED_ROWS && left - PACKED_ROWS < PACKED_ROWS / 2;
  return shares ? (left + 1) / 2 : bc_min(left, PACKED_ROWS);
}

void BC_FOR_ISA(bc_multiply_evenly)(const bc_even_product *p)
{
  tile_place at = {.first = p->first,
                   .panel = p->panels,
                   .result = p->results,
                   .result_step = p->result_step,
                   .add = p->add};
  const bool groups = has_groups(p);
  const int64_t share = share_of_tile(p);
  int64_t left = p->rows;
  for (; groups && left >= GROUP_ROWS; left -= GROUP_ROWS) {
    multiply_group(p, &at);
    next_rows(p, GROUP_ROWS, &at);
  }
  for (int64_t tile = 0, rows; left > 0; ++tile, left -= rows) {
    const bool copies = tile == 0 && p->apart != NULL;
    const coming some = coming_with(p, share, at.first, tile);
    rows = rows_of_tile(p, left);
    tiles_of(p, rows, copies)(p, &at, &some, p->lanes);
    at.first += rows < PACKED_ROWS ? rows * p->row_step : p->tile_step;
    at.result += rows * p->result_step;
  }
}
