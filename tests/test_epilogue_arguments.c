/*
 * Bias, scale, shift and residual: which of them a plan takes, needs and refuses. A refused call
 * has written nothing.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"
#include "refusal.h"
#include "support.h"

enum { bias = 1, scale = 2, shift = 4, residual = 8, combinations = 16 };

static const blasconv_residual places[] = {BLASCONV_RESIDUAL_NONE,
                                           BLASCONV_RESIDUAL_BEFORE_ACTIVATION,
                                           BLASCONV_RESIDUAL_AFTER_ACTIVATION};
enum { place_count = sizeof places / sizeof *places };

static blasconv_problem problem_of(blasconv_layout layout, blasconv_direction direction,
                                   int64_t batch)
{
  blasconv_problem problem = blasconv_problem_2d(batch, 3, 6, 5, 4, 3, 2);
  problem.layout = layout;
  problem.direction = direction;
  return problem;
}

static bool is_poison(const support_tensor *tensor)
{
  support_tensor poison = support_tensor_poisoned(tensor->count);
  const bool same = support_tensor_same(tensor, &poison);
  support_tensor_free(&poison);
  return same;
}

/* What a forward plan says to a combination, from the table in the header. */
static blasconv_status forward_status(unsigned given, blasconv_residual place, bool images)
{
  const bool wants_residual = place != BLASCONV_RESIDUAL_NONE;
  if (!wants_residual && (given & residual))
    return BLASCONV_WRONG_TENSORS;
  if (wants_residual && images && !(given & residual))
    return BLASCONV_NULL_POINTER;
  return !(given & scale) == !(given & shift) ? BLASCONV_SUCCESS : BLASCONV_NULL_POINTER;
}

/* Executes the pass with the combination on top of the tensors that it needs. */
static void check_execution(const blasconv_problem *problem, blasconv_pass pass,
                            blasconv_residual place, unsigned given, blasconv_status status)
{
  support_random random = support_random_start(1);
  fixture_case fixture = fixture_create(problem, support_tensor_random, &random);
  fixture_result result = fixture_result_create(problem, pass, NULL, NULL);
  const fixture_variant variant = {.pass = pass, .threads = 1, .residual = place};
  blasconv_plan *plan = fixture_plan(problem, &variant);
  blasconv_arguments arguments = fixture_arguments(&fixture, &variant, &result);
  float spare = 0.0f; /* stands for a residual without elements */
  const float *sum = fixture.residual.data != NULL ? fixture.residual.data : &spare;
  arguments.bias = given & bias ? fixture.bias.data : NULL;
  arguments.scale = given & scale ? fixture.scale.data : NULL;
  arguments.shift = given & shift ? fixture.shift.data : NULL;
  arguments.residual = given & residual ? sum : NULL;
  const blasconv_status got = blasconv_plan_execute(plan, &arguments, NULL, 0);
  support_assert(got == status, "pass %d, residual %d, given %u: status %d, not %d", (int)pass,
                 (int)place, given, (int)got, (int)status);
  ck_assert(status == BLASCONV_SUCCESS || is_poison(&result.values));
  blasconv_plan_destroy(plan);
  fixture_result_free(&result);
  fixture_free(&fixture);
}

START_TEST(forward_plans_take_what_the_header_says)
{
  for (int kind = 0; kind < 4; ++kind)
    for (int64_t batch = 0; batch <= 2; batch += 2)
      for (int place = 0; place < place_count; ++place)
        for (unsigned given = 0; given < combinations; ++given) {
          const blasconv_problem problem =
              problem_of((blasconv_layout)(kind % 2), (blasconv_direction)(kind / 2), batch);
          check_execution(&problem, BLASCONV_FORWARD, places[place], given,
                          forward_status(given, places[place], batch > 0));
        }
}
END_TEST

START_TEST(gradients_have_no_epilogue)
{
  for (int kind = 0; kind < 4; ++kind)
    for (int pass = BLASCONV_BACKWARD_DATA; pass <= BLASCONV_BACKWARD_WEIGHTS; ++pass)
      for (unsigned given = 0; given < combinations; ++given) {
        const blasconv_problem problem =
            problem_of((blasconv_layout)(kind % 2), (blasconv_direction)(kind / 2), 2);
        check_execution(&problem, (blasconv_pass)pass, BLASCONV_RESIDUAL_NONE, given,
                        given == 0 ? BLASCONV_SUCCESS : BLASCONV_WRONG_TENSORS);
      }
}
END_TEST

START_TEST(places_of_the_residual_are_checked)
{
  static const int no_places[] = {-1, 3, INT32_MAX};
  const blasconv_problem problem = problem_of(BLASCONV_NCHW, BLASCONV_CONVOLUTION, 2);
  blasconv_options options = blasconv_options_default();
  for (int pass = BLASCONV_FORWARD; pass <= BLASCONV_BACKWARD_WEIGHTS; ++pass)
    for (size_t i = 0; i < sizeof no_places / sizeof *no_places; ++i) {
      options.residual = (blasconv_residual)no_places[i];
      refusal_check(&problem, (blasconv_pass)pass, options, BLASCONV_BAD_ARGUMENT, "residual",
                    "no place");
    }
  for (int place = 1; place < place_count; ++place) {
    options.residual = places[place];
    refusal_check(&problem, BLASCONV_BACKWARD_DATA, options, BLASCONV_BAD_ARGUMENT, "residual",
                  "a residual of a gradient");
    refusal_check(&problem, BLASCONV_BACKWARD_WEIGHTS, options, BLASCONV_BAD_ARGUMENT, "residual",
                  "a residual of a gradient");
  }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("epilogue_arguments");
  support_add(suite, forward_plans_take_what_the_header_says);
  support_add(suite, gradients_have_no_epilogue);
  support_add(suite, places_of_the_residual_are_checked);
  return support_run(suite);
}
