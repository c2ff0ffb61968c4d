/*
 * Gradient descent against its rules in double precision and closed forms.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "descent_parameters.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------------
 * The rules in double
 * ------------------------------------------------------------------------------------------ */

/* One value with its states, as the rules of the header move it. */
typedef struct learner {
  double w, m, v;
} learner;

static void move(const blasconv_optimizer *o, int64_t t, bool decays, double g, learner *x)
{
  const double rate = (double)o->learning_rate, momentum = (double)o->momentum;
  const double decay = decays ? (double)o->weight_decay : 0.0;
  const double beta1 = (double)o->beta1, beta2 = (double)o->beta2;
  if (o->kind == BLASCONV_ADAMW)
    x->w -= rate * decay * x->w;
  else
    g += decay * x->w;
  if (o->kind == BLASCONV_SGD) {
    x->w -= rate * g;
  } else if (o->kind == BLASCONV_MOMENTUM || o->kind == BLASCONV_NESTEROV) {
    x->m = momentum * x->m + g;
    x->w -= rate * (o->kind == BLASCONV_MOMENTUM ? x->m : g + momentum * x->m);
  } else {
    x->m = beta1 * x->m + (1.0 - beta1) * g;
    x->v = beta2 * x->v + (1.0 - beta2) * g * g;
    const double mean = x->m / (1.0 - pow(beta1, (double)t));
    const double square = x->v / (1.0 - pow(beta2, (double)t));
    x->w -= rate * mean / (sqrt(square) + (double)o->epsilon);
  }
}

/* ---------------------------------------------------------------------------------------------
 * Rules
 * ------------------------------------------------------------------------------------------ */

/* Steps with new random gradients; each value and state is compared after each step. */
static void follow(const blasconv_optimizer *optimizer, int64_t count, int32_t decays,
                   int64_t steps, support_random *random)
{
  const int32_t states = blasconv_optimizer_states(optimizer->kind);
  support_tensor values = support_tensor_random(count, random);
  support_tensor gradient = support_tensor_poisoned(count);
  support_tensor state = support_tensor_poisoned(states * count);
  learner *exact = calloc((size_t)count, sizeof *exact);
  for (int64_t i = 0; i < state.count; ++i)
    state.data[i] = 0.0f;
  for (int64_t i = 0; i < count; ++i)
    exact[i].w = (double)values.data[i];
  const blasconv_parameter parameter = {count, values.data, gradient.data, state.data, decays};
  for (int64_t t = 1; t <= steps; ++t) {
    for (int64_t i = 0; i < count; ++i) {
      gradient.data[i] = support_random_float(random) * (float)(1 + i % 5);
      move(optimizer, t, decays, (double)gradient.data[i], &exact[i]);
    }
    descent_step(optimizer, t, &parameter, 1, 2);
    for (int64_t i = 0; i < count; ++i) {
      const double bound = (1e-6 + 2e-8 * (double)t) * (1.0 + fabs(exact[i].w));
      support_assert(fabs((double)values.data[i] - exact[i].w) <= bound,
                     "kind %d, step %d: %.9g, not %.9g", (int)optimizer->kind, (int)t,
                     (double)values.data[i], exact[i].w);
      if (states > 0)
        ck_assert(fabs((double)state.data[i] - exact[i].m) <= 4e-6 * (1.0 + fabs(exact[i].m)));
      if (states > 1)
        ck_assert(fabs((double)state.data[count + i] - exact[i].v) <= 1e-5 * exact[i].v);
    }
  }
  support_tensor_check(&values, "values");
  support_tensor_check(&state, "state");
  free(exact);
  support_tensor_free(&state);
  support_tensor_free(&gradient);
  support_tensor_free(&values);
}

START_TEST(every_rule_is_followed_step_by_step)
{
  static const int64_t counts[] = {1, 7, 16, 37};
  support_random random = support_random_start(1);
  for (int kind = 0; kind < descent_kinds; ++kind)
    for (size_t i = 0; i < sizeof counts / sizeof *counts; ++i)
      for (int decays = 0; decays < 2; ++decays) {
        blasconv_optimizer optimizer = descent_rule(kind, 0.01f, 0.03f);
        follow(&optimizer, counts[i], decays, 400, &random);
        optimizer.momentum = 0.5f;
        optimizer.beta1 = 0.7f;
        optimizer.beta2 = 0.95f;
        optimizer.epsilon = 0.01f;
        follow(&optimizer, counts[i], decays, 50, &random);
        optimizer.momentum = optimizer.beta1 = optimizer.beta2 = 0.0f;
        follow(&optimizer, counts[i], decays, 10, &random);
      }
}
END_TEST

