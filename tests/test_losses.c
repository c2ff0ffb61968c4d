/*
 * Softmax and the losses against their formulas in long double: values, gradients, extreme logits,
 * places, threads and refusals.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <blasconv/train.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { most_classes = 3000 };

static const int32_t thread_counts[] = {1, 2, 3, 5, 16, 0};
enum { thread_kinds = sizeof thread_counts / sizeof *thread_counts };

/* ---------------------------------------------------------------------------------------------
 * The formulas
 * ------------------------------------------------------------------------------------------ */

/* The log of a row's sum of exponentials, less x_i, from its largest logit and log1p of what the
 * others add: terms that are not negative. */
typedef struct row_sum {
  long double top, log_rest;
} row_sum;

static row_sum add_row(const float *x, int64_t classes)
{
  int64_t top = 0;
  for (int64_t j = 1; j < classes; ++j)
    top = x[j] > x[top] ? j : top;
  long double others = 0.0L;
  for (int64_t j = 0; j < classes; ++j)
    others += j == top ? 0.0L : expl((long double)x[j] - (long double)x[top]);
  return (row_sum){(long double)x[top], log1pl(others)};
}

static long double distance(row_sum sum, float x)
{
  return (sum.top - (long double)x) + sum.log_rest;
}

/* Rows of logits with their labels and targets, and room for results. */
typedef struct rows {
  int64_t batch, classes;
  support_tensor logits, targets, gradient; /* [batch][classes] */
  int32_t *labels;                          /* [batch] */
} rows;

/* Targets are random, a quarter of them 0; their rows do not sum to 1. */
static rows create_rows(int64_t batch, int64_t classes, float size, support_random *random)
{
  const int64_t n = batch * classes;
  rows r = {batch,
            classes,
            support_tensor_random(n, random),
            support_tensor_random(n, random),
            support_tensor_poisoned(n),
            calloc((size_t)batch + 1, sizeof(int32_t))};
  for (int64_t i = 0; i < n; ++i) {
    r.logits.data[i] *= size;
    r.targets.data[i] = r.targets.data[i] < -0.5f ? 0.0f : fabsf(r.targets.data[i]);
  }
  for (int64_t i = 0; i < batch; ++i)
    r.labels[i] = (int32_t)support_random_between(random, 0, classes - 1);
  return r;
}

static void free_rows(rows *r)
{
  support_tensor_check(&r->gradient, "gradient");
  support_tensor_free(&r->logits);
  support_tensor_free(&r->targets);
  support_tensor_free(&r->gradient);
  free(r->labels);
}

static void cross_entropy(const rows *r, bool labelled, int32_t threads, double *loss,
                          float *gradient)
{
  ck_assert_int_eq(blasconv_softmax_cross_entropy(
                       r->batch, r->classes, r->logits.data, labelled ? r->labels : NULL,
                       labelled ? NULL : r->targets.data, threads, loss, gradient),
                   BLASCONV_SUCCESS);
}

static long double target_of(const rows *r, bool labelled, int64_t row, int64_t i)
{
  if (labelled)
    return r->labels[row] == i ? 1.0L : 0.0L;
  return (long double)r->targets.data[row * r->classes + i];
}

static long double exact_loss(const rows *r, bool labelled)
{
  long double loss = 0.0L;
  for (int64_t row = 0; row < r->batch; ++row) {
    const float *x = r->logits.data + row * r->classes;
    const row_sum sum = add_row(x, r->classes);
    for (int64_t i = 0; i < r->classes; ++i) {
      const long double t = target_of(r, labelled, row, i);
      if (t > 0.0L)
        loss += t * distance(sum, x[i]);
    }
  }
  return loss / (long double)r->batch;
}

/* An exponential far below the top carries the rounding of x - top, up to 2^-18 of it, and one near
 * it up to 2^-21. */
static const long double far_error = 0x1p-17L, near_error = 0x1p-20L;

/* Four of the smallest denormals, which is what such an exponential is good to. */
static const long double denormal_error = 0x1p-147L;

