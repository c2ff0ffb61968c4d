/*
 * Activations and their derivatives in long double.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "exact_activation.h"

#include <math.h>

/* ---------------------------------------------------------------------------------------------
 * The exact functions
 * ------------------------------------------------------------------------------------------ */

static long double identity(long double x, long double alpha)
{
  (void)alpha;
  return x;
}

static long double relu(long double x, long double alpha)
{
  (void)alpha;
  return fmaxl(x, 0.0L);
}

static long double leaky_relu(long double x, long double alpha)
{
  return x > 0.0L ? x : alpha * x;
}

static long double clipped_relu(long double x, long double alpha)
{
  return fminl(fmaxl(x, 0.0L), alpha);
}

static long double elu(long double x, long double alpha)
{
  return x > 0.0L ? x : alpha * expm1l(x);
}

static long double sigmoid(long double x, long double alpha)
{
  (void)alpha;
  return 1.0L / (1.0L + expl(-x));
}

static long double hyperbolic_tangent(long double x, long double alpha)
{
  (void)alpha;
  return tanhl(x);
}

/* x times a distribution function, with its limit 0 at -infinity. */
static long double gated(long double x, long double gate)
{
  return x == -INFINITY ? 0.0L : x * gate;
}

static long double silu(long double x, long double alpha)
{
  return gated(x, sigmoid(x, alpha));
}

static long double normal_distribution(long double x)
{
  return erfcl(-x * sqrtl(0.5L)) / 2.0L;
}

static long double gelu_erf(long double x, long double alpha)
{
  (void)alpha;
  return gated(x, normal_distribution(x));
}

/* sqrt(2 / pi) */
static const long double sqrt_2_pi = 0.79788456080286535587989L;

/* (1 + tanh u) / 2 is sigmoid(2 u), which loses no digits where it is small. */
static long double tanh_distribution(long double x)
{
  return sigmoid(2.0L * sqrt_2_pi * (x + 0.044715L * x * x * x), 0.0L);
}

static long double gelu_tanh(long double x, long double alpha)
{
  (void)alpha;
  return gated(x, tanh_distribution(x));
}

/* ---------------------------------------------------------------------------------------------
 * The exact derivatives, in terms of what is saved
 * ------------------------------------------------------------------------------------------ */

static long double identity_slope(long double y, long double alpha)
{
  (void)y;
  (void)alpha;
  return 1.0L;
}

static long double relu_slope(long double y, long double alpha)
{
  (void)alpha;
  return y > 0.0L ? 1.0L : 0.0L;
}

static long double leaky_relu_slope(long double y, long double alpha)
{
  return y > 0.0L ? 1.0L : alpha;
}

static long double clipped_relu_slope(long double y, long double alpha)
{
  return y > 0.0L && y < alpha ? 1.0L : 0.0L;
}

static long double elu_slope(long double y, long double alpha)
{
  return y > 0.0L ? 1.0L : y + alpha;
}

static long double sigmoid_slope(long double y, long double alpha)
{
  (void)alpha;
  return y * (1.0L - y);
}

static long double tanh_slope(long double y, long double alpha)
{
  (void)alpha;
  return (1.0L - y) * (1.0L + y);
}

static long double silu_slope(long double x, long double alpha)
{
  return sigmoid(x, alpha) + gated(x, sigmoid(x, alpha) * sigmoid(-x, alpha));
}

static long double gelu_erf_slope(long double x, long double alpha)
{
  (void)alpha;
  return normal_distribution(x) + gated(x, sqrt_2_pi / 2.0L * expl(-x * x / 2.0L));
}

static long double gelu_tanh_slope(long double x, long double alpha)
{
  (void)alpha;
  const long double s = tanh_distribution(x), rest = tanh_distribution(-x);
  const long double inner = 2.0L * sqrt_2_pi * (1.0L + 3.0L * 0.044715L * x * x);
  return s + gated(x, s * rest * inner);
}

/* ---------------------------------------------------------------------------------------------
 * The table
 * ------------------------------------------------------------------------------------------ */

const exact_activation exact_activations[] = {
    {"identity", BLASCONV_IDENTITY, 0, identity, identity_slope, BLASCONV_SAVED_OUTPUT, 0, 0, 0, 0},
    {"relu", BLASCONV_RELU, 0, relu, relu_slope, BLASCONV_SAVED_OUTPUT, 0, 0, 0, 0},
    {"leaky_relu", BLASCONV_LEAKY_RELU, 0.01f, leaky_relu, leaky_relu_slope, BLASCONV_SAVED_OUTPUT,
     0, 0, 0, 0},
    {"clipped_relu", BLASCONV_CLIPPED_RELU, 6, clipped_relu, clipped_relu_slope,
     BLASCONV_SAVED_OUTPUT, 0, 0, 0, 0},
    {"elu", BLASCONV_ELU, 1, elu, elu_slope, BLASCONV_SAVED_OUTPUT, 4, 0, 0, 0},
    {"elu 1.7", BLASCONV_ELU, 1.7f, elu, elu_slope, BLASCONV_SAVED_OUTPUT, 4, 0, 0, 0},
    {"sigmoid", BLASCONV_SIGMOID, 0, sigmoid, sigmoid_slope, BLASCONV_SAVED_OUTPUT, 4, 0, 2, 0},
    {"tanh", BLASCONV_TANH, 0, hyperbolic_tangent, tanh_slope, BLASCONV_SAVED_OUTPUT, 4, 0, 2, 0},
    {"silu", BLASCONV_SILU, 0, silu, silu_slope, BLASCONV_SAVED_INPUT, 4, 0, 4, 0.25L},
    {"gelu_erf", BLASCONV_GELU_ERF, 0, gelu_erf, gelu_erf_slope, BLASCONV_SAVED_INPUT, 4, 0.125L, 4,
     0.25L},
    {"gelu_tanh", BLASCONV_GELU_TANH, 0, gelu_tanh, gelu_tanh_slope, BLASCONV_SAVED_INPUT, 4,
     0.125L, 4, 0.25L},
};

const int exact_activation_count = (int)(sizeof exact_activations / sizeof *exact_activations);
