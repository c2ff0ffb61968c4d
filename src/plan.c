/* Create and destroy plans: checks the options, lets planning/ choose an algorithm. */
#include "plan.h"

#include "packed.h"
#include "parallel.h"
#include "planning/choose.h"

#include <stdio.h>

enum { MOST_THREADS = 4096 };

bool bc_threads_check(int32_t asked, int *threads)
{
  if (asked < 0 || asked > MOST_THREADS)
    return false;
  *threads = asked != 0 ? asked : (int)bc_min(bc_parallel_default_threads(), MOST_THREADS);
  return true;
}

static bool is_flag(int32_t value)
{
  return value == 0 || value == 1;
}

static const char *check_flags(const blasconv_options *options, blasconv_pass pass)
{
  if (pass != BLASCONV_FORWARD && pass != BLASCONV_BACKWARD_DATA &&
      pass != BLASCONV_BACKWARD_WEIGHTS)
    return "pass is no value of blasconv_pass";
  if (!is_flag(options->exact) || !is_flag(options->accumulate) ||
      !is_flag(options->packed_weights))
    return "exact, accumulate and packed_weights are 0 or 1";
  if (pass == BLASCONV_BACKWARD_WEIGHTS && options->packed_weights)
    return "packed_weights is for passes that read weights";
  if (pass == BLASCONV_FORWARD && options->accumulate)
    return "accumulate is for gradients: the forward pass always overwrites";
  if (pass != BLASCONV_FORWARD && options->activation.kind != BLASCONV_IDENTITY)
    return "an activation belongs to the forward pass: blasconv_bias_activation_backward() takes "
           "the gradient through it";
  if (options->residual != BLASCONV_RESIDUAL_NONE &&
      options->residual != BLASCONV_RESIDUAL_BEFORE_ACTIVATION &&
      options->residual != BLASCONV_RESIDUAL_AFTER_ACTIVATION)
    return "residual is no value of blasconv_residual";
  if (pass != BLASCONV_FORWARD && options->residual != BLASCONV_RESIDUAL_NONE)
    return "a residual belongs to the forward pass";
  if (!bc_activation_check(&options->activation))
    return "the activation's kind is unknown or its alpha out of range";
  if ((options->allocator.allocate == NULL) != (options->allocator.release == NULL))
    return "an allocator needs both functions, or neither";
  return bc_choose_check(options);
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

enum { SMALL_LIMIT = 1 << 16, SHARE_OF_LIMIT = 8 };

/* What one thread may have of a limit: all of a small one, so that blocks do not get tiny; of a
 * larger one a share that leaves room for some threads. It must not depend on their number. */
static size_t room_of_thread(size_t limit)
{
  if (limit <= SMALL_LIMIT)
    return limit;
  const size_t share = limit / SHARE_OF_LIMIT;
  if (share > BC_WORKSPACE_THREAD_LIMIT)
    return BC_WORKSPACE_THREAD_LIMIT;
  return share > SMALL_LIMIT ? share : SMALL_LIMIT;
}

/* A transposed convolution's geometry is that of the convolution from its output to its input. */
static blasconv_pass pass_of_geometry(blasconv_direction direction, blasconv_pass pass)
{
  if (direction == BLASCONV_CONVOLUTION || pass == BLASCONV_BACKWARD_WEIGHTS)
    return pass;
  return pass == BLASCONV_FORWARD ? BLASCONV_BACKWARD_DATA : BLASCONV_FORWARD;
}

static blasconv_maps output_maps(const blasconv_problem *problem, const bc_geometry *geometry)
{
  const bool transposed = problem->direction == BLASCONV_TRANSPOSED;
  return (blasconv_maps){sizeof(blasconv_maps), problem->layout, problem->batch,
                         problem->out_channels,
                         transposed ? geometry->in_pixels : geometry->out_pixels};
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
  plan->output = output_maps(problem, &plan->geometry);
  /* The epilogue of a transposed convolution counts the channels of the geometry's input. */
  bc_geometry_simplify(&plan->geometry,
                       pass == BLASCONV_FORWARD && problem->direction == BLASCONV_TRANSPOSED);
  plan->problem = *problem;
  plan->pass = pass;
  plan->activation = options->activation;
  plan->residual = options->residual;
  plan->workspace_limit = options->workspace_limit;
  plan->request = (bc_request){.pass = pass_of_geometry(problem->direction, pass),
                               .exact = options->exact,
                               .accumulate = options->accumulate,
                               .packed_weights = options->packed_weights,
                               .threads = threads,
                               .room = room_of_thread(options->workspace_limit)};
  plan->allocator = options->allocator.allocate ? options->allocator : bc_default_allocator;
  plan->threads_asked = threads;
  return bc_choose(plan, options, reason);
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
  bc_packed_prepare(&draft);
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
