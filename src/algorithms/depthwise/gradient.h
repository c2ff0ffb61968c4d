/* What the weight gradients with vectors of pixels and of channels share. */
#ifndef BC_DEPTHWISE_GRADIENT_H
#define BC_DEPTHWISE_GRADIENT_H

#include "depthwise.h"

#include "kernels/depthwise.h"

/* Terms in a lane before it is emptied into a double. */
enum { BC_GRADIENT_TERMS = 512 };

/* Of `tasks`, each over all of `units` of work, which slots may share. */
bc_schedule bc_gradient_schedule(const bc_geometry *geometry, int64_t tasks, int64_t units,
                                 size_t thread_bytes, const bc_request *request);

/* The units of a slot. */
bc_range bc_gradient_units(const blasconv_plan *plan, int64_t units, int64_t slot);

/* A kernel of bc_depthwise_kernels. */
typedef void bc_correlate(const bc_correlation *correlation, const float *source,
                          const float *gradient, float *sums);

/* Runs it for a range of taps, whose offsets are in `offsets` and sums in `sums`. */
void bc_gradient_correlate(bc_correlation *correlation, bc_correlate *run, const int64_t *offsets,
                           bc_range taps, const float *source, const float *gradient, float *sums);

/* The gradient that a slot's tasks write: the result, or the slot's own in the workspace. */
float *bc_gradient_home(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace,
                        int64_t slot);

/* Writes an element there, or adds to it. */
static inline void bc_gradient_store(const blasconv_plan *plan, double sum, float *element)
{
  const bool add = plan->request.accumulate && plan->schedule.blocks.slots == 1;
  *element = add ? *element + (float)sum : (float)sum;
}

bc_schedule bc_planar_gradient_prepare(const bc_geometry *geometry, const bc_request *request);
void bc_planar_gradient_run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace);

bc_schedule bc_channels_gradient_prepare(const bc_geometry *geometry, const bc_request *request);
void bc_channels_gradient_run(const blasconv_plan *plan, const bc_tensors *tensors,
                              void *workspace);

#endif
