/* One step of gradient descent for all parameters of a network; the rules are in kernels/. */
#include "cpu.h"
#include "kernels/descent.h"
#include "parallel.h"
#include "parameters.h"
#include "plan.h"
#include "slots.h"

#include <math.h>

int32_t blasconv_optimizer_states(blasconv_optimizer_kind kind)
{
  switch (kind) {
  case BLASCONV_SGD:
    return 0;
  case BLASCONV_MOMENTUM:
  case BLASCONV_NESTEROV:
    return 1;
  case BLASCONV_ADAM:
  case BLASCONV_ADAMW:
    return 2;
  }
  return 0;
}

/* ---- the rule at a step ---- */

/* 1 - beta^step, with all its digits where beta^step is close to 1; beta may be 0. */
static double complement_of_power(float beta, int64_t step)
{
  return -expm1((double)step * log((double)beta));
}

static bc_descent_rule rule_at(const blasconv_optimizer *optimizer, int64_t step, bool decays)
{
  const float decay = decays ? optimizer->weight_decay : 0.0f;
  const bool decoupled = optimizer->kind == BLASCONV_ADAMW;
  bc_descent_rule rule = {.kind = optimizer->kind,
                          .rate = optimizer->learning_rate,
                          .decay = decoupled ? 0.0f : decay,
                          .shrink = decoupled ? optimizer->learning_rate * decay : 0.0f,
                          .momentum = optimizer->momentum};
  if (blasconv_optimizer_states(optimizer->kind) < 2)
    return rule;
  rule.rate = (float)((double)rule.rate / complement_of_power(optimizer->beta1, step));
  rule.square_scale = (float)(1.0 / complement_of_power(optimizer->beta2, step));
  rule.beta1 = optimizer->beta1;
  rule.rest1 = (float)(1.0 - (double)optimizer->beta1);
  rule.beta2 = optimizer->beta2;
  rule.rest2 = (float)(1.0 - (double)optimizer->beta2);
  rule.epsilon = optimizer->epsilon;
  return rule;
}

/* ---- a step ---- */

typedef struct step_context {
  bc_parameters parameters;
  bc_descent_rule rules[2]; /* of parameters that do not decay, and of those that do */
  int32_t states;
} step_context;

static void step_range(void *context, const blasconv_parameter *parameter, bc_range range)
{
  const step_context *s = context;
  float *first = s->states > 0 ? parameter->state + range.begin : NULL;
  float *second = s->states > 1 ? first + parameter->count : NULL;
  bc_cpu_kernels()->descent->step(&s->rules[parameter->decays], parameter->gradient + range.begin,
                                  first, second, parameter->values + range.begin,
                                  bc_range_length(range));
}

/* Tasks are cut from the sequence of all elements, so that many small tensors are one task. */
static void step_task(void *context, int64_t task, int thread)
{
  (void)thread;
  const step_context *s = context;
  bc_parameters_visit(&s->parameters, bc_block(task, BC_TASK_ELEMENTS, s->parameters.elements),
                      step_range, context);
}

/* ---- checks ---- */

static bool fraction(float x)
{
  return x >= 0.0f && x < 1.0f;
}

static bool numbers_fit(const blasconv_optimizer *optimizer)
{
  if (!isfinite(optimizer->learning_rate) || optimizer->learning_rate < 0.0f ||
      !isfinite(optimizer->weight_decay) || optimizer->weight_decay < 0.0f)
    return false;
  switch (optimizer->kind) {
  case BLASCONV_SGD:
    return true;
  case BLASCONV_MOMENTUM:
  case BLASCONV_NESTEROV:
    return fraction(optimizer->momentum);
  case BLASCONV_ADAM:
  case BLASCONV_ADAMW:
    return fraction(optimizer->beta1) && fraction(optimizer->beta2) &&
           isfinite(optimizer->epsilon) && optimizer->epsilon > 0.0f;
  }
  return false;
}

static bool tensors_given(const blasconv_parameter *parameter, int32_t states)
{
  return parameter->count == 0 || (parameter->values != NULL && parameter->gradient != NULL &&
                                   (states == 0 || parameter->state != NULL));
}

static blasconv_status check(const blasconv_optimizer *optimizer, int64_t step,
                             const blasconv_parameter *list, int64_t count, int32_t asked,
                             bc_parameters *parameters, int *threads)
{
  if (optimizer == NULL || (list == NULL && count > 0))
    return BLASCONV_NULL_POINTER;
  if (optimizer->struct_size != sizeof *optimizer)
    return BLASCONV_VERSION_MISMATCH;
  const int32_t states = blasconv_optimizer_states(optimizer->kind);
  const blasconv_status status = bc_parameters_check(list, count, states, parameters);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (!numbers_fit(optimizer) || step < 1)
    return BLASCONV_BAD_ARGUMENT;
  for (int64_t i = 0; i < count; ++i)
    if (list[i].decays != 0 && list[i].decays != 1)
      return BLASCONV_BAD_ARGUMENT;
  if (!bc_threads_check(asked, threads))
    return BLASCONV_BAD_SIZE;
  for (int64_t i = 0; i < count; ++i)
    if (!tensors_given(&list[i], states))
      return BLASCONV_NULL_POINTER;
  return BLASCONV_SUCCESS;
}

blasconv_status blasconv_optimizer_step(const blasconv_optimizer *optimizer, int64_t step,
                                        const blasconv_parameter *parameters, int64_t count,
                                        int32_t threads)
{
  int team;
  step_context context;
  const blasconv_status status =
      check(optimizer, step, parameters, count, threads, &context.parameters, &team);
  if (status != BLASCONV_SUCCESS)
    return status;
  context.states = blasconv_optimizer_states(optimizer->kind);
  context.rules[0] = rule_at(optimizer, step, false);
  context.rules[1] = rule_at(optimizer, step, true);
  bc_parallel_elements(team, context.parameters.elements,
                       bc_count_blocks(context.parameters.elements, BC_TASK_ELEMENTS), step_task,
                       &context);
  return BLASCONV_SUCCESS;
}
