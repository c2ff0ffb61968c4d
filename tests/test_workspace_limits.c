/*
 * Limits on the workspace: plans keep to them to the byte, the library's own choice always finds a
 * way, and the bits do not depend on the threads.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"
#include "shapes.h"
#include "support.h"

#include <string.h>

enum { problems = 250, passes = 3, most_algorithms = 16 };

static const size_t limits[] = {0, 64, 1 << 10, 4 << 10, 64 << 10, 1 << 20, BLASCONV_NO_LIMIT};
enum { limit_count = sizeof limits / sizeof *limits };

/* How often each algorithm kept to each limit, and said that it cannot. */
typedef struct tally {
  int served[most_algorithms][limit_count], limited[most_algorithms][limit_count];
} tally;

static blasconv_options options_of(const char *algorithm, size_t limit, int32_t threads)
{
  blasconv_options options = blasconv_options_default();
  options.algorithm = algorithm;
  options.workspace_limit = limit;
  options.threads = threads;
  return options;
}

/* Plans by the algorithm, NULL for the library's choice. */
static blasconv_status plan_within(const blasconv_problem *problem, int pass, const char *algorithm,
                                   size_t limit)
{
  static const int32_t threads[] = {1, 8, 4096};
  blasconv_status statuses[3];
  for (int i = 0; i < 3; ++i) {
    char message[200] = "";
    blasconv_options options = options_of(algorithm, limit, threads[i]);
    options.message = message;
    options.message_size = sizeof message;
    blasconv_plan *plan = NULL;
    statuses[i] = blasconv_plan_create(problem, (blasconv_pass)pass, &options, &plan);
    support_assert((statuses[i] == BLASCONV_SUCCESS) == (plan != NULL), "plan and status disagree");
    support_assert((plan == NULL) == (message[0] != '\0'), "a refusal is explained, nothing else");
    support_assert(blasconv_plan_workspace_size(plan) <= limit, "%zu bytes, limit %zu",
                   blasconv_plan_workspace_size(plan), limit);
    support_assert(statuses[i] == statuses[0], "whether a plan fits depends on the threads");
    blasconv_plan_destroy(plan);
  }
  return statuses[0];
}

static void plan_all(const blasconv_problem *problem, int pass, size_t limit, tally *counts)
{
  ck_assert_int_eq(plan_within(problem, pass, NULL, limits[limit]), BLASCONV_SUCCESS);
  for (size_t i = 0; blasconv_algorithm_name(i) != NULL; ++i) {
    const blasconv_status status =
        plan_within(problem, pass, blasconv_algorithm_name(i), limits[limit]);
    support_assert(status == BLASCONV_SUCCESS || status == BLASCONV_ALGORITHM_REFUSED ||
                       (status == BLASCONV_WORKSPACE_LIMITED && limits[limit] != BLASCONV_NO_LIMIT),
                   "%s, limit %zu: %s", blasconv_algorithm_name(i), limits[limit],
                   blasconv_status_string(status));
    counts->served[i][limit] += status == BLASCONV_SUCCESS;
    counts->limited[i][limit] += status == BLASCONV_WORKSPACE_LIMITED;
  }
}

/* That the limit is an end at all: some algorithm serves with it, and cannot with less. */
static void check_tally(const tally *counts)
{
  int limited = 0;
  for (size_t i = 0; blasconv_algorithm_name(i) != NULL; ++i) {
    const bool is_reference = strcmp(blasconv_algorithm_name(i), "reference") == 0;
    for (int limit = 0; limit < limit_count; ++limit) {
      limited += counts->limited[i][limit];
      ck_assert(!is_reference || counts->limited[i][limit] == 0);
      support_assert(limit == 0 || counts->served[i][limit] >= counts->served[i][limit - 1],
                     "%s serves less with more workspace", blasconv_algorithm_name(i));
    }
    support_assert(counts->served[i][limit_count - 1] > 0, "%s never served",
                   blasconv_algorithm_name(i));
  }
  ck_assert_int_gt(limited, problems);
}

START_TEST(plans_keep_to_the_limit)
{
  support_random random = support_random_start(1);
  tally counts = {0};
  for (int i = 0; i < problems; ++i) {
    const blasconv_problem problem = shapes_random(&random);
    for (int pass = 0; pass < passes; ++pass)
      for (size_t limit = 0; limit < limit_count; ++limit)
        plan_all(&problem, pass, limit, &counts);
  }
  check_tally(&counts);
}
END_TEST

