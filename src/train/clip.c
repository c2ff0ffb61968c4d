/* Gradients clipped to a norm. */
#include "cpu.h"
#include "kernels/descent.h"
#include "parallel.h"
#include "parameters.h"
#include "plan.h"
#include "slots.h"

#include <math.h>

typedef struct clip_context {
  bc_parameters parameters;
  double factor;
} clip_context;

static void add_squares(void *context, const blasconv_parameter *parameter, bc_range range)
{
  double *sum = context;
  *sum +=
      bc_cpu_kernels()->descent->squares(parameter->gradient + range.begin, bc_range_length(range));
}

/* Squares of floats and their sums are far from double's limits. */
static double squares_part(void *context, bc_range range)
{
  const clip_context *c = context;
  double sum = 0.0;
  bc_parameters_visit(&c->parameters, range, add_squares, &sum);
  return sum;
}

static void scale_range(void *context, const blasconv_parameter *parameter, bc_range range)
{
  const clip_context *c = context;
  float *gradient = parameter->gradient + range.begin;
  bc_cpu_kernels()->descent->scale(c->factor, gradient, gradient, bc_range_length(range));
}

static void scale_task(void *context, int64_t task, int thread)
{
  (void)thread;
  const clip_context *c = context;
  bc_parameters_visit(&c->parameters, bc_block(task, BC_TASK_ELEMENTS, c->parameters.elements),
                      scale_range, context);
}

static blasconv_status check(const blasconv_parameter *list, int64_t count, double limit,
                             int32_t asked, bc_parameters *parameters, int *threads)
{
  if (list == NULL && count > 0)
    return BLASCONV_NULL_POINTER;
  const blasconv_status status = bc_parameters_check(list, count, 0, parameters);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (!(limit > 0.0))
    return BLASCONV_BAD_ARGUMENT;
  if (!bc_threads_check(asked, threads))
    return BLASCONV_BAD_SIZE;
  for (int64_t i = 0; i < count; ++i)
    if (list[i].count > 0 && list[i].gradient == NULL)
      return BLASCONV_NULL_POINTER;
  return BLASCONV_SUCCESS;
}

blasconv_status blasconv_gradient_clip(const blasconv_parameter *parameters, int64_t count,
                                       double limit, int32_t threads, double *norm)
{
  int team;
  clip_context context;
  const blasconv_status status =
      check(parameters, count, limit, threads, &context.parameters, &team);
  if (status != BLASCONV_SUCCESS)
    return status;
  const int64_t elements = context.parameters.elements;
  const double found = sqrt(bc_sum_parts(team, elements, 1, squares_part, &context));
  if (found > limit && isfinite(found)) {
    context.factor = limit / found;
    bc_parallel_elements(team, elements, bc_count_blocks(elements, BC_TASK_ELEMENTS), scale_task,
                         &context);
  }
  if (norm != NULL)
    *norm = found;
  return BLASCONV_SUCCESS;
}