static void check_row_gradient(const rows *r, bool labelled, int64_t row)
{
  const float *x = r->logits.data + row * r->classes;
  const long double batch = (long double)r->batch;
  const row_sum exact_sum = add_row(x, r->classes);
  long double sum = 0.0L;
  for (int64_t i = 0; i < r->classes; ++i)
    sum += target_of(r, labelled, row, i);
  for (int64_t i = 0; i < r->classes; ++i) {
    const long double t = target_of(r, labelled, row, i), away = distance(exact_sum, x[i]);
    const long double p = expl(-away);
    /* For a label p - 1 keeps its digits where p is close to 1. */
    const bool at_label = labelled && t > 0.0L;
    const long double exact = (at_label ? expm1l(-away) : p * sum - t) / batch;
    const long double scale = at_label ? fabsl(exact) : p * sum / batch + fabsl(exact);
    const long double error = p < 1e-6L || 1.0L - p < 1e-6L ? far_error : near_error;
    const float got = r->gradient.data[row * r->classes + i];
    ck_assert_msg(fabsl((long double)got - exact) <= error * scale + denormal_error,
                  "row %d class %d of %d: %.9g, not %.9Lg", (int)row, (int)i, (int)r->classes,
                  (double)got, exact);
  }
}

static void check_rows(const rows *r, bool labelled)
{
  double loss = NAN;
  cross_entropy(r, labelled, 2, &loss, r->gradient.data);
  const long double exact = exact_loss(r, labelled);
  ck_assert_msg(fabsl((long double)loss - exact) <= near_error * exact + denormal_error,
                "%d rows of %d: loss %.17g, not %.17Lg", (int)r->batch, (int)r->classes, loss,
                exact);
  for (int64_t row = 0; row < r->batch; ++row)
    check_row_gradient(r, labelled, row);
}

/* ---------------------------------------------------------------------------------------------
 * Cross-entropy
 * ------------------------------------------------------------------------------------------ */

START_TEST(cross_entropy_matches_its_formula)
{
  static const int64_t classes[] = {1, 2, 3, 10, 15, 16, 17, 33, 100, 129};
  static const float sizes[] = {0.01f, 1.0f, 10.0f, 60.0f, 3000.0f};
  support_random random = support_random_start(1);
  for (size_t i = 0; i < sizeof classes / sizeof *classes; ++i)
    for (size_t j = 0; j < sizeof sizes / sizeof *sizes; ++j) {
      rows r = create_rows(7, classes[i], sizes[j], &random);
      check_rows(&r, true);
      check_rows(&r, false);
      free_rows(&r);
    }
}
END_TEST

/* Longer than a chunk of exponentials, its length and the last of the next among them. */
START_TEST(cross_entropy_matches_with_many_classes)
{
  static const int64_t classes[] = {1000, 1024, 1025, 2048, most_classes};
  support_random random = support_random_start(2);
  for (size_t i = 0; i < sizeof classes / sizeof *classes; ++i) {
    rows r = create_rows(3, classes[i], 8.0f, &random);
    r.labels[0] = 0;
    r.labels[1] = (int32_t)classes[i] - 1;
    r.labels[2] = (int32_t)classes[i] / 2;
    double loss = NAN;
    for (int labelled = 0; labelled < 2; ++labelled) {
      cross_entropy(&r, labelled, 1, &loss, NULL);
      ck_assert(fabsl((long double)loss - exact_loss(&r, labelled)) <= 1e-7L * (long double)loss);
    }
    free_rows(&r);
    r = create_rows(1, classes[i], 8.0f, &random);
    check_rows(&r, true);
    check_rows(&r, false);
    free_rows(&r);
  }
}
END_TEST

