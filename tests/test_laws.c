/*
 * Laws that hold between the passes of a problem: they are adjoint, linear, and add up.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "law.h"

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
  const bool served = law_compute(&fixture, BLASCONV_FORWARD, algorithm, &output);
  const bool data = law_compute(&fixture, BLASCONV_BACKWARD_DATA, algorithm, &input_gradient);
  const bool weights =
      law_compute(&fixture, BLASCONV_BACKWARD_WEIGHTS, algorithm, &weights_gradient);
  if (served && weights) {
    const double bias = dot(&fixture.bias, &weights_gradient.bias_gradient);
    const double product = dot(&output.values, &fixture.output_gradient) - bias;
    law_equal(product, dot(&fixture.weights, &weights_gradient.values), problem,
              BLASCONV_BACKWARD_WEIGHTS, algorithm, "adjointness");
    if (data)
      law_equal(product, dot(&fixture.input, &input_gradient.values), problem,
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
  law_check(adjointness);
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

/* pass(2 one - 3 other) = 2 pass(one) - 3 pass(other), where the two differ in one operand. */
static int64_t check_linear(fixture_case *one, fixture_case *other, fixture_case *mixed,
                            blasconv_pass pass, const char *algorithm)
{
  fixture_result results[3];
  bool served = law_compute(one, pass, algorithm, &results[0]);
  served = law_compute(other, pass, algorithm, &results[1]) && served;
  served = law_compute(mixed, pass, algorithm, &results[2]) && served;
  const int64_t count = served ? results[0].values.count : 0;
  for (int64_t i = 0; i < count; ++i)
    law_equal((double)(2 * results[0].values.data[i] - 3 * results[1].values.data[i]),
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
    law_clear_bias(&one);
    law_clear_bias(&other);
    law_clear_bias(&mixed);
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
  law_check(linearity);
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
    law_equal((double)(old->data[i] + fresh->data[i]), (double)sum->data[i], problem, pass,
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
    if (law_compute(&fixture, pass, algorithm, &fresh) && fixture_run(&fixture, &variant, &sum)) {
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
  law_check(accumulation);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("laws");
  support_add(suite, passes_are_adjoint);
  support_add(suite, passes_are_linear);
  support_add(suite, accumulate_adds_to_the_old);
  return support_run(suite);
}
