/*
 * Laws that hold between the passes, whatever the numbers. The data are small integers, so that
 * every sum of products is exact in float in any order, and the laws hold to the last bit.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"
#include "shapes.h"

#include <string.h>

/* Called for each small corner that has an image and each algorithm. @return how many comparisons
 * the law made, 0 if the algorithm refuses or the law says nothing about the problem */
typedef int64_t law_checker(const blasconv_problem *problem, const char *algorithm,
                            support_random *random);

/* `exempt`: an algorithm that serves no problem that the law speaks of, or NULL */
static void check_law(law_checker *law, const char *exempt)
{
  support_random random = support_random_start(2);
  blasconv_problem problem;
  for (size_t index = 0; blasconv_algorithm_name(index); ++index) {
    int64_t comparisons = 0;
    for (size_t i = 0; shapes_small_corner(i, &problem); ++i)
      if (problem.batch > 0)
        comparisons += law(&problem, blasconv_algorithm_name(index), &random);
    const char *name = blasconv_algorithm_name(index);
    const bool spoken_of = exempt == NULL || strcmp(name, exempt) != 0;
    ck_assert_msg((comparisons > 0) == spoken_of, "%s: %lld comparisons", name,
                  (long long)comparisons);
  }
}

/* Runs a pass, overwriting, with bias; the result is the caller's.
 * @return false if the algorithm refuses; the result is then NaN */
static bool compute(const fixture_case *fixture, blasconv_pass pass, const char *algorithm,
                    fixture_result *result)
{
  const fixture_variant variant = {
      .pass = pass, .algorithm = algorithm, .threads = 2, .bias = true, .exact = true};
  *result = fixture_result_create(&fixture->problem, pass, NULL, NULL);
  return fixture_run(fixture, &variant, result);
}

static void check_equal(double one, double other, const blasconv_problem *problem,
                        blasconv_pass pass, const char *algorithm, const char *what)
{
  char text[512];
  const fixture_variant variant = {.pass = pass, .algorithm = algorithm, .threads = 2};
  ck_assert_msg(one == other, "%s: %.9g is not %.9g: %s", what, one, other,
                fixture_describe(problem, &variant, text, sizeof text));
}

/* ---------------------------------------------------------------------------------------------
 * Adjointness: <conv(x, w) + b, dy> = <x, dx> + <b, db> = <w, dw> + <b, db>
 * ------------------------------------------------------------------------------------------ */

static double dot(const support_tensor *one, const support_tensor *other)
{
  double sum = 0;
  for (int64_t i = 0; i < one->count; ++i)
    sum += (double)one->data[i] * (double)other->data[i];
  return sum;
}

static int64_t adjointness(const blasconv_problem *problem, const char *algorithm,
                           support_random *random)
{
  fixture_case fixture = fixture_create(problem, support_tensor_integers, random);
  fixture_result output, input_gradient, weights_gradient;
  const bool served = compute(&fixture, BLASCONV_FORWARD, algorithm, &output);
  const bool data = compute(&fixture, BLASCONV_BACKWARD_DATA, algorithm, &input_gradient);
  const bool weights = compute(&fixture, BLASCONV_BACKWARD_WEIGHTS, algorithm, &weights_gradient);
  if (served && weights) {
    const double bias = dot(&fixture.bias, &weights_gradient.bias_gradient);
    const double product = dot(&output.values, &fixture.output_gradient) - bias;
    check_equal(product, dot(&fixture.weights, &weights_gradient.values), problem,
                BLASCONV_BACKWARD_WEIGHTS, algorithm, "adjointness");
    if (data)
      check_equal(product, dot(&fixture.input, &input_gradient.values), problem,
                  BLASCONV_BACKWARD_DATA, algorithm, "adjointness");
  }
  fixture_result_free(&output);
  fixture_result_free(&input_gradient);
  fixture_result_free(&weights_gradient);
  fixture_free(&fixture);
  return served && data && weights;
}

