/*
 * The examples of ONNX's operators Conv and ConvTranspose, in both layouts, by every algorithm. All
 * their numbers are small integers, so that the results are exact in any order of the sums.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "onnx_cases.h"
#include "oracle.h"
#include "support.h"

#include <string.h>

static const struct {
  const char *file;
  blasconv_direction direction;
  size_t cases;
} files[] = {{"onnx_conv.txt", BLASCONV_CONVOLUTION, 6},
             {"onnx_conv_transpose.txt", BLASCONV_TRANSPOSED, 11}};
enum { file_count = sizeof files / sizeof *files };

/* An example in one layout. */
typedef struct layout_case {
  blasconv_problem problem;
  support_tensor input, weights, output;
} layout_case;

/* A tensor [outer][channels][pixels] in the layout. */
static support_tensor permuted(const support_tensor *tensor, blasconv_layout layout, int64_t outer,
                               int64_t channels, int64_t pixels)
{
  support_tensor made = support_tensor_poisoned(tensor->count);
  ck_assert_int_eq(tensor->count, outer * channels * pixels);
  for (int64_t i = 0; i < tensor->count; ++i)
    made.data[oracle_element(layout, channels, pixels, i / pixels / channels, i / pixels % channels,
                             i % pixels)] = tensor->data[i];
  return made;
}

/* Makes the output as large as the example wants: by pixels at its end, or by cutting there. */
static void shape_output(const onnx_case *example, blasconv_problem *problem)
{
  int64_t output[BLASCONV_MAX_RANK];
  ck_assert_int_eq(blasconv_problem_output(problem, output), BLASCONV_SUCCESS);
  for (int axis = 0; axis < problem->rank; ++axis) {
    const int64_t missing = example->output_shape[axis] - output[axis];
    problem->output_padding[axis] += missing > 0 ? missing : 0;
    problem->pads_end[axis] -= missing < 0 ? missing : 0;
  }
}

static blasconv_problem problem_of(const onnx_case *example, blasconv_layout layout)
{
  blasconv_problem problem = example->problem;
  problem.layout = layout;
  if (example->automatic)
    ck_assert_int_eq(blasconv_problem_pad(&problem, example->padding), BLASCONV_SUCCESS);
  if (example->shaped)
    shape_output(example, &problem);
  return problem;
}

static layout_case lay_out(const onnx_case *example, blasconv_layout layout)
{
  layout_case made = {.problem = problem_of(example, layout)};
  const blasconv_problem *p = &made.problem;
  const bool transposed = p->direction == BLASCONV_TRANSPOSED;
  const int64_t outer = transposed ? p->in_channels : p->out_channels;
  const int64_t inner = (transposed ? p->out_channels : p->in_channels) / p->groups;
  made.input = permuted(&example->input, layout, p->batch, p->in_channels, oracle_input_pixels(p));
  made.weights = permuted(&example->weights, layout, outer, inner, oracle_taps(p));
  made.output =
      permuted(&example->output, layout, p->batch, p->out_channels, oracle_output_pixels(p));
  return made;
}

static void free_layout(layout_case *made)
{
  support_tensor_free(&made->input);
  support_tensor_free(&made->weights);
  support_tensor_free(&made->output);
}

/* Runs `check` on each example in each layout. */
static void for_each_case(void (*check)(const layout_case *made, const onnx_case *example))
{
  for (size_t f = 0; f < file_count; ++f) {
    onnx_case cases[onnx_most_cases];
    const size_t count = onnx_cases_read(files[f].file, cases);
    ck_assert_uint_eq(count, files[f].cases);
    for (size_t i = 0; i < count; ++i) {
      ck_assert_int_eq(cases[i].problem.direction, files[f].direction);
      for (int layout = BLASCONV_NCHW; layout <= BLASCONV_NHWC; ++layout) {
        layout_case made = lay_out(&cases[i], (blasconv_layout)layout);
        check(&made, &cases[i]);
        free_layout(&made);
      }
    }
    onnx_cases_free(cases, count);
  }
}

static void check_extents(const layout_case *made, const onnx_case *example)
{
  int64_t output[BLASCONV_MAX_RANK] = {-7, -8, -9};
  ck_assert_int_eq(blasconv_problem_output(&made->problem, output), BLASCONV_SUCCESS);
  for (int axis = 0; axis < BLASCONV_MAX_RANK; ++axis)
    support_assert(output[axis] == (axis < made->problem.rank ? example->extents[axis] : 1),
                   "%s: extent %d", example->name, axis);
}

