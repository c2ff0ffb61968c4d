/*
 * Rows of logits for the tests of softmax and cross-entropy: the formulas in long double, and
 * checks against them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BLASCONV_TESTS_LOSS_ROWS_H
#define BLASCONV_TESTS_LOSS_ROWS_H

#include "support.h"

/**
 * The log of a row's sum of exponentials, from its largest logit and log1p of what the others add:
 * terms that are not negative.
 */
typedef struct loss_row_sum {
  long double top, log_rest;
} loss_row_sum;

loss_row_sum loss_row_sum_of(const float *x, int64_t classes);

/** The logarithm less x: minus the log of the probability of a logit x. */
long double loss_row_distance(loss_row_sum sum, float x);

/** Rows of logits with their labels and targets, and room for results. */
typedef struct loss_rows {
  int64_t batch, classes;
  support_tensor logits, targets, gradient; /**< [batch][classes] */
  int32_t *labels;                          /**< [batch] */
} loss_rows;

/** Targets are random, a quarter of them 0; their rows do not sum to 1. */
loss_rows loss_rows_create(int64_t batch, int64_t classes, float size, support_random *random);

/** Checks the guards of the gradient. */
void loss_rows_free(loss_rows *r);

/** Calls the library, which must not refuse. `labelled`: labels count, else targets. */
void loss_rows_entropy(const loss_rows *r, bool labelled, int32_t threads, double *loss,
                       float *gradient);

long double loss_rows_exact(const loss_rows *r, bool labelled);

/** Calls the library and checks loss and gradient against the formulas. */
void loss_rows_check(const loss_rows *r, bool labelled);

/** The target of class i in a row. */
long double loss_rows_target(const loss_rows *r, bool labelled, int64_t row, int64_t i);

/**
 * An exponential far below the top carries the rounding of x - top, up to 2^-18 of it, and one near
 * it up to 2^-21.
 */
static const long double loss_far_error = 0x1p-17L, loss_near_error = 0x1p-20L;

/** Four of the smallest denormals, which is what such an exponential is good to. */
static const long double loss_denormal_error = 0x1p-147L;

#endif
