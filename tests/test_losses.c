/*
 * The losses over elements against their formulas in long double: values, gradients, extreme
 * elements, threads, refusals.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <blasconv/train.h>
#include <float.h>
#include <math.h>
#include <string.h>

/* Four of the smallest denormals. */
static const long double denormal_error = 0x1p-147L;

static const int32_t thread_counts[] = {1, 2, 3, 5, 16, 0};
enum { thread_kinds = sizeof thread_counts / sizeof *thread_counts };

/* ---------------------------------------------------------------------------------------------
 * Losses over elements
 * ------------------------------------------------------------------------------------------ */

typedef blasconv_status element_loss(int64_t count, const float *x, const float *targets,
                                     int32_t threads, double *loss, float *gradient);

typedef struct element_result {
  long double loss, gradient;
} element_result;

static element_result exact_squared(long double x, long double t)
{
  return (element_result){(x - t) * (x - t), 2.0L * (x - t)};
}

/* With u = exp(-|x|): both results as sums of terms of one sign wherever t is 0 or 1. */
static element_result exact_binary(long double x, long double t)
{
  const long double u = expl(-fabsl(x)), wrong = x > 0.0L ? 1.0L - t : t;
  const long double linear = wrong == 0.0L ? 0.0L : fabsl(x) * wrong;
  return (element_result){linear + log1pl(u),
                          x > 0.0L ? (1.0L - t) - u / (1.0L + u) : u / (1.0L + u) - t};
}

typedef struct element_kind {
  element_loss *loss;
  element_result (*exact)(long double x, long double t);
} element_kind;

static const element_kind element_kinds[] = {
    {blasconv_mean_squared_error, exact_squared},
    {blasconv_binary_cross_entropy, exact_binary},
};

static void check_elements(const element_kind *kind, const support_tensor *x,
                           const support_tensor *targets)
{
  support_tensor gradient = support_tensor_poisoned(x->count);
  double loss = NAN;
  ck_assert_int_eq(kind->loss(x->count, x->data, targets->data, 2, &loss, gradient.data),
                   BLASCONV_SUCCESS);
  const long double count = (long double)x->count;
  long double exact = 0.0L;
  for (int64_t i = 0; i < x->count; ++i) {
    const long double t = (long double)targets->data[i];
    const element_result e = kind->exact((long double)x->data[i], t);
    exact += e.loss / count;
    const long double error = fabsl((long double)gradient.data[i] - e.gradient / count);
    const bool certain = t == 0.0L || t == 1.0L;
    support_assert(error <= 3e-7L * (certain ? fabsl(e.gradient) : fabsl(e.gradient) + t) / count +
                                denormal_error,
                   "x %g, target %g: gradient %g, not %Lg", (double)x->data[i], (double)t,
                   (double)gradient.data[i], e.gradient / count);
  }
  support_assert(fabsl((long double)loss - exact) <= 2e-7L * exact + denormal_error,
                 "%.17g, not %.17Lg", loss, exact);
  support_tensor_check(&gradient, "gradient");
  support_tensor_free(&gradient);
}

/* Targets [count]: 0, 1 and numbers between. */
static support_tensor create_targets(int64_t count, support_random *random)
{
  support_tensor targets = support_tensor_random(count, random);
  for (int64_t i = 0; i < count; ++i) {
    const float t = fabsf(targets.data[i]);
    targets.data[i] = t < 0.25f ? 0.0f : t > 0.75f ? 1.0f : t;
  }
  return targets;
}

START_TEST(element_losses_match_their_formulas)
{
  static const int64_t counts[] = {1, 2, 15, 16, 17, 100, 4095, 4096, 4097, 16384, 50001};
  static const float sizes[] = {0.001f, 1.0f, 20.0f, 100.0f};
  support_random random = support_random_start(11);
  for (size_t i = 0; i < sizeof counts / sizeof *counts; ++i)
    for (size_t j = 0; j < sizeof sizes / sizeof *sizes; ++j) {
      support_tensor x = support_tensor_random(counts[i], &random);
      support_tensor targets = create_targets(counts[i], &random);
      for (int64_t k = 0; k < x.count; ++k)
        x.data[k] *= sizes[j];
      check_elements(&element_kinds[0], &x, &targets);
      check_elements(&element_kinds[1], &x, &targets);
      support_tensor_free(&targets);
      support_tensor_free(&x);
    }
}
END_TEST

/* One element at a time, so that no other hides its value. */
START_TEST(extreme_elements_match_their_formulas)
{
  static const float xs[] = {0.0f,  -0.0f,  1e-45f, -1e-38f, 1e-8f, 15.0f,  -17.0f,  80.0f,
                             88.8f, -88.8f, 104.0f, -104.0f, 1e30f, -1e30f, FLT_MAX, -FLT_MAX};
  static const float ts[] = {0.0f, 1.0f, 0.5f, 1e-30f, 0.99999994f};
  support_tensor x = support_tensor_poisoned(1), t = support_tensor_poisoned(1);
  for (size_t i = 0; i < sizeof xs / sizeof *xs; ++i)
    for (size_t j = 0; j < sizeof ts / sizeof *ts; ++j) {
      x.data[0] = xs[i];
      t.data[0] = ts[j];
      for (int k = 0; k < 2; ++k)
        if (k == 1 || fabsf(xs[i]) < 1e38f) /* twice that is no float */
          check_elements(&element_kinds[k], &x, &t);
    }
  support_tensor_free(&x);
  support_tensor_free(&t);
}
END_TEST

