/* What a task of winograd works on. At each point, sources and filters (or, for the gradient of the
 * weights, sources and the output's gradient) become matrices whose products are summed:
 *
 *   maps     sums [tiles][filters]    += sources [tiles][channels] * filters [channels][filters],
 *   weights  sums [channels][filters] += sources [tiles][channels]^T * gradients [tiles][filters].
 *
 * "Filters" are channels of the result. They are the lanes of the product's tiles, in panels; in
 * NCHW blocks of pixels are transposed on their way in and out. Block by block, so that all of it
 * stays in the cache. */
#ifndef BC_WINOGRAD_JOB_H
#define BC_WINOGRAD_JOB_H

#include "algorithms/blocks.h"
#include "cpu.h"
#include "kernels/kernels.h"
#include "kernels/product.h"
#include "parallel.h"
#include "plan.h"
#include "tiling.h"

enum {
  BC_SLICE = 16,          /* channels that are turned at a time */
  BC_REGION_PIXELS = 512, /* source pixels of a region, at most, unless one tile has more */
  BC_MOST_CHANNELS = 256, /* of a block, of the source and of the result */
};

/* Floats of a region's pixels in slices. */
#define BC_REGION_FLOATS ((int64_t)BC_REGION_PIXELS * BC_SLICE)

/* Where the areas of a task are in its workspace. At each point follow the matrices of a block, and
 * then a cache line that is not used, so that the points of an element are not all in one set of
 * the cache. */
typedef struct bc_winograd_areas {
  int64_t sources; /* floats from a point to the next: [tiles][channels, in whole slices] */
  int64_t panels;  /* of filters: [panels][channels][lanes]; of gradients: [panels][tiles][lanes] */
  int64_t sums;    /* [tiles][filters, in whole panels and slices], or [channels][...] */
  size_t sources_bytes, panels_bytes, sums_bytes; /* of all points */
  size_t pixels_bytes;                            /* [pixels of a region][slice] */
  size_t turned_bytes; /* the same turned round, where results are added to what is there */
  size_t taps_bytes;   /* [slice][taps][lanes, or a slice] */
} bc_winograd_areas;

bc_winograd_areas bc_find_winograd_areas(const bc_tiling *tiling, const bc_blocks *blocks,
                                         const bc_request *request);
size_t bc_winograd_bytes(const bc_winograd_areas *areas);

typedef struct bc_winograd_job {
  const blasconv_plan *plan;
  const bc_tensors *tensors;
  const bc_tiling *tiling;
  const bc_winograd_areas *areas;
  const bc_kernels *kernels;
  int64_t group;
  bc_range tiles, channels, filters; /* of the block */
  float *sources, *panels, *sums;    /* these are in bc_winograd_areas */
  float *pixels, *turned, *taps;
} bc_winograd_job;

/* What all tasks of a run share. */
typedef struct bc_winograd_context {
  const blasconv_plan *plan;
  const bc_tensors *tensors;
  bc_tiling tiling;
  bc_winograd_areas areas;
  void *workspace;
} bc_winograd_context;

/* Runs the plan's tasks, whose context is a bc_winograd_context. */
void bc_winograd_run_tasks(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace,
                           bc_task *run);

/* A job with the areas of the thread's workspace. */
bc_winograd_job bc_winograd_job_start(const bc_winograd_context *context, int thread);

static inline int64_t bc_lanes(void)
{
  return bc_cpu_kernels()->product->lanes;
}

/* Rows of a product's tile, and so many tiles of the image at once. */
static inline int64_t bc_tile_rows(void)
{
  return bc_cpu_kernels()->product->rows;
}

/* Floats of a row of sources, and of sums. */
static inline int64_t bc_source_row(int64_t channels)
{
  return bc_round_up(channels, BC_SLICE);
}

static inline int64_t bc_sum_row(int64_t filters)
{
  return bc_round_up(filters, bc_max(bc_lanes(), BC_SLICE));
}

/* ---- tiles.c ---- */

/* Sources of the block's tiles and channels, at points. */
void bc_spread_sources(const bc_winograd_job *job);

/* The output's gradient of the block's tiles and filters, at points, in panels. */
void bc_spread_gradients(const bc_winograd_job *job);

/* ---- filters.c ---- */

/* Weights of the block's filters and channels, at points, in panels. */
void bc_spread_filters(const bc_winograd_job *job);

/* The group's filters in panels, [panels][channels][taps][lanes]: floats, and how to write a part
 * of the panels, with zeros behind the last filter. */
int64_t bc_count_packed_taps(const bc_tiling *tiling);
void bc_pack_taps(const bc_tiling *tiling, bc_part part, const float *weights, float *packed);

/* The gradient of the block's weights from its sums; `gradient` [filters][patch rows] is the
 * group's. */
void bc_collect_gradient(const bc_winograd_job *job, bool add, float *gradient);

/* ---- products.c ---- */

/* Sums over rows of sources and panels of such a length. Each row's factors are `factor_step`
 * apart. */
typedef struct bc_point_product {
  int64_t rows, row_step;
  int64_t length, factor_step;
  bool add; /* to the sums that are there */
} bc_point_product;

void bc_multiply_points(const bc_winograd_job *job, const bc_point_product *product);

/* ---- results.c ---- */

/* Writes rows [n][columns], `row_step` apart, as columns of n neighbours, or adds them to what is
 * there. */
void bc_put_columns(const bc_winograd_job *job, const float *rows, int64_t row_step, int64_t n,
                    int64_t columns, bool add, float *to, int64_t to_step);

/* Results of the block's tiles and filters from their sums, with the epilogue. */
void bc_collect_results(const bc_winograd_job *job);

#endif
