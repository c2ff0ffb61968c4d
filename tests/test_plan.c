/*
 * Plans: what they say about themselves, the memory they take, and what becomes of them when there
 * is none.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "allocation.h"
#include "fixture.h"
#include "shapes.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { pass_count = 3, most_layers = 100, text_size = 4096 };

static const size_t limit_a_thread = (size_t)2 << 20;

static blasconv_problem spatial_problem(void)
{
  return blasconv_problem_2d(2, 3, 12, 11, 4, 3, 3);
}

static blasconv_problem pointwise_problem(void)
{
  return blasconv_problem_2d(2, 3, 12, 11, 4, 1, 1);
}

static blasconv_problem dense_problem(int64_t batch)
{
  return blasconv_problem_2d(batch, 8, 1, 1, 4, 1, 1);
}

static blasconv_plan *create(const blasconv_problem *problem, blasconv_pass pass,
                             const blasconv_options *options)
{
  blasconv_plan *plan = NULL;
  ck_assert_int_eq(blasconv_plan_create(problem, pass, options, &plan), BLASCONV_SUCCESS);
  ck_assert_ptr_nonnull(plan);
  return plan;
}

/* ---------------------------------------------------------------------------------------------
 * Names and texts
 * ------------------------------------------------------------------------------------------ */

START_TEST(algorithms_have_names)
{
  static const char *const expected[] = {"pointwise_gemm", "depthwise", "gemv",     "im2col_gemm",
                                         "implicit_gemm",  "winograd",  "reference"};
  size_t count = 0;
  for (; blasconv_algorithm_name(count) != NULL; ++count)
    for (size_t i = 0; i < count; ++i)
      ck_assert_str_ne(blasconv_algorithm_name(i), blasconv_algorithm_name(count));
  for (size_t i = 0; i < sizeof expected / sizeof *expected; ++i) {
    size_t found = 0;
    while (found < count && strcmp(blasconv_algorithm_name(found), expected[i]) != 0)
      ++found;
    support_assert(found < count, "%s is missing", expected[i]);
  }
  ck_assert_ptr_null(blasconv_algorithm_name(SIZE_MAX));
}
END_TEST

/* The dense problem, a 1x1 kernel on one 1x1 image, can be served by all that need no groups, nor
 * filters of a certain size. */
START_TEST(a_forced_algorithm_is_taken)
{
  const blasconv_problem problem = dense_problem(1);
  for (int pass = 0; pass < pass_count; ++pass)
    for (size_t i = 0; blasconv_algorithm_name(i) != NULL; ++i) {
      blasconv_options options = blasconv_options_default();
      options.algorithm = blasconv_algorithm_name(i);
      if (strcmp(options.algorithm, "depthwise") == 0 || !fixture_is_plain_sum(options.algorithm))
        continue;
      blasconv_plan *plan = create(&problem, (blasconv_pass)pass, &options);
      ck_assert_str_eq(blasconv_plan_algorithm(plan), blasconv_algorithm_name(i));
      blasconv_plan_destroy(plan);
    }
}
END_TEST

START_TEST(the_choice_suits_the_problem)
{
  const struct {
    blasconv_problem problem;
    const char *algorithm;
  } choices[] = {{dense_problem(2), "pointwise_gemm"},
                 {dense_problem(1), "gemv"},
                 {pointwise_problem(), "pointwise_gemm"},
                 {blasconv_problem_2d(2, 16, 12, 11, 16, 3, 3), "im2col_gemm"}};
  for (int pass = 0; pass < pass_count; ++pass)
    for (size_t i = 0; i < sizeof choices / sizeof *choices; ++i) {
      blasconv_plan *plan = create(&choices[i].problem, (blasconv_pass)pass, NULL);
      const char *name = blasconv_plan_algorithm(plan);
      const bool winograd = choices[i].problem.kernel[0] == 3 && strcmp(name, "winograd") == 0;
      support_assert(winograd || strcmp(name, choices[i].algorithm) == 0 ||
                         strcmp(name, "implicit_gemm") == 0,
                     "%s", name);
      blasconv_plan_destroy(plan);
    }
}
END_TEST

