/* exp, expm1, tanh, sigmoid and the normal distribution without branches or tables, so that loops
 * over them become vector code. Plain multiplications and additions (the build forbids
 * contraction), so that every instruction set gives the same bits. The polynomials were fitted by
 * Remez's algorithm to the relative error that stands beside each. */
#ifndef BC_VECTOR_MATH_H
#define BC_VECTOR_MATH_H

#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

/* Before a loop of few rounds over the elements of an array: unrolled, they become registers. */
#define UNROLL _Pragma("GCC unroll 8")

/* x limited to [low, high]; NaN stays NaN. */
INLINE float clamp(float x, float low, float high)
{
  const float above = x < low ? low : x;
  return above > high ? high : above;
}

INLINE float magnitude(float x)
{
  return __builtin_fabsf(x);
}

INLINE float float_of_bits(uint32_t bits)
{
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

INLINE uint32_t bits_of_float(float x)
{
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

/* e^x = (1 + tail) 2^n, n being the integer nearest to x / ln 2. */
typedef struct exponential {
  float tail;
  uint32_t n; /* two's complement */
} exponential;

/* For |x| <= 130; NaN gives a NaN tail. */
INLINE exponential split_exponential(float x)
{
  const float shift = 0x1.8p23f; /* adding it rounds to an integer, left in the low bits */
  const float shifted = x * 0x1.715476p0f + shift;
  const float n = shifted - shift;
  /* ln 2 in two parts; the first has 10 bits, so that n times it is exact. */
  const float r = (x - n * 0x1.63p-1f) - n * -0x1.bd0106p-13f;
  /* (e^r - 1 - r) / r^2 on |r| <= ln 2 / 2: 2^-32 of e^r - 1. Pairs first (Estrin), since what
   * bounds these functions is how long they wait for one operation after another. */
  const float r2 = r * r;
  const float low = 0.5f + r * 0x1.555554p-3f;
  const float middle = 0x1.5554b0p-5f + r * 0x1.11118ap-7f;
  const float high = 0x1.6d73fap-10f + r * 0x1.a032f4p-13f;
  const float q = (low + r2 * middle) + (r2 * r2) * high;
  return (exponential){r + r2 * q, bits_of_float(shifted) - bits_of_float(shift)};
}

/* 2^n for -126 <= n <= 127. */
INLINE float power_of_two(uint32_t n)
{
  return float_of_bits((n + 127u) << 23);
}

/* x 2^n for |n| <= 250, in two steps, so that the powers exist where the result is denormal. */
INLINE float scale(float x, uint32_t n)
{
  const uint32_t half = (uint32_t)((int32_t)n >> 1);
  return x * power_of_two(half) * power_of_two(n - half);
}

/* For every x. */
INLINE float vector_exp(float x)
{
  const exponential e = split_exponential(clamp(x, -130.0f, 130.0f));
  return scale(1.0f + e.tail, e.n);
}

/* e^x - 1 for |x| <= 80, accurate near 0 too; -1 to the last bit from x = -18 down. */
INLINE float vector_expm1(float x)
{
  const exponential e = split_exponential(x);
  const float power = power_of_two(e.n);
  return power * e.tail + (power - 1.0f);
}

/* (e^2|x| - 1) / (e^2|x| + 1) with the sign of x; 1 to the last bit from |x| = 10 on. */
INLINE float vector_tanh(float x)
{
  const float a = magnitude(x);
  const float t = vector_expm1(2.0f * (a > 20.0f ? 20.0f : a));
  return __builtin_copysignf(t / (t + 2.0f), x);
}

/* 1 / (1 + e^-x), through e^-|x| so that small results keep their digits. */
INLINE float vector_sigmoid(float x)
{
  const float e = vector_exp(-magnitude(x));
  return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

/* x sigmoid(x). Where sigmoid underflows the product need not, so 2^n comes last; e^-130 times 130
 * rounds to 0, the limit at -infinity. */
INLINE float vector_silu(float x)
{
  const float bounded = x < -130.0f ? -130.0f : x;
  const exponential e = split_exponential(clamp(-magnitude(x), -130.0f, 0.0f));
  const float mantissa = 1.0f + e.tail;
  const float quotient = bounded / (1.0f + scale(mantissa, e.n));
  return x < 0.0f ? scale(quotient * mantissa, e.n) : quotient;
}

/* sigmoid(x) where 2^-115 may stand for anything smaller. */
INLINE float coarse_sigmoid(float x)
{
  const float a = magnitude(x);
  const exponential e = split_exponential(a > 80.0f ? -80.0f : -a);
  const float power = (1.0f + e.tail) * power_of_two(e.n);
  return (x < 0.0f ? power : 1.0f) / (1.0f + power);
}

/* The distribution function of the normal distribution, erfc(-x / sqrt 2) / 2, from its upper tail
 * at a = |x| / sqrt 2: e^-p(a) / 2 with p = -ln erfc as a times a polynomial (2^-27.2 of the tail,
 * or of 1/4 where that is more). From a = 4.1 on the tail is taken for 2^-28, less than half an ulp
 * of 1. */
INLINE float vector_normal(float x)
{
  const float unbounded = magnitude(x) * 0x1.6a09e6p-1f;
  const float a = unbounded > 4.1f ? 4.1f : unbounded;
  const float a2 = a * a, a4 = a2 * a2;
  const float p01 = 0x1.20dd7cp0f + a * 0x1.45f210p-1f;
  const float p23 = 0x1.a525c0p-4f + a * -0x1.3bb3c8p-6f;
  const float p45 = 0x1.d6e808p-17f + a * 0x1.8e0006p-10f;
  const float p67 = -0x1.263c4ap-11f + a * 0x1.a1b0b8p-14f;
  const float p = a * ((p01 + a2 * p23) + a4 * ((p45 + a2 * p67) + a4 * -0x1.f15dbep-18f));
  const exponential e = split_exponential(-p);
  const float upper = (1.0f + e.tail) * power_of_two(e.n - 1u);
  return x < 0.0f ? upper : 1.0f - upper;
}

#endif
