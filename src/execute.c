/* The public entry of every pass: checks the arguments, then runs the plan's algorithm. Nothing
 * below validates again. */
#include "maps.h"
#include "packed.h"
#include "plan.h"

#include <string.h>

/* What a pass does with a tensor. */
typedef enum role { FORBIDDEN, OPTIONAL, NEEDED } role;

/* The tensors of blasconv_arguments. */
enum {
  INPUT,
  WEIGHTS,
  BIAS,
  SCALE,
  SHIFT,
  OUTPUT_GRADIENT,
  OUTPUT,
  INPUT_GRADIENT,
  WEIGHTS_GRADIENT,
  BIAS_GRADIENT,
  TENSORS
};

enum { PASSES = 3 };

/* Those not named are forbidden; the residual depends on the plan. */
static const role roles[PASSES][TENSORS] = {
    [BLASCONV_FORWARD] = {[INPUT] = NEEDED,
                          [WEIGHTS] = NEEDED,
                          [BIAS] = OPTIONAL,
                          [SCALE] = OPTIONAL,
                          [SHIFT] = OPTIONAL,
                          [OUTPUT] = NEEDED},
    [BLASCONV_BACKWARD_DATA] =
        {[WEIGHTS] = NEEDED, [OUTPUT_GRADIENT] = NEEDED, [INPUT_GRADIENT] = NEEDED},
    [BLASCONV_BACKWARD_WEIGHTS] = {[INPUT] = NEEDED,
                                   [OUTPUT_GRADIENT] = NEEDED,
                                   [WEIGHTS_GRADIENT] = NEEDED,
                                   [BIAS_GRADIENT] = OPTIONAL},
};

static blasconv_status check_tensor(role wanted, const float *tensor, bool may_be_null)
{
  if (wanted == FORBIDDEN && tensor != NULL)
    return BLASCONV_WRONG_TENSORS;
  return wanted == NEEDED && tensor == NULL && !may_be_null ? BLASCONV_NULL_POINTER
                                                            : BLASCONV_SUCCESS;
}

static blasconv_status check_arguments(const blasconv_plan *plan,
                                       const blasconv_arguments *arguments)
{
  if (arguments->struct_size != sizeof *arguments)
    return BLASCONV_VERSION_MISMATCH;
  const bool no_images = plan->problem.batch == 0;
  const struct {
    const float *tensor;
    bool empty;
  } given[TENSORS] = {
      [INPUT] = {arguments->input, no_images},
      [WEIGHTS] = {arguments->weights, arguments->packed != NULL},
      [BIAS] = {arguments->bias, false},
      [SCALE] = {arguments->scale, false},
      [SHIFT] = {arguments->shift, false},
      [OUTPUT_GRADIENT] = {arguments->output_gradient, no_images},
      [OUTPUT] = {arguments->output, no_images},
      [INPUT_GRADIENT] = {arguments->input_gradient, no_images},
      [WEIGHTS_GRADIENT] = {arguments->weights_gradient, false},
      [BIAS_GRADIENT] = {arguments->bias_gradient, false},
  };
  blasconv_status status =
      check_tensor(plan->residual == BLASCONV_RESIDUAL_NONE ? FORBIDDEN : NEEDED,
                   arguments->residual, no_images);
  for (int i = 0; i < TENSORS && status == BLASCONV_SUCCESS; ++i)
    status = check_tensor(roles[plan->pass][i], given[i].tensor, given[i].empty);
  if (status == BLASCONV_SUCCESS && (arguments->scale == NULL) != (arguments->shift == NULL))
    status = BLASCONV_NULL_POINTER;
  if (status == BLASCONV_SUCCESS && arguments->packed != NULL && arguments->weights != NULL)
    status = BLASCONV_WRONG_TENSORS;
  return status;
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

static bc_epilogue epilogue_of(const blasconv_plan *plan, const blasconv_arguments *arguments)
{
  return (bc_epilogue){.activation = plan->activation,
                       .bias = arguments->bias,
                       .scale = arguments->scale,
                       .shift = arguments->shift,
                       .residual = arguments->residual,
                       .place = plan->residual};
}

/* The tensors as the geometry's convolution sees them: a transposed problem's output is its input,
 * and the other way round. */
static bc_tensors tensors_of(const blasconv_plan *plan, const blasconv_arguments *arguments,
                             const bc_packed *packed)
{
  const bool transposed = plan->problem.direction == BLASCONV_TRANSPOSED;
  float *const results[PASSES] = {[BLASCONV_FORWARD] = arguments->output,
                                  [BLASCONV_BACKWARD_DATA] = arguments->input_gradient,
                                  [BLASCONV_BACKWARD_WEIGHTS] = arguments->weights_gradient};
  const bool as_they_are = plan->algorithm->packed_elements == NULL && packed->weights != NULL;
  return (bc_tensors){
      .input = transposed ? arguments->output_gradient : arguments->input,
      .output = transposed ? arguments->input : arguments->output_gradient,
      .weights = as_they_are ? packed->weights : arguments->weights,
      .packed = as_they_are ? NULL : packed->weights,
      .packed_form = packed->form,
      .result = results[plan->pass],
      .epilogue = epilogue_of(plan, arguments),
  };
}

static void run(const blasconv_plan *plan, const blasconv_arguments *arguments,
                const bc_packed *packed, void *workspace)
{
  const bc_tensors tensors = tensors_of(plan, arguments, packed);
  if (plan->problem.batch > 0)
    plan->algorithm->run(plan, &tensors, workspace);
  else if (plan->pass == BLASCONV_BACKWARD_WEIGHTS && !plan->request.accumulate)
    memset(tensors.result, 0, (size_t)bc_count_weights(&plan->geometry) * sizeof(float));
  if (arguments->bias_gradient != NULL)
    bc_bias_gradient(&plan->output, arguments->output_gradient, plan->request.accumulate,
                     plan->threads, arguments->bias_gradient);
}

blasconv_status blasconv_plan_execute(const blasconv_plan *plan,
                                      const blasconv_arguments *arguments, void *workspace,
                                      size_t workspace_bytes)
{
  if (plan == NULL || arguments == NULL)
    return BLASCONV_NULL_POINTER;
  const size_t needed = blasconv_plan_workspace_size(plan);
  bc_packed packed = {0};
  blasconv_status status = check_arguments(plan, arguments);
  if (status == BLASCONV_SUCCESS && arguments->packed != NULL)
    status = bc_packed_open(plan, arguments->packed, arguments->packed_bytes, &packed);
  if (status == BLASCONV_SUCCESS)
    status = check_workspace(needed, workspace, workspace_bytes);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (workspace != NULL || needed == 0) {
    run(plan, arguments, &packed, workspace);
    return BLASCONV_SUCCESS;
  }
  const blasconv_allocator *allocator = &plan->allocator;
  void *own = allocator->allocate(allocator->context, needed, BLASCONV_WORKSPACE_ALIGNMENT);
  if (own == NULL)
    return BLASCONV_OUT_OF_MEMORY;
  run(plan, arguments, &packed, own);
  allocator->release(allocator->context, own);
  return BLASCONV_SUCCESS;
}
