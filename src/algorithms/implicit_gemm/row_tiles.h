/* Rows that are pixels, sorted by the taps that they meet, and cut into tiles. At the edge of an
 * image some taps lie on pads: a tile of such rows leaves them out. Of 3x3 taps on 7x7 pixels that
 * saves up to a sixth, and sums stay the same, since zeros would have been added. */
#ifndef BC_ROW_TILES_H
#define BC_ROW_TILES_H

#include "walk.h"

enum {
  BC_MOST_TAP_BITS = 64,
  BC_LEAST_TILE_ROWS = 4,
  BC_MOST_TILES = BC_MOST_PLACES / BC_LEAST_TILE_ROWS + 1
};

/* A set of taps, up to BC_MOST_TAP_BITS of them, a bit each. */
typedef uint64_t bc_tap_set;

/* Rows of a tile, and the taps that any of them meets. */
typedef struct bc_row_tile {
  bc_range rows;
  bc_tap_set taps;
} bc_row_tile;

typedef struct bc_row_tiles {
  int64_t order[BC_MOST_PLACES]; /* numbers of rows as tiles have them, one behind the other */
  int64_t count;
  bc_row_tile tile[BC_MOST_TILES];
} bc_row_tiles;

/* Sorts rows by their taps [rows], and cuts them into tiles of at most `most` rows. */
void bc_make_row_tiles(const bc_tap_set *taps, int64_t rows, int64_t most, bc_row_tiles *tiles);

#endif
