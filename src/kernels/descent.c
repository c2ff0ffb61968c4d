#include "descent.h"

#include "vector_math.h"

#include <math.h>

/* ---- sums, in lanes of fixed number as in kernels.c ---- */

enum { LANES = 16 };

INLINE double add_lanes(const double lanes[LANES])
{
  double total = 0.0;
  for (int lane = 0; lane < LANES; ++lane)
    total += lanes[lane];
  return total;
}

/* Sum of term(x[i], t[i], number); the function is a constant where this is inlined. */
INLINE double add_terms(double (*term)(double, double, double), const float *x, const float *t,
                        double number, int64_t n)
{
  double lanes[LANES] = {0};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int lane = 0; lane < LANES; ++lane)
      lanes[lane] += term((double)x[i + lane], (double)t[i + lane], number);
  for (int lane = 0; i < n; ++i, ++lane)
    lanes[lane] += term((double)x[i], (double)t[i], number);
  return add_lanes(lanes);
}

INLINE double product(double x, double t, double unused)
{
  (void)unused;
  return x * t;
}

INLINE double square_of_difference(double x, double t, double unused)
{
  (void)unused;
  return (x - t) * (x - t);
}

/* x may be -infinity where t is 0. */
INLINE double weighted_depth(double x, double t, double top)
{
  return t == 0.0 ? 0.0 : t * (top - x);
}

static double squares(const float *x, int64_t n)
{
  return add_terms(product, x, x, 0.0, n);
}

static double squared_error(const float *x, const float *targets, int64_t n)
{
  return add_terms(square_of_difference, x, targets, 0.0, n);
}

static double below_top(const float *targets, float top, const float *x, int64_t n)
{
  return add_terms(weighted_depth, x, targets, (double)top, n);
}

/* ---- binary cross-entropy ---- */

/* max(x, 0) - x t without cancellation: |x| times the part of the target that x is wrong about.
 * An infinite x that is right has no loss. */
INLINE double linear_part(double x, double t, double unused)
{
  (void)unused;
  const double wrong = x > 0.0 ? 1.0 - t : t;
  return wrong == 0.0 ? 0.0 : __builtin_fabs(x) * wrong;
}

/* (1 + so_far) (1 + e) - 1, so that a sum of log(1 + e) takes one logarithm, and small ones keep
 * their digits. */
INLINE double grow_product(double so_far, float x)
{
  const double e = (double)vector_exp(-magnitude(x));
  return so_far + (e + so_far * e);
}

/* So few that each lane's product of numbers up to 2 stays below 2^256. */
enum { PRODUCT_ELEMENTS = 256 * LANES };

static double add_logarithms(const float *x, int64_t n)
{
  double products[LANES] = {0};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
#pragma omp simd
    for (int lane = 0; lane < LANES; ++lane)
      products[lane] = grow_product(products[lane], x[i + lane]);
  for (int lane = 0; i < n; ++i, ++lane)
    products[lane] = grow_product(products[lane], x[i]);
  for (int lane = 0; lane < LANES; ++lane)
    products[lane] = log1p(products[lane]);
  return add_lanes(products);
}

static double binary(const float *x, const float *targets, int64_t n)
{
  double total = add_terms(linear_part, x, targets, 0.0, n);
  for (int64_t i = 0; i < n; i += PRODUCT_ELEMENTS)
    total += add_logarithms(x + i, n - i < PRODUCT_ELEMENTS ? n - i : PRODUCT_ELEMENTS);
  return total;
}

/* sigmoid(x) - t, from 1 - sigmoid(x) where that is the smaller: a right answer that is all but
 * certain keeps its small gradient. */
static void binary_gradient(const float *x, const float *targets, double factor, float *y,
                            int64_t n)
{
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const double e = (double)vector_exp(-magnitude(x[i])), t = (double)targets[i];
    const double smaller = e / (1.0 + e);
    y[i] = (float)(factor * (x[i] > 0.0f ? (1.0 - t) - smaller : smaller - t));
  }
}

/* ---- other rows ---- */

INLINE float larger(float x, float found)
{
  return x > found ? x : found;
}

