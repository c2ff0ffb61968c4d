/*
 * The worked numbers of docs/algorithms.md, so that they stay true: a 3x3 image under a 2x2 filter.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <blasconv/blasconv.h>

static const float image[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
static const float filter[] = {1, 2, 3, 4};
static const float output_gradient[] = {1, 0, 2, -1};

static void check_values(const float *got, const float *wanted, int count)
{
  for (int i = 0; i < count; ++i)
    ck_assert_float_eq(got[i], wanted[i]);
}

/* Runs one pass of `problem` with every algorithm that serves it. `result` [count] is what
 * `arguments` has it write to. */
static void check_pass(const blasconv_problem *problem, blasconv_pass pass,
                       const blasconv_options *defaults, const blasconv_arguments *arguments,
                       float *result, const float *wanted, int count)
{
  blasconv_options options = *defaults;
  int served = 0;
  for (size_t i = 0; blasconv_algorithm_name(i) != NULL; ++i) {
    blasconv_plan *plan = NULL;
    options.algorithm = blasconv_algorithm_name(i);
    if (blasconv_plan_create(problem, pass, &options, &plan) == BLASCONV_ALGORITHM_REFUSED)
      continue;
    for (int j = 0; j < count; ++j)
      result[j] = -1000.0f;
    ck_assert_int_eq(blasconv_plan_execute(plan, arguments, NULL, 0), BLASCONV_SUCCESS);
    check_values(result, wanted, count);
    blasconv_plan_destroy(plan);
    ++served;
  }
  ck_assert_int_ge(served, 2);
}

START_TEST(forward_pass)
{
  const blasconv_problem problem = blasconv_problem_2d(1, 1, 3, 3, 1, 2, 2);
  const float bias[] = {-50};
  float output[4];
  blasconv_options options = blasconv_options_default();
  blasconv_arguments arguments = blasconv_arguments_none();
  arguments.input = image;
  arguments.weights = filter;
  arguments.output = output;
  const float sums[] = {37, 47, 67, 77}, activated[] = {0, 0, 17, 27};
  check_pass(&problem, BLASCONV_FORWARD, &options, &arguments, output, sums, 4);
  options.activation.kind = BLASCONV_RELU;
  arguments.bias = bias;
  check_pass(&problem, BLASCONV_FORWARD, &options, &arguments, output, activated, 4);
}
END_TEST

START_TEST(forward_pass_with_pads_and_stride)
{
  blasconv_problem problem = blasconv_problem_2d(1, 1, 3, 3, 1, 2, 2);
  for (int axis = 0; axis < 2; ++axis) {
    problem.pads_begin[axis] = problem.pads_end[axis] = 1;
    problem.strides[axis] = 2;
  }
  float output[4];
  const blasconv_options options = blasconv_options_default();
  blasconv_arguments arguments = blasconv_arguments_none();
  arguments.input = image;
  arguments.weights = filter;
  arguments.output = output;
  const float wanted[] = {4, 18, 36, 77};
  check_pass(&problem, BLASCONV_FORWARD, &options, &arguments, output, wanted, 4);
}
END_TEST

START_TEST(backward_data_pass)
{
  const blasconv_problem problem = blasconv_problem_2d(1, 1, 3, 3, 1, 2, 2);
  float gradient[9];
  const blasconv_options options = blasconv_options_default();
  blasconv_arguments arguments = blasconv_arguments_none();
  arguments.weights = filter;
  arguments.output_gradient = output_gradient;
  arguments.input_gradient = gradient;
  const float wanted[] = {1, 2, 0, 5, 7, -2, 6, 5, -4};
  check_pass(&problem, BLASCONV_BACKWARD_DATA, &options, &arguments, gradient, wanted, 9);
}
END_TEST

START_TEST(full_convolution_with_the_turned_filter)
{
  blasconv_problem problem = blasconv_problem_2d(1, 1, 2, 2, 1, 2, 2);
  for (int axis = 0; axis < 2; ++axis)
    problem.pads_begin[axis] = problem.pads_end[axis] = 1;
  const float turned[] = {4, 3, 2, 1};
  float output[9];
  const blasconv_options options = blasconv_options_default();
  blasconv_arguments arguments = blasconv_arguments_none();
  arguments.input = output_gradient;
  arguments.weights = turned;
  arguments.output = output;
  const float wanted[] = {1, 2, 0, 5, 7, -2, 6, 5, -4};
  check_pass(&problem, BLASCONV_FORWARD, &options, &arguments, output, wanted, 9);
}
END_TEST

START_TEST(backward_weights_pass)
{
  const blasconv_problem problem = blasconv_problem_2d(1, 1, 3, 3, 1, 2, 2);
  float gradient[4], bias_gradient[1];
  const blasconv_options options = blasconv_options_default();
  blasconv_arguments arguments = blasconv_arguments_none();
  arguments.input = image;
  arguments.output_gradient = output_gradient;
  arguments.weights_gradient = gradient;
  arguments.bias_gradient = bias_gradient;
  const float wanted[] = {4, 6, 10, 12};
  check_pass(&problem, BLASCONV_BACKWARD_WEIGHTS, &options, &arguments, gradient, wanted, 4);
  ck_assert_float_eq(bias_gradient[0], 2.0f);
}
END_TEST

/* Two images of three values, two filters: a dense layer. */
START_TEST(dense_layer)
{
  const blasconv_problem problem = blasconv_problem_2d(2, 3, 1, 1, 2, 1, 1);
  const float images[] = {1, 2, 3, 4, 5, 6}, weights[] = {1, 0, -1, 0, 1, 1};
  const float gradient[] = {1, 0, 0, 2};
  float result[6];
  const blasconv_options options = blasconv_options_default();
  blasconv_arguments arguments = blasconv_arguments_none();
  arguments.input = images;
  arguments.weights = weights;
  arguments.output = result;
  check_pass(&problem, BLASCONV_FORWARD, &options, &arguments, result,
             (const float[]){-2, 5, -2, 11}, 4);
  arguments = blasconv_arguments_none();
  arguments.weights = weights;
  arguments.output_gradient = gradient;
  arguments.input_gradient = result;
  check_pass(&problem, BLASCONV_BACKWARD_DATA, &options, &arguments, result,
             (const float[]){1, 0, -1, 0, 2, 2}, 6);
  arguments = blasconv_arguments_none();
  arguments.input = images;
  arguments.output_gradient = gradient;
  arguments.weights_gradient = result;
  check_pass(&problem, BLASCONV_BACKWARD_WEIGHTS, &options, &arguments, result,
             (const float[]){1, 2, 3, 8, 10, 12}, 6);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("worked");
  support_add(suite, forward_pass);
  support_add(suite, forward_pass_with_pads_and_stride);
  support_add(suite, backward_data_pass);
  support_add(suite, full_convolution_with_the_turned_filter);
  support_add(suite, backward_weights_pass);
  support_add(suite, dense_layer);
  return support_run(suite);
}
