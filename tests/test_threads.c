/*
 * The same bits for any number of threads, in every run, and from many host threads at once.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"
#include "shapes.h"

#include <pthread.h>
#include <string.h>

enum { passes = 3, hosts = 8, rounds = 4 };

/* What is checked of one variant. */
typedef void variant_checker(const fixture_case *fixture, const fixture_variant *variant,
                             support_random *random);

/* Checks each pass by an algorithm, with a workspace of the caller's and of the library's. */
static void check_algorithm(const fixture_case *fixture, const char *algorithm,
                            variant_checker *check, support_random *random)
{
  for (int pass = 0; pass < passes; ++pass) {
    fixture_variant variant = {
        .pass = (blasconv_pass)pass, .algorithm = algorithm, .threads = 1, .bias = true};
    if (pass == BLASCONV_FORWARD)
      variant.activation.kind = BLASCONV_GELU_ERF;
    check(fixture, &variant, random);
    variant.accumulate = pass != BLASCONV_FORWARD;
    variant.library_workspace = true;
    check(fixture, &variant, random);
  }
}

/* Checks a problem by each algorithm; by the naive one only if `reference`. */
static void check_problem(const blasconv_problem *problem, bool reference, variant_checker *check)
{
  support_random random = support_random_start(4);
  fixture_case fixture = fixture_create(problem, support_tensor_random, &random);
  const char *algorithm = NULL;
  for (size_t index = 0; (algorithm = blasconv_algorithm_name(index)); ++index)
    if (reference || strcmp(algorithm, "reference") != 0)
      check_algorithm(&fixture, algorithm, check, &random);
  fixture_free(&fixture);
}

/* ---------------------------------------------------------------------------------------------
 * Numbers of threads
 * ------------------------------------------------------------------------------------------ */

/* Results of the variant's pass before it runs: NaN, or the numbers to accumulate to. */
static fixture_result start(const fixture_case *fixture, const fixture_variant *variant,
                            support_random *random)
{
  return fixture_result_create(&fixture->problem, variant->pass,
                               variant->accumulate ? support_tensor_random : NULL, random);
}

static void check_same_bits(const fixture_case *fixture, const fixture_variant *variant,
                            support_random *random)
{
  static const int32_t threads[] = {7, 2, 2, 3, 16};
  const size_t count = support_sanitized ? 1 : sizeof threads / sizeof *threads;
  char text[512];
  fixture_result old = start(fixture, variant, random);
  fixture_result expected = fixture_result_copy(&old);
  const bool served = fixture_run(fixture, variant, &expected);
  for (size_t i = 0; served && i < count; ++i) {
    fixture_variant other = *variant;
    other.threads = threads[i];
    fixture_result result = fixture_result_copy(&old);
    ck_assert(fixture_run(fixture, &other, &result));
    support_assert(fixture_result_same(&result, &expected), "other bits than with one thread: %s",
                   fixture_describe(&fixture->problem, &other, text, sizeof text));
    fixture_result_free(&result);
  }
  fixture_result_free(&expected);
  fixture_result_free(&old);
}

START_TEST(same_bits_small)
{
  blasconv_problem problem;
  for (size_t i = 0; shapes_small_corner(i, &problem); ++i)
    check_problem(&problem, true, check_same_bits);
}
END_TEST

/* Without the reference: it has no blocks, and its six runs of these would take a minute. */
START_TEST(same_bits_large)
{
  blasconv_problem problem;
  for (size_t i = 0; shapes_large_corner(i, &problem); ++i)
    check_problem(&problem, false, check_same_bits);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * One plan in many host threads
 * ------------------------------------------------------------------------------------------ */

/* A host thread: its own tensors, its own workspace, the common plan. */
typedef struct host {
  const blasconv_plan *plan;
  const fixture_variant *variant;
  fixture_case fixture;
  fixture_result expected;        /* of a run alone */
  fixture_result results[rounds]; /* of the runs beside the other hosts */
  blasconv_status statuses[rounds];
  support_memory workspace;
} host;

/* Tensors that no other host has, so that memory shared by mistake shows. */
static host create_host(const blasconv_plan *plan, const fixture_case *fixture,
                        const fixture_variant *variant, support_random *random)
{
  host made = {.plan = plan, .variant = variant};
  made.fixture = fixture_create(&fixture->problem, support_tensor_random, random);
  made.expected = start(fixture, variant, random);
  for (int round = 0; round < rounds; ++round)
    made.results[round] = fixture_result_copy(&made.expected);
  ck_assert(fixture_run(&made.fixture, variant, &made.expected));
  made.workspace =
      support_memory_workspace(variant->library_workspace ? 0 : blasconv_plan_workspace_size(plan));
  return made;
}

/* Executes the plan in every round; assertions belong to the main thread. */
static void *run_host(void *argument)
{
  host *self = argument;
  for (int round = 0; round < rounds; ++round) {
    const blasconv_arguments arguments =
        fixture_arguments(&self->fixture, self->variant, &self->results[round]);
    self->statuses[round] =
        blasconv_plan_execute(self->plan, &arguments, self->workspace.data, self->workspace.bytes);
  }
  return NULL;
}

static void check_host(host *self)
{
  char text[512];
  fixture_describe(&self->fixture.problem, self->variant, text, sizeof text);
  for (int round = 0; round < rounds; ++round) {
    support_assert(self->statuses[round] == BLASCONV_SUCCESS, "%s: %s",
                   blasconv_status_string(self->statuses[round]), text);
    support_assert(fixture_result_same(&self->results[round], &self->expected),
                   "other bits beside other hosts than alone: %s", text);
    fixture_result_free(&self->results[round]);
  }
  support_memory_check(&self->workspace, text);
  support_memory_free(&self->workspace);
  fixture_result_free(&self->expected);
  fixture_free(&self->fixture);
}

static void check_concurrent(const fixture_case *fixture, const fixture_variant *variant,
                             support_random *random)
{
  fixture_variant two = *variant;
  two.threads = 2;
  blasconv_plan *plan = fixture_plan(&fixture->problem, &two);
  if (!plan)
    return;
  host all[hosts];
  pthread_t threads[hosts];
  for (int i = 0; i < hosts; ++i)
    all[i] = create_host(plan, fixture, &two, random);
  for (int i = 0; i < hosts; ++i)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, run_host, &all[i]), 0);
  for (int i = 0; i < hosts; ++i)
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
  for (int i = 0; i < hosts; ++i)
    check_host(&all[i]);
  blasconv_plan_destroy(plan);
}

START_TEST(concurrent_hosts)
{
  blasconv_problem problem = blasconv_problem_2d(2, 40, 20, 21, 30, 3, 3);
  problem.pads_begin[0] = 1;
  problem.pads_end[1] = 1;
  check_problem(&problem, true, check_concurrent);
}
END_TEST

START_TEST(concurrent_hosts_depthwise)
{
  blasconv_problem problem = blasconv_problem_2d(1, 24, 30, 31, 24, 3, 3);
  problem.groups = 24;
  check_problem(&problem, true, check_concurrent);
}
END_TEST

START_TEST(concurrent_hosts_pointwise)
{
  const blasconv_problem problem = blasconv_problem_2d(1, 60, 25, 24, 70, 1, 1);
  check_problem(&problem, true, check_concurrent);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("threads");
  support_add(suite, same_bits_small);
  support_add(suite, same_bits_large);
  support_add(suite, concurrent_hosts);
  support_add(suite, concurrent_hosts_depthwise);
  support_add(suite, concurrent_hosts_pointwise);
  return support_run(suite);
}
