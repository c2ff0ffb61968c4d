/* Forward and backward data of implicit_gemm: the results of walks as products of weights and
 * source pixels,
 *
 *   result [channels][positions] = weights [channels][depth] * pixels [depth][positions].
 *
 * One side is that of the lanes: it is packed into panels. The other side's rows are read through a
 * table of pointers:
 *
 *   NCHW: lanes are positions, panels are gathered from pixels or read in place; rows are weights
 *         of filters;
 *   NHWC: lanes are channels, panels are weights; rows are pixels, which are copied only where
 *         joined taps reach over the edge of an image, or are short;
 *   NCHW, small images of many channels, which leave lanes empty or cut them in two: lanes are
 *         channels, rows are pixels, turned as NHWC has them or gathered; sums are turned when they
 *         go to the result.
 *
 * A task has a block of channels and one of positions. For each block of the depth it makes all its
 * panels; then blocks of rows, which share the second-level cache with them, meet them: one panel
 * after the other, each from the first-level cache, or, where rows, panels and results lie evenly,
 * all of them a tile of rows at a time. */
#ifndef BC_IMPLICIT_MAPS_H
#define BC_IMPLICIT_MAPS_H

#include "plan.h"
#include "walk.h"

enum { BC_ROW_BLOCK = BC_MOST_PLACES };

/* Whether the second or the third of these ways is taken. */
bool bc_rows_are_pixels(const bc_walk *walk);

/* NCHW, small images: whether the pixels of rows are read where the source has them, since each
 * position meets one. */
bool bc_rows_stay(const bc_walk *walk);

/* Whether it is pixel i of the walk's result that meets pixel i of its source, and no other, so
 * that rows, panels and results lie evenly, and it pays to go along with that: in NCHW maps of few
 * panels would cut many of them. */
bool bc_lies_evenly(const bc_walk *walk, const bc_geometry *geometry);

/* NHWC: whether taps on pads are left out, since they are many. */
bool bc_leaves_out(const bc_walk *walk);

/* What a task has in its workspace, in bytes, one behind the other. */
typedef struct bc_map_areas {
  size_t panels;  /* [panels][depth][lanes] of those that were not packed before */
  size_t places;  /* [panels][lanes]: where lanes are in the result, int64_t */
  size_t rows;    /* [segments][rows of all tiles]: pointers */
  size_t results; /* [rows of all tiles]: pointers */
  size_t met;     /* bc_met_rows, and their pointers [segments][rows] */
  size_t copies;  /* [rows][depth]: of weights, or of pixels; or blocks of weights */
  size_t sums;    /* if they are turned: bc_turned_sums */
} bc_map_areas;

/* Elements from one block of weights to the next, each [depth][width]: blocks of powers of two
 * would share few sets of the first-level cache, and a row is written to all of them. */
int64_t bc_copied_block(int64_t width, int64_t depth);

bc_map_areas bc_find_map_areas(const bc_walk *walk, const bc_blocks *blocks);

bc_schedule bc_maps_prepare(const bc_geometry *geometry, const bc_request *request);
bc_work bc_maps_work(const bc_geometry *geometry, const bc_request *request,
                     const bc_schedule *schedule);
void bc_maps_run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace);

#endif
