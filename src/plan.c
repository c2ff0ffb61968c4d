/* Create and destroy plans: checks the options, asks the registry, books the workspace. */
#include "plan.h"

#include "parallel.h"

#include <stdio.h>
#include <string.h>

enum { MOST_THREADS = 4096 };

bool bc_threads_check(int32_t asked, int *threads)
{
  if (asked < 0 || asked > MOST_THREADS)
    return false;
  *threads = asked != 0 ? asked : (int)bc_min(bc_parallel_default_threads(), MOST_THREADS);
  return true;
}

static const char *check_flags(const blasconv_options *options, blasconv_pass pass)
{
  if (pass != BLASCONV_FORWARD && pass != BLASCONV_BACKWARD_DATA &&
      pass != BLASCONV_BACKWARD_WEIGHTS)
    return "pass is no value of blasconv_pass";
  if ((options->exact != 0 && options->exact != 1) ||
      (options->accumulate != 0 && options->accumulate != 1))
    return "exact and accumulate are 0 or 1";
  if (pass == BLASCONV_FORWARD && options->accumulate)
    return "accumulate is for gradients: the forward pass always overwrites";
  if (pass != BLASCONV_FORWARD && options->activation.kind != BLASCONV_IDENTITY)
    return "an activation belongs to the forward pass: blasconv_bias_activation_backward() takes "
           "the gradient through it";
  if (!bc_activation_check(&options->activation))
    return "the activation's kind is unknown or its alpha out of range";
  if ((options->allocator.allocate == NULL) != (options->allocator.release == NULL))
    return "an allocator needs both functions, or neither";
  return NULL;
}

static blasconv_status check_options(const blasconv_options *options, blasconv_pass pass,
                                     int *threads, const char **reason)
{
  *reason = check_flags(options, pass);
  if (*reason != NULL)
    return BLASCONV_BAD_ARGUMENT;
  if (!bc_threads_check(options->threads, threads)) {
    *reason = "threads is not between 0 and 4096";
    return BLASCONV_BAD_SIZE;
  }
  return BLASCONV_SUCCESS;
}

/* The algorithm asked for by name, or the first that does not reject. */
static blasconv_status choose(const char *name, blasconv_plan *plan, const char **reason)
{
  *reason = "no algorithm has the name in options.algorithm";
  for (size_t i = 0; bc_registry_row(i) != NULL; ++i) {
    const bc_algorithm *algorithm = bc_registry_row(i);
    if (name != NULL && strcmp(name, algorithm->name) != 0)
      continue;
    *reason = algorithm->reject(&plan->geometry, &plan->request);
    if (*reason == NULL) {
      plan->algorithm = algorithm;
      return BLASCONV_SUCCESS;
    }
    if (name != NULL)
      return BLASCONV_ALGORITHM_REFUSED;
  }
  return BLASCONV_UNKNOWN_ALGORITHM;
}

static blasconv_status fill(const blasconv_problem *problem, blasconv_pass pass,
                            const blasconv_options *options, blasconv_plan *plan,
                            const char **reason)
{
  int threads = 1;
  blasconv_status status = check_options(options, pass, &threads, reason);
  if (status == BLASCONV_SUCCESS)
    status = bc_problem_check(problem, &plan->geometry, reason);
  if (status != BLASCONV_SUCCESS)
    return status;
  plan->problem = *problem;
  plan->request = (bc_request){.pass = pass,
                               .by_name = options->algorithm != NULL,
                               .exact = options->exact,
                               .accumulate = options->accumulate,
                               .activation = options->activation};
  plan->allocator = options->allocator.allocate ? options->allocator : bc_default_allocator;
  status = choose(options->algorithm, plan, reason);
  if (status != BLASCONV_SUCCESS)
    return status;
  plan->schedule = plan->algorithm->prepare(&plan->geometry, &plan->request);
  plan->threads = (int)bc_max(1, bc_min(threads, plan->schedule.tasks));
  return BLASCONV_SUCCESS;
}

static blasconv_status explain(const blasconv_options *options, blasconv_status status,
                               const char *reason)
{
  if (options->message != NULL && options->message_size > 0)
    snprintf(options->message, options->message_size, "%s", reason);
  return status;
}

blasconv_status blasconv_plan_create(const blasconv_problem *problem, blasconv_pass pass,
                                     const blasconv_options *options, blasconv_plan **plan)
{
  const blasconv_options defaults = blasconv_options_default();
  if (options == NULL)
    options = &defaults;
  if (options->struct_size != sizeof *options)
    return BLASCONV_VERSION_MISMATCH;
  if (plan == NULL)
    return explain(options, BLASCONV_NULL_POINTER, "plan is NULL");
  blasconv_plan draft = {0};
  const char *reason = NULL;
  const blasconv_status status = fill(problem, pass, options, &draft, &reason);
  if (status != BLASCONV_SUCCESS)
    return explain(options, status, reason);
  blasconv_plan *made =
      draft.allocator.allocate(draft.allocator.context, sizeof *made, BLASCONV_WORKSPACE_ALIGNMENT);
  if (made == NULL)
    return explain(options, BLASCONV_OUT_OF_MEMORY, "no memory for the plan itself");
  *made = draft;
  *plan = made;
  return BLASCONV_SUCCESS;
}

void blasconv_plan_destroy(blasconv_plan *plan)
{
  if (plan == NULL)
    return;
  const blasconv_allocator allocator = plan->allocator;
  allocator.release(allocator.context, plan);
}

size_t blasconv_plan_workspace_size(const blasconv_plan *plan)
{
  return plan == NULL ? 0 : bc_workspace_size(&plan->schedule.workspace, plan->threads);
}

const char *blasconv_plan_algorithm(const blasconv_plan *plan)
{
  return plan == NULL ? NULL : plan->algorithm->name;
}
