/* The weight gradient: sums of input times output gradient, one for each tap of a channel and
 * filter. They are taken in float in the lanes of a vector, which are emptied into doubles before
 * they hold many terms. A task has some channels, and a slot's part of the images' pixels. */
#include "gradient.h"

bc_schedule bc_depthwise_gradient_prepare(const bc_geometry *g, const bc_request *request)
{
  return bc_depthwise_has_channel_vectors(g) ? bc_channels_gradient_prepare(g, request)
                                             : bc_planar_gradient_prepare(g, request);
}

void bc_depthwise_gradient_run(const blasconv_plan *plan, const bc_tensors *tensors,
                               void *workspace)
{
  if (bc_depthwise_has_channel_vectors(&plan->geometry))
    bc_channels_gradient_run(plan, tensors, workspace);
  else
    bc_planar_gradient_run(plan, tensors, workspace);
  bc_slots_add_up(plan, tensors, workspace);
}