START_TEST(passes_are_adjoint)
{
  check_law(adjointness, NULL);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Linearity in each operand
 * ------------------------------------------------------------------------------------------ */

/* The operand that is called `index`; a pass reads two of the three. */
static support_tensor *operand(fixture_case *fixture, int index)
{
  support_tensor *const operands[] = {&fixture->input, &fixture->weights,
                                      &fixture->output_gradient};
  return operands[index];
}

static bool reads(blasconv_pass pass, int index)
{
  static const int written[] = {2, 0, 1}; /* whose gradient, or in forward itself, is the result */
  return written[pass] != index;
}

/* Replaces one operand of `mixed` by 2 one - 3 other. The bias is zero in all three. */
static void mix(fixture_case *mixed, fixture_case *one, fixture_case *other, int index)
{
  const support_tensor *left = operand(one, index), *right = operand(other, index);
  for (int64_t i = 0; i < left->count; ++i)
    operand(mixed, index)->data[i] = 2 * left->data[i] - 3 * right->data[i];
  fixture_seal(mixed);
}

static void clear_bias(fixture_case *fixture)
{
  for (int64_t i = 0; i < fixture->bias.count; ++i)
    fixture->bias.data[i] = 0;
  fixture_seal(fixture);
}

/* pass(2 one - 3 other) = 2 pass(one) - 3 pass(other), where the two differ in one operand. */
static int64_t check_linear(fixture_case *one, fixture_case *other, fixture_case *mixed,
                            blasconv_pass pass, const char *algorithm)
{
  fixture_result results[3];
  bool served = compute(one, pass, algorithm, &results[0]);
  served = compute(other, pass, algorithm, &results[1]) && served;
  served = compute(mixed, pass, algorithm, &results[2]) && served;
  const int64_t count = served ? results[0].values.count : 0;
  for (int64_t i = 0; i < count; ++i)
    check_equal((double)(2 * results[0].values.data[i] - 3 * results[1].values.data[i]),
                (double)results[2].values.data[i], &one->problem, pass, algorithm, "linearity");
  for (int i = 0; i < 3; ++i)
    fixture_result_free(&results[i]);
  return count;
}

static int64_t linearity(const blasconv_problem *problem, const char *algorithm,
                         support_random *random)
{
  int64_t comparisons = 0;
  for (int index = 0; index < 3; ++index) {
    const support_random start = *random;
    support_random again = start;
    fixture_case one = fixture_create(problem, support_tensor_integers, random);
    fixture_case other = fixture_create(problem, support_tensor_integers, &again);
    again = start;
    fixture_case mixed = fixture_create(problem, support_tensor_integers, &again);
    for (int64_t i = 0; i < operand(&other, index)->count; ++i)
      operand(&other, index)->data[i] = (float)support_random_between(random, -4, 4);
    clear_bias(&one);
    clear_bias(&other);
    clear_bias(&mixed);
    mix(&mixed, &one, &other, index);
    for (int pass = 0; pass < 3; ++pass)
      if (reads((blasconv_pass)pass, index))
        comparisons += check_linear(&one, &other, &mixed, (blasconv_pass)pass, algorithm);
    fixture_free(&one);
    fixture_free(&other);
    fixture_free(&mixed);
  }
  return comparisons;
}

START_TEST(passes_are_linear)
{
  check_law(linearity, NULL);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Shift-equivariance: an input shifted by one stride gives an output shifted by one pixel
 * ------------------------------------------------------------------------------------------ */

/* shifted[h][w] = original[h - stride][w - stride], zero before the first pixel; `original` loses
 * the pixels that are shifted out of the image, so that the two hold the same numbers. */
static void shift(const blasconv_problem *problem, support_tensor *original,
                  support_tensor *shifted)
{
  const int64_t height = problem->input[0], width = problem->input[1];
  const int64_t down = problem->strides[0], right = problem->strides[1];
  for (int64_t i = 0; i < shifted->count; ++i)
    shifted->data[i] = 0;
  for (int64_t i = 0; i < original->count; ++i) {
    const int64_t h = i / width % height, w = i % width;
    if (h + down < height && w + right < width)
      shifted->data[i + down * width + right] = original->data[i];
    else
      original->data[i] = 0;
  }
}

static int64_t equivariance(const blasconv_problem *problem, const char *algorithm,
                            support_random *random)
{
  fixture_case original = fixture_create(problem, support_tensor_integers, random);
  fixture_case shifted = fixture_create(problem, support_tensor_integers, random);
  for (int64_t i = 0; i < original.weights.count; ++i)
    shifted.weights.data[i] = original.weights.data[i];
  for (int64_t i = 0; i < original.bias.count; ++i)
    shifted.bias.data[i] = original.bias.data[i];
  shift(problem, &original.input, &shifted.input);
  fixture_seal(&original);
  fixture_seal(&shifted);
  fixture_result before, after;
  bool served = compute(&original, BLASCONV_FORWARD, algorithm, &before);
  served = compute(&shifted, BLASCONV_FORWARD, algorithm, &after) && served;
  int64_t extents[2], comparisons = 0;
  oracle_output(problem, extents);
  for (int64_t i = 0; served && i < before.values.count; ++i) {
    const int64_t p = i / extents[1] % extents[0], q = i % extents[1];
    if (p + 1 == extents[0] || q + 1 == extents[1])
      continue;
    check_equal((double)before.values.data[i], (double)after.values.data[i + extents[1] + 1],
                problem, BLASCONV_FORWARD, algorithm, "shift-equivariance");
    comparisons += before.values.data[i] != 0;
  }
  fixture_result_free(&before);
  fixture_result_free(&after);
  fixture_free(&original);
  fixture_free(&shifted);
  return comparisons;
}

START_TEST(forward_is_shift_equivariant)
{
  check_law(equivariance, "dense_gemm" /* one output pixel: nowhere to shift to */);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Backward data at stride 1 is the full convolution with the filters turned by 180 degrees
 * ------------------------------------------------------------------------------------------ */

/* The problem of that convolution: from output gradient to input gradient.
 * @return false if the pads are so wide that the full convolution would need negative ones */
static bool turned_problem(const blasconv_problem *problem, blasconv_problem *turned)
{
  *turned = *problem;
  turned->in_channels = problem->out_channels;
  turned->out_channels = problem->in_channels;
  oracle_output(problem, turned->input);
  bool possible = true;
  for (int axis = 0; axis < 2; ++axis) {
    const int64_t full = problem->dilations[axis] * (problem->kernel[axis] - 1);
    turned->pads_begin[axis] = full - problem->pads_begin[axis];
    turned->pads_end[axis] = full - problem->pads_end[axis];
    possible = possible && problem->strides[axis] == 1 && turned->pads_begin[axis] >= 0 &&
               turned->pads_end[axis] >= 0;
  }
  return possible;
}

/* turned[c][k][r][s] = weights[k][c][R-1-r][S-1-s] in each group. */
static void turn_filters(const blasconv_problem *problem, const support_tensor *weights,
                         support_tensor *turned)
{
  const int64_t taps = problem->kernel[0] * problem->kernel[1];
  const int64_t channels = problem->in_channels / problem->groups;
  const int64_t filters = problem->out_channels / problem->groups;
  for (int64_t i = 0; i < weights->count; ++i) {
    const int64_t tap = i % taps, c = i / taps % channels;
    const int64_t group = i / taps / channels / filters, k = i / taps / channels % filters;
    turned->data[((group * channels + c) * filters + k) * taps + taps - 1 - tap] = weights->data[i];
  }
}

static int64_t turning(const blasconv_problem *problem, const char *algorithm,
                       support_random *random)
{
  blasconv_problem full;
  if (!turned_problem(problem, &full))
    return 0;
  fixture_case fixture = fixture_create(problem, support_tensor_integers, random);
  fixture_case turned = fixture_create(&full, support_tensor_integers, random);
  turn_filters(problem, &fixture.weights, &turned.weights);
  for (int64_t i = 0; i < turned.input.count; ++i)
    turned.input.data[i] = fixture.output_gradient.data[i];
  clear_bias(&turned);
  fixture_result gradient, output;
  bool served = compute(&fixture, BLASCONV_BACKWARD_DATA, algorithm, &gradient);
  served = compute(&turned, BLASCONV_FORWARD, algorithm, &output) && served;
  const int64_t comparisons = served ? gradient.values.count : 0;
  for (int64_t i = 0; i < comparisons; ++i)
    check_equal((double)gradient.values.data[i], (double)output.values.data[i], problem,
                BLASCONV_BACKWARD_DATA, algorithm, "turned filters");
  fixture_result_free(&gradient);
  fixture_result_free(&output);
  fixture_free(&fixture);
  fixture_free(&turned);
  return comparisons;
}

START_TEST(backward_data_turns_the_filters)
{
  check_law(turning, NULL);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Accumulate = old + overwrite
 * ------------------------------------------------------------------------------------------ */

static void check_sum(const support_tensor *old, const support_tensor *fresh,
                      const support_tensor *sum, const blasconv_problem *problem,
                      blasconv_pass pass, const char *algorithm)
{
  for (int64_t i = 0; i < sum->count; ++i)
    check_equal((double)(old->data[i] + fresh->data[i]), (double)sum->data[i], problem, pass,
                algorithm, "accumulate");
}

static int64_t accumulation(const blasconv_problem *problem, const char *algorithm,
                            support_random *random)
{
  int64_t served = 0;
  fixture_case fixture = fixture_create(problem, support_tensor_integers, random);
  for (int i = BLASCONV_BACKWARD_DATA; i <= BLASCONV_BACKWARD_WEIGHTS; ++i) {
    const blasconv_pass pass = (blasconv_pass)i;
    const fixture_variant variant = {.pass = pass,
                                     .algorithm = algorithm,
                                     .threads = 2,
                                     .accumulate = true,
                                     .bias = true,
                                     .exact = true};
    fixture_result fresh;
    fixture_result sum = fixture_result_create(problem, pass, support_tensor_integers, random);
    fixture_result old = fixture_result_copy(&sum);
    if (compute(&fixture, pass, algorithm, &fresh) && fixture_run(&fixture, &variant, &sum)) {
      check_sum(&old.values, &fresh.values, &sum.values, problem, pass, algorithm);
      check_sum(&old.bias_gradient, &fresh.bias_gradient, &sum.bias_gradient, problem, pass,
                algorithm);
      ++served;
    }
    fixture_result_free(&fresh);
    fixture_result_free(&sum);
    fixture_result_free(&old);
  }
  fixture_free(&fixture);
  return served;
}

START_TEST(accumulate_adds_to_the_old)
{
  check_law(accumulation, NULL);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("laws");
  support_add(suite, passes_are_adjoint);
  support_add(suite, passes_are_linear);
  support_add(suite, forward_is_shift_equivariant);
  support_add(suite, backward_data_turns_the_filters);
  support_add(suite, accumulate_adds_to_the_old);
  return support_run(suite);
}
