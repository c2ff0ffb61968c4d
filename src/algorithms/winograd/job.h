/* What a task of winograd works on. At each point, sources (or what stands for them) and filters
 * become matrices whose products are summed over the depth:
 *
 *   sums [tiles][channels] += sources [tiles][depth] * filters [depth][channels];
 *
 * channels of the result are the lanes of the product's tiles, in panels; in NCHW blocks of pixels
 * are transposed on their way in and out. Block by block, so that all of it stays in the cache. */
#ifndef BC_WINOGRAD_JOB_H
#define BC_WINOGRAD_JOB_H

#include "algorithms/blocks.h"
#include "kernels/kernels.h"
#include "kernels/product.h"
#include "plan.h"
#include "tiling.h"

enum {
  BC_SLICE = 16,          /* channels that are turned at a time */
  BC_REGION_PIXELS = 512, /* source pixels of a region, at most, unless one tile has more */
  BC_MOST_CHANNELS = 256, /* of a block, of the source and of the result */
};

/* Where the areas of a task are in its workspace. At each point follow the matrices of a block, and
 * then a cache line that is not used, so that the points of an element are not all in one set of
 * the cache. */
typedef struct bc_winograd_areas {
  int64_t sources; /* floats from a point to the next: [tiles][depth, in whole slices] */
  int64_t filters; /* [panels][depth][lanes] */
  int64_t sums;    /* [tiles][channels, in whole panels and slices] */
  size_t sources_bytes, filters_bytes, sums_bytes; /* of all points */
  size_t pixels_bytes;                             /* [pixels of a region][slice] */
  size_t turned_bytes; /* the same turned round, where results are added to what is there */
  size_t taps_bytes;   /* [slice][taps][lanes] */
  size_t table_bytes;  /* [tiles]: pointers; there are two tables */
} bc_winograd_areas;

bc_winograd_areas bc_find_winograd_areas(const bc_tiling *tiling, const bc_blocks *blocks,
                                         bool accumulate);
size_t bc_winograd_bytes(const bc_winograd_areas *areas);

typedef struct bc_winograd_job {
  const blasconv_plan *plan;
  const bc_tensors *tensors;
  const bc_tiling *tiling;
  const bc_winograd_areas *areas;
  const bc_kernels *kernels;
  int64_t group;
  bc_range tiles, channels, depth; /* of the block; channels of the result, depth of the source */
  float *sources, *filters, *sums; /* these are in bc_winograd_areas */
  float *pixels, *turned, *taps;
  const float **rows;
  float **results;
} bc_winograd_job;

static inline int64_t bc_lanes(void)
{
  return bc_cpu_kernels()->product->lanes;
}

/* Floats of a row of sources, and of sums. */
static inline int64_t bc_source_row(int64_t depth)
{
  return bc_round_up(depth, BC_SLICE);
}

static inline int64_t bc_sum_row(int64_t channels)
{
  return bc_round_up(channels, bc_max(bc_lanes(), BC_SLICE));
}

/* Sources of the block's tiles and depth, at points. */
void bc_spread_sources(const bc_winograd_job *job);

/* Weights of the block's channels and depth, at points. */
void bc_spread_filters(const bc_winograd_job *job);

/* Results of the block's tiles and channels from their sums, with the epilogue. */
void bc_collect_results(const bc_winograd_job *job);

/* The group's filters in panels, [panels][depth][taps][lanes]: floats, and how to write them. */
int64_t bc_count_packed_taps(const bc_tiling *tiling);
void bc_pack_taps(const bc_tiling *tiling, const float *weights, float *packed);

#endif
