/*
 * Every algorithm and pass against the oracle: the layers of six networks, and corners.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"
#include "shapes.h"

#include <string.h>

enum { passes = 3, max_algorithms = 16, max_layers = 128 };

/* How often each algorithm was asked and served, a pass. */
typedef struct tally {
  int asked[passes];
  int served[max_algorithms][passes];
} tally;

/* The ways to run a pass; the epilogue's activations come on top. */
static const fixture_variant variants[] = {
    {.pass = BLASCONV_FORWARD, .threads = 1},
    {.pass = BLASCONV_FORWARD, .threads = 3, .bias = true, .library_workspace = true},
    {.pass = BLASCONV_FORWARD,
     .threads = 2,
     .bias = true,
     .packed = true,
     .scale_shift = true,
     .residual = BLASCONV_RESIDUAL_BEFORE_ACTIVATION,
     .activation = {BLASCONV_CLIPPED_RELU, 0.5f}},
    {.pass = BLASCONV_FORWARD,
     .threads = 3,
     .limited = true,
     .workspace_limit = 70000,
     .residual = BLASCONV_RESIDUAL_AFTER_ACTIVATION,
     .activation = {BLASCONV_LEAKY_RELU, 0.125f}},
    {.pass = BLASCONV_BACKWARD_DATA, .threads = 1},
    {.pass = BLASCONV_BACKWARD_DATA, .threads = 3, .accumulate = true, .library_workspace = true},
    {.pass = BLASCONV_BACKWARD_DATA,
     .threads = 2,
     .packed = true,
     .limited = true,
     .workspace_limit = 70000},
    {.pass = BLASCONV_BACKWARD_WEIGHTS, .threads = 2},
    {.pass = BLASCONV_BACKWARD_WEIGHTS, .threads = 1, .bias = true},
    {.pass = BLASCONV_BACKWARD_WEIGHTS, .threads = 2, .limited = true, .workspace_limit = 70000},
    {.pass = BLASCONV_BACKWARD_WEIGHTS,
     .threads = 3,
     .bias = true,
     .accumulate = true,
     .library_workspace = true},
};

/* The activation of a kind, with a parameter that is valid for it and not the usual one. */
static blasconv_activation activation_of(int kind)
{
  return (blasconv_activation){(blasconv_activation_kind)kind, 0.3f};
}

/* All variants of one pass by one algorithm (NULL: the library's choice).
 * @return whether the algorithm served every one that has no limit */
static bool prove_algorithm(const fixture_case *fixture, const fixture_truth *truth,
                            blasconv_pass pass, const char *algorithm, support_random *random)
{
  bool served = true;
  for (size_t i = 0; i < sizeof variants / sizeof *variants; ++i) {
    fixture_variant variant = variants[i];
    variant.algorithm = algorithm;
    if (variant.pass == pass)
      served = (fixture_verify(fixture, truth, &variant, random) || variant.limited) && served;
  }
  return served;
}

/* How a problem is proved. */
typedef struct thoroughness {
  int first_kind, last_kind; /* of the activations */
  bool reference;            /* by the naive algorithm as well */
} thoroughness;

/* The epilogue with each activation, with and without a bias. */
static void prove_activations(const fixture_case *fixture, const fixture_truth *truth,
                              const char *algorithm, const thoroughness *how,
                              support_random *random)
{
  for (int kind = how->first_kind; kind <= how->last_kind; ++kind)
    for (int bias = 0; bias < 2; ++bias) {
      const fixture_variant variant = {.pass = BLASCONV_FORWARD,
                                       .algorithm = algorithm,
                                       .threads = 2,
                                       .bias = bias == 1,
                                       .activation = activation_of(kind)};
      fixture_verify(fixture, truth, &variant, random);
    }
}

