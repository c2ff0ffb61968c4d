/*
 * Softmax and its cross-entropy against their formulas in long double: values, gradients, extreme
 * logits, threads.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "loss_rows.h"

#include <blasconv/train.h>
#include <float.h>
#include <math.h>
#include <string.h>

enum { most_classes = 3000 };

static const int32_t thread_counts[] = {1, 2, 3, 5, 16, 0};
enum { thread_kinds = sizeof thread_counts / sizeof *thread_counts };

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
      loss_rows r = loss_rows_create(7, classes[i], sizes[j], &random);
      loss_rows_check(&r, true);
      loss_rows_check(&r, false);
      loss_rows_free(&r);
    }
}
END_TEST

/* Longer than a chunk of exponentials, its length and the last of the next among them. */
START_TEST(cross_entropy_matches_with_many_classes)
{
  static const int64_t classes[] = {1000, 1024, 1025, 2048, most_classes};
  support_random random = support_random_start(2);
  for (size_t i = 0; i < sizeof classes / sizeof *classes; ++i) {
    loss_rows r = loss_rows_create(3, classes[i], 8.0f, &random);
    r.labels[0] = 0;
    r.labels[1] = (int32_t)classes[i] - 1;
    r.labels[2] = (int32_t)classes[i] / 2;
    double loss = NAN;
    for (int labelled = 0; labelled < 2; ++labelled) {
      loss_rows_entropy(&r, labelled, 1, &loss, NULL);
      ck_assert(fabsl((long double)loss - loss_rows_exact(&r, labelled)) <=
                1e-7L * (long double)loss);
    }
    loss_rows_free(&r);
    r = loss_rows_create(1, classes[i], 8.0f, &random);
    loss_rows_check(&r, true);
    loss_rows_check(&r, false);
    loss_rows_free(&r);
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
    loss_rows r = loss_rows_create(1, classes, 1.0f, &random);
    memcpy(r.logits.data, adversarial[i].logits, (size_t)classes * sizeof(float));
    for (int32_t label = 0; label < classes; ++label) {
      r.labels[0] = label;
      if (isfinite(r.logits.data[label])) {
        loss_rows_check(&r, true);
        continue;
      }
      double loss = NAN;
      loss_rows_entropy(&r, true, 1, &loss, r.gradient.data);
      support_assert(loss == (double)INFINITY && r.gradient.data[label] == -1.0f, "%s",
                     adversarial[i].what);
    }
    for (int64_t j = 0; j < classes; ++j) /* no target for what is impossible */
      r.targets.data[j] = isfinite(r.logits.data[j]) ? r.targets.data[j] : 0.0f;
    loss_rows_check(&r, false);
    loss_rows_free(&r);
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
  loss_rows r = loss_rows_create(50, 23, 12.0f, &random);
  support_tensor other = support_tensor_poisoned(r.logits.count);
  for (int64_t i = 0; i < r.targets.count; ++i)
    r.targets.data[i] = r.labels[i / 23] == i % 23 ? 1.0f : 0.0f;
  double labelled = NAN, targeted = NAN;
  loss_rows_entropy(&r, true, 1, &labelled, r.gradient.data);
  loss_rows_entropy(&r, false, 1, &targeted, other.data);
  ck_assert(fabs(labelled - targeted) <= 1e-14 * labelled);
  for (int64_t i = 0; i < other.count; ++i)
    ck_assert(fabsf(other.data[i] - r.gradient.data[i]) <= 2.5e-7f * fabsf(r.gradient.data[i]));
  support_tensor_free(&other);
  loss_rows_free(&r);
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
      loss_rows r = loss_rows_create(3, 3, 1.0f, &random);
      memcpy(r.logits.data + 3, bad[i], sizeof bad[i]);
      double loss = 0.0;
      loss_rows_entropy(&r, labelled, 1, &loss, r.gradient.data);
      ck_assert(isnan(loss));
      for (int j = 0; j < 9; ++j)
        ck_assert(!isnan(r.gradient.data[j]) == (j / 3 != 1));
      ck_assert_int_eq(blasconv_softmax(3, 3, r.logits.data, 1, r.gradient.data), BLASCONV_SUCCESS);
      for (int j = 0; j < 9; ++j)
        ck_assert(!isnan(r.gradient.data[j]) == (j / 3 != 1));
      loss_rows_free(&r);
    }
}
END_TEST

