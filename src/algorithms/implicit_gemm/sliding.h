/* Few channels, as first layers have them: patches would take a third of the time. Rows of the
 * input are copied with their pads beside them, and taps slide over the copies.
 *
 * Forward, in NCHW: the lanes of a panel are neighbouring columns of the result, and what a tap
 * meets there are neighbours in the copied row, every stride-th column of the input being copied
 * into a row of its own. So a panel is a table of where its terms begin, the same for all columns.
 *
 * Forward, in NHWC: lanes are filters, rows are pixels, and it is a row's factors for which such a
 * table says where they are: patches, which are short, are read in one go.
 *
 * Backward weights: the factors of a weight are what its tap slides over,
 *
 *   gradient [depth][filters] = sum over the rows of output of slid [depth][columns]
 *                                                      * output gradient [columns][filters],
 *
 * each row of output being a segment of the tile. Lanes are filters. */
#ifndef BC_SLIDING_H
#define BC_SLIDING_H

#include "plan.h"

/* Whether there are so few channels, and taps so near each other, that sliding pays. */
bool bc_slides(const bc_geometry *geometry);

/* Rows of output of one image make a unit: at most so many, which with the input under them stay in
 * the second-level cache; how many units blocks of `rows` are; and the rows of input that they
 * meet, pads included. */
int64_t bc_sliding_rows(const bc_geometry *geometry);
int64_t bc_sliding_units(const bc_geometry *geometry, int64_t rows);
int64_t bc_sliding_input_rows(const bc_geometry *geometry, int64_t rows);

/* What all tasks of a run share. */
typedef struct bc_sliding_context {
  const blasconv_plan *plan;
  const bc_tensors *tensors;
  void *workspace;
} bc_sliding_context;

typedef struct bc_sliding_unit {
  int64_t image;
  bc_range rows; /* of output */
} bc_sliding_unit;

/* Unit `number` where units have up to so many rows. */
bc_sliding_unit bc_sliding_unit_at(const bc_geometry *geometry, int64_t rows, int64_t number);

/* Forward: the plan's epilogue on a unit's results. */
void bc_sliding_epilogue(const bc_sliding_context *ctx, const bc_sliding_unit *unit);

/* The copied rows under some rows of output, as the layout has them. */
typedef struct bc_strip {
  int64_t rows, columns;        /* of the input, pads included */
  int64_t row, column, channel; /* elements from one to the next */
  int64_t elements;
} bc_strip;

bc_strip bc_strip_of(const bc_geometry *geometry, int64_t output_rows);

/* Copies the input under some rows of output, the first of which is `first`; zeros for pads. */
void bc_copy_strip(const bc_geometry *geometry, const bc_strip *strip, const float *image,
                   int64_t first, float *copy);

/* Bytes of workspace that a thread takes for so many rows of output. */
typedef size_t bc_sliding_bytes(const bc_geometry *geometry, int64_t rows);

/* Forward: units as tasks. */
bc_schedule bc_sliding_schedule(const bc_geometry *geometry, const bc_request *request,
                                bc_sliding_bytes *thread_bytes);

/* Whether they serve these, within so many bytes of workspace for a thread; they are faster then.
 * Forward only where nothing is added to: some results are computed twice. */
bool bc_sliding_maps_serve(const bc_geometry *geometry, const bc_request *request);
bool bc_sliding_pixels_serve(const bc_geometry *geometry, const bc_request *request);
bool bc_sliding_weights_serve(const bc_geometry *geometry, size_t room);

bc_schedule bc_sliding_maps_prepare(const bc_geometry *geometry, const bc_request *request);
bc_work bc_sliding_maps_work(const bc_geometry *geometry, const bc_schedule *schedule);
void bc_sliding_maps_run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace);

bc_schedule bc_sliding_pixels_prepare(const bc_geometry *geometry, const bc_request *request);
bc_work bc_sliding_pixels_work(const bc_geometry *geometry, const bc_schedule *schedule);
void bc_sliding_pixels_run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace);

bc_schedule bc_sliding_weights_prepare(const bc_geometry *geometry, const bc_request *request);
bc_work bc_sliding_weights_work(const bc_geometry *geometry, const bc_schedule *schedule);
void bc_sliding_weights_run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace);

#endif