static const struct {
  const char *what;
  int64_t classes;
  float logits[5];
} adversarial[] = {
    {"one class", 1, {-1e30f}},
    {"all equal", 5, {3.0f, 3.0f, 3.0f, 3.0f, 3.0f}},
    {"huge", 3, {1e30f, -1e30f, 1e30f}},
    {"largest floats", 3, {FLT_MAX, -FLT_MAX, 0.0f}},
    {"88", 4, {88.0f, 88.8f, 0.0f, -88.8f}},
    {"104", 4, {104.0f, 0.0f, 1.0f, -104.0f}},
    {"certain", 3, {60.0f, 0.0f, 20.0f}},
    {"all but certain", 3, {17.0f, 0.0f, -1.0f}},
    {"next to each other", 3, {1.0f, 0.99999994f, 0.9999999f}},
    {"denormal", 3, {1e-45f, -1e-45f, 0.0f}},
    {"signed zeros", 3, {-0.0f, 0.0f, -0.0f}},
    {"impossible class", 4, {1.0f, -INFINITY, 2.0f, -INFINITY}},
    {"one possible class", 3, {-INFINITY, -5.0f, -INFINITY}},
};

/* Each class in turn as the label; the loss of an impossible one is infinite. */
START_TEST(extreme_logits_neither_overflow_nor_lose_the_loss)
{
  support_random random = support_random_start(3);
  for (size_t i = 0; i < sizeof adversarial / sizeof *adversarial; ++i) {
    const int64_t classes = adversarial[i].classes;
    rows r = create_rows(1, classes, 1.0f, &random);
    memcpy(r.logits.data, adversarial[i].logits, (size_t)classes * sizeof(float));
    for (int32_t label = 0; label < classes; ++label) {
      r.labels[0] = label;
      if (isfinite(r.logits.data[label])) {
        check_rows(&r, true);
        continue;
      }
      double loss = NAN;
      cross_entropy(&r, true, 1, &loss, r.gradient.data);
      ck_assert_msg(loss == (double)INFINITY && r.gradient.data[label] == -1.0f, "%s",
                    adversarial[i].what);
    }
    for (int64_t j = 0; j < classes; ++j) /* no target for what is impossible */
      r.targets.data[j] = isfinite(r.logits.data[j]) ? r.targets.data[j] : 0.0f;
    check_rows(&r, false);
    free_rows(&r);
  }
}
END_TEST

/* The loss of a row with a lead of x is log(1 + exp(-x)), also where 1 + exp(-x) is 1. */
START_TEST(certain_rows_keep_their_small_loss_and_gradient)
{
  for (float lead = 1.0f; lead < 85.0f; lead += 1.0f) {
    const float logits[2] = {lead, 0.0f}, one_hot[2] = {1.0f, 0.0f};
    const int32_t label = 0;
    const double exact = log1p(exp(-(double)lead)), p = 1.0 / (1.0 + exp((double)lead));
    double loss = NAN;
    float gradient[2] = {NAN, NAN};
    ck_assert_int_eq(blasconv_softmax_cross_entropy(1, 2, logits, &label, NULL, 1, &loss, gradient),
                     BLASCONV_SUCCESS);
    ck_assert(fabs(loss - exact) <= 3e-7 * exact);
    ck_assert(fabs((double)gradient[0] + p) <= 3e-7 * p && gradient[1] == -gradient[0]);
    ck_assert_int_eq(blasconv_softmax_cross_entropy(1, 2, logits, NULL, one_hot, 1, &loss, NULL),
                     BLASCONV_SUCCESS);
    ck_assert(fabs(loss - exact) <= 3e-7 * exact);
  }
}
END_TEST

START_TEST(labels_and_one_hot_targets_agree)
{
  support_random random = support_random_start(4);
  rows r = create_rows(50, 23, 12.0f, &random);
  support_tensor other = support_tensor_poisoned(r.logits.count);
  for (int64_t i = 0; i < r.targets.count; ++i)
    r.targets.data[i] = r.labels[i / 23] == i % 23 ? 1.0f : 0.0f;
  double labelled = NAN, targeted = NAN;
  cross_entropy(&r, true, 1, &labelled, r.gradient.data);
  cross_entropy(&r, false, 1, &targeted, other.data);
  ck_assert(fabs(labelled - targeted) <= 1e-14 * labelled);
  for (int64_t i = 0; i < other.count; ++i)
    ck_assert(fabsf(other.data[i] - r.gradient.data[i]) <= 2.5e-7f * fabsf(r.gradient.data[i]));
  support_tensor_free(&other);
  free_rows(&r);
}
END_TEST

