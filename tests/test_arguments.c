/*
 * Every way in which options, tensors, workspaces and feature maps are refused. What a refused call
 * could have written is poisoned before, and the same afterwards.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "refusal.h"
#include "support.h"

#include <blasconv/blasconv.h>
#include <math.h>
#include <string.h>

/* A 3x3 convolution in im2col_gemm: it has a workspace in every pass. */
static blasconv_problem plain_problem(void)
{
  return blasconv_problem_2d(2, 3, 9, 8, 4, 3, 3);
}

static blasconv_plan *create_plan(const blasconv_problem *problem, blasconv_pass pass)
{
  blasconv_options options = blasconv_options_default();
  options.algorithm = "im2col_gemm";
  options.threads = 2;
  blasconv_plan *plan = NULL;
  ck_assert_int_eq(blasconv_plan_create(problem, pass, &options, &plan), BLASCONV_SUCCESS);
  return plan;
}

/* ---------------------------------------------------------------------------------------------
 * Options
 * ------------------------------------------------------------------------------------------ */

static void check_options(blasconv_pass pass, blasconv_options options, blasconv_status status,
                          const char *word, const char *what)
{
  const blasconv_problem problem = plain_problem();
  refusal_check(&problem, pass, options, status, word, what);
}

static void check_accepted(blasconv_pass pass, const blasconv_options *options, const char *what)
{
  const blasconv_problem problem = plain_problem();
  blasconv_plan *plan = NULL;
  const blasconv_status status = blasconv_plan_create(&problem, pass, options, &plan);
  support_assert(status == BLASCONV_SUCCESS, "%s refused: %d", what, (int)status);
  blasconv_plan_destroy(plan);
}

START_TEST(threads_have_a_range)
{
  static const int32_t bad[] = {INT32_MIN, -1, 4097, INT32_MAX};
  static const int32_t good[] = {0, 1, 4096};
  blasconv_options options = blasconv_options_default();
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    options.threads = bad[i];
    check_options(BLASCONV_FORWARD, options, BLASCONV_BAD_SIZE, "threads", "threads");
  }
  for (size_t i = 0; i < sizeof good / sizeof *good; ++i) {
    options.threads = good[i];
    check_accepted(BLASCONV_FORWARD, &options, "threads");
  }
}
END_TEST

START_TEST(flags_and_passes_have_meanings)
{
  static const int32_t bad_flags[] = {-1, 2, INT32_MAX};
  static const int bad_passes[] = {-1, 3, INT32_MAX};
  const blasconv_options defaults = blasconv_options_default();
  for (size_t i = 0; i < sizeof bad_flags / sizeof *bad_flags; ++i) {
    blasconv_options options = defaults;
    options.exact = bad_flags[i];
    check_options(BLASCONV_FORWARD, options, BLASCONV_BAD_ARGUMENT, "exact", "exact");
    options = defaults;
    options.accumulate = bad_flags[i];
    check_options(BLASCONV_BACKWARD_DATA, options, BLASCONV_BAD_ARGUMENT, "accumulate",
                  "accumulate");
    options = defaults;
    options.packed_weights = bad_flags[i];
    check_options(BLASCONV_FORWARD, options, BLASCONV_BAD_ARGUMENT, "packed_weights",
                  "packed_weights");
    check_options((blasconv_pass)bad_passes[i], defaults, BLASCONV_BAD_ARGUMENT, "pass", "pass");
  }
  blasconv_options options = defaults;
  options.accumulate = 1;
  check_options(BLASCONV_FORWARD, options, BLASCONV_BAD_ARGUMENT, "accumulate", "forward adds");
  check_accepted(BLASCONV_BACKWARD_DATA, &options, "accumulate");
  check_accepted(BLASCONV_BACKWARD_WEIGHTS, &options, "accumulate");
  options = defaults;
  options.exact = 1;
  check_accepted(BLASCONV_FORWARD, &options, "exact");
  options = defaults;
  options.packed_weights = 1;
  check_options(BLASCONV_BACKWARD_WEIGHTS, options, BLASCONV_BAD_ARGUMENT, "packed_weights",
                "weights that are written");
  check_accepted(BLASCONV_FORWARD, &options, "packed_weights");
  check_accepted(BLASCONV_BACKWARD_DATA, &options, "packed_weights");
}
END_TEST

