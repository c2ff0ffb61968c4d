/*
 * The oracle against numbers worked out by hand, and against itself: the transposed convolution,
 * which it scatters, is the backward data pass, which it gathers.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"
#include "notation.h"
#include "shapes.h"

enum { most = 8 };

/* A problem in the benchmark's words, its tensors, and what its passes come to. */
typedef struct worked_case {
  const char *words;
  int64_t outputs;
  float input[most], weights[most], output_gradient[most];
  double output[most], input_gradient[most], weights_gradient[most], bias_gradient[most];
} worked_case;

static const worked_case worked_cases[] = {
    {.words = "c2 in3 f2",
     .outputs = 2,
     .input = {1, 2, 3, 4, 5, 6},
     .weights = {1, 10, 100, 1000},
     .output_gradient = {1, 2},
     .output = {5421, 6532},
     .input_gradient = {1, 12, 20, 100, 1200, 2000},
     .weights_gradient = {5, 8, 14, 17},
     .bias_gradient = {3}},
    {.words = "c2 in3 f2 nhwc",
     .outputs = 2,
     .input = {1, 4, 2, 5, 3, 6},
     .weights = {1, 100, 10, 1000},
     .output_gradient = {1, 2},
     .output = {5421, 6532},
     .input_gradient = {1, 100, 12, 1200, 20, 2000},
     .weights_gradient = {5, 14, 8, 17},
     .bias_gradient = {3}},
    {.words = "in5 f2 s2 d2 p1:0",
     .outputs = 2,
     .input = {1, 2, 3, 4, 5},
     .weights = {1, 10},
     .output_gradient = {1, 2},
     .output = {20, 42},
     .input_gradient = {0, 12, 0, 20, 0},
     .weights_gradient = {4, 10},
     .bias_gradient = {3}},
    {.words = "in2x2x2 f2x1x1",
     .outputs = 4,
     .input = {1, 2, 3, 4, 5, 6, 7, 8},
     .weights = {1, 10},
     .output_gradient = {1, 0, 0, 0},
     .output = {51, 62, 73, 84},
     .input_gradient = {1, 0, 0, 0, 10, 0, 0, 0},
     .weights_gradient = {1, 5},
     .bias_gradient = {1}},
    {.words = "in2x2x2 f1x1x2",
     .outputs = 4,
     .input = {1, 2, 3, 4, 5, 6, 7, 8},
     .weights = {1, 10},
     .output_gradient = {0, 0, 0, 1},
     .output = {21, 43, 65, 87},
     .input_gradient = {0, 0, 0, 0, 0, 0, 1, 10},
     .weights_gradient = {7, 8},
     .bias_gradient = {1}},
    {.words = "n2 c4 k2 g2 in1x1",
     .outputs = 4,
     .input = {1, 2, 3, 4, 5, 6, 7, 8},
     .weights = {1, 10, 100, 1000},
     .output_gradient = {1, 2, 3, 4},
     .output = {21, 4300, 65, 8700},
     .input_gradient = {1, 10, 200, 2000, 3, 30, 400, 4000},
     .weights_gradient = {16, 20, 34, 40},
     .bias_gradient = {4, 6}},
    {.words = "in3 f3 s2 p1:0 op1 transposed",
     .outputs = 7,
     .input = {1, 2, 3},
     .weights = {1, 10, 100},
     .output_gradient = {1, 2, 3, 4, 5, 6, 7},
     .output = {10, 102, 20, 203, 30, 300, 0},
     .input_gradient = {210, 432, 654},
     .weights_gradient = {16, 22, 28},
     .bias_gradient = {28}},
    {.words = "c2 in2 transposed",
     .outputs = 2,
     .input = {1, 2, 3, 4},
     .weights = {1, 10},
     .output_gradient = {1, 2},
     .output = {31, 42},
     .input_gradient = {1, 2, 10, 20},
     .weights_gradient = {5, 11},
     .bias_gradient = {3}},
    {.words = "c2 k4 g2 in1 f2 transposed nhwc",
     .outputs = 8,
     .input = {5, 7},
     .weights = {1, 2, 10, 20, 3, 4, 30, 40},
     .output_gradient = {1, 0, 0, 0, 0, 0, 0, 2},
     .output = {5, 10, 21, 28, 50, 100, 210, 280},
     .input_gradient = {1, 80},
     .weights_gradient = {5, 0, 0, 0, 0, 0, 0, 14},
     .bias_gradient = {1, 0, 0, 2}},
    {.words = "c2 k4 g2 in1 f2 transposed",
     .outputs = 8,
     .input = {5, 7},
     .weights = {1, 10, 2, 20, 3, 30, 4, 40},
     .output_gradient = {1, 0, 0, 0, 0, 0, 0, 2},
     .output = {5, 50, 10, 100, 21, 210, 28, 280},
     .input_gradient = {1, 80},
     .weights_gradient = {5, 0, 0, 0, 0, 0, 0, 14},
     .bias_gradient = {1, 0, 0, 2}},
    {.words = "in1x2 f2x2 s3x1 d1x2 op2x0 transposed",
     .outputs = 16,
     .input = {1, 10},
     .weights = {1, 2, 3, 4},
     .output_gradient = {0, 1, 0, 0, 0, 0, 1},
     .output = {1, 10, 2, 20, 3, 30, 4, 40},
     .input_gradient = {4, 1},
     .weights_gradient = {10, 0, 0, 1},
     .bias_gradient = {2}},
};