/* Logits that have no softmax: the loss and the row's whole gradient are NaN, other rows are not.
 */
START_TEST(rows_without_a_softmax_give_nan)
{
  static const float bad[][3] = {{NAN, 0.0f, 1.0f},
                                 {0.0f, 1.0f, NAN},
                                 {NAN, NAN, NAN},
                                 {INFINITY, 0.0f, 1.0f},
                                 {0.0f, INFINITY, INFINITY},
                                 {NAN, INFINITY, 0.0f},
                                 {-INFINITY, -INFINITY, -INFINITY}};
  support_random random = support_random_start(5);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i)
    for (int labelled = 0; labelled < 2; ++labelled) {
      rows r = create_rows(3, 3, 1.0f, &random);
      memcpy(r.logits.data + 3, bad[i], sizeof bad[i]);
      double loss = 0.0;
      cross_entropy(&r, labelled, 1, &loss, r.gradient.data);
      ck_assert(isnan(loss));
      for (int j = 0; j < 9; ++j)
        ck_assert(!isnan(r.gradient.data[j]) == (j / 3 != 1));
      ck_assert_int_eq(blasconv_softmax(3, 3, r.logits.data, 1, r.gradient.data), BLASCONV_SUCCESS);
      for (int j = 0; j < 9; ++j)
        ck_assert(!isnan(r.gradient.data[j]) == (j / 3 != 1));
      free_rows(&r);
    }
}
END_TEST

/* The gradient is that of the value: differences of the formula along each logit. */
START_TEST(cross_entropy_gradient_is_the_slope_of_the_formula)
{
  support_random random = support_random_start(6);
  const float step = 0x1p-6f; /* exact beside logits that are multiples of 2^-10 */
  for (int labelled = 0; labelled < 2; ++labelled) {
    rows r = create_rows(4, 6, 3.0f, &random);
    for (int64_t i = 0; i < r.logits.count; ++i)
      r.logits.data[i] = rintf(r.logits.data[i] * 0x1p10f) * 0x1p-10f;
    cross_entropy(&r, labelled, 1, NULL, r.gradient.data);
    for (int64_t i = 0; i < r.logits.count; ++i) {
      const float x = r.logits.data[i];
      long double difference[2]; /* over one step and over two, which cancels the third order */
      for (int steps = 1; steps <= 2; ++steps) {
        r.logits.data[i] = x + step * (float)steps;
        difference[steps - 1] = exact_loss(&r, labelled);
        r.logits.data[i] = x - step * (float)steps;
        difference[steps - 1] -= exact_loss(&r, labelled);
      }
      r.logits.data[i] = x;
      const long double slope =
          (8.0L * difference[0] - difference[1]) / (12.0L * (long double)step);
      ck_assert(fabsl((long double)r.gradient.data[i] - slope) <= 1e-7L);
    }
    free_rows(&r);
  }
}
END_TEST

/* The value alone, the gradient alone, both, in place, none: all the same. */
START_TEST(cross_entropy_results_may_be_left_out_and_in_place)
{
  support_random random = support_random_start(7);
  for (int labelled = 0; labelled < 2; ++labelled) {
    rows r = create_rows(9, 1500, 5.0f, &random);
    support_tensor alone = support_tensor_poisoned(r.logits.count);
    double both = NAN, value = NAN, in_place = NAN;
    cross_entropy(&r, labelled, 1, &both, r.gradient.data);
    cross_entropy(&r, labelled, 1, &value, NULL);
    cross_entropy(&r, labelled, 1, NULL, alone.data);
    cross_entropy(&r, labelled, 1, NULL, NULL);
    ck_assert(both == value && support_tensor_same(&alone, &r.gradient));
    cross_entropy(&r, labelled, 1, &in_place, r.logits.data);
    ck_assert(both == in_place && support_tensor_same(&r.logits, &r.gradient));
    support_tensor_free(&alone);
    free_rows(&r);
  }
}
END_TEST