START_TEST(algorithms_are_known_or_refused)
{
  static const char *const unknown[] = {"", "reference ", "Reference", "im2col", "nonsense"};
  blasconv_options options = blasconv_options_default();
  for (size_t i = 0; i < sizeof unknown / sizeof *unknown; ++i) {
    options.algorithm = unknown[i];
    check_options(BLASCONV_FORWARD, options, BLASCONV_UNKNOWN_ALGORITHM, "algorithm", unknown[i]);
  }
  options.algorithm = "pointwise_gemm"; /* the kernel is 3x3 */
  check_options(BLASCONV_BACKWARD_WEIGHTS, options, BLASCONV_ALGORITHM_REFUSED, "1x1",
                "pointwise_gemm");
}
END_TEST

/* The half of an allocator that this is gets called by no refused plan. */
static void *refuse_to_allocate(void *context, size_t bytes, size_t alignment)
{
  (void)context;
  (void)bytes;
  (void)alignment;
  ck_abort_msg("a refused plan took memory");
}

START_TEST(pointers_and_struct_are_checked)
{
  const blasconv_problem problem = plain_problem();
  blasconv_options options = blasconv_options_default();
  options.allocator.allocate = refuse_to_allocate;
  check_options(BLASCONV_FORWARD, options, BLASCONV_BAD_ARGUMENT, "allocator", "half an allocator");
  options = blasconv_options_default();
  char message[64] = "";
  options.message = message;
  options.message_size = sizeof message;
  ck_assert_int_eq(blasconv_plan_create(&problem, BLASCONV_FORWARD, &options, NULL),
                   BLASCONV_NULL_POINTER);
  ck_assert_ptr_nonnull(strstr(message, "NULL"));
  ck_assert_int_eq(blasconv_plan_create(&problem, BLASCONV_FORWARD, NULL, NULL),
                   BLASCONV_NULL_POINTER);
  static const size_t sizes[] = {0, sizeof(blasconv_options) - 1, sizeof(blasconv_options) + 8};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    blasconv_plan *plan = NULL;
    message[0] = '\0';
    options.struct_size = sizes[i];
    ck_assert_int_eq(blasconv_plan_create(&problem, BLASCONV_FORWARD, &options, &plan),
                     BLASCONV_VERSION_MISMATCH);
    ck_assert_ptr_null(plan);
    support_assert(message[0] == '\0', "a message in a struct of unknown layout");
  }
}
END_TEST

/* Kinds and parameters that no function may accept. */
static const blasconv_activation bad_activations[] = {
    {(blasconv_activation_kind)-1, 1.0f},
    {(blasconv_activation_kind)(BLASCONV_GELU_TANH + 1), 1.0f},
    {BLASCONV_LEAKY_RELU, NAN},
    {BLASCONV_LEAKY_RELU, INFINITY},
    {BLASCONV_LEAKY_RELU, -0.5f},
    {BLASCONV_CLIPPED_RELU, NAN},
    {BLASCONV_CLIPPED_RELU, INFINITY},
    {BLASCONV_CLIPPED_RELU, 0.0f},
    {BLASCONV_CLIPPED_RELU, -6.0f},
    {BLASCONV_ELU, NAN},
    {BLASCONV_ELU, -INFINITY},
    {BLASCONV_ELU, -1.0f},
};
enum { bad_activation_count = sizeof bad_activations / sizeof *bad_activations };