static blasconv_problem problem_of(const char *words)
{
  bench_notation notation;
  bench_notation_error error;
  support_assert(bench_notation_parse(words, &notation, &error), "%s: %s", words, error.reason);
  ck_assert(oracle_allows(&notation.problem));
  return notation.problem;
}

/* Compares with the first values, [most], of a result, which are all that are not zero. */
static void check_values(oracle_result result, const double *wanted, const char *what,
                         const char *words)
{
  for (int64_t i = 0; i < result.count; ++i) {
    const double value = i < most ? wanted[i] : 0;
    support_assert(result.value[i] == value, "%s: %s %d is %g instead of %g", words, what, (int)i,
                   result.value[i], value);
    ck_assert(result.magnitude[i] == value); /* all factors are positive */
  }
  oracle_free(&result);
}

START_TEST(worked_by_hand)
{
  for (size_t i = 0; i < sizeof worked_cases / sizeof *worked_cases; ++i) {
    const worked_case *worked = &worked_cases[i];
    const blasconv_problem problem = problem_of(worked->words);
    float output_gradient[2 * most] = {0};
    for (int j = 0; j < most; ++j)
      output_gradient[j] = worked->output_gradient[j];
    ck_assert_int_eq(oracle_output_count(&problem), worked->outputs);
    check_values(oracle_forward(&problem, worked->input, worked->weights), worked->output, "output",
                 worked->words);
    check_values(oracle_backward_data(&problem, worked->weights, output_gradient),
                 worked->input_gradient, "input gradient", worked->words);
    check_values(oracle_backward_weights(&problem, worked->input, output_gradient),
                 worked->weights_gradient, "weights gradient", worked->words);
    check_values(oracle_bias_gradient(&problem, output_gradient), worked->bias_gradient,
                 "bias gradient", worked->words);
  }
}
END_TEST

/* The convolution whose backward data pass a transposed convolution is. */
static blasconv_problem adjoint_of(const blasconv_problem *transposed)
{
  blasconv_problem adjoint = *transposed;
  adjoint.direction = BLASCONV_CONVOLUTION;
  adjoint.in_channels = transposed->out_channels;
  adjoint.out_channels = transposed->in_channels;
  oracle_output(transposed, adjoint.input);
  for (int axis = 0; axis < BLASCONV_MAX_RANK; ++axis)
    adjoint.output_padding[axis] = 0;
  return adjoint;
}

static void check_same(oracle_result one, oracle_result other)
{
  ck_assert_int_eq(one.count, other.count);
  for (int64_t i = 0; i < one.count; ++i)
    ck_assert(one.value[i] == other.value[i] && one.magnitude[i] == other.magnitude[i]);
  oracle_free(&one);
  oracle_free(&other);
}

/* Not for output padding beyond the stride: the adjoint has more outputs than there are inputs. */
START_TEST(transposed_is_backward_data)
{
  support_random random = support_random_start(5);
  blasconv_problem problem;
  int compared = 0;
  for (size_t i = 0; shapes_small_corner(i, &problem); ++i) {
    const blasconv_problem adjoint = adjoint_of(&problem);
    if (problem.direction != BLASCONV_TRANSPOSED ||
        oracle_output_count(&adjoint) != oracle_input_count(&problem))
      continue;
    fixture_case fixture = fixture_create(&problem, support_tensor_integers, &random);
    const float *input = fixture.input.data, *weights = fixture.weights.data;
    const float *gradient = fixture.output_gradient.data;
    check_same(oracle_forward(&problem, input, weights),
               oracle_backward_data(&adjoint, weights, input));
    check_same(oracle_backward_data(&problem, weights, gradient),
               oracle_forward(&adjoint, gradient, weights));
    check_same(oracle_backward_weights(&problem, input, gradient),
               oracle_backward_weights(&adjoint, gradient, input));
    fixture_free(&fixture);
    ++compared;
  }
  ck_assert_int_gt(compared, 100);
}
END_TEST

/* What the random tests draw is what the library, too, says is a problem. */
START_TEST(extents_are_those_of_the_library)
{
  support_random random = support_random_start(6);
  for (int i = 0; i < 2000; ++i) {
    const blasconv_problem problem = shapes_random(&random);
    int64_t mine[BLASCONV_MAX_RANK], theirs[BLASCONV_MAX_RANK];
    ck_assert(oracle_allows(&problem));
    oracle_output(&problem, mine);
    ck_assert_int_eq(blasconv_problem_output(&problem, theirs), BLASCONV_SUCCESS);
    for (int axis = 0; axis < BLASCONV_MAX_RANK; ++axis)
      ck_assert_int_eq(mine[axis], theirs[axis]);
  }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("oracle");
  support_add(suite, worked_by_hand);
  support_add(suite, transposed_is_backward_data);
  support_add(suite, extents_are_those_of_the_library);
  return support_run(suite);
}
