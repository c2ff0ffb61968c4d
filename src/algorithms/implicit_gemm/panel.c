#include "panel.h"

#include "cpu.h"
#include "geometry.h"
#include "kernels/kernels.h"

/* A tile whose lanes are no neighbours in the result, before it is put there. */
typedef struct scratch {
  float sums[BC_MOST_TILE_ROWS][BC_MOST_LANES];
  float *rows[BC_MOST_TILE_ROWS];
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

/* Rows of the next tile where so many are left. Few would have to wait for their sums to be added:
 * the last tiles share what is left evenly. */
static int64_t next_tile(int64_t left, int64_t most)
{
  if (left >= 3 * most)
    return most;
  if (left > 2 * most)
    return bc_count_blocks(left, 3);
  return left > most ? bc_count_blocks(left, 2) : left;
}

/* Tiles of all rows, whose lanes are neighbours in the result. */
static void multiply_tiles(const bc_product_kernels *kernels, const bc_rows *rows, bc_tile *tile)
{
  for (int64_t row = 0; row < rows->count; row += tile->rows) {
    tile->rows = next_tile(rows->count - row, kernels->rows);
    kernels->multiply(tile);
    tile->rows_at += tile->rows;
    tile->results += tile->rows;
  }
}

/* The same where they are anywhere. */
static void multiply_apart(const bc_product_kernels *kernels, const bc_rows *rows, int64_t lanes,
                           const int64_t *places, bc_tile tile)
{
  scratch s;
  for (int64_t i = 0; i < kernels->rows; ++i)
    s.rows[i] = s.sums[i];
  tile.results = s.rows;
  for (int64_t row = 0; row < rows->count; row += tile.rows) {
    tile.rows = next_tile(rows->count - row, kernels->rows);
    expect_lanes(tile.rows, lanes, places, rows->results + row);
    kernels->multiply(&tile);
    put_lanes(&s, tile.rows, lanes, places, rows->add, rows->results + row);
    tile.rows_at += tile.rows;
  }
}

void bc_multiply_panel(const bc_product_kernels *kernels, const bc_rows *rows, const float *panel,
                       int64_t panel_step, int64_t lanes, const int64_t *places, bc_coming *coming)
{
  const bool half = 2 * lanes <= kernels->lanes;
  const bool whole = lanes == (half ? kernels->lanes / 2 : kernels->lanes) &&
                     places[lanes - 1] - places[0] == lanes - 1;
  /* All members: compilers would clear a struct first, which takes as long as a short tile. */
  bc_tile tile = {.rows = 0,
                  .rows_at = rows->at,
                  .segment_step = rows->segment_step,
                  .segments = rows->segments,
                  .length = rows->length,
                  .step = rows->step,
                  .panel = panel,
                  .panel_step = panel_step,
                  .panel_at = rows->panel_at,
                  .results = rows->results,
                  .offset = whole ? places[0] : 0,
                  .shifts = NULL,
                  .add = whole && rows->add,
                  .half = half,
                  .coming = coming};
  if (whole)
    multiply_tiles(kernels, rows, &tile);
  else
    multiply_apart(kernels, rows, lanes, places, tile);
}
