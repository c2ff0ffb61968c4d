/*
 * Small tensors behind large numbers: pads, dilations, strides and patch matrices that pass 2^31
 * and 2^32 where the tensors themselves are tiny.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"
#include "large/sample.h"

enum { pass_count = 3 };

static const int64_t two31 = (int64_t)1 << 31;
static const int64_t two32 = (int64_t)1 << 32;

/* Every pass by every algorithm in both layouts, against the oracle. */
static void check(const blasconv_problem *shape)
{
  support_random random = support_random_start(7);
  blasconv_problem problem = *shape;
  for (int layout = 0; layout < 2; ++layout) {
    problem.layout = (blasconv_layout)layout;
    fixture_case fixture = fixture_create(&problem, support_tensor_random, &random);
    for (int pass = 0; pass < pass_count; ++pass) {
      fixture_truth truth = fixture_truth_create(&fixture, (blasconv_pass)pass);
      size_t next = 0;
      const char *algorithm = NULL;
      do {
        const fixture_variant variant = {.pass = (blasconv_pass)pass,
                                         .algorithm = algorithm,
                                         .threads = 2,
                                         .bias = pass != BLASCONV_BACKWARD_DATA};
        (void)fixture_verify(&fixture, &truth, &variant, &random);
        algorithm = blasconv_algorithm_name(next++);
      } while (algorithm != NULL);
      fixture_truth_free(&truth);
    }
    fixture_free(&fixture);
  }
}

/* Also as a depthwise problem, where the channels let it. */
static void check_dense_and_depthwise(blasconv_problem problem)
{
  check(&problem);
  problem.groups = problem.in_channels;
  problem.out_channels = problem.in_channels;
  check(&problem);
}

/* Filters stand every 2^30 pixels on padded rows of more than 2^31 and 2^32. */
START_TEST(padded_extents)
{
  const int64_t pads[] = {two31 / 2, two31 + 3, two32 + 3};
  for (size_t i = 0; i < sizeof pads / sizeof *pads; ++i) {
    blasconv_problem problem = blasconv_problem_2d(2, 3, 4, 5, 2, 2, 3);
    problem.pads_begin[1] = pads[i];
    problem.pads_end[1] = pads[i];
    problem.strides[1] = two31 / 2 + 1;
    check_dense_and_depthwise(problem);
    problem.pads_begin[0] = problem.pads_end[0] = pads[i] - 1;
    problem.strides[0] = two31 / 2;
    check_dense_and_depthwise(problem);
  }
}
END_TEST

/* Taps lie so far apart that one of them at a time meets the input. */
START_TEST(dilated_extents)
{
  const int64_t dilations[] = {two31 - 1, two31, two32 - 2, two32, two32 + 1};
  for (size_t i = 0; i < sizeof dilations / sizeof *dilations; ++i) {
    blasconv_problem problem = blasconv_problem_2d(2, 3, 4, 5, 2, 3, 3);
    problem.pads_begin[1] = problem.pads_end[1] = dilations[i] + 1;
    problem.dilations[1] = dilations[i];
    problem.pads_begin[0] = problem.pads_end[0] = 1;
    check_dense_and_depthwise(problem);
    problem.dilations[0] = problem.dilations[1];
    problem.pads_begin[0] = problem.pads_end[0] = dilations[i];
    check_dense_and_depthwise(problem);
  }
}
END_TEST

START_TEST(long_strides)
{
  const int64_t strides[] = {two31 - 1, two31, two32 - 1, two32, two32 + 1};
  for (size_t i = 0; i < sizeof strides / sizeof *strides; ++i) {
    blasconv_problem problem = blasconv_problem_1d(2, 3, 5, 2, 3);
    problem.strides[0] = strides[i];
    problem.pads_begin[0] = strides[i];
    problem.pads_end[0] = 2;
    check_dense_and_depthwise(problem);
  }
}
END_TEST

/* All but a few pixels of the scattered output are cut off. */
START_TEST(transposed_extents)
{
  const int64_t strides[] = {two31 - 1, two31 + 1, two32 + 1};
  for (size_t i = 0; i < sizeof strides / sizeof *strides; ++i) {
    blasconv_problem problem = blasconv_problem_2d(2, 3, 3, 3, 2, 2, 3);
    problem.direction = BLASCONV_TRANSPOSED;
    problem.strides[1] = strides[i];
    problem.pads_begin[1] = strides[i] - 1;
    problem.pads_end[1] = strides[i] - 2;
    check_dense_and_depthwise(problem);
  }
}
END_TEST

/* A kernel of 2^15 taps on 2^16 places: a patch matrix of more than 2^31 elements. */
START_TEST(patch_matrix)
{
  enum { samples = 100 };
  const blasconv_problem problem = blasconv_problem_1d(1, 1, 98305, 1, 32769);
  support_random random = support_random_start(8);
  fixture_case fixture = fixture_create(&problem, support_tensor_integers, &random);
  fixture_result result = fixture_result_create(&problem, BLASCONV_FORWARD, NULL, &random);
  const fixture_variant variant = {.algorithm = "im2col_gemm", .threads = 2};
  const sample_tensors tensors = {fixture.input.data, fixture.weights.data, NULL};
  const int64_t last = result.values.count - 1;
  ck_assert_int_gt(result.values.count * 32769, two31);
  ck_assert(fixture_run(&fixture, &variant, &result));
  for (int i = 0; i < samples; ++i) {
    const int64_t at = i < 2 ? i * last : support_random_between(&random, 0, last);
    ck_assert_double_eq((double)result.values.data[at],
                        sample_element(&problem, BLASCONV_FORWARD, &tensors, at));
  }
  fixture_result_free(&result);
  fixture_free(&fixture);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("extents");
  support_add(suite, padded_extents);
  support_add(suite, dilated_extents);
  support_add(suite, long_strides);
  support_add(suite, transposed_extents);
  support_add(suite, patch_matrix);
  return support_run(suite);
}