START_TEST(infinite_and_nan_logits_of_binary_cross_entropy)
{
  static const struct {
    float x, target;
    double loss;
    float gradient;
  } cases[] = {{INFINITY, 1.0f, 0.0, 0.0f},
               {-INFINITY, 0.0f, 0.0, 0.0f},
               {INFINITY, 0.0f, (double)INFINITY, 1.0f},
               {-INFINITY, 1.0f, (double)INFINITY, -1.0f},
               {-INFINITY, 0.25f, (double)INFINITY, -0.25f}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    double loss = NAN;
    float gradient = NAN;
    blasconv_binary_cross_entropy(1, &cases[i].x, &cases[i].target, 1, &loss, &gradient);
    ck_assert(loss == cases[i].loss && gradient == cases[i].gradient);
  }
  for (size_t k = 0; k < 2; ++k) {
    const float x[3] = {1.0f, NAN, 1.0f}, targets[3] = {0.0f, 0.0f, 1.0f};
    double loss = 0.0;
    float gradient[3];
    element_kinds[k].loss(3, x, targets, 1, &loss, gradient);
    ck_assert(isnan(loss) && isnan(gradient[1]) && !isnan(gradient[0]) && !isnan(gradient[2]));
  }
}
END_TEST

START_TEST(element_losses_same_for_threads_places_and_parts)
{
  support_random random = support_random_start(12);
  const int64_t count = 5000000; /* more than a slot for each task's worth */
  support_tensor x = support_tensor_random(count, &random);
  support_tensor targets = create_targets(count, &random);
  support_tensor first = support_tensor_poisoned(count), other = support_tensor_poisoned(count);
  for (size_t k = 0; k < 2; ++k) {
    double expected = NAN, loss = NAN, exact = 0.0;
    element_kinds[k].loss(count, x.data, targets.data, 1, &expected, first.data);
    for (int64_t i = 0; i < count; ++i)
      exact +=
          (double)element_kinds[k].exact((long double)x.data[i], (long double)targets.data[i]).loss;
    ck_assert(fabs(expected - exact / (double)count) <= 1e-7 * expected);
    for (int j = 0; j < thread_kinds; ++j) {
      element_kinds[k].loss(count, x.data, targets.data, thread_counts[j], &loss, other.data);
      ck_assert(loss == expected && support_tensor_same(&first, &other));
    }
    element_kinds[k].loss(count, x.data, targets.data, 2, &loss, NULL);
    ck_assert(loss == expected);
    memset(other.data, 0xFF, other.memory.bytes);
    element_kinds[k].loss(count, x.data, targets.data, 2, NULL, other.data);
    ck_assert(support_tensor_same(&first, &other));
    memcpy(other.data, x.data, other.memory.bytes);
    element_kinds[k].loss(count, other.data, targets.data, 2, &loss, other.data);
    ck_assert(loss == expected && support_tensor_same(&first, &other));
  }
  support_tensor_free(&other);
  support_tensor_free(&first);
  support_tensor_free(&targets);
  support_tensor_free(&x);
}
END_TEST

START_TEST(element_losses_refuse)
{
  static const struct {
    int64_t count;
    int32_t threads;
    blasconv_status status;
  } bad[] = {{-1, 1, BLASCONV_BAD_SIZE},
             {PTRDIFF_MAX / (int64_t)sizeof(float) + 1, 1, BLASCONV_OVERFLOW},
             {2, -1, BLASCONV_BAD_SIZE},
             {2, 4097, BLASCONV_BAD_SIZE}};
  static const float bad_targets[] = {-1e-30f, 1.0000001f, NAN, INFINITY};
  const float x[2] = {1.0f, 2.0f};
  float gradient[2] = {7.0f, 7.0f};
  double loss = 7.0;
  for (size_t k = 0; k < 2; ++k) {
    element_loss *function = element_kinds[k].loss;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i)
      ck_assert_int_eq(function(bad[i].count, x, x, bad[i].threads, &loss, gradient),
                       bad[i].status);
    ck_assert_int_eq(function(2, NULL, x, 1, &loss, gradient), BLASCONV_NULL_POINTER);
    ck_assert_int_eq(function(2, x, NULL, 1, &loss, gradient), BLASCONV_NULL_POINTER);
  }
  for (size_t i = 0; i < sizeof bad_targets / sizeof *bad_targets; ++i) {
    const float targets[2] = {0.0f, bad_targets[i]};
    ck_assert_int_eq(blasconv_binary_cross_entropy(2, x, targets, 1, &loss, gradient),
                     BLASCONV_BAD_ARGUMENT);
  }
  ck_assert(loss == 7.0 && gradient[0] == 7.0f && gradient[1] == 7.0f);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("losses");
  support_add(suite, element_losses_match_their_formulas);
  support_add(suite, extreme_elements_match_their_formulas);
  support_add(suite, infinite_and_nan_logits_of_binary_cross_entropy);
  support_add(suite, element_losses_same_for_threads_places_and_parts);
  support_add(suite, element_losses_refuse);
  return support_run(suite);
}