/* The gradient is that of the value: differences of the formula along each logit. */
START_TEST(cross_entropy_gradient_is_the_slope_of_the_formula)
{
  support_random random = support_random_start(6);
  const float step = 0x1p-6f; /* exact beside logits that are multiples of 2^-10 */
  for (int labelled = 0; labelled < 2; ++labelled) {
    loss_rows r = loss_rows_create(4, 6, 3.0f, &random);
    for (int64_t i = 0; i < r.logits.count; ++i)
      r.logits.data[i] = rintf(r.logits.data[i] * 0x1p10f) * 0x1p-10f;
    loss_rows_entropy(&r, labelled, 1, NULL, r.gradient.data);
    for (int64_t i = 0; i < r.logits.count; ++i) {
      const float x = r.logits.data[i];
      long double difference[2]; /* over one step and over two, which cancels the third order */
      for (int steps = 1; steps <= 2; ++steps) {
        r.logits.data[i] = x + step * (float)steps;
        difference[steps - 1] = loss_rows_exact(&r, labelled);
        r.logits.data[i] = x - step * (float)steps;
        difference[steps - 1] -= loss_rows_exact(&r, labelled);
      }
      r.logits.data[i] = x;
      const long double slope =
          (8.0L * difference[0] - difference[1]) / (12.0L * (long double)step);
      ck_assert(fabsl((long double)r.gradient.data[i] - slope) <= 1e-7L);
    }
    loss_rows_free(&r);
  }
}
END_TEST

/* The value alone, the gradient alone, both, in place, none: all the same. */
START_TEST(cross_entropy_results_may_be_left_out_and_in_place)
{
  support_random random = support_random_start(7);
  for (int labelled = 0; labelled < 2; ++labelled) {
    loss_rows r = loss_rows_create(9, 1500, 5.0f, &random);
    support_tensor alone = support_tensor_poisoned(r.logits.count);
    double both = NAN, value = NAN, in_place = NAN;
    loss_rows_entropy(&r, labelled, 1, &both, r.gradient.data);
    loss_rows_entropy(&r, labelled, 1, &value, NULL);
    loss_rows_entropy(&r, labelled, 1, NULL, alone.data);
    loss_rows_entropy(&r, labelled, 1, NULL, NULL);
    ck_assert(both == value && support_tensor_same(&alone, &r.gradient));
    loss_rows_entropy(&r, labelled, 1, &in_place, r.logits.data);
    ck_assert(both == in_place && support_tensor_same(&r.logits, &r.gradient));
    support_tensor_free(&alone);
    loss_rows_free(&r);
  }
}
END_TEST

START_TEST(cross_entropy_has_the_same_bits_for_any_number_of_threads)
{
  static const int64_t shapes[][2] = {{20000, 10}, {700, 1000}, {3, 100}, {2, 70000}};
  support_random random = support_random_start(8);
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i)
    for (int labelled = 0; labelled < 2; ++labelled) {
      loss_rows r = loss_rows_create(shapes[i][0], shapes[i][1], 5.0f, &random);
      support_tensor first = support_tensor_poisoned(r.logits.count);
      double expected = NAN, loss = NAN;
      loss_rows_entropy(&r, labelled, 1, &expected, first.data);
      ck_assert(fabsl((long double)expected - loss_rows_exact(&r, labelled)) <=
                1e-7L * (long double)expected);
      for (int j = 0; j < thread_kinds; ++j) {
        loss_rows_entropy(&r, labelled, thread_counts[j], &loss, r.gradient.data);
        ck_assert(loss == expected && support_tensor_same(&first, &r.gradient));
      }
      support_tensor_free(&first);
      loss_rows_free(&r);
    }
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Softmax
 * ------------------------------------------------------------------------------------------ */

static void check_softmax(const loss_rows *r)
{
  for (int64_t row = 0; row < r->batch; ++row) {
    const float *x = r->logits.data + row * r->classes;
    const loss_row_sum exact_sum = loss_row_sum_of(x, r->classes);
    long double sum = 0.0L;
    for (int64_t i = 0; i < r->classes; ++i) {
      const long double p = expl(-loss_row_distance(exact_sum, x[i]));
      const long double got = (long double)r->gradient.data[row * r->classes + i];
      ck_assert(fabsl(got - p) <=
                (p < 1e-6L ? loss_far_error : loss_near_error) * p + loss_denormal_error);
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
      loss_rows r = loss_rows_create(2, classes[i], sizes[j], &random);
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
      loss_rows_free(&r);
    }
  for (size_t i = 0; i < sizeof adversarial / sizeof *adversarial; ++i) {
    loss_rows r = loss_rows_create(1, adversarial[i].classes, 1.0f, &random);
    memcpy(r.logits.data, adversarial[i].logits, r.logits.memory.bytes);
    ck_assert_int_eq(blasconv_softmax(1, r.classes, r.logits.data, 1, r.gradient.data),
                     BLASCONV_SUCCESS);
    check_softmax(&r);
    loss_rows_free(&r);
  }
}
END_TEST

START_TEST(softmax_of_many_rows_is_that_of_each)
{
  support_random random = support_random_start(10);
  loss_rows r = loss_rows_create(5000, 10, 4.0f, &random);
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
  loss_rows_free(&r);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("softmax");
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
  return support_run(suite);
}
