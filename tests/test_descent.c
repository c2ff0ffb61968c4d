/*
 * Gradient descent against its rules in double precision, closed forms, clipping, schedules,
 * threads, instruction sets and refusals.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "cpu.h"
#include "kernels/descent.h"
#include "support.h"

#include <blasconv/train.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { kinds = 5 };

static const int32_t thread_counts[] = {1, 2, 3, 5, 16, 0};
enum { thread_kinds = sizeof thread_counts / sizeof *thread_counts };

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
 * Parameters
 * ------------------------------------------------------------------------------------------ */

static const int64_t sizes[] = {0, 1, 7, 16384, 0, 16385, 100003, 3};
enum { tensors = sizeof sizes / sizeof *sizes };

/* Random tensors of all the sizes, every other one decaying, with zero state. */
typedef struct network {
  support_tensor values[tensors], gradient[tensors], state[tensors];
  blasconv_parameter parameters[tensors];
} network;

static network *create_network(int32_t states, support_random *random)
{
  network *net = calloc(1, sizeof *net);
  for (int i = 0; i < tensors; ++i) {
    net->values[i] = support_tensor_random(sizes[i], random);
    net->gradient[i] = support_tensor_random(sizes[i], random);
    net->state[i] = support_tensor_poisoned(states * sizes[i]);
    for (int64_t j = 0; j < net->state[i].count; ++j)
      net->state[i].data[j] = 0.0f;
    net->parameters[i] = (blasconv_parameter){sizes[i], net->values[i].data, net->gradient[i].data,
                                              net->state[i].data, i % 2};
  }
  return net;
}

static void free_network(network *net)
{
  for (int i = 0; i < tensors; ++i) {
    support_tensor_check(&net->values[i], "values");
    support_tensor_check(&net->gradient[i], "gradient");
    support_tensor_check(&net->state[i], "state");
    support_tensor_free(&net->values[i]);
    support_tensor_free(&net->gradient[i]);
    support_tensor_free(&net->state[i]);
  }
  free(net);
}

static bool same_network(const network *one, const network *other)
{
  bool same = true;
  for (int i = 0; i < tensors; ++i)
    same = same && support_tensor_same(&one->values[i], &other->values[i]) &&
           support_tensor_same(&one->gradient[i], &other->gradient[i]) &&
           support_tensor_same(&one->state[i], &other->state[i]);
  return same;
}

static void step(const blasconv_optimizer *optimizer, int64_t t, const blasconv_parameter *list,
                 int64_t count, int32_t threads)
{
  ck_assert_int_eq(blasconv_optimizer_step(optimizer, t, list, count, threads), BLASCONV_SUCCESS);
}

