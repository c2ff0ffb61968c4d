/* Winograd's minimal filtering: tiles of results from fewer multiplications than they have taps, at
 * the price of transforms and of some accuracy. Derivation and errors are in docs/algorithms.md. */
#include "passes.h"

static const char *reject(const bc_geometry *geometry, const bc_request *request)
{
  if (request->exact)
    return "it is not a plain sum of products";
  if (bc_count_weights(geometry) > BC_MOST_WEIGHTS)
    return "there are more than 2^48 weights";
  return bc_tiling_reject(geometry);
}

static int64_t packed_elements(const bc_geometry *geometry, blasconv_pass pass, int form)
{
  (void)form;
  const bc_tiling tiling = bc_tiling_of(geometry, pass);
  return geometry->groups * bc_count_packed_taps(&tiling);
}

static void pack(const bc_geometry *geometry, blasconv_pass pass, int form, bc_part part,
                 const float *weights, float *packed)
{
  (void)form;
  const bc_tiling tiling = bc_tiling_of(geometry, pass);
  for (int64_t group = 0; group < geometry->groups; ++group)
    bc_pack_taps(&tiling, part, weights + bc_weights_offset(geometry, group),
                 packed + group * bc_count_packed_taps(&tiling));
}

static void run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace)
{
  if (plan->request.pass == BLASCONV_BACKWARD_WEIGHTS)
    bc_winograd_run_gradient(plan, tensors, workspace);
  else
    bc_winograd_run_maps(plan, tensors, workspace);
}

const bc_algorithm bc_winograd = {.name = "winograd",
                                  .error_growth = 4.0,
                                  .reject = reject,
                                  .prepare = bc_winograd_prepare,
                                  .work = bc_winograd_work,
                                  .run = run,
                                  .packed_elements = packed_elements,
                                  .pack = pack};