START_TEST(plans_of_large_problems_keep_to_the_limit)
{
  blasconv_problem problem;
  tally counts = {0};
  for (size_t i = 0; shapes_large_corner(i, &problem); ++i)
    for (int pass = 0; pass < passes; ++pass)
      for (size_t limit = 0; limit < limit_count; ++limit)
        plan_all(&problem, pass, limit, &counts);
}
END_TEST

/* Every limit around the size that a plan has without one: what fits is taken, to the byte. */
START_TEST(the_limit_is_met_to_the_byte)
{
  support_random random = support_random_start(2);
  for (int i = 0; i < 60; ++i) {
    const blasconv_problem problem = shapes_random(&random);
    for (int pass = 0; pass < passes; ++pass) {
      blasconv_options options = options_of("im2col_gemm", BLASCONV_NO_LIMIT, 1);
      blasconv_plan *plan = NULL;
      ck_assert_int_eq(blasconv_plan_create(&problem, (blasconv_pass)pass, &options, &plan),
                       BLASCONV_SUCCESS);
      const size_t bytes = blasconv_plan_workspace_size(plan);
      blasconv_plan_destroy(plan);
      for (size_t limit = bytes < 300 ? 0 : bytes - 300; limit <= bytes + 3; ++limit)
        (void)plan_within(&problem, pass, "im2col_gemm", limit);
    }
  }
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Results
 * ------------------------------------------------------------------------------------------ */

static fixture_result run(const fixture_case *fixture, fixture_variant variant, int32_t threads,
                          bool *served)
{
  fixture_result result = fixture_result_create(&fixture->problem, variant.pass, NULL, NULL);
  variant.threads = threads;
  *served = fixture_run(fixture, &variant, &result);
  return result;
}

/* The oracle's numbers, and the same bits for one thread and for eight. */
static int check_results(const fixture_case *fixture, const fixture_truth *truth,
                         const fixture_variant *variant, support_random *random)
{
  char text[512];
  bool one_served = false, many_served = false;
  fixture_result one = run(fixture, *variant, 1, &one_served);
  fixture_result many = run(fixture, *variant, 8, &many_served);
  fixture_describe(&fixture->problem, variant, text, sizeof text);
  support_assert(one_served == many_served, "served or not: %s", text);
  support_assert(fixture_result_same(&one, &many), "the bits depend on the threads: %s", text);
  if (one_served)
    ck_assert(fixture_verify(fixture, truth, variant, random));
  fixture_result_free(&one);
  fixture_result_free(&many);
  return one_served;
}

static void check_pass(const fixture_case *fixture, blasconv_pass pass, support_random *random)
{
  fixture_truth truth = fixture_truth_create(fixture, pass);
  for (size_t limit = 0; limit < limit_count; ++limit)
    for (size_t i = 0; i == 0 || blasconv_algorithm_name(i - 1) != NULL; ++i) {
      const fixture_variant variant = {.pass = pass,
                                       .algorithm = i == 0 ? NULL : blasconv_algorithm_name(i - 1),
                                       .threads = 3,
                                       .bias = true,
                                       .limited = true,
                                       .workspace_limit = limits[limit]};
      const int served = check_results(fixture, &truth, &variant, random);
      ck_assert(served || i > 0);
    }
  fixture_truth_free(&truth);
}

START_TEST(results_have_the_same_bits_for_any_threads)
{
  support_random random = support_random_start(3);
  for (int i = 0; i < problems / 2; ++i) {
    const blasconv_problem problem = shapes_random(&random);
    fixture_case fixture = fixture_create(&problem, support_tensor_random, &random);
    for (int pass = 0; pass < passes; ++pass)
      check_pass(&fixture, (blasconv_pass)pass, &random);
    fixture_free(&fixture);
  }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("workspace_limits");
  support_add(suite, plans_keep_to_the_limit);
  support_add(suite, plans_of_large_problems_keep_to_the_limit);
  support_add(suite, the_limit_is_met_to_the_byte);
  support_add(suite, results_have_the_same_bits_for_any_threads);
  return support_run(suite);
}
