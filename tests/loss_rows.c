/*
 * Rows of logits: formulas in long double.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "loss_rows.h"

#include <blasconv/train.h>
#include <math.h>
#include <stdlib.h>

loss_row_sum loss_row_sum_of(const float *x, int64_t classes)
{
  int64_t top = 0;
  for (int64_t j = 1; j < classes; ++j)
    top = x[j] > x[top] ? j : top;
  long double others = 0.0L;
  for (int64_t j = 0; j < classes; ++j)
    others += j == top ? 0.0L : expl((long double)x[j] - (long double)x[top]);
  return (loss_row_sum){(long double)x[top], log1pl(others)};
}

long double loss_row_distance(loss_row_sum sum, float x)
{
  return (sum.top - (long double)x) + sum.log_rest;
}

loss_rows loss_rows_create(int64_t batch, int64_t classes, float size, support_random *random)
{
  const int64_t n = batch * classes;
  loss_rows r = {batch,
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

void loss_rows_free(loss_rows *r)
{
  support_tensor_check(&r->gradient, "gradient");
  support_tensor_free(&r->logits);
  support_tensor_free(&r->targets);
  support_tensor_free(&r->gradient);
  free(r->labels);
}

void loss_rows_entropy(const loss_rows *r, bool labelled, int32_t threads, double *loss,
                       float *gradient)
{
  ck_assert_int_eq(blasconv_softmax_cross_entropy(
                       r->batch, r->classes, r->logits.data, labelled ? r->labels : NULL,
                       labelled ? NULL : r->targets.data, threads, loss, gradient),
                   BLASCONV_SUCCESS);
}

long double loss_rows_target(const loss_rows *r, bool labelled, int64_t row, int64_t i)
{
  if (labelled)
    return r->labels[row] == i ? 1.0L : 0.0L;
  return (long double)r->targets.data[row * r->classes + i];
}

long double loss_rows_exact(const loss_rows *r, bool labelled)
{
  long double loss = 0.0L;
  for (int64_t row = 0; row < r->batch; ++row) {
    const float *x = r->logits.data + row * r->classes;
    const loss_row_sum sum = loss_row_sum_of(x, r->classes);
    for (int64_t i = 0; i < r->classes; ++i) {
      const long double t = loss_rows_target(r, labelled, row, i);
      if (t > 0.0L)
        loss += t * loss_row_distance(sum, x[i]);
    }
  }
  return loss / (long double)r->batch;
}

static void check_row_gradient(const loss_rows *r, bool labelled, int64_t row)
{
  const float *x = r->logits.data + row * r->classes;
  const long double batch = (long double)r->batch;
  const loss_row_sum exact_sum = loss_row_sum_of(x, r->classes);
  long double sum = 0.0L;
  for (int64_t i = 0; i < r->classes; ++i)
    sum += loss_rows_target(r, labelled, row, i);
  for (int64_t i = 0; i < r->classes; ++i) {
    const long double t = loss_rows_target(r, labelled, row, i),
                      away = loss_row_distance(exact_sum, x[i]);
    const long double p = expl(-away);
    /* For a label p - 1 keeps its digits where p is close to 1. */
    const bool at_label = labelled && t > 0.0L;
    const long double exact = (at_label ? expm1l(-away) : p * sum - t) / batch;
    const long double scale = at_label ? fabsl(exact) : p * sum / batch + fabsl(exact);
    const long double error = p < 1e-6L || 1.0L - p < 1e-6L ? loss_far_error : loss_near_error;
    const float got = r->gradient.data[row * r->classes + i];
    support_assert(fabsl((long double)got - exact) <= error * scale + loss_denormal_error,
                   "row %d class %d of %d: %.9g, not %.9Lg", (int)row, (int)i, (int)r->classes,
                   (double)got, exact);
  }
}

void loss_rows_check(const loss_rows *r, bool labelled)
{
  double loss = NAN;
  loss_rows_entropy(r, labelled, 2, &loss, r->gradient.data);
  const long double exact = loss_rows_exact(r, labelled);
  support_assert(fabsl((long double)loss - exact) <= loss_near_error * exact + loss_denormal_error,
                 "%d rows of %d: loss %.17g, not %.17Lg", (int)r->batch, (int)r->classes, loss,
                 exact);
  for (int64_t row = 0; row < r->batch; ++row)
    check_row_gradient(r, labelled, row);
}
