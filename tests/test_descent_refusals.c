/*
 * What gradient descent refuses, and that nothing to move is no error.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "descent_parameters.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------------
 * Refusals
 * ------------------------------------------------------------------------------------------ */

START_TEST(states_are_counted)
{
  static const int32_t states[descent_kinds] = {0, 1, 1, 2, 2};
  for (int kind = 0; kind < descent_kinds; ++kind)
    ck_assert_int_eq(blasconv_optimizer_states((blasconv_optimizer_kind)kind), states[kind]);
  ck_assert_int_eq(blasconv_optimizer_states((blasconv_optimizer_kind)descent_kinds), 0);
}
END_TEST

START_TEST(nothing_to_move_is_no_error)
{
  const blasconv_parameter empty = {0, NULL, NULL, NULL, 1};
  double norm = NAN;
  for (int kind = 0; kind < descent_kinds; ++kind) {
    const blasconv_optimizer optimizer = descent_rule(kind, 0.1f, 0.1f);
    descent_step(&optimizer, 1, NULL, 0, 1);
    descent_step(&optimizer, 1, &empty, 1, 1);
  }
  ck_assert_int_eq(blasconv_gradient_clip(NULL, 0, 1.0, 1, NULL), BLASCONV_SUCCESS);
  ck_assert_int_eq(blasconv_gradient_clip(&empty, 1, 1.0, 1, &norm), BLASCONV_SUCCESS);
  ck_assert(norm == 0.0);
}
END_TEST

/* Arguments of a step for two parameters; the first is always good. */
typedef struct call {
  blasconv_optimizer optimizer;
  int64_t step, count;
  blasconv_parameter second;
  int32_t threads;
  bool no_optimizer, no_list;
} call;

static float spare[4]; /* what the second parameter of a call points at */

static call plain_call(int kind)
{
  return (call){
      descent_rule(kind, 0.5f, 0.5f), 1, 2, {1, spare, spare + 1, spare + 2, 1}, 1, false, false};
}

static void check_step_refused(const call *c, blasconv_status status, const char *what)
{
  float values = 7.0f, gradient = 7.0f, state[2] = {7.0f, 7.0f};
  for (int i = 0; i < 4; ++i)
    spare[i] = 7.0f;
  const blasconv_parameter list[2] = {{1, &values, &gradient, state, 1}, c->second};
  const blasconv_status got =
      blasconv_optimizer_step(c->no_optimizer ? NULL : &c->optimizer, c->step,
                              c->no_list ? NULL : list, c->count, c->threads);
  support_assert(got == status, "%s: status %d, not %d", what, (int)got, (int)status);
  support_assert(values == 7.0f && state[0] == 7.0f && state[1] == 7.0f, "%s: written", what);
  for (int i = 0; i < 4; ++i)
    support_assert(spare[i] == 7.0f, "%s: written", what);
}

static const int64_t most = PTRDIFF_MAX / (int64_t)sizeof(float);

START_TEST(steps_refuse_bad_parameters)
{
  static const struct {
    const char *what;
    int64_t count;
    int32_t decays;
    blasconv_status status;
  } bad[] = {{"count -1", -1, 1, BLASCONV_BAD_SIZE},
             {"decays 2", 1, 2, BLASCONV_BAD_ARGUMENT},
             {"decays -1", 1, -1, BLASCONV_BAD_ARGUMENT},
             {"bytes", most + 1, 1, BLASCONV_OVERFLOW},
             {"bytes of the states", most / 2 + 1, 1, BLASCONV_OVERFLOW}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    call c = plain_call(BLASCONV_ADAM);
    c.second.count = bad[i].count;
    c.second.decays = bad[i].decays;
    check_step_refused(&c, bad[i].status, bad[i].what);
  }
  call c = plain_call(BLASCONV_ADAM);
  c.second.values = NULL;
  check_step_refused(&c, BLASCONV_NULL_POINTER, "no values");
  c = plain_call(BLASCONV_ADAM);
  c.second.gradient = NULL;
  check_step_refused(&c, BLASCONV_NULL_POINTER, "no gradient");
  c = plain_call(BLASCONV_MOMENTUM);
  c.second.state = NULL;
  check_step_refused(&c, BLASCONV_NULL_POINTER, "no state");
  blasconv_parameter list[5]; /* each fits, their elements together do not */
  for (int i = 0; i < 5; ++i)
    list[i] = (blasconv_parameter){most, spare, spare, NULL, 0};
  const blasconv_optimizer sgd = blasconv_optimizer_of(BLASCONV_SGD, 0.1f);
  ck_assert_int_eq(blasconv_optimizer_step(&sgd, 1, list, 5, 1), BLASCONV_OVERFLOW);
  ck_assert_int_eq(blasconv_gradient_clip(list, 5, 1.0, 1, NULL), BLASCONV_OVERFLOW);
}
END_TEST