/* Some line of `text` names the algorithm and has words beside it. */
static bool names_with_reason(const char *text, const char *algorithm)
{
  const char *found = strstr(text, algorithm);
  return found != NULL && strcspn(found, "\n") >= strlen(algorithm) + strlen(": reason");
}

START_TEST(description_names_all)
{
  const blasconv_problem problems[] = {dense_problem(2), pointwise_problem(), spatial_problem()};
  for (int i = 0; i < 3 * pass_count; ++i) {
    blasconv_options options = blasconv_options_default();
    options.threads = 2;
    blasconv_plan *plan = create(&problems[i % 3], (blasconv_pass)(i / 3), &options);
    char text[text_size], workspace[32];
    const size_t length = blasconv_plan_describe(plan, text, sizeof text);
    ck_assert_uint_eq(length, strlen(text));
    ck_assert_int_eq(text[length - 1], '\n');
    snprintf(workspace, sizeof workspace, "%zu", blasconv_plan_workspace_size(plan));
    ck_assert_ptr_nonnull(strstr(text, workspace));
    ck_assert_ptr_nonnull(strstr(text, blasconv_version_string()));
    ck_assert_ptr_nonnull(strstr(text, blasconv_plan_algorithm(plan)));
    for (size_t j = 0; blasconv_algorithm_name(j) != NULL; ++j)
      support_assert(strcmp(blasconv_algorithm_name(j), blasconv_plan_algorithm(plan)) == 0 ||
                         names_with_reason(text, blasconv_algorithm_name(j)),
                     "no reason against %s in:\n%s", blasconv_algorithm_name(j), text);
    blasconv_plan_destroy(plan);
  }
}
END_TEST

/* As snprintf: cut to every size, the length always that of the whole. */
START_TEST(description_is_cut_to_its_size)
{
  const blasconv_problem problem = spatial_problem();
  blasconv_plan *plan = create(&problem, BLASCONV_FORWARD, NULL);
  char whole[text_size], text[text_size];
  const size_t length = blasconv_plan_describe(plan, whole, sizeof whole);
  ck_assert_uint_lt(length, sizeof whole);
  ck_assert_uint_eq(blasconv_plan_describe(plan, NULL, 0), length);
  for (size_t size = 0; size <= length + 2; ++size) {
    memset(text, 0x5A, sizeof text);
    ck_assert_uint_eq(blasconv_plan_describe(plan, text, size), length);
    const size_t kept = size == 0 ? 0 : size - 1 < length ? size - 1 : length;
    ck_assert(memcmp(text, whole, kept) == 0);
    ck_assert(size == 0 || text[kept] == '\0');
    for (size_t i = size; i < length + 3; ++i)
      ck_assert_int_eq(text[i], 0x5A);
  }
  blasconv_plan_destroy(plan);
}
END_TEST

