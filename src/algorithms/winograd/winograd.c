/* Winograd's minimal filtering: tiles of results from fewer multiplications than they have taps, at
 * the price of transforms and of some accuracy. Derivation and errors are in docs/algorithms.md. */
#include "maps.h"

static const char *reject(const bc_geometry *geometry, const bc_request *request)
{
  if (request->exact)
    return "it is not a plain sum of products";
  if (request->pass == BLASCONV_BACKWARD_WEIGHTS)
    return "it does not serve backward weights";
  return bc_tiling_reject(geometry);
}

static bc_work work(const bc_geometry *geometry, const bc_request *request,
                    const bc_schedule *schedule)
{
  return bc_winograd_work(geometry, schedule, request);
}

static int64_t packed_elements(const bc_geometry *geometry, blasconv_pass pass)
{
  const bc_tiling tiling = bc_tiling_of(geometry, pass);
  return geometry->groups * bc_count_packed_taps(&tiling);
}

static void pack(const bc_geometry *geometry, blasconv_pass pass, const float *weights,
                 float *packed)
{
  const bc_tiling tiling = bc_tiling_of(geometry, pass);
  for (int64_t group = 0; group < geometry->groups; ++group)
    bc_pack_taps(&tiling, weights + bc_weights_offset(geometry, group),
                 packed + group * bc_count_packed_taps(&tiling));
}

const bc_algorithm bc_winograd = {.name = "winograd",
                                  .reject = reject,
                                  .prepare = bc_winograd_prepare,
                                  .work = work,
                                  .run = bc_winograd_run,
                                  .packed_elements = packed_elements,
                                  .pack = pack};
