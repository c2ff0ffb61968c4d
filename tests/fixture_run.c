/*
 * One convolution under test: describing, planning and running it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"

#include "notation.h"

#include <stdio.h>
#include <string.h>

enum { text_size = 512 };

bool fixture_is_plain_sum(const char *algorithm)
{
  return strcmp(algorithm, "winograd") != 0;
}

const char *fixture_describe(const blasconv_problem *problem, const fixture_variant *variant,
                             char *text, size_t size)
{
  bench_notation notation = bench_notation_default();
  notation.problem = *problem;
  notation.pass = variant->pass;
  if (variant->algorithm)
    snprintf(notation.algorithm, sizeof notation.algorithm, "%s", variant->algorithm);
  notation.threads = variant->threads;
  notation.exact = variant->exact;
  notation.accumulate = variant->accumulate;
  notation.bias = variant->bias;
  notation.scale_shift = variant->scale_shift;
  notation.residual = variant->residual;
  notation.activation = variant->activation;
  notation.workspace_limit = variant->limited ? variant->workspace_limit : BLASCONV_NO_LIMIT;
  notation.packed = variant->packed;
  notation.library_workspace = variant->library_workspace;
  bench_notation_print(&notation, text, size);
  return text;
}

/* ---------------------------------------------------------------------------------------------
 * Plans
 * ------------------------------------------------------------------------------------------ */

static blasconv_options options_of(const fixture_variant *variant)
{
  blasconv_options options = blasconv_options_default();
  options.algorithm = variant->algorithm;
  options.threads = variant->threads;
  options.exact = variant->exact;
  options.accumulate = variant->accumulate;
  options.activation = variant->activation;
  options.residual = variant->residual;
  if (variant->limited)
    options.workspace_limit = variant->workspace_limit;
  return options;
}

/* A forced algorithm may refuse, also because of the limit. */
static bool may_refuse(const fixture_variant *variant, blasconv_status status)
{
  return variant->algorithm && (status == BLASCONV_ALGORITHM_REFUSED ||
                                (variant->limited && status == BLASCONV_WORKSPACE_LIMITED));
}

static void check_workspace_size(const blasconv_plan *plan, const fixture_variant *variant,
                                 const char *text)
{
  const size_t bytes = blasconv_plan_workspace_size(plan);
  support_assert(bytes <= (size_t)variant->threads << 21,
                 "more than 2 MiB of workspace a thread: %s", text);
  support_assert(!variant->limited || bytes <= variant->workspace_limit,
                 "%zu bytes of workspace, more than the limit: %s", bytes, text);
}

blasconv_plan *fixture_plan(const blasconv_problem *problem, const fixture_variant *variant)
{
  char text[text_size];
  char message[text_size] = "";
  blasconv_options options = options_of(variant);
  options.message = message;
  options.message_size = sizeof message;
  blasconv_plan *plan = NULL;
  const blasconv_status status = blasconv_plan_create(problem, variant->pass, &options, &plan);
  fixture_describe(problem, variant, text, sizeof text);
  if (may_refuse(variant, status)) {
    support_assert(!plan && message[0] != '\0', "refused without a reason: %s", text);
    return NULL;
  }
  support_assert(status == BLASCONV_SUCCESS, "%s (%s): %s", blasconv_status_string(status), message,
                 text);
  support_assert(!variant->algorithm ||
                     strcmp(blasconv_plan_algorithm(plan), variant->algorithm) == 0,
                 "another algorithm was taken: %s", text);
  check_workspace_size(plan, variant, text);
  return plan;
}

/* ---------------------------------------------------------------------------------------------
 * Packed weights
 * ------------------------------------------------------------------------------------------ */

/* Another problem whose plans pack the same: one image more, and these larger, but where a kernel
 * covers all of one. */
static blasconv_problem relative_of(const blasconv_problem *problem)
{
  enum { larger = 12 };
  blasconv_problem relative = *problem;
  ++relative.batch;
  const int64_t pixels = problem->direction == BLASCONV_TRANSPOSED ? oracle_input_pixels(problem)
                                                                   : oracle_output_pixels(problem);
  for (int axis = 0; axis < problem->rank && pixels > 1; ++axis)
    relative.input[axis] += larger;
  return relative;
}

/* Such a problem's plan by the same algorithm as the plan's, or where this refuses it, one more of
 * the problem itself. */
