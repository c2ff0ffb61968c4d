/* Activations of one number and their derivatives, for loops that become vector code. */
#ifndef BC_ACTIVATIONS_H
#define BC_ACTIVATIONS_H

#include "vector_math.h"

/* ---- activations: x is the input with the bias added, alpha the activation's parameter ---- */

INLINE float identity(float x, float alpha)
{
  (void)alpha;
  return x;
}

INLINE float relu(float x, float alpha)
{
  (void)alpha;
  return x < 0.0f ? 0.0f : x;
}

INLINE float leaky_relu(float x, float alpha)
{
  return x > 0.0f ? x : alpha * x;
}

INLINE float clipped_relu(float x, float alpha)
{
  return clamp(x, 0.0f, alpha);
}

INLINE float elu(float x, float alpha)
{
  const float below = alpha * vector_expm1(clamp(x, -80.0f, 80.0f));
  return x > 0.0f ? x : below;
}

INLINE float sigmoid(float x, float alpha)
{
  (void)alpha;
  return vector_sigmoid(x);
}

INLINE float hyperbolic_tangent(float x, float alpha)
{
  (void)alpha;
  return vector_tanh(x);
}

INLINE float silu(float x, float alpha)
{
  (void)alpha;
  return vector_silu(x);
}

/* The GELUs are x times the distribution function of the normal distribution, the second through
 * an approximation of that, (1 + tanh u) / 2 = sigmoid(2 u). Where both are negligible they are 0:
 * the product with -infinity would be NaN. */

enum { GELU_ERF_END = -6, GELU_TANH_END = -10 };

INLINE float tanh_distribution(float x)
{
  return coarse_sigmoid(0x1.988454p0f * (x + 0.044715f * x * x * x));
}

INLINE float gelu_erf(float x, float alpha)
{
  (void)alpha;
  const float y = x * vector_normal(x);
  return x < GELU_ERF_END ? -0.0f : y;
}

INLINE float gelu_tanh(float x, float alpha)
{
  (void)alpha;
  const float y = x * tanh_distribution(x);
  return x < GELU_TANH_END ? -0.0f : y;
}

/* ---- derivatives: v is the forward pass's output, or its input with the bias added ---- */

INLINE float identity_slope(float v, float alpha)
{
  (void)v;
  (void)alpha;
  return 1.0f;
}

INLINE float relu_slope(float v, float alpha)
{
  (void)alpha;
  return v <= 0.0f ? 0.0f : 1.0f;
}

INLINE float leaky_relu_slope(float v, float alpha)
{
  return v <= 0.0f ? alpha : 1.0f;
}

/* The output alpha stands for every input above too, where the slope is 0, so 0 it is. */
INLINE float clipped_relu_slope(float v, float alpha)
{
  return v <= 0.0f || v >= alpha ? 0.0f : 1.0f;
}

INLINE float elu_slope(float v, float alpha)
{
  return v <= 0.0f ? v + alpha : 1.0f;
}

INLINE float sigmoid_slope(float v, float alpha)
{
  (void)alpha;
  return v * (1.0f - v);
}

INLINE float tanh_slope(float v, float alpha)
{
  (void)alpha;
  return (1.0f - v) * (1.0f + v);
}

/* s + x s (1 - s) with s = sigmoid(x); 1 - s is sigmoid(-x). */
INLINE float silu_slope(float v, float alpha)
{
  (void)alpha;
  const float x = clamp(v, -130.0f, 130.0f);
  const float s = vector_sigmoid(x);
  return s + x * s * vector_sigmoid(-x);
}

INLINE float gelu_erf_slope(float v, float alpha)
{
  (void)alpha;
  const float x = clamp(v, -20.0f, 20.0f);
  const float density = 0x1.988454p-2f * vector_exp(-0.5f * x * x);
  return (x < GELU_ERF_END ? 0.0f : vector_normal(x)) + x * density;
}

INLINE float gelu_tanh_slope(float v, float alpha)
{
  (void)alpha;
  const float x = clamp(v, -20.0f, 20.0f);
  const float s = tanh_distribution(x);
  const float inner_slope = 0x1.988454p0f * (1.0f + 3.0f * 0.044715f * x * x);
  const float slope = s + x * s * tanh_distribution(-x) * inner_slope;
  return x < GELU_TANH_END ? 0.0f : slope;
}

#endif
