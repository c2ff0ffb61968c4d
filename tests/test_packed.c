/*
 * Packed weights serve problems that differ in batch and input extents, by every algorithm.
 * But for filters that cover one's images, see blasconv_plan_pack().
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"
#include "shapes.h"
#include "support.h"

enum { problems = 300, deep_problems = 40 };

/* Another batch and larger images. */
static blasconv_problem with_larger_images(const blasconv_problem *problem, support_random *random)
{
  blasconv_problem other = *problem;
  other.batch = support_random_between(random, 0, 3);
  for (int axis = 0; axis < other.rank; ++axis)
    other.input[axis] += support_random_between(random, 0, 6);
  return other;
}

/* Filters that cover the whole image, with one pixel on the other side: they are packed in another
 * way. */
static bool covers_image(const blasconv_problem *problem)
{
  const bool transposed = problem->direction == BLASCONV_TRANSPOSED;
  int64_t output[BLASCONV_MAX_RANK];
  ck_assert_int_eq(blasconv_problem_output(problem, output), BLASCONV_SUCCESS);
  for (int axis = 0; axis < problem->rank; ++axis) {
    const int64_t large = transposed ? output[axis] : problem->input[axis];
    const int64_t small = transposed ? problem->input[axis] : output[axis];
    if (large != problem->kernel[axis] || small != 1 || problem->pads_begin[axis] != 0 ||
        (problem->dilations[axis] > 1 && problem->kernel[axis] > 1))
      return false;
  }
  return true;
}

/* Weights packed for one problem give another, which differs in its images alone, the bits of the
 * weights themselves. @return whether the algorithm serves both */
static bool serves_both(const blasconv_problem *packed_for, const blasconv_problem *problem,
                        blasconv_pass pass, const char *algorithm, support_random *random)
{
  const fixture_variant variant = {.pass = pass, .algorithm = algorithm, .threads = 2};
  fixture_case fixture = fixture_create(problem, support_tensor_random, random);
  fixture_result plain = fixture_result_create(problem, pass, NULL, NULL);
  fixture_result result = fixture_result_copy(&plain);
  blasconv_plan *packer = fixture_plan(packed_for, &variant);
  blasconv_plan *plan = packer == NULL ? NULL : fixture_plan(problem, &variant);
  if (plan != NULL) {
    support_memory packed = support_memory_workspace(blasconv_plan_packed_size(packer));
    ck_assert_int_eq(blasconv_plan_pack(packer, fixture.weights.data, packed.data, packed.bytes),
                     BLASCONV_SUCCESS);
    blasconv_arguments arguments = fixture_arguments(&fixture, &variant, &plain);
    ck_assert_int_eq(blasconv_plan_execute(plan, &arguments, NULL, 0), BLASCONV_SUCCESS);
    arguments = fixture_arguments(&fixture, &variant, &result);
    arguments.weights = NULL;
    arguments.packed = packed.data;
    arguments.packed_bytes = packed.bytes;
    ck_assert_int_eq(blasconv_plan_execute(plan, &arguments, NULL, 0), BLASCONV_SUCCESS);
    char text[512];
    support_assert(fixture_result_same(&plain, &result), "packed for %s",
                   fixture_describe(packed_for, &variant, text, sizeof text));
    support_memory_free(&packed);
  }
  const bool served = plan != NULL;
  blasconv_plan_destroy(plan);
  blasconv_plan_destroy(packer);
  fixture_result_free(&result);
  fixture_result_free(&plain);
  fixture_free(&fixture);
  return served;
}

/* gemv has one image, which its kernel covers: there is no larger one. */
START_TEST(random_weights_serve_other_images)
{
  support_random random = support_random_start(4);
  for (size_t i = 0; blasconv_algorithm_name(i) != NULL; ++i) {
    int served = 0;
    for (int j = 0; j < problems; ++j) {
      const blasconv_problem small = shapes_random(&random);
      const blasconv_problem large = with_larger_images(&small, &random);
      const char *algorithm = blasconv_algorithm_name(i);
      if (covers_image(&small) != covers_image(&large))
        continue;
      served += serves_both(&small, &large, (blasconv_pass)(j % 2), algorithm, &random);
      served += serves_both(&large, &small, (blasconv_pass)(j % 2), algorithm, &random);
    }
    const bool has_one_size = strcmp(blasconv_algorithm_name(i), "gemv") == 0;
    support_assert(has_one_size || served > 30, "%s served %d times", blasconv_algorithm_name(i),
                   served);
  }
}
END_TEST

/* Filters of many channels, which small images of NCHW are multiplied by in another order. */
START_TEST(deep_filters_serve_small_and_large_images)
{
  support_random random = support_random_start(5);
  int served = 0;
  for (int i = 0; i < deep_problems; ++i) {
    const int64_t kernel = support_random_between(&random, 0, 1) == 0 ? 1 : 3;
    const int64_t extent = support_random_between(&random, kernel, 9);
    blasconv_problem small = blasconv_problem_2d(
        support_random_between(&random, 1, 3), support_random_between(&random, 120, 200), extent,
        extent, support_random_between(&random, 120, 200), kernel, kernel);
    for (int axis = 0; axis < 2; ++axis) {
      small.strides[axis] = support_random_between(&random, 1, 2);
      small.pads_begin[axis] = small.pads_end[axis] = kernel / 2;
    }
    blasconv_problem large = small;
    large.batch = support_random_between(&random, 1, 2);
    large.input[0] = support_random_between(&random, 10, 20);
    large.input[1] = support_random_between(&random, 10, 20);
    const blasconv_pass pass = (blasconv_pass)(i % 2);
    if (covers_image(&small) != covers_image(&large))
      continue;
    served += serves_both(&small, &large, pass, "implicit_gemm", &random);
    served += serves_both(&large, &small, pass, "implicit_gemm", &random);
  }
  ck_assert_int_gt(served, deep_problems);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("packed");
  support_add(suite, random_weights_serve_other_images);
  support_add(suite, deep_filters_serve_small_and_large_images);
  return support_run(suite);
}
