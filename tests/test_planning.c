/*
 * Which algorithm a plan gets: by estimate, by measuring, from a store of choices; and what
 * planning takes and leaves alone on the way.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "allocation.h"
#include "fixture.h"
#include "planning/choices.h"
#include "planning/measure.h"
#include "shapes.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

enum { passes = 3, most_layers = 100, text_size = 4096, random_problems = 300 };

static const double brief = 1e-3; /* seconds to measure, where it does not matter how many */

/* Two algorithms serve it at about the same cost. */
static blasconv_problem contested(void)
{
  return blasconv_problem_2d(1, 8, 20, 20, 8, 1, 1);
}

static blasconv_plan *create(const blasconv_problem *problem, blasconv_pass pass,
                             const blasconv_options *options)
{
  blasconv_plan *plan = NULL;
  ck_assert_int_eq(blasconv_plan_create(problem, pass, options, &plan), BLASCONV_SUCCESS);
  ck_assert_ptr_nonnull(plan);
  return plan;
}

/* Refused with this status, a message, and nothing else. */
static void check_refused(const blasconv_problem *problem, blasconv_options options,
                          blasconv_status status)
{
  char message[100] = "";
  blasconv_plan *const before = (blasconv_plan *)&message, *plan = before;
  options.message = message;
  options.message_size = sizeof message;
  ck_assert_int_eq(blasconv_plan_create(problem, BLASCONV_FORWARD, &options, &plan), status);
  ck_assert_ptr_eq(plan, before);
  ck_assert_uint_gt(strlen(message), 0);
}

/* The algorithm that a plan gets. */
static const char *chosen(const blasconv_problem *problem, blasconv_pass pass,
                          const blasconv_options *options)
{
  blasconv_plan *plan = create(problem, pass, options);
  const char *name = blasconv_plan_algorithm(plan);
  blasconv_plan_destroy(plan);
  return name;
}

static bool describes(const blasconv_plan *plan, const char *words)
{
  char text[text_size];
  ck_assert_uint_lt(blasconv_plan_describe(plan, text, sizeof text), sizeof text);
  return strstr(text, words) != NULL;
}

static const bc_algorithm *named(const char *name)
{
  size_t row = 0;
  while (strcmp(bc_registry_row(row)->name, name) != 0)
    ++row;
  return bc_registry_row(row);
}

static blasconv_choices *create_choices(void)
{
  blasconv_choices *choices = NULL;
  ck_assert_int_eq(blasconv_choices_create(NULL, &choices), BLASCONV_SUCCESS);
  return choices;
}

static void put(blasconv_choices *choices, const blasconv_problem *problem, blasconv_pass pass,
                const blasconv_options *options, const char *algorithm)
{
  const bc_choice choice = {bc_choice_key_make(problem, pass, options, options->threads),
                            named(algorithm), 12345678};
  ck_assert_int_eq(bc_choices_put(choices, &choice), BLASCONV_SUCCESS);
}

/* ---------------------------------------------------------------------------------------------
 * By estimate
 * ------------------------------------------------------------------------------------------ */

/* Filters that have transforms, and strides of 1. */
static bool has_tiles(const blasconv_problem *p)
{
  static const int64_t kernels[][2] = {{3, 3}, {5, 5}, {1, 3}, {3, 1}, {1, 7}, {7, 1}};
  bool fit = false;
  for (size_t i = 0; i < sizeof kernels / sizeof *kernels; ++i)
    fit = fit || (p->kernel[0] == kernels[i][0] && p->kernel[1] == kernels[i][1]);
  return fit && p->strides[0] == 1 && p->strides[1] == 1;
}

static bool is_pointwise(const blasconv_problem *p)
{
  return p->kernel[0] == 1 && p->kernel[1] == 1 && p->strides[0] == 1 && p->strides[1] == 1 &&
         p->pads_begin[0] == 0 && p->pads_begin[1] == 0;
}

/* Whether it is the one patch of an image, which im2col_gemm hands to SGEMM as it lies; and gemv,
 * if there is but that image, to no product of matrices at all. */
static bool is_whole_image(const blasconv_problem *p)
{
  return p->input[0] == p->kernel[0] && p->input[1] == p->kernel[1];
}

