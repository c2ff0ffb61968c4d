/*
 * What softmax, cross-entropy and the losses refuse, and that nothing is no error.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <blasconv/train.h>
#include <math.h>
#include <string.h>

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
  support_assert(blasconv_softmax_cross_entropy(c->batch, c->classes, c->no_logits ? NULL : logits,
                                                c->no_labels ? NULL : c->labels,
                                                c->with_targets ? targets : NULL, c->threads, &loss,
                                                gradient) == status,
                 "%s", what);
  support_assert(loss == 7.0, "%s: loss written", what);
  for (int i = 0; i < 6; ++i)
    support_assert(gradient[i] == 7.0f, "%s: gradient written", what);
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

int main(void)
{
  Suite *suite = suite_create("softmax_refusals");
  support_add(suite, no_elements_give_no_loss);
  support_add(suite, cross_entropy_refuses);
  support_add(suite, rows_are_checked);
  return support_run(suite);
}
