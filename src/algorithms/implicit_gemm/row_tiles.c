#include "row_tiles.h"

/* Rows with the same taps follow each other, in the order in which these come up: neighbours meet
 * most of the same. */
static void sort_rows(const bc_tap_set *taps, int64_t rows, int64_t *order)
{
  bool done[BC_MOST_PLACES] = {false};
  int64_t count = 0;
  for (int64_t first = 0; first < rows; ++first) {
    if (done[first])
      continue;
    for (int64_t row = first; row < rows; ++row)
      if (taps[row] == taps[first]) {
        done[row] = true;
        order[count++] = row;
      }
  }
}

/* Whether a tile of so many rows ends before one with more taps: shorter ones take as long. */
static bool ends_before(bc_tap_set tile, int64_t rows, bc_tap_set row)
{
  return rows >= BC_LEAST_TILE_ROWS && (row & ~tile) != 0;
}

void bc_make_row_tiles(const bc_tap_set *taps, int64_t rows, int64_t most, bc_row_tiles *tiles)
{
  sort_rows(taps, rows, tiles->order);
  tiles->count = 0;
  for (int64_t row = 0; row < rows; ++tiles->count) {
    bc_row_tile *tile = &tiles->tile[tiles->count];
    *tile = (bc_row_tile){.rows = {row, row}};
    for (; row < rows && row - tile->rows.begin < most; ++row) {
      const bc_tap_set next = taps[tiles->order[row]];
      if (ends_before(tile->taps, row - tile->rows.begin, next))
        break;
      tile->taps |= next;
    }
    tile->rows.end = row;
  }
}
