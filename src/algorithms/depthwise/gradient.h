/* What the weight gradients with vectors of pixels and of channels share. */
#ifndef BC_DEPTHWISE_GRADIENT_H
#define BC_DEPTHWISE_GRADIENT_H

#include "depthwise.h"

#include "algorithms/slots.h"
#include "kernels/depthwise.h"

/* Terms in a lane before it is emptied into a double. */
enum { BC_GRADIENT_TERMS = 512 };

/* Writes an element of a slot's gradient, or adds to it. */
static inline void bc_gradient_store(const blasconv_plan *plan, double sum, float *element)
{
  *element = bc_slot_accumulates(plan) ? *element + (float)sum : (float)sum;
}

bc_schedule bc_planar_gradient_prepare(const bc_geometry *geometry, const bc_request *request);
void bc_planar_gradient_run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace);

bc_schedule bc_channels_gradient_prepare(const bc_geometry *geometry, const bc_request *request);
void bc_channels_gradient_run(const blasconv_plan *plan, const bc_tensors *tensors,
                              void *workspace);

#endif