START_TEST(cross_entropy_has_the_same_bits_for_any_number_of_threads)
{
  static const int64_t shapes[][2] = {{20000, 10}, {700, 1000}, {3, 100}, {2, 70000}};
  support_random random = support_random_start(8);
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i)
    for (int labelled = 0; labelled < 2; ++labelled) {
      rows r = create_rows(shapes[i][0], shapes[i][1], 5.0f, &random);
      support_tensor first = support_tensor_poisoned(r.logits.count);
      double expected = NAN, loss = NAN;
      cross_entropy(&r, labelled, 1, &expected, first.data);
      ck_assert(fabsl((long double)expected - exact_loss(&r, labelled)) <=
                1e-7L * (long double)expected);
      for (int j = 0; j < thread_kinds; ++j) {
        cross_entropy(&r, labelled, thread_counts[j], &loss, r.gradient.data);
        ck_assert(loss == expected && support_tensor_same(&first, &r.gradient));
      }
      support_tensor_free(&first);
      free_rows(&r);
    }
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Softmax
 * ------------------------------------------------------------------------------------------ */

static void check_softmax(const rows *r)
{
  for (int64_t row = 0; row < r->batch; ++row) {
    const float *x = r->logits.data + row * r->classes;
    const row_sum exact_sum = add_row(x, r->classes);
    long double sum = 0.0L;
    for (int64_t i = 0; i < r->classes; ++i) {
      const long double p = expl(-distance(exact_sum, x[i]));
      const long double got = (long double)r->gradient.data[row * r->classes + i];
      ck_assert(fabsl(got - p) <= (p < 1e-6L ? far_error : near_error) * p + denormal_error);
      sum += got;
    }
    ck_assert(fabsl(sum - 1.0L) <= 2e-7L);
  }
}

START_TEST(softmax_matches_its_formula)
{
  static const int64_t classes[] = {1, 2, 10, 17, 200, 1025};
  static const float sizes[] = {1.0f, 30.0f, 1e30f};
  support_random random = support_random_start(9);
  for (size_t i = 0; i < sizeof classes / sizeof *classes; ++i)
    for (size_t j = 0; j < sizeof sizes / sizeof *sizes; ++j) {
      rows r = create_rows(2, classes[i], sizes[j], &random);
      for (int k = 0; k < thread_kinds; ++k) {
        ck_assert_int_eq(
            blasconv_softmax(2, classes[i], r.logits.data, thread_counts[k], r.gradient.data),
            BLASCONV_SUCCESS);
        if (k == 0)
          check_softmax(&r);
      }
      support_tensor in_place = support_tensor_copy(&r.logits);
      ck_assert_int_eq(blasconv_softmax(2, classes[i], in_place.data, 1, in_place.data),
                       BLASCONV_SUCCESS);
      ck_assert(support_tensor_same(&in_place, &r.gradient));
      support_tensor_free(&in_place);
      free_rows(&r);
    }
  for (size_t i = 0; i < sizeof adversarial / sizeof *adversarial; ++i) {
    rows r = create_rows(1, adversarial[i].classes, 1.0f, &random);
    memcpy(r.logits.data, adversarial[i].logits, r.logits.memory.bytes);
    ck_assert_int_eq(blasconv_softmax(1, r.classes, r.logits.data, 1, r.gradient.data),
                     BLASCONV_SUCCESS);
    check_softmax(&r);
    free_rows(&r);
  }
}
END_TEST