START_TEST(activations_are_checked)
{
  static const blasconv_activation good[] = {{BLASCONV_LEAKY_RELU, 0.0f},
                                             {BLASCONV_ELU, 0.0f},
                                             {BLASCONV_CLIPPED_RELU, 1e-40f},
                                             {BLASCONV_SIGMOID, -1.0f},
                                             {BLASCONV_RELU, NAN}};
  blasconv_options options = blasconv_options_default();
  for (int i = 0; i < bad_activation_count; ++i) {
    options.activation = bad_activations[i];
    check_options(BLASCONV_FORWARD, options, BLASCONV_BAD_ARGUMENT, "activation", "activation");
  }
  for (size_t i = 0; i < sizeof good / sizeof *good; ++i) {
    options.activation = good[i];
    check_accepted(BLASCONV_FORWARD, &options, "activation");
    check_options(BLASCONV_BACKWARD_DATA, options, BLASCONV_BAD_ARGUMENT, "activation",
                  "activation of a gradient");
    check_options(BLASCONV_BACKWARD_WEIGHTS, options, BLASCONV_BAD_ARGUMENT, "activation",
                  "activation of a gradient");
  }
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Tensors and workspace
 * ------------------------------------------------------------------------------------------ */

enum { tensor_count = 8, needed = 1, optional = 2, foreign = 0 };

/* What each pass makes of the tensors, in the order of blasconv_arguments. */
static const char roles[3][tensor_count] = {
    {needed, needed, optional, foreign, needed, foreign, foreign, foreign},
    {foreign, needed, foreign, needed, foreign, needed, foreign, foreign},
    {needed, foreign, foreign, needed, foreign, foreign, needed, optional},
};

/* A plan of one pass with all that an execution takes, everything poisoned. */
typedef struct execution {
  blasconv_plan *plan;
  support_tensor tensors[tensor_count]; /* in the order of blasconv_arguments */
  support_memory workspace;
} execution;

static execution create_execution(blasconv_pass pass)
{
  /* input 2x3x9x8, weights 4x3x3x3, output 2x4x7x6 */
  static const int64_t counts[tensor_count] = {432, 108, 4, 336, 336, 432, 108, 4};
  const blasconv_problem problem = plain_problem();
  execution run = {.plan = create_plan(&problem, pass)};
  for (int i = 0; i < tensor_count; ++i)
    run.tensors[i] = support_tensor_poisoned(counts[i]);
  run.workspace = support_memory_workspace(blasconv_plan_workspace_size(run.plan));
  ck_assert_uint_gt(run.workspace.bytes, 0);
  return run;
}

static void destroy_execution(execution *run)
{
  blasconv_plan_destroy(run->plan);
  support_memory_free(&run->workspace);
  for (int i = 0; i < tensor_count; ++i)
    support_tensor_free(&run->tensors[i]);
}

/* The arguments with the tensors whose bits are set in `mask`. */
static blasconv_arguments choose_tensors(const execution *run, unsigned mask)
{
  float *data[tensor_count];
  for (int i = 0; i < tensor_count; ++i)
    data[i] = mask >> i & 1u ? run->tensors[i].data : NULL;
  blasconv_arguments arguments = blasconv_arguments_none();
  arguments.input = data[0];
  arguments.weights = data[1];
  arguments.bias = data[2];
  arguments.output_gradient = data[3];
  arguments.output = data[4];
  arguments.input_gradient = data[5];
  arguments.weights_gradient = data[6];
  arguments.bias_gradient = data[7];
  return arguments;
}

/* Bits of the tensors that have `role` in the pass. */
static unsigned mask_of(blasconv_pass pass, int role)
{
  unsigned mask = 0;
  for (int i = 0; i < tensor_count; ++i)
    mask |= (unsigned)(roles[pass][i] == role) << i;
  return mask;
}

/* Tensors and workspace still hold the poison, all bytes 0xFF. */
static void check_untouched(const execution *run)
{
  for (int i = 0; i <= tensor_count; ++i) {
    const support_memory *memory = i < tensor_count ? &run->tensors[i].memory : &run->workspace;
    const unsigned char *bytes = memory->data;
    for (size_t j = 0; j < memory->bytes; ++j)
      support_assert(bytes[j] == 0xFF, "a refused call wrote to %s %d",
                     i < tensor_count ? "tensor" : "workspace", i);
    support_memory_check(memory, "refused call");
  }
}

static void check_execution(const execution *run, const blasconv_arguments *arguments,
                            blasconv_status status)
{
  ck_assert_int_eq(
      blasconv_plan_execute(run->plan, arguments, run->workspace.data, run->workspace.bytes),
      status);
  ck_assert_int_eq(blasconv_plan_execute(run->plan, arguments, NULL, 0), status);
  check_untouched(run);
}

START_TEST(tensors_are_those_of_the_pass)
{
  for (int pass = 0; pass < 3; ++pass) {
    execution run = create_execution((blasconv_pass)pass);
    const unsigned all = mask_of((blasconv_pass)pass, needed);
    for (int i = 0; i < tensor_count; ++i) {
      const blasconv_arguments changed = choose_tensors(&run, all ^ 1u << i);
      if (roles[pass][i] == needed)
        check_execution(&run, &changed, BLASCONV_NULL_POINTER);
      else if (roles[pass][i] == foreign)
        check_execution(&run, &changed, BLASCONV_WRONG_TENSORS);
    }
    const blasconv_arguments with_optional =
        choose_tensors(&run, all | mask_of((blasconv_pass)pass, optional));
    ck_assert_int_eq(blasconv_plan_execute(run.plan, &with_optional, NULL, 0), BLASCONV_SUCCESS);
    destroy_execution(&run);
  }
}
END_TEST

START_TEST(plan_and_arguments_are_checked)
{
  for (int pass = 0; pass < 3; ++pass) {
    execution run = create_execution((blasconv_pass)pass);
    blasconv_arguments arguments = choose_tensors(&run, mask_of((blasconv_pass)pass, needed));
    ck_assert_int_eq(
        blasconv_plan_execute(NULL, &arguments, run.workspace.data, run.workspace.bytes),
        BLASCONV_NULL_POINTER);
    check_execution(&run, NULL, BLASCONV_NULL_POINTER);
    arguments.struct_size = 0;
    check_execution(&run, &arguments, BLASCONV_VERSION_MISMATCH);
    arguments.struct_size = sizeof arguments + sizeof(void *);
    check_execution(&run, &arguments, BLASCONV_VERSION_MISMATCH);
    destroy_execution(&run);
  }
}
END_TEST

START_TEST(workspace_is_checked)
{
  static const size_t shifts[] = {1, 4, 16, 32, 63};
  for (int pass = 0; pass < 3; ++pass) {
    execution run = create_execution((blasconv_pass)pass);
    const blasconv_arguments arguments = choose_tensors(&run, mask_of((blasconv_pass)pass, needed));
    const size_t sizes[] = {0, 1, run.workspace.bytes - 1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i)
      ck_assert_int_eq(blasconv_plan_execute(run.plan, &arguments, run.workspace.data, sizes[i]),
                       BLASCONV_WORKSPACE_TOO_SMALL);
    for (size_t i = 0; i < sizeof shifts / sizeof *shifts; ++i)
      ck_assert_int_eq(blasconv_plan_execute(run.plan, &arguments,
                                             (char *)run.workspace.data + shifts[i],
                                             run.workspace.bytes),
                       BLASCONV_WORKSPACE_MISALIGNED);
    check_untouched(&run);
    destroy_execution(&run);
  }
}
END_TEST

/* Without images the tensors of images may be NULL, those of weights may not. */
START_TEST(no_images_need_no_images)
{
  blasconv_problem problem = plain_problem();
  problem.batch = 0;
  support_tensor gradients = support_tensor_poisoned(112), zeros = support_tensor_poisoned(112);
  memset(zeros.data, 0, zeros.memory.bytes);
  blasconv_arguments arguments = blasconv_arguments_none();
  for (int pass = 0; pass < 2; ++pass) { /* forward and backward data read weights */
    blasconv_plan *plan = create_plan(&problem, (blasconv_pass)pass);
    arguments.weights = NULL;
    ck_assert_int_eq(blasconv_plan_execute(plan, &arguments, NULL, 0), BLASCONV_NULL_POINTER);
    arguments.weights = gradients.data;
    ck_assert_int_eq(blasconv_plan_execute(plan, &arguments, NULL, 0), BLASCONV_SUCCESS);
    blasconv_plan_destroy(plan);
  }
  blasconv_plan *plan = create_plan(&problem, BLASCONV_BACKWARD_WEIGHTS);
  arguments.weights = NULL;
  ck_assert_int_eq(blasconv_plan_execute(plan, &arguments, NULL, 0), BLASCONV_NULL_POINTER);
  arguments.weights_gradient = gradients.data; /* 4x3x3x3, then the bias's 4 */
  arguments.bias_gradient = gradients.data + 108;
  ck_assert_int_eq(blasconv_plan_execute(plan, &arguments, NULL, 0), BLASCONV_SUCCESS);
  ck_assert(support_tensor_same(&gradients, &zeros));
  blasconv_plan_destroy(plan);
  support_tensor_check(&gradients, "gradients");
  support_tensor_free(&gradients);
  support_tensor_free(&zeros);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("arguments");
  support_add(suite, threads_have_a_range);
  support_add(suite, flags_and_passes_have_meanings);
  support_add(suite, algorithms_are_known_or_refused);
  support_add(suite, pointers_and_struct_are_checked);
  support_add(suite, activations_are_checked);
  support_add(suite, tensors_are_those_of_the_pass);
  support_add(suite, plan_and_arguments_are_checked);
  support_add(suite, workspace_is_checked);
  support_add(suite, no_images_need_no_images);
  return support_run(suite);
}