/* One pass by every algorithm and by the library's choice. */
static void prove_pass(const fixture_case *fixture, blasconv_pass pass, const thoroughness *how,
                       tally *counts, support_random *random)
{
  fixture_truth truth = fixture_truth_create(fixture, pass);
  ++counts->asked[pass];
  const char *algorithm = NULL;
  size_t index = 0;
  do {
    algorithm = blasconv_algorithm_name(index);
    ck_assert_uint_lt(index, max_algorithms);
    if (!how->reference && algorithm && strcmp(algorithm, "reference") == 0)
      continue;
    if (prove_algorithm(fixture, &truth, pass, algorithm, random))
      ++counts->served[index][pass];
    if (pass == BLASCONV_FORWARD)
      prove_activations(fixture, &truth, algorithm, how, random);
  } while (++index, algorithm);
  fixture_truth_free(&truth);
}

/* Every pass of a problem. */
static void prove(const blasconv_problem *problem, const thoroughness *how, tally *counts)
{
  support_random random = support_random_start(1);
  fixture_case fixture = fixture_create(problem, support_tensor_random, &random);
  for (int pass = 0; pass < passes; ++pass)
    prove_pass(&fixture, (blasconv_pass)pass, how, counts, &random);
  fixture_free(&fixture);
}

/* Every algorithm is one that users meet: it serves at least one in 32 of real layers. */
static void check_tally(const tally *counts)
{
  size_t index = 0;
  for (; blasconv_algorithm_name(index); ++index)
    for (int pass = 0; pass < passes; ++pass)
      support_assert(32 * counts->served[index][pass] >= counts->asked[pass],
                     "%s served %d of %d layers in pass %d", blasconv_algorithm_name(index),
                     counts->served[index][pass], counts->asked[pass], pass);
  ck_assert_uint_ge(index, 3);
}

START_TEST(layers_of_networks)
{
  blasconv_problem layers[max_layers], classifier;
  tally counts = {{0}, {{0}}};
  for (size_t network = 0; shapes_network_name(network); ++network) {
    const size_t count = shapes_network(shapes_network_name(network), layers, max_layers);
    ck_assert_uint_gt(count, 0);
    for (size_t i = 0; i < count; ++i) {
      const blasconv_problem shrunk = shapes_shrunk(&layers[i]);
      const int kind = 1 + (int)(i % BLASCONV_GELU_TANH);
      const thoroughness how = {kind, kind, true};
      prove(&shrunk, &how, &counts);
    }
  }
  for (size_t i = 0; shapes_classifier(i, &classifier); ++i) {
    const blasconv_problem shrunk = shapes_shrunk(&classifier);
    const thoroughness how = {BLASCONV_RELU, BLASCONV_RELU, true};
    prove(&shrunk, &how, &counts);
  }
  check_tally(&counts);
}
END_TEST

START_TEST(small_corners)
{
  blasconv_problem problem;
  tally counts = {{0}, {{0}}};
  for (size_t i = 0; shapes_small_corner(i, &problem); ++i) {
    const int kind = 1 + (int)(i % BLASCONV_GELU_TANH);
    const thoroughness how = {kind, kind, true};
    prove(&problem, &how, &counts);
  }
}
END_TEST

/* Without the reference: it has no blocks, and takes as long as all others together. */
START_TEST(large_corners)
{
  const thoroughness how = {BLASCONV_SILU, BLASCONV_SILU, false};
  blasconv_problem problem;
  tally counts = {{0}, {{0}}};
  for (size_t i = 0; shapes_large_corner(i, &problem); ++i)
    prove(&problem, &how, &counts);
}
END_TEST

/* The definition itself refuses nothing. */
START_TEST(reference_serves_everything)
{
  blasconv_problem problem;
  for (size_t i = 0; shapes_small_corner(i, &problem); ++i)
    for (int pass = 0; pass < passes; ++pass) {
      const fixture_variant variant = {
          .pass = (blasconv_pass)pass, .algorithm = "reference", .threads = 1};
      blasconv_plan *plan = fixture_plan(&problem, &variant);
      ck_assert_ptr_nonnull(plan);
      blasconv_plan_destroy(plan);
    }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("passes");
  support_add(suite, layers_of_networks);
  support_add(suite, small_corners);
  support_add(suite, large_corners);
  support_add(suite, reference_serves_everything);
  return support_run(suite);
}