START_TEST(steps_refuse_bad_calls)
{
  call c = plain_call(BLASCONV_ADAM);
  c.no_optimizer = true;
  check_step_refused(&c, BLASCONV_NULL_POINTER, "no optimizer");
  c = plain_call(BLASCONV_ADAM);
  c.no_list = true;
  check_step_refused(&c, BLASCONV_NULL_POINTER, "no parameters");
  c = plain_call(BLASCONV_ADAM);
  c.count = -1;
  check_step_refused(&c, BLASCONV_BAD_SIZE, "count");
  c = plain_call(BLASCONV_ADAM);
  c.optimizer.struct_size -= 1;
  check_step_refused(&c, BLASCONV_VERSION_MISMATCH, "struct_size");
  c = plain_call(descent_kinds);
  check_step_refused(&c, BLASCONV_BAD_ARGUMENT, "kind");
  c = plain_call(BLASCONV_ADAM);
  c.step = 0;
  check_step_refused(&c, BLASCONV_BAD_ARGUMENT, "step 0");
  c = plain_call(BLASCONV_ADAM);
  c.threads = -1;
  check_step_refused(&c, BLASCONV_BAD_SIZE, "threads -1");
  c.threads = 4097;
  check_step_refused(&c, BLASCONV_BAD_SIZE, "threads 4097");
}
END_TEST

START_TEST(steps_refuse_bad_numbers)
{
  static const float bad_factors[] = {-0.1f, 1.0f, NAN, INFINITY};
  static const float bad_sizes[] = {-0.1f, NAN, INFINITY, -INFINITY};
  for (int i = 0; i < 4; ++i)
    for (int kind = 0; kind < descent_kinds; ++kind) {
      call c = plain_call(kind);
      c.optimizer.learning_rate = bad_sizes[i];
      check_step_refused(&c, BLASCONV_BAD_ARGUMENT, "learning rate");
      c = plain_call(kind);
      c.optimizer.weight_decay = bad_sizes[i];
      check_step_refused(&c, BLASCONV_BAD_ARGUMENT, "weight decay");
      c = plain_call(kind);
      c.optimizer.momentum = bad_factors[i];
      if (kind == BLASCONV_MOMENTUM || kind == BLASCONV_NESTEROV)
        check_step_refused(&c, BLASCONV_BAD_ARGUMENT, "momentum");
      else
        descent_step(&c.optimizer, 1, NULL, 0, 1);
      for (int number = 0; number < 3; ++number) {
        c = plain_call(kind);
        *(number == 0   ? &c.optimizer.beta1
          : number == 1 ? &c.optimizer.beta2
                        : &c.optimizer.epsilon) =
            number == 2 ? (i == 0 ? 0.0f : bad_sizes[i]) : bad_factors[i];
        if (kind == BLASCONV_ADAM || kind == BLASCONV_ADAMW)
          check_step_refused(&c, BLASCONV_BAD_ARGUMENT, "Adam's numbers");
        else
          descent_step(&c.optimizer, 1, NULL, 0, 1);
      }
    }
}
END_TEST

START_TEST(clipping_refuses)
{
  static const double limits[] = {0.0, -1.0, -HUGE_VAL, NAN};
  float gradient = 7.0f;
  double norm = 7.0;
  blasconv_parameter list[2] = {{1, NULL, &gradient, NULL, 0}, {1, NULL, NULL, NULL, 0}};
  for (size_t i = 0; i < sizeof limits / sizeof *limits; ++i)
    ck_assert_int_eq(blasconv_gradient_clip(list, 1, limits[i], 1, &norm), BLASCONV_BAD_ARGUMENT);
  ck_assert_int_eq(blasconv_gradient_clip(NULL, 1, 1.0, 1, &norm), BLASCONV_NULL_POINTER);
  ck_assert_int_eq(blasconv_gradient_clip(list, 2, 1.0, 1, &norm), BLASCONV_NULL_POINTER);
  ck_assert_int_eq(blasconv_gradient_clip(list, -1, 1.0, 1, &norm), BLASCONV_BAD_SIZE);
  ck_assert_int_eq(blasconv_gradient_clip(list, 1, 1.0, 4097, &norm), BLASCONV_BAD_SIZE);
  list[1].count = -1;
  ck_assert_int_eq(blasconv_gradient_clip(list, 2, 1.0, 1, &norm), BLASCONV_BAD_SIZE);
  list[1].count = most + 1;
  ck_assert_int_eq(blasconv_gradient_clip(list, 2, 1.0, 1, &norm), BLASCONV_OVERFLOW);
  ck_assert(gradient == 7.0f && norm == 7.0);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("descent_refusals");
  support_add(suite, states_are_counted);
  support_add(suite, nothing_to_move_is_no_error);
  support_add(suite, steps_refuse_bad_parameters);
  support_add(suite, steps_refuse_bad_calls);
  support_add(suite, steps_refuse_bad_numbers);
  support_add(suite, clipping_refuses);
  return support_run(suite);
}