START_TEST(layers_of_networks_get_what_suits_them)
{
  blasconv_problem layers[most_layers];
  for (size_t network = 0; shapes_network_name(network) != NULL; ++network) {
    const size_t count = shapes_network(shapes_network_name(network), layers, most_layers);
    for (size_t i = 0; i < count * 2 * passes; ++i) {
      blasconv_problem *layer = &layers[i / 2 / passes];
      layer->layout = i % 2 ? BLASCONV_NHWC : BLASCONV_NCHW;
      const char *name = chosen(layer, (blasconv_pass)(i / 2 % passes), NULL);
      const char *expected = layer->groups > 1     ? "depthwise"
                             : is_pointwise(layer) ? "pointwise_gemm"
                                                   : "im2col_gemm";
      const bool product = layer->groups == 1 && strcmp(name, "implicit_gemm") == 0;
      const bool winograd = layer->groups == 1 && has_tiles(layer) && strcmp(name, "winograd") == 0;
      const bool patch =
          is_whole_image(layer) &&
          (strcmp(name, "im2col_gemm") == 0 || (layer->batch == 1 && strcmp(name, "gemv") == 0));
      support_assert(winograd || product || patch || strcmp(name, expected) == 0,
                     "%s, layer %zu: %s", shapes_network_name(network), i / 2 / passes, name);
    }
  }
}
END_TEST

/* If it did, so would the bits. */
START_TEST(the_estimate_does_not_hang_on_the_threads)
{
  support_random random = support_random_start(1);
  for (int i = 0; i < random_problems; ++i) {
    const blasconv_problem problem = shapes_random(&random);
    const blasconv_pass pass = (blasconv_pass)(i % passes);
    blasconv_options options = blasconv_options_default();
    options.threads = 1;
    if (i % 2)
      options.workspace_limit = (size_t)support_random_between(&random, 0, 1 << 20);
    blasconv_plan *one = create(&problem, pass, &options);
    for (int32_t threads = 2; threads < 100; threads *= 3) {
      options.threads = threads;
      ck_assert_str_eq(chosen(&problem, pass, &options), blasconv_plan_algorithm(one));
    }
    blasconv_plan_destroy(one);
  }
}
END_TEST

/* By the model, for the algorithm of that name; infinite if it cannot serve. */
static double expected(const blasconv_problem *problem, blasconv_pass pass, const char *name,
                       int32_t packed)
{
  blasconv_options options = blasconv_options_default();
  options.algorithm = name;
  options.packed_weights = packed;
  blasconv_plan *plan = NULL;
  if (blasconv_plan_create(problem, pass, &options, &plan) != BLASCONV_SUCCESS)
    return HUGE_VAL;
  const double seconds = plan->decision.seconds;
  blasconv_plan_destroy(plan);
  return seconds;
}

/* Of all that serve, the first in the order that is no more than a twentieth above the cheapest. */
START_TEST(the_estimate_takes_the_first_of_the_cheapest)
{
  support_random random = support_random_start(2);
  for (int i = 0; i < random_problems; ++i) {
    const blasconv_problem problem = shapes_random(&random);
    const blasconv_pass pass = (blasconv_pass)(i % passes);
    blasconv_plan *plan = create(&problem, pass, NULL);
    ck_assert_int_eq(plan->decision.basis, BC_BY_ESTIMATE);
    ck_assert(isfinite(plan->decision.seconds));
    ck_assert(plan->decision.seconds > 0.0 || problem.batch == 0);
    double seconds[BC_MOST_ALGORITHMS], least = HUGE_VAL;
    size_t rows = 0;
    for (; bc_registry_row(rows) != NULL; ++rows) {
      seconds[rows] = expected(&problem, pass, bc_registry_row(rows)->name, 0);
      least = fmin(least, seconds[rows]);
    }
    size_t first = 0;
    while (seconds[first] > 1.05 * least)
      ++first;
    ck_assert_str_eq(blasconv_plan_algorithm(plan), bc_registry_row(first)->name);
    ck_assert(plan->decision.seconds == seconds[first]);
    blasconv_plan_destroy(plan);
  }
}
END_TEST

