#include "panel.h"

#include "cpu.h"
#include "geometry.h"
#include "kernels/kernels.h"

/* As many rows as tiles share evenly. */
enum { SHARING_TILES = 3, MOST_ROWS = SHARING_TILES * BC_MOST_TILE_ROWS };

/* Rows whose lanes are no neighbours in the result, before they are put there. */
typedef struct scratch {
  float sums[MOST_ROWS][BC_MOST_WIDE_LANES];
  float *rows[MOST_ROWS];
} scratch;

static void put_lanes(const scratch *s, int64_t rows, int64_t lanes, const int64_t *places,
                      bool add, float *const *results)
{
  for (int64_t i = 0; i < rows && add; ++i)
    for (int64_t lane = 0; lane < lanes; ++lane)
      results[i][places[lane]] += s->sums[i][lane];
  for (int64_t i = 0; i < rows && !add; ++i)
    for (int64_t lane = 0; lane < lanes; ++lane)
      results[i][places[lane]] = s->sums[i][lane];
}

/* Fetches what it will be put to: where every eighth is, so a line with stride 2. */
static void expect_lanes(int64_t rows, int64_t lanes, const int64_t *places, float *const *results)
{
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t lane = 0; lane < lanes; lane += BC_CACHE_LINE / 2)
      __builtin_prefetch(results[i] + places[lane], 1);
}

int64_t bc_filled_rows(int64_t count)
{
  return bc_max(count, 2 * bc_cpu_kernels()->product->rows / 3);
}

void bc_copy_rows(const float *from, int64_t step, int64_t rows, int64_t length, float *to,
                  int64_t to_step)
{
  const bc_grid grid = {.planes = 1,
                        .rows = rows,
                        .columns = length,
                        .row_step = step,
                        .column_step = 1,
                        .packed_row_step = to_step};
  bc_cpu_kernels()->gather(&grid, from, to);
}

/* Rows with less than a line of the cache between them count as one. */
bc_coming bc_expect(const float *first, int64_t step, int64_t rows, int64_t length, int64_t pieces)
{
  if (step - length < BC_CACHE_LINE) {
    length += (rows - 1) * step;
    rows = 1;
  }
  const int64_t lines = rows * bc_count_blocks(length, BC_CACHE_LINE);
  return (bc_coming){.first = first,
                     .step = step,
                     .rows = rows,
                     .length = length,
                     .at_once = bc_count_blocks(lines, bc_max(1, pieces))};
}

/* Where lanes are anywhere in the result: a tile at a time, and the last ones together. */
static void multiply_apart(const bc_product_kernels *kernels, const bc_rows *rows, int64_t lanes,
                           const int64_t *places, bc_panel_product product)
{
  const int64_t tile = bc_rows_of_tile(kernels, lanes);
  scratch s;
  for (int64_t i = 0; i < bc_min(rows->count, MOST_ROWS); ++i)
    s.rows[i] = s.sums[i];
  product.results = s.rows;
  for (int64_t row = 0; row < rows->count; row += product.rows) {
    const int64_t left = rows->count - row;
    product.rows = left < SHARING_TILES * tile ? left : tile;
    expect_lanes(product.rows, lanes, places, rows->results + row);
    kernels->multiply(&product);
    put_lanes(&s, product.rows, lanes, places, rows->add, rows->results + row);
    product.rows_at += product.rows;
  }
}

void bc_multiply_panels(const bc_product_kernels *kernels, const bc_rows *rows,
                        const bc_panels *panels, bc_coming *coming)
{
  const int64_t lanes = panels->lanes, before = panels->beside != NULL ? kernels->lanes : 0;
  const bool half = 2 * (lanes - before) <= kernels->lanes;
  const bool whole = lanes == before + (half ? kernels->lanes / 2 : kernels->lanes) &&
                     panels->places[lanes - 1] - panels->places[0] == lanes - 1;
  /* All members: compilers would clear a struct first, which takes as long as a short product. */
  bc_panel_product product = {.rows = rows->count,
                              .rows_at = rows->at,
                              .segment_step = rows->segment_step,
                              .segments = rows->segments,
                              .length = rows->length,
                              .step = rows->step,
                              .panel = panels->first,
                              .beside = panels->beside,
                              .panel_step = panels->step,
                              .panel_at = rows->panel_at,
                              .results = rows->results,
                              .offset = whole ? panels->places[0] : 0,
                              .shifts = NULL,
                              .add = whole && rows->add,
                              .half = half,
                              .coming = coming};
  if (whole)
    kernels->multiply(&product);
  else
    multiply_apart(kernels, rows, lanes, panels->places, product);
}

int64_t bc_count_pieces(const bc_product_kernels *kernels, int64_t rows, int64_t lanes,
                        int64_t depth)
{
  const int64_t at_once = bc_panels_at_once(kernels) * kernels->lanes, rest = lanes % at_once;
  int64_t tiles = lanes / at_once * bc_count_blocks(rows, bc_rows_of_tile(kernels, at_once));
  if (rest > 0)
    tiles += bc_count_blocks(rows, bc_rows_of_tile(kernels, rest));
  return tiles * bc_count_blocks(depth, kernels->piece);
}
