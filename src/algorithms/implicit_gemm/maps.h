/* Forward and backward data of implicit_gemm: the results of walks as products of weights and
 * source pixels,
 *
 *   result [channels][positions] = weights [channels][depth] * pixels [depth][positions].
 *
 * The side whose elements are neighbours in the result is that of the lanes: it is packed into
 * panels. The other side's rows are read through a table of pointers:
 *
 *   NCHW: lanes are positions, panels are gathered from pixels; rows are weights of filters;
 *   NHWC: lanes are channels, panels are weights; rows are pixels, which are copied only where
 *         joined taps reach over the edge of an image, or are short.
 *
 * A task has a block of channels and one of positions. For each block of the depth it makes all its
 * panels; then blocks of rows, which share the second-level cache with them, meet them one after
 * the other, each panel from the first-level cache. */
#ifndef BC_IMPLICIT_MAPS_H
#define BC_IMPLICIT_MAPS_H

#include "plan.h"
#include "walk.h"

enum { BC_ROW_BLOCK = BC_MOST_PLACES };

static inline bool bc_rows_are_pixels(const bc_geometry *geometry)
{
  return geometry->layout == BLASCONV_NHWC;
}

/* What a task has in its workspace, in bytes, one behind the other. */
typedef struct bc_map_areas {
  size_t panels;  /* [panels][depth][lanes] */
  size_t places;  /* [panels][lanes]: where lanes are in the result, int64_t */
  size_t rows;    /* [segments][rows of all tiles]: pointers */
  size_t results; /* [rows of all tiles]: pointers */
  size_t copies;  /* [rows][depth]: of weights, or of pixels */
} bc_map_areas;

bc_map_areas bc_find_map_areas(const bc_geometry *geometry, const bc_blocks *blocks);

bc_schedule bc_maps_prepare(const bc_geometry *geometry, const bc_request *request);
bc_work bc_maps_work(const bc_geometry *geometry, const bc_request *request,
                     const bc_schedule *schedule);
void bc_maps_run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace);

#endif