/* The bowl lambda w^2 / 2: each step multiplies w by 1 - rate lambda. Sums and products of few
 * bits make the first steps exact. */
START_TEST(gradient_descent_in_a_bowl_has_its_closed_form)
{
  static const float lambdas[] = {0.5f, 1.0f, 3.0f, 7.5f};
  float w[4] = {1.0f, -2.0f, 0.5f, 4.0f}, gradient[4];
  const float start[4] = {1.0f, -2.0f, 0.5f, 4.0f};
  const blasconv_parameter parameter = {4, w, gradient, NULL, 1};
  const blasconv_optimizer optimizer = blasconv_optimizer_of(BLASCONV_SGD, 0.25f);
  for (int t = 1; t <= 300; ++t) {
    for (int i = 0; i < 4; ++i)
      gradient[i] = lambdas[i] * w[i];
    descent_step(&optimizer, t, &parameter, 1, 1);
    for (int i = 0; i < 4; ++i) {
      const double exact = (double)start[i] * pow(1.0 - 0.25 * (double)lambdas[i], (double)t);
      ck_assert(fabs((double)w[i] - exact) <= 2e-7 * (double)t * fabs(exact) + 1e-44);
    }
  }
}
END_TEST

/* The heavy ball in the same bowl: w_t = r^t (cos(t a) + c sin(t a)), r = sqrt(momentum), where
 * the roots of z^2 - (1 + momentum - rate lambda) z + momentum are r e^+-ia; w_1 gives c. */
START_TEST(heavy_ball_in_a_bowl_has_its_closed_form)
{
  blasconv_optimizer optimizer = blasconv_optimizer_of(BLASCONV_MOMENTUM, 0.125f);
  optimizer.momentum = 0.75f;
  float w = 1.0f, gradient = 0.0f, state = 0.0f;
  const blasconv_parameter parameter = {1, &w, &gradient, &state, 0};
  const double r = sqrt(0.75), angle = acos((1.75 - 0.125) / (2.0 * r));
  const double c = ((1.0 - 0.125) / r - cos(angle)) / sin(angle);
  for (int t = 1; t <= 200; ++t) {
    gradient = w;
    descent_step(&optimizer, t, &parameter, 1, 1);
    const double exact = pow(r, (double)t) * (cos(angle * (double)t) + c * sin(angle * (double)t));
    ck_assert(fabs((double)w - exact) <= 2e-6 * pow(r, (double)t) * (double)t);
  }
}
END_TEST

static void rosenbrock(double x, double y, double slope[2])
{
  slope[0] = -2.0 * (1.0 - x) - 400.0 * x * (y - x * x);
  slope[1] = 200.0 * (y - x * x);
}

/* All rules but plain descent come near to the minimum (1, 1) of Rosenbrock's valley, as the same
 * rule in double does. */
START_TEST(rosenbrock_is_descended_as_in_double)
{
  static const float rates[descent_kinds] = {0.001f, 0.0005f, 0.0005f, 0.02f, 0.02f};
  for (int kind = 0; kind < descent_kinds; ++kind) {
    const blasconv_optimizer optimizer = descent_rule(kind, rates[kind], 0.0f);
    float w[2] = {-1.2f, 1.0f}, gradient[2], state[4] = {0.0f};
    learner exact[2] = {{(double)w[0], 0.0, 0.0}, {(double)w[1], 0.0, 0.0}};
    const blasconv_parameter parameter = {2, w, gradient, state, 0};
    for (int t = 1; t <= 8000; ++t) {
      double slope[2];
      rosenbrock((double)w[0], (double)w[1], slope);
      gradient[0] = (float)slope[0];
      gradient[1] = (float)slope[1];
      descent_step(&optimizer, t, &parameter, 1, 1);
      rosenbrock(exact[0].w, exact[1].w, slope);
      for (int i = 0; i < 2; ++i)
        move(&optimizer, t, false, slope[i], &exact[i]);
      if (t <= 300)
        ck_assert(fabs((double)w[0] - exact[0].w) <= 1e-3 &&
                  fabs((double)w[1] - exact[1].w) <= 1e-3);
    }
    const double away = hypot((double)w[0] - 1.0, (double)w[1] - 1.0);
    support_assert(away <= (kind == BLASCONV_SGD ? 0.1 : 0.02), "kind %d ends %g away", kind, away);
  }
}
END_TEST

/* A gradient that stays the same is its own mean from the first step on, and each step is
 * rate * sign(g), whatever the size of g: the correction of the bias has all its digits. */