START_TEST(outputs_have_the_extents)
{
  for_each_case(check_extents);
}
END_TEST

/* Runs a pass by the algorithm, NULL for the library's choice.
 * @param written the tensor among the arguments that the pass writes
 * @return false if the algorithm refuses */
static bool computes(const blasconv_problem *problem, blasconv_pass pass, const char *algorithm,
                     const blasconv_arguments *arguments, const support_tensor *written,
                     const support_tensor *wanted, const char *name)
{
  blasconv_options options = blasconv_options_default();
  options.algorithm = algorithm;
  options.threads = 2;
  options.exact = 1;
  blasconv_plan *plan = NULL;
  const blasconv_status status = blasconv_plan_create(problem, pass, &options, &plan);
  if (algorithm != NULL && status == BLASCONV_ALGORITHM_REFUSED)
    return false;
  ck_assert_int_eq(status, BLASCONV_SUCCESS);
  memset(written->data, 0xFF, written->memory.bytes);
  ck_assert_int_eq(blasconv_plan_execute(plan, arguments, NULL, 0), BLASCONV_SUCCESS);
  for (int64_t i = 0; i < wanted->count; ++i)
    support_assert(written->data[i] == wanted->data[i], "%s, %s, layout %d, pass %d: %g, not %g",
                   name, blasconv_plan_algorithm(plan), (int)problem->layout, (int)pass,
                   (double)written->data[i], (double)wanted->data[i]);
  support_tensor_check(written, name);
  blasconv_plan_destroy(plan);
  return true;
}

/* By the library's choice, and by every algorithm that gives exact numbers, two at least. */
static void check_all(const blasconv_problem *problem, blasconv_pass pass,
                      const blasconv_arguments *arguments, const support_tensor *written,
                      const support_tensor *wanted, const char *name)
{
  int served = 0;
  ck_assert(computes(problem, pass, NULL, arguments, written, wanted, name));
  for (size_t i = 0; blasconv_algorithm_name(i) != NULL; ++i)
    served += computes(problem, pass, blasconv_algorithm_name(i), arguments, written, wanted, name);
  ck_assert_int_ge(served, 2);
}

static void check_forward(const layout_case *made, const onnx_case *example)
{
  support_tensor output = support_tensor_poisoned(made->output.count);
  blasconv_arguments arguments = blasconv_arguments_none();
  arguments.input = made->input.data;
  arguments.weights = made->weights.data;
  arguments.output = output.data;
  check_all(&made->problem, BLASCONV_FORWARD, &arguments, &output, &made->output, example->name);
  support_tensor_free(&output);
}

START_TEST(forward_passes_give_the_numbers)
{
  for_each_case(check_forward);
}
END_TEST

/* A transposed convolution is the backward data pass of the convolution the other way: the
 * examples' numbers hold for that too. */
static void check_backward(const layout_case *made, const onnx_case *example)
{
  if (made->problem.direction != BLASCONV_TRANSPOSED)
    return;
  blasconv_problem reversed = made->problem;
  reversed.direction = BLASCONV_CONVOLUTION;
  reversed.in_channels = made->problem.out_channels;
  reversed.out_channels = made->problem.in_channels;
  memcpy(reversed.input, example->extents, sizeof reversed.input);
  memset(reversed.output_padding, 0, sizeof reversed.output_padding);
  support_tensor gradient = support_tensor_poisoned(made->output.count);
  blasconv_arguments arguments = blasconv_arguments_none();
  arguments.weights = made->weights.data;
  arguments.output_gradient = made->input.data;
  arguments.input_gradient = gradient.data;
  check_all(&reversed, BLASCONV_BACKWARD_DATA, &arguments, &gradient, &made->output, example->name);
  support_tensor_free(&gradient);
}

START_TEST(transposed_examples_hold_for_backward_data)
{
  for_each_case(check_backward);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("onnx");
  support_add(suite, outputs_have_the_extents);
  support_add(suite, forward_passes_give_the_numbers);
  support_add(suite, transposed_examples_hold_for_backward_data);
  return support_run(suite);
}
