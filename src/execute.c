/* The public entry of every pass: checks the arguments, then runs the plan's algorithm. Nothing
 * below validates again. */
#include "maps.h"
#include "plan.h"

#include <string.h>

/* What a pass does with a tensor. */
typedef enum role { FORBIDDEN, OPTIONAL, NEEDED } role;

enum { TENSORS = 8, PASSES = 3 };

static const role roles[PASSES][TENSORS] = {
    /* input, weights, bias, output_gradient,
       output, input_gradient, weights_gradient, bias_gradient */
    [BLASCONV_FORWARD] = {NEEDED, NEEDED, OPTIONAL, FORBIDDEN, NEEDED, FORBIDDEN, FORBIDDEN,
                          FORBIDDEN},
    [BLASCONV_BACKWARD_DATA] = {FORBIDDEN, NEEDED, FORBIDDEN, NEEDED, FORBIDDEN, NEEDED, FORBIDDEN,
                                FORBIDDEN},
    [BLASCONV_BACKWARD_WEIGHTS] = {NEEDED, FORBIDDEN, FORBIDDEN, NEEDED, FORBIDDEN, FORBIDDEN,
                                   NEEDED, OPTIONAL},
};

static blasconv_status check_arguments(const blasconv_plan *plan,
                                       const blasconv_arguments *arguments)
{
  if (arguments->struct_size != sizeof *arguments)
    return BLASCONV_VERSION_MISMATCH;
  const struct {
    const float *tensor;
    bool empty; /* with batch 0 */
  } given[TENSORS] = {
      {arguments->input, true},
      {arguments->weights, false},
      {arguments->bias, false},
      {arguments->output_gradient, true},
      {arguments->output, true},
      {arguments->input_gradient, true},
      {arguments->weights_gradient, false},
      {arguments->bias_gradient, false},
  };
  const bool no_images = plan->geometry.batch == 0;
  for (int i = 0; i < TENSORS; ++i) {
    const role wanted = roles[plan->request.pass][i];
    if (wanted == FORBIDDEN && given[i].tensor != NULL)
      return BLASCONV_WRONG_TENSORS;
    if (wanted == NEEDED && given[i].tensor == NULL && !(no_images && given[i].empty))
      return BLASCONV_NULL_POINTER;
  }
  return BLASCONV_SUCCESS;
}

static blasconv_status check_workspace(size_t needed, const void *workspace, size_t bytes)
{
  if (workspace == NULL || needed == 0)
    return BLASCONV_SUCCESS;
  if (bytes < needed)
    return BLASCONV_WORKSPACE_TOO_SMALL;
  if ((uintptr_t)workspace % BLASCONV_WORKSPACE_ALIGNMENT != 0)
    return BLASCONV_WORKSPACE_MISALIGNED;
  return BLASCONV_SUCCESS;
}

static void run(const blasconv_plan *plan, const blasconv_arguments *arguments, void *workspace)
{
  const bc_geometry *geometry = &plan->geometry;
  const blasconv_maps maps = blasconv_maps_nchw(
      geometry->batch, geometry->groups * geometry->out_channels, geometry->out_pixels);
  const bool zero_gradient = geometry->batch == 0 && !plan->request.accumulate;
  if (geometry->batch > 0)
    plan->algorithm->run(plan, arguments, workspace);
  else if (arguments->weights_gradient != NULL && zero_gradient)
    memset(arguments->weights_gradient, 0, (size_t)bc_count_weights(geometry) * sizeof(float));
  if (arguments->bias_gradient != NULL)
    bc_bias_gradient(&maps, arguments->output_gradient, plan->request.accumulate, plan->threads,
                     arguments->bias_gradient);
}

blasconv_status blasconv_plan_execute(const blasconv_plan *plan,
                                      const blasconv_arguments *arguments, void *workspace,
                                      size_t workspace_bytes)
{
  if (plan == NULL || arguments == NULL)
    return BLASCONV_NULL_POINTER;
  const size_t needed = blasconv_plan_workspace_size(plan);
  blasconv_status status = check_arguments(plan, arguments);
  if (status == BLASCONV_SUCCESS)
    status = check_workspace(needed, workspace, workspace_bytes);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (workspace != NULL || needed == 0) {
    run(plan, arguments, workspace);
    return BLASCONV_SUCCESS;
  }
  const blasconv_allocator *allocator = &plan->allocator;
  void *own = allocator->allocate(allocator->context, needed, BLASCONV_WORKSPACE_ALIGNMENT);
  if (own == NULL)
    return BLASCONV_OUT_OF_MEMORY;
  run(plan, arguments, own);
  allocator->release(allocator->context, own);
  return BLASCONV_SUCCESS;
}