static blasconv_plan *plan_for_packing(const fixture_case *fixture, const fixture_variant *variant,
                                       const blasconv_plan *plan)
{
  const blasconv_problem relative = relative_of(&fixture->problem);
  fixture_variant forced = *variant;
  forced.algorithm = blasconv_plan_algorithm(plan);
  blasconv_plan *other = fixture_plan(&relative, &forced);
  return other ? other : fixture_plan(&fixture->problem, variant);
}

/* The weights packed by another plan that is gone then, and moved: nothing may hang on either.
 * Without bytes in a pass that reads no weights. */
static support_memory pack(const fixture_case *fixture, const fixture_variant *variant,
                           const blasconv_plan *by, const char *text)
{
  blasconv_plan *plan = plan_for_packing(fixture, variant, by);
  const size_t bytes = blasconv_plan_packed_size(plan);
  support_assert((bytes > 0) == (variant->pass != BLASCONV_BACKWARD_WEIGHTS),
                 "packed weights take %zu bytes: %s", bytes, text);
  support_memory first = support_memory_workspace(bytes), moved = support_memory_workspace(bytes);
  if (bytes > 0) {
    const blasconv_status status =
        blasconv_plan_pack(plan, fixture->weights.data, first.data, bytes);
    support_assert(status == BLASCONV_SUCCESS, "packing: %s: %s", blasconv_status_string(status),
                   text);
    support_memory_check(&first, text);
    memcpy(moved.data, first.data, bytes);
  }
  support_memory_free(&first);
  blasconv_plan_destroy(plan);
  return moved;
}

/* ---------------------------------------------------------------------------------------------
 * Running
 * ------------------------------------------------------------------------------------------ */

blasconv_arguments fixture_arguments(const fixture_case *fixture, const fixture_variant *variant,
                                     fixture_result *result)
{
  blasconv_arguments arguments = blasconv_arguments_none();
  if (variant->pass != BLASCONV_BACKWARD_DATA)
    arguments.input = fixture->input.data;
  if (variant->pass != BLASCONV_BACKWARD_WEIGHTS)
    arguments.weights = fixture->weights.data;
  if (variant->pass != BLASCONV_FORWARD)
    arguments.output_gradient = fixture->output_gradient.data;
  switch (variant->pass) {
  case BLASCONV_FORWARD:
    arguments.output = result->values.data;
    arguments.bias = variant->bias ? fixture->bias.data : NULL;
    arguments.scale = variant->scale_shift ? fixture->scale.data : NULL;
    arguments.shift = variant->scale_shift ? fixture->shift.data : NULL;
    arguments.residual = variant->residual ? fixture->residual.data : NULL;
    break;
  case BLASCONV_BACKWARD_DATA:
    arguments.input_gradient = result->values.data;
    break;
  case BLASCONV_BACKWARD_WEIGHTS:
    arguments.weights_gradient = result->values.data;
    arguments.bias_gradient = variant->bias ? result->bias_gradient.data : NULL;
    break;
  }
  return arguments;
}

/* Executes the plan with a workspace of exactly its size, or none. */
static void execute(const blasconv_plan *plan, const fixture_variant *variant,
                    const blasconv_arguments *arguments, const char *text)
{
  const size_t bytes = variant->library_workspace ? 0 : blasconv_plan_workspace_size(plan);
  support_memory workspace = support_memory_workspace(bytes);
  const blasconv_status status = blasconv_plan_execute(plan, arguments, workspace.data, bytes);
  support_assert(status == BLASCONV_SUCCESS, "%s: %s", blasconv_status_string(status), text);
  support_memory_check(&workspace, text);
  support_memory_free(&workspace);
}

bool fixture_run(const fixture_case *fixture, const fixture_variant *variant,
                 fixture_result *result)
{
  blasconv_plan *plan = fixture_plan(&fixture->problem, variant);
  if (!plan)
    return false;
  char text[text_size];
  fixture_describe(&fixture->problem, variant, text, sizeof text);
  blasconv_arguments arguments = fixture_arguments(fixture, variant, result);
  support_memory packed = {NULL, 0, NULL};
  if (variant->packed)
    packed = pack(fixture, variant, plan, text);
  if (packed.bytes > 0) {
    arguments.weights = NULL;
    arguments.packed = packed.data;
    arguments.packed_bytes = packed.bytes;
  }
  execute(plan, variant, &arguments, text);
  support_memory_check(&packed, text);
  support_memory_free(&packed);
  support_tensor_check(&result->values, text);
  support_tensor_check(&result->bias_gradient, text);
  blasconv_plan_destroy(plan);
  return true;
}
