/* exp, expm1, tanh, sigmoid and the normal distribution without branches or tables, so that loops
 * over them become vector code. Plain multiplications and additions (the build forbids
 * contraction), so that every instruction set gives the same bits. The polynomials were fitted by
 * Remez's algorithm to the relative error that stands beside each. */
#ifndef BC_VECTOR_MATH_H
#define BC_VECTOR_MATH_H

#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

/* x limited to [low, high]; NaN stays NaN. */
INLINE float clamp(float x, float low, float high)
{
  const float above = x < low ? low : x;
  return above > high ? high : above;
}

INLINE float magnitude(float x)
{
  return x < 0.0f ? -x : x;
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

/* e^x = (1 + tail) * scale * rest with scale = 2^(n/2) and rest = 2^(n - n/2), n being the integer
 * nearest to x / ln 2: two factors, so that neither overflows where e^x is denormal or huge. */
typedef struct exponential {
  float tail, scale, rest;
} exponential;

/* For |x| <= 130; NaN gives a NaN tail. */
INLINE exponential split_exponential(float x)
{
  const float shift = 0x1.8p23f; /* adding it rounds to an integer, left in the low bits */
  const float shifted = x * 0x1.715476p0f + shift;
  const float n = shifted - shift;
  /* ln 2 in two parts; the first has 10 bits, so that n times it is exact. */
  const float r = (x - n * 0x1.63p-1f) - n * -0x1.bd0106p-13f;
  /* (e^r - 1 - r) / r^2 on |r| <= ln 2 / 2: 2^-32 of e^r - 1. */
  const float q =
      0.5f + r * (0x1.555554p-3f +
                  r * (0x1.5554b0p-5f +
                       r * (0x1.11118ap-7f + r * (0x1.6d73fap-10f + r * 0x1.a032f4p-13f))));
  const uint32_t exponent = bits_of_float(shifted) - bits_of_float(shift);
  const uint32_t half = (uint32_t)((int32_t)exponent >> 1);
  return (exponential){r + r * r * q, float_of_bits((half + 127u) << 23),
                       float_of_bits((exponent - half + 127u) << 23)};
}

INLINE float vector_exp(float x)
{
  const exponential e = split_exponential(clamp(x, -130.0f, 130.0f));
  return (1.0f + e.tail) * e.scale * e.rest;
}

/* e^x - 1 for x <= 80, accurate near 0 too. */
INLINE float vector_expm1(float x)
{
  const exponential e = split_exponential(clamp(x, -130.0f, 80.0f));
  const float power = e.scale * e.rest;
  return power * e.tail + (power - 1.0f);
}

/* (e^2|x| - 1) / (e^2|x| + 1) with the sign of x; 1 to the last bit from |x| = 10 on. */
INLINE float vector_tanh(float x)
{
  const float t = vector_expm1(2.0f * clamp(magnitude(x), 0.0f, 20.0f));
  const float y = t / (t + 2.0f);
  return x < 0.0f ? -y : y;
}

/* 1 / (1 + e^-x), through e^-|x| so that small results keep their digits. */
INLINE float vector_sigmoid(float x)
{
  const float e = vector_exp(-magnitude(x));
  return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

/* x sigmoid(x). Where sigmoid underflows the product need not, so the scales come last; e^-130
 * times 130 rounds to 0, the limit at -infinity. */
INLINE float vector_silu(float x)
{
  const float bounded = x < -130.0f ? -130.0f : x;
  const exponential e = split_exponential(clamp(-magnitude(x), -130.0f, 0.0f));
  const float mantissa = 1.0f + e.tail;
  const float quotient = bounded / (1.0f + mantissa * e.scale * e.rest);
  return x < 0.0f ? quotient * mantissa * e.scale * e.rest : quotient;
}

/* The distribution function of the normal distribution, erfc(-x / sqrt 2) / 2, from its upper tail
 * at a = |x| / sqrt 2: e^-p(a) / 2 with p = -ln erfc as a times a polynomial (2^-27.2 of the tail,
 * or of 1/4 where that is more). From 4.1 on the tail is below half an ulp of 1, and taken for 0.
 */
INLINE float vector_normal(float x)
{
  const float a = magnitude(x) * 0x1.6a09e6p-1f;
  const float p =
      a * (0x1.20dd7cp0f +
           a * (0x1.45f210p-1f +
                a * (0x1.a525c0p-4f +
                     a * (-0x1.3bb3c8p-6f +
                          a * (0x1.d6e808p-17f +
                               a * (0x1.8e0006p-10f +
                                    a * (-0x1.263c4ap-11f +
                                         a * (0x1.a1b0b8p-14f + a * -0x1.f15dbep-18f))))))));
  const float tail = 0.5f * vector_exp(-p);
  const float upper = a > 4.1f ? 0.0f : tail;
  return x < 0.0f ? upper : 1.0f - upper;
}

#endif
