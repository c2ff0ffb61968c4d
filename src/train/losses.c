/* Losses that are means over elements: mean squared error and binary cross-entropy. */
#include "cpu.h"
#include "kernels/descent.h"
#include "plan.h"
#include "slots.h"

#include <blasconv/train.h>

typedef struct loss_context {
  const float *x, *targets; /* [count] */
  bool binary, valued;      /* which loss; whether its value is wanted */
  double factor;            /* of the gradient */
  float *gradient;          /* [count], NULL, or x */
} loss_context;

/* The value first, since the gradient may be written over x. */
static double loss_part(void *context, bc_range range)
{
  const loss_context *c = context;
  const bc_descent_kernels *kernels = bc_cpu_kernels()->descent;
  const float *x = c->x + range.begin, *targets = c->targets + range.begin;
  const int64_t n = bc_range_length(range);
  double value = 0.0;
  if (c->valued)
    value = (c->binary ? kernels->binary : kernels->squared_error)(x, targets, n);
  if (c->gradient != NULL)
    (c->binary ? kernels->binary_gradient : kernels->squared_error_gradient)(
        x, targets, c->factor, c->gradient + range.begin, n);
  return value;
}

static blasconv_status check_elements(int64_t count, const float *x, const float *targets,
                                      int32_t asked, int *threads)
{
  const blasconv_status status = bc_matrix_check(count, 1);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (!bc_threads_check(asked, threads))
    return BLASCONV_BAD_SIZE;
  return count > 0 && (x == NULL || targets == NULL) ? BLASCONV_NULL_POINTER : BLASCONV_SUCCESS;
}

static void compute(loss_context *context, int64_t count, int threads, double *loss)
{
  context->valued = loss != NULL;
  const double total = bc_sum_parts(threads, count, 1, loss_part, context);
  if (loss != NULL)
    *loss = count > 0 ? total / (double)count : 0.0;
}

blasconv_status blasconv_mean_squared_error(int64_t count, const float *predictions,
                                            const float *targets, int32_t threads, double *loss,
                                            float *gradient)
{
  int team;
  const blasconv_status status = check_elements(count, predictions, targets, threads, &team);
  if (status != BLASCONV_SUCCESS)
    return status;
  loss_context context = {
      .x = predictions, .targets = targets, .factor = 2.0 / (double)count, .gradient = gradient};
  compute(&context, count, team, loss);
  return BLASCONV_SUCCESS;
}

blasconv_status blasconv_binary_cross_entropy(int64_t count, const float *logits,
                                              const float *targets, int32_t threads, double *loss,
                                              float *gradient)
{
  int team;
  const blasconv_status status = check_elements(count, logits, targets, threads, &team);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (!bc_all_within(targets, count, 0.0f, 1.0f, team))
    return BLASCONV_BAD_ARGUMENT;
  loss_context context = {.x = logits,
                          .targets = targets,
                          .binary = true,
                          .factor = 1.0 / (double)count,
                          .gradient = gradient};
  compute(&context, count, team, loss);
  return BLASCONV_SUCCESS;
}
