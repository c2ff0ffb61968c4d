/*
 * A thousand random problems, each run in a random way, against the oracle.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"
#include "shapes.h"

enum { problems = 1000 };

static bool toss(support_random *random)
{
  return support_random_between(random, 0, 1) == 1;
}

/* An algorithm's name, or NULL for the library's choice. */
static const char *random_algorithm(support_random *random)
{
  int64_t count = 0;
  while (blasconv_algorithm_name((size_t)count))
    ++count;
  return blasconv_algorithm_name((size_t)support_random_between(random, 0, count));
}

static fixture_variant random_variant(support_random *random)
{
  fixture_variant variant = {.pass = (blasconv_pass)support_random_between(random, 0, 2)};
  variant.algorithm = random_algorithm(random);
  variant.threads = (int32_t)support_random_between(random, 1, 8);
  variant.library_workspace = toss(random);
  variant.bias = toss(random);
  if (variant.pass != BLASCONV_FORWARD)
    variant.accumulate = toss(random);
  else if (toss(random))
    variant.activation = (blasconv_activation){
        (blasconv_activation_kind)support_random_between(random, 0, BLASCONV_GELU_TANH), 0.25f};
  return variant;
}

/* Each problem has its own random stream, so that one can be replayed alone. If the algorithm
 * drawn refuses the problem, the library chooses. */
START_TEST(random_problems)
{
  int refused = 0;
  for (uint64_t i = 0; i < problems; ++i) {
    support_random random = support_random_start(i);
    const blasconv_problem problem = shapes_random(&random);
    fixture_variant variant = random_variant(&random);
    fixture_case fixture = fixture_create(&problem, support_tensor_random, &random);
    fixture_truth truth = fixture_truth_create(&fixture, variant.pass);
    if (!fixture_verify(&fixture, &truth, &variant, &random)) {
      ++refused;
      variant.algorithm = NULL;
      ck_assert(fixture_verify(&fixture, &truth, &variant, &random));
    }
    fixture_truth_free(&truth);
    fixture_free(&fixture);
  }
  ck_assert_int_lt(refused, problems / 2);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("random");
  support_add(suite, random_problems);
  return support_run(suite);
}