START_TEST(no_plan_is_harmless)
{
  char text[8] = "before";
  blasconv_plan_destroy(NULL);
  ck_assert_uint_eq(blasconv_plan_workspace_size(NULL), 0);
  ck_assert_ptr_null(blasconv_plan_algorithm(NULL));
  ck_assert_uint_eq(blasconv_plan_describe(NULL, text, sizeof text), 0);
  ck_assert_str_eq(text, "");
  ck_assert_uint_eq(blasconv_plan_describe(NULL, NULL, 0), 0);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Memory
 * ------------------------------------------------------------------------------------------ */

static void check_workspace_limit(const blasconv_problem *layer, const char *network)
{
  static const int32_t threads[] = {1, 2, 16, 64};
  for (int pass = 0; pass < pass_count; ++pass)
    for (size_t i = 0; i < sizeof threads / sizeof *threads; ++i)
      for (size_t j = 0; blasconv_algorithm_name(j) != NULL; ++j) {
        const fixture_variant variant = {.pass = (blasconv_pass)pass,
                                         .algorithm = blasconv_algorithm_name(j),
                                         .threads = threads[i]};
        blasconv_plan *plan = fixture_plan(layer, &variant);
        const size_t bytes = blasconv_plan_workspace_size(plan);
        support_assert(bytes <= limit_a_thread * (size_t)threads[i],
                       "%s, %s, pass %d: %zu bytes for %d threads", network,
                       blasconv_algorithm_name(j), pass, bytes, (int)threads[i]);
        blasconv_plan_destroy(plan);
      }
}

START_TEST(workspace_is_two_mebibytes_a_thread_at_most)
{
  static const int64_t batches[] = {1, 8, 300};
  blasconv_problem layers[most_layers];
  size_t networks = 0;
  for (; shapes_network_name(networks) != NULL; ++networks) {
    const size_t count = shapes_network(shapes_network_name(networks), layers, most_layers);
    ck_assert_uint_gt(count, 0);
    for (size_t i = 0; i < count; ++i)
      for (size_t j = 0; j < sizeof batches / sizeof *batches; ++j) {
        layers[i].batch = batches[j];
        check_workspace_limit(&layers[i], shapes_network_name(networks));
      }
  }
  ck_assert_uint_eq(networks, 6);
  blasconv_problem large;
  for (size_t i = 0; shapes_large_corner(i, &large); ++i)
    check_workspace_limit(&large, "large corner");
}
END_TEST

/* One execution of a pass of the spatial problem. */
typedef struct execution {
  fixture_case fixture;
  fixture_variant variant;
  fixture_result result, poison;
  blasconv_arguments arguments;
} execution;

static void prepare(execution *run, int pass, const char *algorithm)
{
  support_random random = support_random_start((uint64_t)pass);
  const blasconv_problem problem = spatial_problem();
  run->fixture = fixture_create(&problem, support_tensor_random, &random);
  run->variant = (fixture_variant){
      .pass = (blasconv_pass)pass, .algorithm = algorithm, .threads = 2, .bias = true};
  run->result = fixture_result_create(&problem, run->variant.pass, NULL, NULL);
  run->poison = fixture_result_copy(&run->result);
  run->arguments = fixture_arguments(&run->fixture, &run->variant, &run->result);
}

static void finish(execution *run)
{
  fixture_result_free(&run->result);
  fixture_result_free(&run->poison);
  fixture_free(&run->fixture);
}

static blasconv_options hooked_options(const execution *run, allocation_log *log)
{
  blasconv_options options = blasconv_options_default();
  options.algorithm = run->variant.algorithm;
  options.threads = run->variant.threads;
  options.allocator = allocation_hook(log);
  return options;
}

/* A plan is one allocation; an execution without workspace one more, of the size that is told, and
 * none if that is 0; with a caller's workspace nothing is allocated at all. */
static void check_allocations(int pass, const char *algorithm)
{
  execution run;
  prepare(&run, pass, algorithm);
  allocation_log log = {.allowed = ALLOCATION_UNLIMITED};
  const blasconv_options options = hooked_options(&run, &log);
  blasconv_plan *plan = create(&run.fixture.problem, run.variant.pass, &options);
  ck_assert(log.calls == 1 && log.live == 1);
  const size_t bytes = blasconv_plan_workspace_size(plan);
  ck_assert_int_eq(blasconv_plan_execute(plan, &run.arguments, NULL, 0), BLASCONV_SUCCESS);
  ck_assert_int_eq(log.calls, bytes == 0 ? 1 : 2);
  ck_assert_int_eq(log.live, 1);
  ck_assert(bytes == 0 || log.last_bytes == bytes);

  support_memory workspace = support_memory_workspace(bytes);
  fixture_result first = fixture_result_copy(&run.result);
  log.calls = 0;
  blasconv_status status[3]; /* Check's assertions allocate too: none in between */
  const long before = allocation_count();
  for (int i = 0; i < 3; ++i)
    status[i] = blasconv_plan_execute(plan, &run.arguments, workspace.data, bytes);
  const long after = allocation_count();
  ck_assert_int_eq(after, before);
  for (int i = 0; i < 3; ++i)
    ck_assert_int_eq(status[i], BLASCONV_SUCCESS);
  ck_assert_int_eq(log.calls, 0);
  ck_assert(fixture_result_same(&first, &run.result));
  support_memory_check(&workspace, "workspace");
  support_memory_free(&workspace);
  fixture_result_free(&first);
  blasconv_plan_destroy(plan);
  ck_assert_int_eq(log.live, 0);
  finish(&run);
}

START_TEST(memory_comes_from_the_hook_alone)
{
  for (int pass = 0; pass < pass_count; ++pass) {
    check_allocations(pass, "im2col_gemm");
    check_allocations(pass, "reference");
  }
}
END_TEST

/* That nothing is counted above means something only if the count works. */
START_TEST(the_count_of_allocations_works)
{
  const blasconv_problem problem = spatial_problem();
  blasconv_plan *plan = NULL;
  const long before = allocation_count();
  const blasconv_status status = blasconv_plan_create(&problem, BLASCONV_FORWARD, NULL, &plan);
  const long after = allocation_count();
  ck_assert_int_eq(status, BLASCONV_SUCCESS);
  ck_assert_int_eq(after, before + 1); /* by the library's own allocator */
  blasconv_plan_destroy(plan);
}
END_TEST

/* Lets 0, 1, 2, ... allocations succeed until all do. @return how many that took */
static int fail_in_turn(int pass)
{
  for (int allowed = 0;; ++allowed) {
    execution run;
    prepare(&run, pass, "im2col_gemm");
    allocation_log log = {.allowed = allowed};
    blasconv_options options = hooked_options(&run, &log);
    char message[100] = "";
    options.message = message;
    options.message_size = sizeof message;
    blasconv_plan *plan = NULL;
    blasconv_status status =
        blasconv_plan_create(&run.fixture.problem, run.variant.pass, &options, &plan);
    if (status == BLASCONV_SUCCESS) {
      status = blasconv_plan_execute(plan, &run.arguments, NULL, 0);
    } else {
      ck_assert_ptr_null(plan);
      ck_assert_uint_gt(strlen(message), 0);
    }
    blasconv_plan_destroy(plan);
    ck_assert_int_eq(log.live, 0);
    ck_assert_int_eq(fixture_result_same(&run.result, &run.poison), status != BLASCONV_SUCCESS);
    finish(&run);
    if (status == BLASCONV_SUCCESS)
      return allowed;
    ck_assert_int_eq(status, BLASCONV_OUT_OF_MEMORY);
  }
}

START_TEST(every_allocation_may_fail)
{
  for (int pass = 0; pass < pass_count; ++pass)
    ck_assert_int_eq(fail_in_turn(pass), 2);
}
END_TEST

/* What was handed in may be changed or freed once the plan is made. */
START_TEST(problem_and_options_are_copied)
{
  execution run;
  prepare(&run, BLASCONV_FORWARD, "reference");
  ck_assert(fixture_run(&run.fixture, &run.variant, &run.poison));
  blasconv_problem problem = run.fixture.problem;
  char name[] = "reference";
  blasconv_options options = blasconv_options_default();
  options.algorithm = name;
  blasconv_plan *plan = create(&problem, BLASCONV_FORWARD, &options);
  memset(&problem, 0xFF, sizeof problem);
  memset(&options, 0xFF, sizeof options);
  memset(name, 'x', strlen(name));
  ck_assert_str_eq(blasconv_plan_algorithm(plan), "reference");
  ck_assert_int_eq(blasconv_plan_execute(plan, &run.arguments, NULL, 0), BLASCONV_SUCCESS);
  ck_assert(fixture_result_same(&run.result, &run.poison));
  blasconv_plan_destroy(plan);
  finish(&run);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("plan");
  support_add(suite, algorithms_have_names);
  support_add(suite, a_forced_algorithm_is_taken);
  support_add(suite, the_choice_suits_the_problem);
  support_add(suite, description_names_all);
  support_add(suite, description_is_cut_to_its_size);
  support_add(suite, no_plan_is_harmless);
  support_add(suite, workspace_is_two_mebibytes_a_thread_at_most);
  support_add(suite, memory_comes_from_the_hook_alone);
  support_add(suite, the_count_of_allocations_works);
  support_add(suite, every_allocation_may_fail);
  support_add(suite, problem_and_options_are_copied);
  return support_run(suite);
}
