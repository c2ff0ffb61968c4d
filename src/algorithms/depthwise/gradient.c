/* The weight gradient: sums of input times output gradient, one for each tap of a channel and
 * filter. They are taken in float in the lanes of a vector, which are emptied into doubles before
 * they hold many terms. A task has some channels, and a slot's part of the images' pixels. */
#include "gradient.h"

void bc_gradient_correlate(bc_correlation *c, bc_correlate *run, const int64_t *offsets,
                           bc_range taps, const float *source, const float *gradient, float *sums)
{
  const int64_t count = bc_range_length(taps);
  const int64_t parts = bc_count_blocks(count, BC_DEPTHWISE_MOST_TAPS);
  for (int64_t part = 0; part < parts; ++part) {
    const int64_t begin = taps.begin + count * part / parts;
    c->taps = taps.begin + count * (part + 1) / parts - begin;
    for (int64_t tap = 0; tap < BC_DEPTHWISE_MOST_TAPS; ++tap)
      c->offsets[tap] = offsets[begin + bc_min(tap, c->taps - 1)];
    run(c, source, gradient, sums + begin * c->sums_step);
  }
}

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