START_TEST(softmax_of_many_rows_is_that_of_each)
{
  support_random random = support_random_start(10);
  rows r = create_rows(5000, 10, 4.0f, &random);
  support_tensor other = support_tensor_poisoned(r.logits.count);
  for (int64_t row = 0; row < r.batch; ++row)
    ck_assert_int_eq(
        blasconv_softmax(1, 10, r.logits.data + 10 * row, 1, r.gradient.data + 10 * row),
        BLASCONV_SUCCESS);
  for (int j = 0; j < thread_kinds; ++j) {
    ck_assert_int_eq(blasconv_softmax(r.batch, 10, r.logits.data, thread_counts[j], other.data),
                     BLASCONV_SUCCESS);
    ck_assert(support_tensor_same(&other, &r.gradient));
  }
  support_tensor_check(&other, "probabilities");
  support_tensor_free(&other);
  free_rows(&r);
}
END_TEST

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
    ck_assert_msg(error <= 3e-7L * (certain ? fabsl(e.gradient) : fabsl(e.gradient) + t) / count +
                               denormal_error,
                  "x %g, target %g: gradient %g, not %Lg", (double)x->data[i], (double)t,
                  (double)gradient.data[i], e.gradient / count);
  }
  ck_assert_msg(fabsl((long double)loss - exact) <= 2e-7L * exact + denormal_error,
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

/* ---------------------------------------------------------------------------------------------
 * Nothing to do, and refusals
 * ------------------------------------------------------------------------------------------ */

START_TEST(no_elements_give_no_loss)
{
  const int32_t label = 0;
  double loss[3] = {NAN, NAN, NAN};
  ck_assert_int_eq(blasconv_softmax(0, 4, NULL, 1, NULL), BLASCONV_SUCCESS);
  ck_assert_int_eq(blasconv_softmax_cross_entropy(0, 4, NULL, NULL, NULL, 1, &loss[0], NULL),
                   BLASCONV_SUCCESS);
  ck_assert_int_eq(blasconv_softmax_cross_entropy(0, 4, NULL, &label, NULL, 1, NULL, NULL),
                   BLASCONV_SUCCESS);
  ck_assert_int_eq(blasconv_mean_squared_error(0, NULL, NULL, 1, &loss[1], NULL), BLASCONV_SUCCESS);
  ck_assert_int_eq(blasconv_binary_cross_entropy(0, NULL, NULL, 1, &loss[2], NULL),
                   BLASCONV_SUCCESS);
  ck_assert(loss[0] == 0.0 && loss[1] == 0.0 && loss[2] == 0.0);
}
END_TEST

static const int64_t most = PTRDIFF_MAX / (int64_t)sizeof(float);

/* Arguments of softmax and its cross-entropy, as they are refused. */
typedef struct call {
  int64_t batch, classes;
  int32_t threads, labels[2];
  float target; /* one of them; the others are 0.5 */
  bool no_logits, no_labels, with_targets;
} call;

static const call plain_call = {.batch = 2, .classes = 3, .threads = 1, .labels = {2, 0}};

static void check_refused(const call *c, blasconv_status status, const char *what)
{
  const float logits[6] = {0.0f};
  float targets[6] = {0.5f, 0.5f, 0.5f, 0.5f, 0.5f, c->target};
  float gradient[6] = {7.0f, 7.0f, 7.0f, 7.0f, 7.0f, 7.0f};
  double loss = 7.0;
  ck_assert_msg(blasconv_softmax_cross_entropy(c->batch, c->classes, c->no_logits ? NULL : logits,
                                               c->no_labels ? NULL : c->labels,
                                               c->with_targets ? targets : NULL, c->threads, &loss,
                                               gradient) == status,
                "%s", what);
  ck_assert_msg(loss == 7.0, "%s: loss written", what);
  for (int i = 0; i < 6; ++i)
    ck_assert_msg(gradient[i] == 7.0f, "%s: gradient written", what);
}

START_TEST(cross_entropy_refuses)
{
  static const int32_t labels[] = {-1, 3, INT32_MIN, INT32_MAX};
  static const float targets[] = {-1e-30f, NAN, INFINITY, -INFINITY};
  call c = plain_call;
  for (size_t i = 0; i < sizeof labels / sizeof *labels; ++i) {
    c.labels[1] = labels[i];
    check_refused(&c, BLASCONV_BAD_ARGUMENT, "label");
  }
  c = plain_call;
  c.no_labels = c.with_targets = true;
  for (size_t i = 0; i < sizeof targets / sizeof *targets; ++i) {
    c.target = targets[i];
    check_refused(&c, BLASCONV_BAD_ARGUMENT, "target");
  }
  c = plain_call;
  c.no_labels = true;
  check_refused(&c, BLASCONV_WRONG_TENSORS, "neither labels nor targets");
  c = plain_call;
  c.with_targets = true;
  check_refused(&c, BLASCONV_WRONG_TENSORS, "labels and targets");
  c.batch = 0;
  check_refused(&c, BLASCONV_WRONG_TENSORS, "labels and targets of no rows");
  c = plain_call;
  c.no_logits = true;
  check_refused(&c, BLASCONV_NULL_POINTER, "no logits");
}
END_TEST

START_TEST(rows_are_checked)
{
  static const struct {
    int64_t batch, classes;
    int32_t threads;
    blasconv_status status;
  } bad[] = {{-1, 3, 1, BLASCONV_BAD_SIZE},          {2, 0, 1, BLASCONV_BAD_SIZE},
             {2, -3, 1, BLASCONV_BAD_SIZE},          {0, 0, 1, BLASCONV_BAD_SIZE},
             {INT64_MIN, 3, 1, BLASCONV_BAD_SIZE},   {2, 3, -1, BLASCONV_BAD_SIZE},
             {2, 3, 4097, BLASCONV_BAD_SIZE},        {1, most + 1, 1, BLASCONV_OVERFLOW},
             {0, most + 1, 1, BLASCONV_OVERFLOW},    {INT64_MAX, 2, 1, BLASCONV_OVERFLOW},
             {most / 2 + 1, 2, 1, BLASCONV_OVERFLOW}};
  const float logits[6] = {0.0f};
  float written = 7.0f;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    call c = plain_call;
    c.batch = bad[i].batch;
    c.classes = bad[i].classes;
    c.threads = bad[i].threads;
    check_refused(&c, bad[i].status, "rows");
    ck_assert_int_eq(blasconv_softmax(c.batch, c.classes, logits, c.threads, &written),
                     bad[i].status);
  }
  ck_assert_int_eq(blasconv_softmax(1, 1, NULL, 1, &written), BLASCONV_NULL_POINTER);
  ck_assert_int_eq(blasconv_softmax(1, 1, logits, 1, NULL), BLASCONV_NULL_POINTER);
  ck_assert(written == 7.0f);
}
END_TEST