static blasconv_optimizer optimizer_of(int kind, float rate, float decay)
{
  blasconv_optimizer optimizer = blasconv_optimizer_of((blasconv_optimizer_kind)kind, rate);
  optimizer.weight_decay = decay;
  return optimizer;
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
    step(optimizer, t, &parameter, 1, 2);
    for (int64_t i = 0; i < count; ++i) {
      const double bound = (1e-6 + 2e-8 * (double)t) * (1.0 + fabs(exact[i].w));
      ck_assert_msg(fabs((double)values.data[i] - exact[i].w) <= bound,
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
  for (int kind = 0; kind < kinds; ++kind)
    for (size_t i = 0; i < sizeof counts / sizeof *counts; ++i)
      for (int decays = 0; decays < 2; ++decays) {
        blasconv_optimizer optimizer = optimizer_of(kind, 0.01f, 0.03f);
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
    step(&optimizer, t, &parameter, 1, 1);
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
    step(&optimizer, t, &parameter, 1, 1);
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
  static const float rates[kinds] = {0.001f, 0.0005f, 0.0005f, 0.02f, 0.02f};
  for (int kind = 0; kind < kinds; ++kind) {
    const blasconv_optimizer optimizer = optimizer_of(kind, rates[kind], 0.0f);
    float w[2] = {-1.2f, 1.0f}, gradient[2], state[4] = {0.0f};
    learner exact[2] = {{(double)w[0], 0.0, 0.0}, {(double)w[1], 0.0, 0.0}};
    const blasconv_parameter parameter = {2, w, gradient, state, 0};
    for (int t = 1; t <= 8000; ++t) {
      double slope[2];
      rosenbrock((double)w[0], (double)w[1], slope);
      gradient[0] = (float)slope[0];
      gradient[1] = (float)slope[1];
      step(&optimizer, t, &parameter, 1, 1);
      rosenbrock(exact[0].w, exact[1].w, slope);
      for (int i = 0; i < 2; ++i)
        move(&optimizer, t, false, slope[i], &exact[i]);
      if (t <= 300)
        ck_assert(fabs((double)w[0] - exact[0].w) <= 1e-3 &&
                  fabs((double)w[1] - exact[1].w) <= 1e-3);
    }
    const double away = hypot((double)w[0] - 1.0, (double)w[1] - 1.0);
    ck_assert_msg(away <= (kind == BLASCONV_SGD ? 0.1 : 0.02), "kind %d ends %g away", kind, away);
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
    step(&optimizer, t, &parameter, 1, 1);
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
    step(&optimizer, late[i], &parameter, 1, 1);
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
    step(&optimizer, t, &parameter, 1, 1);
    ck_assert(fabsf(w + 0.5f * (float)t) <= 1e-6f);
  }
}
END_TEST

/* Without a gradient AdamW shrinks what decays by rate * decay, Adam moves it by the rate. */
START_TEST(weight_decay_reaches_only_what_decays)
{
  for (int kind = 0; kind < kinds; ++kind)
    for (int decays = 0; decays < 2; ++decays) {
      const blasconv_optimizer optimizer = optimizer_of(kind, 0.125f, 0.25f);
      float w = 2.0f, gradient = 0.0f, state[2] = {0.0f, 0.0f};
      const blasconv_parameter parameter = {1, &w, &gradient, state, decays};
      step(&optimizer, 1, &parameter, 1, 1);
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
  for (int kind = 0; kind < kinds; ++kind) {
    network *net = create_network(2, &random);
    const blasconv_optimizer optimizer = optimizer_of(kind, 0.0f, 0.5f);
    support_tensor before = support_tensor_copy(&net->values[6]);
    step(&optimizer, 1, net->parameters, tensors, 2);
    ck_assert(support_tensor_same(&before, &net->values[6]));
    support_tensor_free(&before);
    free_network(net);
  }
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Many parameters, threads, instruction sets
 * ------------------------------------------------------------------------------------------ */

/* All tensors in one call as each of them alone, for any number of threads. */
START_TEST(many_parameters_move_as_each_alone)
{
  for (int kind = 0; kind < kinds; ++kind) {
    const blasconv_optimizer optimizer = optimizer_of(kind, 0.01f, 0.1f);
    const int32_t states = blasconv_optimizer_states(optimizer.kind);
    support_random random = support_random_start(3);
    network *alone = create_network(states, &random);
    for (int64_t t = 1; t <= 3; ++t)
      for (int i = 0; i < tensors; ++i)
        for (int64_t j = 0; j < sizes[i]; j += 5000) /* in pieces with states of their own */
          if (states < 2)
            step(&optimizer, t,
                 &(blasconv_parameter){sizes[i] - j < 5000 ? sizes[i] - j : 5000,
                                       alone->values[i].data + j, alone->gradient[i].data + j,
                                       states ? alone->state[i].data + j : NULL, i % 2},
                 1, 1);
          else if (j == 0)
            step(&optimizer, t, &alone->parameters[i], 1, 1);
    for (int k = 0; k < thread_kinds; ++k) {
      random = support_random_start(3);
      network *net = create_network(states, &random);
      for (int64_t t = 1; t <= 3; ++t)
        step(&optimizer, t, net->parameters, tensors, thread_counts[k]);
      ck_assert(same_network(alone, net));
      free_network(net);
    }
    free_network(alone);
  }
}
END_TEST

static const bc_descent_kernels *const tables[] = {
    &bc_descent_kernels_generic,
#ifdef BC_X86_KERNELS
    &bc_descent_kernels_avx2,
    &bc_descent_kernels_avx512,
#endif
};

static bool same_bits(const void *one, const void *other, size_t bytes)
{
  return memcmp(one, other, bytes) == 0;
}

enum { row = 5000, rows_written = 12 };

/* Everything that a table computes of rows of n: sums, and written rows one after the other. */
typedef struct table_results {
  double sums[6];
  float written[rows_written][row];
} table_results;

static void use_table(const bc_descent_kernels *k, const float *x, const float *t, int64_t n,
                      table_results *r)
{
  memset(r, 0, sizeof *r);
  r->sums[0] = (double)k->largest(x, n);
  r->sums[1] = (double)k->within(t, 0.0f, 1.0f, n);
  r->sums[2] = k->squares(x, n);
  r->sums[3] = k->below_top(t, k->largest(x, n), x, n);
  r->sums[4] = k->squared_error(x, t, n);
  r->sums[5] = k->binary(x, t, n);
  k->exponentials(x, 1.5f, r->written[0], n);
  k->scale(1.0 / 3.0, x, r->written[1], n);
  for (int64_t i = 0; i < n; ++i)
    r->written[2][i] = x[i];
  k->subtract_targets(t, 1.0 / 3.0, 7.0, r->written[2], n);
  k->squared_error_gradient(x, t, 1.0 / 3.0, r->written[3], n);
  k->binary_gradient(x, t, 1.0 / 3.0, r->written[4], n);
  for (int kind = 0; kind < kinds; ++kind) {
    const bc_descent_rule rule = {.kind = (blasconv_optimizer_kind)kind,
                                  .rate = 0.1f,
                                  .decay = 0.01f,
                                  .shrink = 0.02f,
                                  .momentum = 0.9f,
                                  .beta1 = 0.9f,
                                  .rest1 = 0.1f,
                                  .beta2 = 0.999f,
                                  .rest2 = 0.001f,
                                  .square_scale = 1.7f,
                                  .epsilon = 1e-8f};
    for (int i = 0; i < 3; ++i)
      k->step(&rule, x, r->written[10], r->written[11], r->written[5 + kind], n);
  }
}

START_TEST(instruction_sets_give_the_same_bits)
{
  support_random random = support_random_start(4);
  table_results *first = malloc(sizeof *first), *other = malloc(sizeof *other);
  for (int64_t n = 0; n <= row; n = n < 70 ? n + 1 : n * 4 + 31) {
    support_tensor x = support_tensor_random(n, &random), t = support_tensor_random(n, &random);
    for (int64_t i = 0; i < n; ++i) {
      x.data[i] *= i % 3 == 0 ? 100.0f : 3.0f;
      t.data[i] = fabsf(t.data[i]);
    }
    use_table(tables[0], x.data, t.data, n, first);
    for (int isa = 1; isa <= (int)bc_cpu_isa(); ++isa) {
      use_table(tables[isa], x.data, t.data, n, other);
      ck_assert_msg(same_bits(first, other, sizeof *first), "%d elements, instruction set %d",
                    (int)n, isa);
    }
    support_tensor_free(&t);
    support_tensor_free(&x);
  }
  free(other);
  free(first);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Clipping
 * ------------------------------------------------------------------------------------------ */

static double clip(const network *net, double limit, int32_t threads)
{
  double norm = NAN;
  ck_assert_int_eq(blasconv_gradient_clip(net->parameters, tensors, limit, threads, &norm),
                   BLASCONV_SUCCESS);
  return norm;
}

START_TEST(clipping_scales_to_the_limit)
{
  for (int k = 0; k < thread_kinds; ++k) {
    support_random random = support_random_start(5);
    network *net = create_network(0, &random);
    random = support_random_start(5);
    network *before = create_network(0, &random);
    long double squares = 0.0L;
    for (int i = 0; i < tensors; ++i)
      for (int64_t j = 0; j < sizes[i]; ++j)
        squares += (long double)net->gradient[i].data[j] * (long double)net->gradient[i].data[j];
    const double exact = (double)sqrtl(squares), norm = clip(net, 2.0, thread_counts[k]);
    ck_assert(fabs(norm - exact) <= 1e-13 * exact);
    for (int i = 0; i < tensors; ++i) {
      ck_assert(support_tensor_same(&before->values[i], &net->values[i]));
      for (int64_t j = 0; j < sizes[i]; ++j) {
        const float expected = (float)((double)before->gradient[i].data[j] * (2.0 / norm));
        ck_assert(net->gradient[i].data[j] == expected);
      }
    }
    ck_assert(fabs(clip(net, 1e9, 2) - 2.0) <= 1e-6);
    free_network(before);
    free_network(net);
  }
}
END_TEST

START_TEST(gradients_within_the_limit_or_not_finite_are_left_alone)
{
  static const float odd[] = {1.0f, INFINITY, -INFINITY, NAN};
  for (size_t i = 0; i < sizeof odd / sizeof *odd; ++i) {
    support_random random = support_random_start(6);
    network *net = create_network(0, &random);
    random = support_random_start(6);
    network *before = create_network(0, &random);
    net->gradient[6].data[77777] = before->gradient[6].data[77777] = odd[i];
    const double norm = clip(net, INFINITY, 2), limit = isfinite(norm) ? norm : 1.0;
    ck_assert(isnan(odd[i]) ? isnan(norm) : isinf(odd[i]) ? isinf(norm) : norm > 100.0);
    clip(net, limit, 2);
    clip(net, 1.5 * limit, 2);
    ck_assert(same_network(net, before));
    free_network(before);
    free_network(net);
  }
}
END_TEST

START_TEST(norms_of_large_and_small_floats_are_exact)
{
  static const struct {
    float gradient[2];
    double norm;
  } cases[] = {{{3e38f, 0.0f}, 3e38},
               {{3.0f, 4.0f}, 5.0},
               {{3e-38f, -4e-38f}, 5e-38},
               {{0x1p-149f, 0.0f}, 0x1p-149},
               {{0.0f, 0.0f}, 0.0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    float gradient[2] = {cases[i].gradient[0], cases[i].gradient[1]};
    const blasconv_parameter parameter = {2, NULL, gradient, NULL, 7};
    double norm = NAN;
    ck_assert_int_eq(blasconv_gradient_clip(&parameter, 1, 1e-3, 1, &norm), BLASCONV_SUCCESS);
    ck_assert(fabs(norm - cases[i].norm) <= 1e-7 * cases[i].norm);
    if (norm > 1e-3)
      ck_assert(fabs(hypot((double)gradient[0], (double)gradient[1]) - 1e-3) <= 1e-9);
    else
      ck_assert(memcmp(gradient, cases[i].gradient, sizeof gradient) == 0);
  }
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Schedules
 * ------------------------------------------------------------------------------------------ */

static double rate_of(const blasconv_schedule *schedule, int64_t t)
{
  double rate = NAN;
  ck_assert_int_eq(blasconv_schedule_rate(schedule, t, &rate), BLASCONV_SUCCESS);
  return rate;
}

static void check_schedule(const blasconv_schedule *schedule)
{
  const double pi = acos(-1.0), first = schedule->rate, last = schedule->last_rate;
  for (int64_t s = 1; s <= 60; ++s) {
    double expected = first * (double)s / (double)(schedule->warm_up + 1);
    if (s > schedule->warm_up) {
      const int64_t t = s - schedule->warm_up;
      expected = first;
      if (schedule->kind == BLASCONV_SCHEDULE_STEP)
        for (int64_t drop = schedule->period; drop <= t - 1; drop += schedule->period)
          expected *= schedule->factor;
      if (schedule->kind == BLASCONV_SCHEDULE_COSINE)
        expected =
            t >= schedule->period
                ? last
                : last + (first - last) / 2.0 *
                             (1.0 + cos(pi * (double)(t - 1) / (double)(schedule->period - 1)));
    }
    ck_assert(fabs(rate_of(schedule, s) - expected) <= 1e-14 * (first + last));
  }
}

START_TEST(schedules_follow_their_formulas)
{
  static const int64_t periods[] = {1, 2, 3, 10, 50, 1000}, warm_ups[] = {0, 1, 5, 59, 100};
  for (int kind = 0; kind < 3; ++kind)
    for (size_t i = 0; i < sizeof periods / sizeof *periods; ++i)
      for (size_t j = 0; j < sizeof warm_ups / sizeof *warm_ups; ++j) {
        blasconv_schedule schedule = blasconv_schedule_of((blasconv_schedule_kind)kind, 0.3);
        schedule.factor = 0.7;
        schedule.last_rate = 0.01;
        schedule.period = periods[i];
        schedule.warm_up = warm_ups[j];
        check_schedule(&schedule);
      }
}
END_TEST

START_TEST(schedules_have_exact_ends)
{
  blasconv_schedule schedule = blasconv_schedule_of(BLASCONV_SCHEDULE_COSINE, 0.3);
  schedule.last_rate = 0.1;
  schedule.period = 17;
  ck_assert(rate_of(&schedule, 1) == 0.3 && rate_of(&schedule, 17) == 0.1);
  ck_assert(rate_of(&schedule, 18) == 0.1 && rate_of(&schedule, INT64_MAX) == 0.1);
  schedule.warm_up = INT64_MAX;
  ck_assert(rate_of(&schedule, 1) > 0.0 && rate_of(&schedule, INT64_MAX) <= 0.3);
  schedule = blasconv_schedule_of(BLASCONV_SCHEDULE_STEP, 0.3);
  ck_assert(rate_of(&schedule, 1) == 0.3 && rate_of(&schedule, INT64_MAX) == 0.0);
  schedule.rate = 0.0;
  ck_assert(rate_of(&schedule, 5) == 0.0);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Refusals
 * ------------------------------------------------------------------------------------------ */

START_TEST(states_are_counted)
{
  static const int32_t states[kinds] = {0, 1, 1, 2, 2};
  for (int kind = 0; kind < kinds; ++kind)
    ck_assert_int_eq(blasconv_optimizer_states((blasconv_optimizer_kind)kind), states[kind]);
  ck_assert_int_eq(blasconv_optimizer_states((blasconv_optimizer_kind)kinds), 0);
}
END_TEST

START_TEST(nothing_to_move_is_no_error)
{
  const blasconv_parameter empty = {0, NULL, NULL, NULL, 1};
  double norm = NAN;
  for (int kind = 0; kind < kinds; ++kind) {
    const blasconv_optimizer optimizer = optimizer_of(kind, 0.1f, 0.1f);
    step(&optimizer, 1, NULL, 0, 1);
    step(&optimizer, 1, &empty, 1, 1);
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
      optimizer_of(kind, 0.5f, 0.5f), 1, 2, {1, spare, spare + 1, spare + 2, 1}, 1, false, false};
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
  ck_assert_msg(got == status, "%s: status %d, not %d", what, (int)got, (int)status);
  ck_assert_msg(values == 7.0f && state[0] == 7.0f && state[1] == 7.0f, "%s: written", what);
  for (int i = 0; i < 4; ++i)
    ck_assert_msg(spare[i] == 7.0f, "%s: written", what);
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
  c = plain_call(kinds);
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
    for (int kind = 0; kind < kinds; ++kind) {
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
        step(&c.optimizer, 1, NULL, 0, 1);
      for (int number = 0; number < 3; ++number) {
        c = plain_call(kind);
        *(number == 0   ? &c.optimizer.beta1
          : number == 1 ? &c.optimizer.beta2
                        : &c.optimizer.epsilon) =
            number == 2 ? (i == 0 ? 0.0f : bad_sizes[i]) : bad_factors[i];
        if (kind == BLASCONV_ADAM || kind == BLASCONV_ADAMW)
          check_step_refused(&c, BLASCONV_BAD_ARGUMENT, "Adam's numbers");
        else
          step(&c.optimizer, 1, NULL, 0, 1);
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

static void check_rate_refused(blasconv_schedule schedule, int64_t t, blasconv_status status,
                               const char *what)
{
  double rate = 7.0;
  ck_assert_msg(blasconv_schedule_rate(&schedule, t, &rate) == status && rate == 7.0, "%s", what);
}

START_TEST(schedules_refuse)
{
  static const double bad[] = {-0.1, NAN, HUGE_VAL};
  const blasconv_schedule by_step = blasconv_schedule_of(BLASCONV_SCHEDULE_STEP, 0.1);
  const blasconv_schedule cosine = blasconv_schedule_of(BLASCONV_SCHEDULE_COSINE, 0.1);
  blasconv_schedule s;
  double rate = 7.0;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    check_rate_refused((s = by_step, s.rate = bad[i], s), 1, BLASCONV_BAD_ARGUMENT, "rate");
    check_rate_refused((s = by_step, s.factor = bad[i], s), 1, BLASCONV_BAD_ARGUMENT, "factor");
    check_rate_refused((s = cosine, s.last_rate = bad[i], s), 1, BLASCONV_BAD_ARGUMENT, "last");
  }
  check_rate_refused((s = by_step, s.factor = 0.0, s), 1, BLASCONV_BAD_ARGUMENT, "factor 0");
  check_rate_refused((s = by_step, s.factor = 1.1, s), 1, BLASCONV_BAD_ARGUMENT, "factor 1.1");
  check_rate_refused((s = by_step, s.period = 0, s), 1, BLASCONV_BAD_ARGUMENT, "period");
  check_rate_refused((s = cosine, s.period = 0, s), 1, BLASCONV_BAD_ARGUMENT, "period");
  check_rate_refused((s = cosine, s.warm_up = -1, s), 1, BLASCONV_BAD_ARGUMENT, "warm-up");
  check_rate_refused(cosine, 0, BLASCONV_BAD_ARGUMENT, "step 0");
  check_rate_refused((s = cosine, s.struct_size = 0, s), 1, BLASCONV_VERSION_MISMATCH, "size");
  check_rate_refused((s = cosine, s.kind = (blasconv_schedule_kind)3, s), 1, BLASCONV_BAD_ARGUMENT,
                     "kind");
  ck_assert_int_eq(blasconv_schedule_rate(NULL, 1, &rate), BLASCONV_NULL_POINTER);
  ck_assert_int_eq(blasconv_schedule_rate(&cosine, 1, NULL), BLASCONV_NULL_POINTER);
  ck_assert(rate == 7.0);
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
  support_add(suite, many_parameters_move_as_each_alone);
  support_add(suite, instruction_sets_give_the_same_bits);
  support_add(suite, clipping_scales_to_the_limit);
  support_add(suite, gradients_within_the_limit_or_not_finite_are_left_alone);
  support_add(suite, norms_of_large_and_small_floats_are_exact);
  support_add(suite, schedules_follow_their_formulas);
  support_add(suite, schedules_have_exact_ends);
  support_add(suite, states_are_counted);
  support_add(suite, nothing_to_move_is_no_error);
  support_add(suite, steps_refuse_bad_parameters);
  support_add(suite, steps_refuse_bad_calls);
  support_add(suite, steps_refuse_bad_numbers);
  support_add(suite, clipping_refuses);
  support_add(suite, schedules_refuse);
  return support_run(suite);
}
