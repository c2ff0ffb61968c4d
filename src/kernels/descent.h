/* Loops over rows for losses and gradient descent, compiled once for each instruction set as
 * kernels.c is. Sums are in double, in an order that depends on n alone. */
#ifndef BC_DESCENT_H
#define BC_DESCENT_H

#include "kernels.h"

#include <blasconv/train.h>
#include <stdbool.h>

/* A rule of gradient descent at one step, for parameters that decay or for those that do not. */
typedef struct bc_descent_rule {
  blasconv_optimizer_kind kind;
  float rate;                       /* the learning rate; Adam: divided by 1 - beta1^t */
  float decay;                      /* times the value is added to the gradient */
  float shrink;                     /* times the value is subtracted from the value */
  float momentum;                   /* momentum and Nesterov */
  float beta1, rest1, beta2, rest2; /* Adam: the betas and 1 - beta */
  float square_scale;               /* Adam: 1 / (1 - beta2^t) */
  float epsilon;
} bc_descent_rule;

typedef struct bc_descent_kernels {
  /* The largest of n floats; NaNs count as -infinity. */
  float (*largest)(const float *x, int64_t n);
  /* Whether every element is in [low, high]; NaN is in none. */
  bool (*within)(const float *x, float low, float high, int64_t n);
  /* y[i] = exp(x[i] - shift); y may be x. */
  void (*exponentials)(const float *x, float shift, float *y, int64_t n);
  /* y[i] = factor x[i], rounded once; y may be x. */
  void (*scale)(double factor, const float *x, float *y, int64_t n);
  /* Sum of x[i]^2. */
  double (*squares)(const float *x, int64_t n);
  /* Sum of targets[i] (top - x[i]), where a target of 0 gives 0. */
  double (*below_top)(const float *targets, float top, const float *x, int64_t n);
  /* y[i] = (factor y[i] - targets[i]) / batch. */
  void (*subtract_targets)(const float *targets, double factor, double batch, float *y, int64_t n);
  /* Sum of (x[i] - targets[i])^2. */
  double (*squared_error)(const float *x, const float *targets, int64_t n);
  /* y[i] = factor (x[i] - targets[i]); y may be x. */
  void (*squared_error_gradient)(const float *x, const float *targets, double factor, float *y,
                                 int64_t n);
  /* Sum of max(x, 0) - x t + log(1 + exp(-|x|)) for logits x and targets t. */
  double (*binary)(const float *x, const float *targets, int64_t n);
  /* y[i] = factor (sigmoid(x[i]) - targets[i]); y may be x. */
  void (*binary_gradient)(const float *x, const float *targets, double factor, float *y, int64_t n);
  /* One step of the rule for n values; `first` and `second` [n] are the states that it keeps. */
  void (*step)(const bc_descent_rule *rule, const float *gradient, float *first, float *second,
               float *values, int64_t n);
} bc_descent_kernels;

extern const bc_descent_kernels bc_descent_kernels_generic, bc_descent_kernels_avx2,
    bc_descent_kernels_avx512;

#endif