START_TEST(adam_takes_steps_of_the_rate)
{
  float w[6] = {0.0f}, state[12] = {0.0f};
  float gradient[6] = {1.0f, -1.0f, 1e-3f, -1e4f, 1e12f, 0.0f};
  const float sign[6] = {1.0f, -1.0f, 1.0f, -1.0f, 1.0f, 0.0f};
  const blasconv_parameter parameter = {6, w, gradient, state, 0};
  blasconv_optimizer optimizer = blasconv_optimizer_of(BLASCONV_ADAM, 1.0f);
  optimizer.epsilon = 1e-12f;
  for (int t = 1; t <= 50; ++t) {
    descent_step(&optimizer, t, &parameter, 1, 1);
    for (int i = 0; i < 6; ++i)
      ck_assert(fabsf(w[i] + (float)t * sign[i]) <= 1e-6f * (float)t);
  }
}
END_TEST

/* After very many steps there is no bias to correct. */
START_TEST(late_steps_have_no_bias_correction)
{
  static const int64_t late[] = {1000000000, INT64_MAX};
  for (size_t i = 0; i < 2; ++i) {
    float w = 1.0f, gradient = 0.5f, state[2] = {0.25f, 0.0625f};
    const blasconv_parameter parameter = {1, &w, &gradient, state, 0};
    const blasconv_optimizer optimizer = blasconv_optimizer_of(BLASCONV_ADAM, 0.5f);
    descent_step(&optimizer, late[i], &parameter, 1, 1);
    const double m = 0.9 * 0.25 + 0.1 * 0.5, v = 0.999 * 0.0625 + 0.001 * 0.25;
    ck_assert(fabs((double)w - (1.0 - 0.5 * m / sqrt(v))) <= 3e-7);
  }
}
END_TEST

/* beta^t close to 1 is where 1 - beta^t loses its digits unless it is computed with care. */
START_TEST(betas_close_to_one_are_corrected)
{
  blasconv_optimizer optimizer = blasconv_optimizer_of(BLASCONV_ADAM, 0.5f);
  optimizer.beta1 = optimizer.beta2 = 0x1.fffffep-1f;
  float w = 0.0f, gradient = 2.0f, state[2] = {0.0f, 0.0f};
  const blasconv_parameter parameter = {1, &w, &gradient, state, 0};
  for (int t = 1; t <= 3; ++t) {
    descent_step(&optimizer, t, &parameter, 1, 1);
    ck_assert(fabsf(w + 0.5f * (float)t) <= 1e-6f);
  }
}
END_TEST

/* Without a gradient AdamW shrinks what decays by rate * decay, Adam moves it by the rate. */
START_TEST(weight_decay_reaches_only_what_decays)
{
  for (int kind = 0; kind < descent_kinds; ++kind)
    for (int decays = 0; decays < 2; ++decays) {
      const blasconv_optimizer optimizer = descent_rule(kind, 0.125f, 0.25f);
      float w = 2.0f, gradient = 0.0f, state[2] = {0.0f, 0.0f};
      const blasconv_parameter parameter = {1, &w, &gradient, state, decays};
      descent_step(&optimizer, 1, &parameter, 1, 1);
      float expected = 2.0f - 0.125f * 0.25f * 2.0f;
      if (kind == BLASCONV_NESTEROV)
        expected = 2.0f - 0.125f * 1.9f * 0.5f;
      if (kind == BLASCONV_ADAM)
        expected = 2.0f - 0.125f;
      ck_assert(fabsf(w - (decays ? expected : 2.0f)) <= 3e-7f);
    }
}
END_TEST

START_TEST(rate_zero_changes_no_value)
{
  support_random random = support_random_start(2);
  for (int kind = 0; kind < descent_kinds; ++kind) {
    descent_network *net = descent_network_create(2, &random);
    const blasconv_optimizer optimizer = descent_rule(kind, 0.0f, 0.5f);
    support_tensor before = support_tensor_copy(&net->values[6]);
    descent_step(&optimizer, 1, net->parameters, descent_tensors, 2);
    ck_assert(support_tensor_same(&before, &net->values[6]));
    support_tensor_free(&before);
    descent_network_free(net);
  }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("descent");
  support_add(suite, every_rule_is_followed_step_by_step);
  support_add(suite, gradient_descent_in_a_bowl_has_its_closed_form);
  support_add(suite, heavy_ball_in_a_bowl_has_its_closed_form);
  support_add(suite, rosenbrock_is_descended_as_in_double);
  support_add(suite, adam_takes_steps_of_the_rate);
  support_add(suite, late_steps_have_no_bias_correction);
  support_add(suite, betas_close_to_one_are_corrected);
  support_add(suite, weight_decay_reaches_only_what_decays);
  support_add(suite, rate_zero_changes_no_value);
  return support_run(suite);
}