static float largest(const float *x, int64_t n)
{
  float lanes[LANES];
  for (int lane = 0; lane < LANES; ++lane)
    lanes[lane] = -INFINITY;
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int lane = 0; lane < LANES; ++lane)
      lanes[lane] = larger(x[i + lane], lanes[lane]);
  for (int lane = 0; i < n; ++i, ++lane)
    lanes[lane] = larger(x[i], lanes[lane]);
  float found = -INFINITY;
  for (int lane = 0; lane < LANES; ++lane)
    found = larger(lanes[lane], found);
  return found;
}

static bool within(const float *x, float low, float high, int64_t n)
{
  int outside = 0;
#pragma omp simd reduction(| : outside)
  for (int64_t i = 0; i < n; ++i)
    outside |= !(x[i] >= low && x[i] <= high);
  return !outside;
}

static void exponentials(const float *x, float shift, float *y, int64_t n)
{
#pragma omp simd
  for (int64_t i = 0; i < n; ++i)
    y[i] = vector_exp(x[i] - shift);
}

static void scale_row(double factor, const float *x, float *y, int64_t n)
{
#pragma omp simd
  for (int64_t i = 0; i < n; ++i)
    y[i] = (float)(factor * (double)x[i]);
}

static void subtract_targets(const float *targets, double factor, double batch, float *y, int64_t n)
{
#pragma omp simd
  for (int64_t i = 0; i < n; ++i)
    y[i] = (float)((factor * (double)y[i] - (double)targets[i]) / batch);
}

static void squared_error_gradient(const float *x, const float *targets, double factor, float *y,
                                   int64_t n)
{
#pragma omp simd
  for (int64_t i = 0; i < n; ++i)
    y[i] = (float)(factor * ((double)x[i] - (double)targets[i]));
}

/* ---- rules of gradient descent ---- */

INLINE void step_sgd(const bc_descent_rule *rule, const float *gradient, float *values, int64_t n)
{
  const float rate = rule->rate, decay = rule->decay;
#pragma omp simd
  for (int64_t i = 0; i < n; ++i)
    values[i] -= rate * (gradient[i] + decay * values[i]);
}

/* With weights (0, 1) of gradient and velocity this is momentum, with (1, momentum) Nesterov. */
INLINE void step_momentum(const bc_descent_rule *rule, float now, float ahead,
                          const float *gradient, float *velocity, float *values, int64_t n)
{
  const float rate = rule->rate, decay = rule->decay, momentum = rule->momentum;
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const float g = gradient[i] + decay * values[i];
    velocity[i] = momentum * velocity[i] + g;
    values[i] -= rate * (now * g + ahead * velocity[i]);
  }
}

static void step_adam(const bc_descent_rule *rule, const float *gradient, float *mean,
                      float *square, float *values, int64_t n)
{
  const bc_descent_rule r = *rule;
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const float w = values[i], g = gradient[i] + r.decay * w;
    mean[i] = r.beta1 * mean[i] + r.rest1 * g;
    square[i] = r.beta2 * square[i] + r.rest2 * (g * g);
    const float width = __builtin_sqrtf(r.square_scale * square[i]) + r.epsilon;
    values[i] = (w - r.shrink * w) - r.rate * mean[i] / width;
  }
}

static void step(const bc_descent_rule *rule, const float *gradient, float *first, float *second,
                 float *values, int64_t n)
{
  switch (rule->kind) {
  case BLASCONV_SGD:
    step_sgd(rule, gradient, values, n);
    break;
  case BLASCONV_MOMENTUM:
    step_momentum(rule, 0.0f, 1.0f, gradient, first, values, n);
    break;
  case BLASCONV_NESTEROV:
    step_momentum(rule, 1.0f, rule->momentum, gradient, first, values, n);
    break;
  case BLASCONV_ADAM:
  case BLASCONV_ADAMW:
    step_adam(rule, gradient, first, second, values, n);
    break;
  }
}

const bc_descent_kernels BC_FOR_ISA(bc_descent_kernels) = {
    largest,          within,        exponentials,           scale_row, squares,         below_top,
    subtract_targets, squared_error, squared_error_gradient, binary,    binary_gradient, step};