START_TEST(element_losses_refuse)
{
  static const struct {
    int64_t count;
    int32_t threads;
    blasconv_status status;
  } bad[] = {{-1, 1, BLASCONV_BAD_SIZE},
             {most + 1, 1, BLASCONV_OVERFLOW},
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
  support_add(suite, cross_entropy_matches_its_formula);
  support_add(suite, cross_entropy_matches_with_many_classes);
  support_add(suite, extreme_logits_neither_overflow_nor_lose_the_loss);
  support_add(suite, certain_rows_keep_their_small_loss_and_gradient);
  support_add(suite, labels_and_one_hot_targets_agree);
  support_add(suite, rows_without_a_softmax_give_nan);
  support_add(suite, cross_entropy_gradient_is_the_slope_of_the_formula);
  support_add(suite, cross_entropy_results_may_be_left_out_and_in_place);
  support_add(suite, cross_entropy_has_the_same_bits_for_any_number_of_threads);
  support_add(suite, softmax_matches_its_formula);
  support_add(suite, softmax_of_many_rows_is_that_of_each);
  support_add(suite, element_losses_match_their_formulas);
  support_add(suite, extreme_elements_match_their_formulas);
  support_add(suite, infinite_and_nan_logits_of_binary_cross_entropy);
  support_add(suite, element_losses_same_for_threads_places_and_parts);
  support_add(suite, no_elements_give_no_loss);
  support_add(suite, cross_entropy_refuses);
  support_add(suite, rows_are_checked);
  support_add(suite, element_losses_refuse);
  return support_run(suite);
}