/* Packing is the smaller part of a product, and only of algorithms that pack at all. */
START_TEST(packed_weights_save_the_packing)
{
  const blasconv_problem problem = blasconv_problem_2d(1, 256, 14, 14, 256, 3, 3);
  for (int pass = BLASCONV_FORWARD; pass <= BLASCONV_BACKWARD_DATA; ++pass)
    for (size_t row = 0; bc_registry_row(row) != NULL; ++row) {
      const char *name = bc_registry_row(row)->name;
      const double plain = expected(&problem, (blasconv_pass)pass, name, 0);
      const double packed = expected(&problem, (blasconv_pass)pass, name, 1);
      if (named(name)->pack != NULL && plain < HUGE_VAL)
        ck_assert(packed < plain && packed > 0.5 * plain);
      else
        ck_assert(packed == plain);
    }
}
END_TEST

START_TEST(descriptions_say_why)
{
  const blasconv_problem problem = contested();
  blasconv_options options = blasconv_options_default();
  options.threads = 1;
  blasconv_plan *plan = create(&problem, BLASCONV_FORWARD, &options);
  ck_assert(describes(plan, "choice: by estimate"));
  ck_assert(describes(plan, "not im2col_gemm: no faster by estimate"));
  ck_assert(describes(plan, "not reference: no faster by estimate"));
  blasconv_plan_destroy(plan);

  options.algorithm = "im2col_gemm";
  plan = create(&problem, BLASCONV_FORWARD, &options);
  ck_assert(describes(plan, "choice: asked for by name, by estimate"));
  ck_assert(describes(plan, "not pointwise_gemm: it could serve"));
  blasconv_plan_destroy(plan);

  options.algorithm = NULL;
  options.choices = create_choices();
  put(options.choices, &problem, BLASCONV_FORWARD, &options, "im2col_gemm");
  plan = create(&problem, BLASCONV_FORWARD, &options);
  ck_assert(describes(plan, "choice: taken from the choices, measured at 12.3 ms"));
  ck_assert(describes(plan, "not pointwise_gemm: it could serve"));
  blasconv_plan_destroy(plan);
  blasconv_choices_destroy(options.choices);

  options.choices = NULL;
  options.planning = BLASCONV_MEASURE;
  plan = create(&problem, BLASCONV_FORWARD, &options);
  ck_assert(describes(plan, "choice: by measuring"));
  ck_assert(describes(plan, "_gemm: slower when measured"));
  blasconv_plan_destroy(plan);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * From choices
 * ------------------------------------------------------------------------------------------ */

START_TEST(a_choice_is_taken)
{
  const blasconv_problem problem = contested();
  blasconv_options options = blasconv_options_default();
  options.threads = 2;
  const char *estimated[passes];
  for (int pass = 0; pass < passes; ++pass)
    estimated[pass] = chosen(&problem, (blasconv_pass)pass, &options);
  ck_assert_str_ne(estimated[BLASCONV_FORWARD], "im2col_gemm");
  options.choices = create_choices();
  put(options.choices, &problem, BLASCONV_FORWARD, &options, "im2col_gemm");
  ck_assert_str_eq(chosen(&problem, BLASCONV_FORWARD, &options), "im2col_gemm");
  options.planning = BLASCONV_MEASURE; /* nothing is measured: there is no room to */
  _Alignas(64) static char scratch[64];
  options.scratch = scratch;
  options.scratch_bytes = sizeof scratch;
  ck_assert_str_eq(chosen(&problem, BLASCONV_FORWARD, &options), "im2col_gemm");
  options.planning = BLASCONV_ESTIMATE;

  ck_assert_str_eq(chosen(&problem, BLASCONV_BACKWARD_DATA, &options),
                   estimated[BLASCONV_BACKWARD_DATA]);
  options.packed_weights = 1;
  ck_assert_str_ne(chosen(&problem, BLASCONV_FORWARD, &options), "im2col_gemm");
  options.packed_weights = 0;
  options.threads = 1;
  ck_assert_str_eq(chosen(&problem, BLASCONV_FORWARD, &options), estimated[BLASCONV_FORWARD]);
  options.threads = 2;
  options.algorithm = "pointwise_gemm";
  ck_assert_str_eq(chosen(&problem, BLASCONV_FORWARD, &options), "pointwise_gemm");
  blasconv_choices_destroy(options.choices);
}
END_TEST

/* Of an algorithm that cannot serve, or that is hopeless there. */
START_TEST(a_hostile_choice_is_ignored)
{
  const blasconv_problem spatial = blasconv_problem_2d(1, 64, 56, 56, 64, 3, 3);
  static const char *const hostile[] = {"pointwise_gemm", "reference"};
  for (int pass = 0; pass < passes; ++pass)
    for (int i = 0; i < 2; ++i) {
      blasconv_options options = blasconv_options_default();
      options.threads = 1;
      const char *estimated = chosen(&spatial, (blasconv_pass)pass, &options);
      options.choices = create_choices();
      put(options.choices, &spatial, (blasconv_pass)pass, &options, hostile[i]);
      blasconv_plan *plan = create(&spatial, (blasconv_pass)pass, &options);
      ck_assert_str_ne(estimated, hostile[i]);
      ck_assert_str_eq(blasconv_plan_algorithm(plan), estimated);
      ck_assert(describes(plan, "choice: by estimate"));
      blasconv_plan_destroy(plan);
      blasconv_choices_destroy(options.choices);
    }
}
END_TEST

/* What was measured is found by the next plan, and in a text. */
START_TEST(what_was_measured_is_remembered)
{
  const blasconv_problem problem = contested();
  blasconv_options options = blasconv_options_default();
  options.threads = 1;
  options.planning = BLASCONV_MEASURE;
  options.measure_seconds = brief;
  options.choices = create_choices();
  blasconv_plan *measured = create(&problem, BLASCONV_FORWARD, &options);
  ck_assert_int_eq(measured->decision.basis, BC_BY_MEASURING);
  ck_assert_uint_eq(blasconv_choices_count(options.choices), 1);

  char text[text_size];
  const size_t length = blasconv_choices_export(options.choices, text, sizeof text);
  blasconv_choices *again = create_choices();
  ck_assert_int_eq(blasconv_choices_import(again, text, length, NULL), BLASCONV_SUCCESS);
  for (int i = 0; i < 4; ++i) {
    options.planning = i % 2 ? BLASCONV_ESTIMATE : BLASCONV_MEASURE;
    blasconv_choices *const source = options.choices;
    options.choices = i / 2 ? again : source;
    blasconv_plan *plan = create(&problem, BLASCONV_FORWARD, &options);
    ck_assert_int_eq(plan->decision.basis, BC_FROM_CHOICES);
    ck_assert_str_eq(blasconv_plan_algorithm(plan), blasconv_plan_algorithm(measured));
    ck_assert(fabs(plan->decision.seconds - measured->decision.seconds) < 2e-9);
    blasconv_plan_destroy(plan);
    options.choices = source;
  }
  blasconv_plan_destroy(measured);
  blasconv_choices_destroy(options.choices);
  blasconv_choices_destroy(again);
}
END_TEST

/* An estimate is no measurement. */
START_TEST(estimates_are_not_remembered)
{
  const blasconv_problem problem = contested();
  blasconv_options options = blasconv_options_default();
  options.choices = create_choices();
  chosen(&problem, BLASCONV_FORWARD, &options);
  ck_assert_uint_eq(blasconv_choices_count(options.choices), 0);
  blasconv_choices_destroy(options.choices);
}
END_TEST

/* A store without memory for one more entry does not keep the plan from being made. */
START_TEST(a_store_without_memory_is_no_hindrance)
{
  const blasconv_problem problem = contested();
  for (int allowed = 1; allowed < 3; ++allowed) {
    allocation_log log = {.allowed = allowed};
    const blasconv_allocator hook = allocation_hook(&log);
    blasconv_options options = blasconv_options_default();
    options.planning = BLASCONV_MEASURE;
    options.measure_seconds = brief;
    ck_assert_int_eq(blasconv_choices_create(&hook, &options.choices), BLASCONV_SUCCESS);
    chosen(&problem, BLASCONV_FORWARD, &options);
    ck_assert_int_eq(log.calls, allowed + 1);
    ck_assert_uint_eq(blasconv_choices_count(options.choices), 0);
    blasconv_choices_destroy(options.choices);
    ck_assert_int_eq(log.live, 0);
  }
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * By measuring
 * ------------------------------------------------------------------------------------------ */

/* Every kind of problem and option can be measured, and the plan then computes what the plan by
 * name does. The sanitizers watch. */
START_TEST(anything_can_be_measured)
{
  support_random random = support_random_start(3);
  for (int i = 0; i < random_problems; ++i) {
    const blasconv_problem problem = shapes_random(&random);
    const blasconv_pass pass = (blasconv_pass)(i % passes);
    blasconv_options options = blasconv_options_default();
    options.planning = BLASCONV_MEASURE;
    options.measure_seconds = 1e-4;
    options.threads = (int32_t)support_random_between(&random, 1, 3);
    options.accumulate = pass != BLASCONV_FORWARD && i % 2;
    options.packed_weights = pass != BLASCONV_BACKWARD_WEIGHTS && i / passes % 2;
    if (pass == BLASCONV_FORWARD) {
      options.activation.kind = BLASCONV_GELU_TANH;
      options.residual = (blasconv_residual)support_random_between(&random, 0, 2);
    }
    blasconv_plan *plan = create(&problem, pass, &options);
    ck_assert(plan->decision.basis == BC_BY_MEASURING || plan->decision.basis == BC_BY_ESTIMATE);
    for (size_t row = 0; row < BC_MOST_ALGORITHMS; ++row)
      ck_assert(plan->decision.measured[row] == 0.0 ||
                plan->decision.measured[row] >= plan->decision.seconds);
    options.planning = BLASCONV_ESTIMATE;
    options.algorithm = blasconv_plan_algorithm(plan);
    blasconv_plan *by_name = create(&problem, pass, &options);
    ck_assert(memcmp(&plan->schedule, &by_name->schedule, sizeof plan->schedule) == 0);
    ck_assert_int_eq(plan->threads, by_name->threads);
    blasconv_plan_destroy(by_name);
    blasconv_plan_destroy(plan);
  }
}
END_TEST

/* However little time there is, the cheapest is run, and others are not. */
START_TEST(a_tiny_budget_is_enough)
{
  const blasconv_problem problem = blasconv_problem_2d(2, 32, 64, 64, 32, 1, 1);
  blasconv_options options = blasconv_options_default();
  const char *estimated = chosen(&problem, BLASCONV_FORWARD, &options);
  options.planning = BLASCONV_MEASURE;
  options.measure_seconds = 1e-12;
  blasconv_plan *plan = create(&problem, BLASCONV_FORWARD, &options);
  ck_assert_str_eq(blasconv_plan_algorithm(plan), estimated);
  ck_assert_int_eq(plan->decision.basis, BC_BY_MEASURING);
  int measured = 0;
  for (size_t row = 0; row < BC_MOST_ALGORITHMS; ++row)
    measured += plan->decision.measured[row] > 0.0;
  ck_assert_int_eq(measured, 1);
  blasconv_plan_destroy(plan);
}
END_TEST

static size_t aligned(int64_t elements)
{
  return ((size_t)elements * sizeof(float) + 63) / 64 * 64;
}

static blasconv_options measuring_in(void *scratch, size_t bytes, int32_t packed)
{
  blasconv_options options = blasconv_options_default();
  options.planning = BLASCONV_MEASURE;
  options.measure_seconds = brief;
  options.threads = 2;
  options.residual = BLASCONV_RESIDUAL_BEFORE_ACTIVATION;
  options.packed_weights = packed;
  options.scratch = scratch;
  options.scratch_bytes = bytes;
  return options;
}

/* Bytes of the weights as an algorithm packs them, each that serves once. */
static size_t packed_by_all(const blasconv_problem *problem)
{
  size_t bytes = 0;
  for (size_t row = 0; bc_registry_row(row) != NULL; ++row) {
    blasconv_options options = blasconv_options_default();
    options.algorithm = bc_registry_row(row)->name;
    blasconv_plan *plan = NULL;
    if (blasconv_plan_create(problem, BLASCONV_FORWARD, &options, &plan) == BLASCONV_SUCCESS)
      bytes += (blasconv_plan_packed_size(plan) + 63) / 64 * 64;
    blasconv_plan_destroy(plan);
  }
  return bytes;
}

/* What the header says is enough, is; nothing outside is touched, and nothing else allocated. */
START_TEST(scratch_is_enough)
{
  const blasconv_problem problem = contested();
  for (int32_t packed = 0; packed < 2; ++packed) {
    const size_t enough = aligned(8 * 400) * 3 + aligned(8 * 8) + 2 * ((size_t)2 << 20) +
                          (packed ? packed_by_all(&problem) : 0);
    support_memory memory = support_memory_workspace(enough);
    blasconv_options options = measuring_in(memory.data, enough, packed);
    allocation_log log = {.allowed = ALLOCATION_UNLIMITED};
    options.allocator = allocation_hook(&log);
    blasconv_plan *plan = create(&problem, BLASCONV_FORWARD, &options);
    ck_assert_int_eq(plan->decision.basis, BC_BY_MEASURING);
    ck_assert_int_eq(log.calls, 1);
    support_memory_check(&memory, "scratch");
    blasconv_plan_destroy(plan);
    support_memory_free(&memory);
  }
}
END_TEST

/* What a candidate packs for itself. */
static size_t packed_bytes(const blasconv_plan *plan, const bc_candidate *candidate)
{
  blasconv_plan its = *plan;
  bc_candidate_take(candidate, &its);
  return candidate->algorithm->pack != NULL ? (blasconv_plan_packed_size(&its) + 63) / 64 * 64 : 0;
}

/* What the candidates that are timed need beside the tensors. */
typedef struct others {
  size_t workspace, packed;
  bool last_is_smaller; /* the workspace of the last is not the largest */
} others;

static others find_others(const blasconv_plan *plan)
{
  bc_candidate candidates[BC_MOST_ALGORITHMS];
  blasconv_status status;
  const char *reason;
  const size_t count = bc_candidates_make(plan, candidates, &status, &reason);
  others found = {0};
  for (size_t i = 0; i < count && !bc_candidate_is_hopeless(&candidates[i], &candidates[0]); ++i) {
    const size_t bytes =
        bc_workspace_size(&candidates[i].schedule.workspace, candidates[i].threads);
    found.last_is_smaller = bytes < found.workspace;
    found.workspace = bytes > found.workspace ? bytes : found.workspace;
    found.packed += packed_bytes(plan, &candidates[i]);
  }
  return found;
}

/* For the forward pass with a residual; counts in *smaller where the last workspace is. */
static size_t needed(const blasconv_problem *problem, int32_t packed, int *smaller)
{
  blasconv_options options = measuring_in(NULL, 0, packed);
  options.planning = BLASCONV_ESTIMATE;
  blasconv_plan *plan = create(problem, BLASCONV_FORWARD, &options);
  const blasconv_maps *output = &plan->output;
  const others also = find_others(plan);
  *smaller += also.last_is_smaller;
  const size_t bytes =
      aligned(problem->batch * problem->in_channels * problem->input[0] * problem->input[1]) +
      aligned(bc_count_weights(&plan->geometry)) +
      2 * aligned(output->batch * output->channels * output->pixels) + also.workspace +
      (packed ? also.packed : 0);
  blasconv_plan_destroy(plan);
  return bytes;
}

/* Taken and kept to the byte if it is enough, refused if it is one byte less. */
START_TEST(scratch_to_the_byte)
{
  blasconv_problem problems[] = {contested(), blasconv_problem_2d(1, 4, 6, 6, 4, 3, 3),
                                 blasconv_problem_2d(1, 64, 9, 9, 16, 1, 1),
                                 blasconv_problem_2d(1, 512, 4, 4, 512, 3, 3)};
  problems[1].groups = 4;
  int smaller = 0;
  for (int i = 0; i < 8; ++i) {
    const blasconv_problem *problem = &problems[i / 2];
    const int32_t packed = i % 2;
    const size_t bytes = needed(problem, packed, &smaller);
    support_memory memory = support_memory_workspace(bytes);
    check_refused(problem, measuring_in(memory.data, bytes - 1, packed),
                  BLASCONV_WORKSPACE_TOO_SMALL);
    check_refused(problem, measuring_in((char *)memory.data + 4, bytes, packed),
                  BLASCONV_WORKSPACE_MISALIGNED);
    for (size_t j = 0; j < bytes / sizeof(float); ++j) /* a refused call has written nothing */
      support_assert(isnan(((const float *)memory.data)[j]), "element %zu was written", j);
    blasconv_options options = measuring_in(memory.data, bytes, packed);
    blasconv_plan *plan = create(problem, BLASCONV_FORWARD, &options);
    ck_assert_int_eq(plan->decision.basis, BC_BY_MEASURING);
    blasconv_plan_destroy(plan);
    support_memory_check(&memory, "scratch");
    support_memory_free(&memory);
  }
  ck_assert_int_gt(smaller, 0);
}
END_TEST

/* A run that were refused would be the fastest. The tensors lie in the scratch one behind the
 * other, input, output and weights first, so what the run of each algorithm left there can be
 * computed again. */
START_TEST(timed_runs_compute)
{
  const blasconv_problem problem = blasconv_problem_2d(1, 8, 8, 8, 16, 1, 1);
  enum { inputs = 8 * 64, outputs = 16 * 64 };
  for (int i = 0; i < 2 * BC_MOST_ALGORITHMS && bc_registry_row((size_t)i / 2) != NULL; ++i) {
    blasconv_options options = measuring_in(NULL, 0, i % 2);
    options.residual = BLASCONV_RESIDUAL_NONE;
    options.algorithm = bc_registry_row((size_t)i / 2)->name;
    bc_candidate candidate;
    double measured;
    const char *reason;
    float computed[outputs];
    blasconv_plan *plan = NULL;
    if (blasconv_plan_create(&problem, BLASCONV_FORWARD, &options, &plan) != BLASCONV_SUCCESS)
      continue;
    support_memory memory = support_memory_workspace((size_t)4 << 20);
    options.scratch = memory.data;
    options.scratch_bytes = (size_t)4 << 20;
    ck_assert_int_eq(bc_candidate_make(plan, plan->algorithm, &candidate, &reason),
                     BLASCONV_SUCCESS);
    ck_assert_int_eq(bc_measure(plan, &options, &candidate, 1, &measured, &reason),
                     BLASCONV_SUCCESS);
    const float *input = memory.data, *output = input + inputs;
    blasconv_arguments arguments = blasconv_arguments_none();
    arguments.input = input;
    arguments.weights = output + outputs;
    arguments.output = computed;
    ck_assert_int_eq(blasconv_plan_execute(plan, &arguments, NULL, 0), BLASCONV_SUCCESS);
    ck_assert_mem_eq(output, computed, sizeof computed);
    blasconv_plan_destroy(plan);
    support_memory_free(&memory);
  }
}
END_TEST

/* Where there is nothing to compare, no memory is needed. */
START_TEST(nothing_to_measure_needs_nothing)
{
  blasconv_problem problems[] = {blasconv_problem_2d(1, 64, 56, 56, 64, 3, 3), contested()};
  problems[0].layout = BLASCONV_NHWC; /* depthwise, far ahead of all others */
  problems[0].groups = 64;
  problems[1].batch = 0;
  for (int i = 0; i < 2; ++i) {
    _Alignas(64) char scratch[64];
    blasconv_options options = measuring_in(scratch, 1, 0);
    options.choices = create_choices();
    blasconv_plan *plan = create(&problems[i], BLASCONV_FORWARD, &options);
    ck_assert_int_eq(plan->decision.basis, BC_BY_ESTIMATE);
    ck_assert_uint_eq(blasconv_choices_count(options.choices), 0);
    blasconv_plan_destroy(plan);
    blasconv_choices_destroy(options.choices);
  }
}
END_TEST

/* Two allocations: what is measured with, which is given back, and the plan. */
START_TEST(every_allocation_may_fail)
{
  const blasconv_problem problem = contested();
  for (int allowed = 0; allowed < 3; ++allowed) {
    allocation_log log = {.allowed = allowed};
    blasconv_options options = measuring_in(NULL, 0, 0);
    options.allocator = allocation_hook(&log);
    if (allowed < 1) {
      check_refused(&problem, options, BLASCONV_OUT_OF_MEMORY);
      ck_assert_int_eq(log.live, 0);
      continue;
    }
    blasconv_plan *plan = NULL;
    const blasconv_status status =
        blasconv_plan_create(&problem, BLASCONV_FORWARD, &options, &plan);
    ck_assert_int_eq(log.calls, 2);
    ck_assert_int_eq(status, allowed == 1 ? BLASCONV_OUT_OF_MEMORY : BLASCONV_SUCCESS);
    ck_assert_int_eq(log.live, allowed == 1 ? 0 : 1);
    blasconv_plan_destroy(plan);
    ck_assert_int_eq(log.live, 0);
  }
}
END_TEST

/* Tensors that fit into memory that nobody has, and tensors whose bytes do not even fit into a
 * number together, though they do one by one. */
START_TEST(enormous_tensors)
{
  const int64_t side = INT64_C(1) << 28;
  allocation_log log = {.allowed = 0};
  blasconv_options options = measuring_in(NULL, 0, 0);
  options.allocator = allocation_hook(&log);
  blasconv_problem problem = blasconv_problem_2d(1, 2, side, side, 2, 1, 1);
  check_refused(&problem, options, BLASCONV_OUT_OF_MEMORY);
  ck_assert_int_eq(log.calls, 1);
  ck_assert_uint_gt(log.last_bytes, (size_t)(6 * side * side) * sizeof(float));
  problem.batch = 15;
  check_refused(&problem, options, BLASCONV_OVERFLOW);
  ck_assert_int_eq(log.calls, 1);
}
END_TEST

START_TEST(bad_options)
{
  const blasconv_problem problem = contested();
  static const double seconds[] = {-1.0, -1e-300, (double)NAN, (double)INFINITY};
  for (size_t i = 0; i < sizeof seconds / sizeof *seconds; ++i) {
    blasconv_options options = blasconv_options_default();
    options.measure_seconds = seconds[i];
    check_refused(&problem, options, BLASCONV_BAD_ARGUMENT);
  }
  blasconv_options options = blasconv_options_default();
  options.planning = (blasconv_planning)2;
  check_refused(&problem, options, BLASCONV_BAD_ARGUMENT);
}
END_TEST

/* Host threads that measure the same and other problems with one store. */
static void *measure_all(void *argument)
{
  for (int64_t i = 1; i <= 12; ++i) {
    const blasconv_problem problem = blasconv_problem_2d(i, 8, 5, 5, 8, 1, 1);
    blasconv_options options = blasconv_options_default();
    options.planning = BLASCONV_MEASURE;
    options.measure_seconds = 1e-4;
    options.threads = 1;
    options.choices = argument;
    blasconv_plan *plan = NULL;
    if (blasconv_plan_create(&problem, BLASCONV_FORWARD, &options, &plan) != BLASCONV_SUCCESS)
      return NULL;
    blasconv_plan_destroy(plan);
  }
  return argument;
}

START_TEST(threads_share_a_store)
{
  blasconv_choices *choices = create_choices();
  pthread_t threads[3];
  for (int i = 0; i < 3; ++i)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, measure_all, choices), 0);
  for (int i = 0; i < 3; ++i) {
    void *result;
    ck_assert_int_eq(pthread_join(threads[i], &result), 0);
    ck_assert_ptr_nonnull(result);
  }
  ck_assert_uint_eq(blasconv_choices_count(choices), 12);
  blasconv_choices_destroy(choices);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("planning");
  support_add(suite, layers_of_networks_get_what_suits_them);
  support_add(suite, the_estimate_does_not_hang_on_the_threads);
  support_add(suite, the_estimate_takes_the_first_of_the_cheapest);
  support_add(suite, packed_weights_save_the_packing);
  support_add(suite, descriptions_say_why);
  support_add(suite, a_choice_is_taken);
  support_add(suite, a_hostile_choice_is_ignored);
  support_add(suite, what_was_measured_is_remembered);
  support_add(suite, estimates_are_not_remembered);
  support_add(suite, a_store_without_memory_is_no_hindrance);
  support_add(suite, anything_can_be_measured);
  support_add(suite, a_tiny_budget_is_enough);
  support_add(suite, scratch_is_enough);
  support_add(suite, scratch_to_the_byte);
  support_add(suite, timed_runs_compute);
  support_add(suite, nothing_to_measure_needs_nothing);
  support_add(suite, every_allocation_may_fail);
  support_add(suite, enormous_tensors);
  support_add(suite, bad_options);
  support_add(suite, threads_share_a_store);
  return support_run(suite);
}
