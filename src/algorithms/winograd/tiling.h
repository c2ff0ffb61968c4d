/* A convolution as tiles, each of which becomes products at points: sums over the taps of a source,
 * for forward and backward data alike (see sweep.h); backward weights sees those of its forward
 * pass. Rows and columns are along the height and the width. A plane is one position along the
 * depth axis of one image; the tiles of all planes are numbered row by row. */
#ifndef BC_TILING_H
#define BC_TILING_H

#include "algorithms/sweep.h"
#include "kernels/winograd.h"

/* Along the height or the width. */
typedef struct bc_tiling_axis {
  bc_winograd_axis form;
  int64_t results, sources; /* extents */
  int64_t begin;            /* where tap 0 of result 0 meets the source; below 0 on a pad */
  int64_t tiles;
} bc_tiling_axis;

typedef struct bc_tiling {
  const bc_winograd_transforms *transforms;
  bc_tiling_axis height, width;
  int64_t points, taps; /* of both axes together */
  int64_t depth;        /* planes of an image */
  int64_t tiles;        /* of all planes */
  bc_sums sums;
  bool turned; /* the taps are the filter's in reverse */
} bc_tiling;

/* NULL, or in words what is not served. */
const char *bc_tiling_reject(const bc_geometry *geometry);

bc_tiling bc_tiling_of(const bc_geometry *geometry, blasconv_pass pass);

/* Some tiles of one plane: whole rows of them, or part of one row. */
typedef struct bc_region {
  int64_t plane;
  bc_range rows, columns; /* of tiles */
} bc_region;

/* The largest region of at most `most` source pixels (one tile fits in any case) that begins with
 * tile number `tile` and ends before `end`. */
bc_region bc_next_region(const bc_tiling *tiling, int64_t tile, int64_t end, int64_t most);

int64_t bc_count_tiles(const bc_region *region);

/* The pixels of the source that a region's results meet, or of the results, without pads and what
 * is over the edge; maybe none. */
typedef struct bc_pixels {
  bc_range rows, columns;
  int64_t width; /* of a row of the tensor */
  int64_t first; /* where the first is in the tensor's group, channel 0 */
} bc_pixels;

bc_pixels bc_region_sources(const bc_tiling *tiling, const bc_region *region);
bc_pixels bc_region_results(const bc_tiling *tiling, const bc_region *region);

/* Pixels lie in so many runs of neighbours of the same length: one, if rows are whole. */
int64_t bc_count_runs(const bc_pixels *pixels);
int64_t bc_run_length(const bc_pixels *pixels);

#endif
