/*
 * Activations and their derivatives against the exact functions in long double, over floats of all
 * exponents and both signs. Prints the errors found; docs/algorithms.md quotes them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "exact_activation.h"
#include "support.h"

#include <blasconv/blasconv.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------------
 * Samples and errors
 * ------------------------------------------------------------------------------------------ */

enum { chunk = 1 << 12, infinity_exponent = 255, bias_exponent = 127 };

/* x [chunk] of one sign and exponent: part `part` of `parts` that share out all mantissas evenly;
 * the smallest and the largest are among them. */
static void fill_samples(uint32_t sign, uint32_t exponent, uint32_t part, uint32_t parts,
                         support_random *random, float *x)
{
  const uint32_t step = (UINT32_C(1) << 23) / (parts * chunk);
  for (uint32_t i = 0; i < chunk; ++i) {
    const uint32_t place = part * chunk + i;
    uint32_t mantissa = place * step + (uint32_t)support_random_bits(random) % step;
    if (place == 0)
      mantissa = 0;
    else if (place == parts * chunk - 1)
      mantissa = (UINT32_C(1) << 23) - 1;
    const uint32_t bits = sign << 31 | exponent << 23 | mantissa;
    memcpy(&x[i], &bits, sizeof bits);
  }
}

/* Results between 2^-14 and 2^7 in size get 16 times as many samples. */
static uint32_t parts_of_exponent(uint32_t exponent)
{
  return exponent >= bias_exponent - 14 && exponent <= bias_exponent + 7 ? 16 : 1;
}

/* |got - exact| in units of the last place that `scale` has as a float. */
static long double error_in_ulp(float got, long double exact, long double scale)
{
  if (isinf(got) && isinf(exact))
    return (got > 0.0f) == (exact > 0.0L) ? 0.0L : INFINITY;
  int exponent;
  frexpl(scale, &exponent);
  const int last_place = exponent - 24 < -149 ? -149 : exponent - 24;
  return fabsl((long double)got - exact) / ldexpl(1.0L, last_place);
}

/* The largest error and where it was. */
typedef struct worst {
  long double ulp;
  float x;
} worst;

static void note(worst *most, long double ulp, float x)
{
  if (!(ulp <= most->ulp)) /* NaN is the worst */
    *most = (worst){ulp, x};
}

static void check_worst(const exact_activation *s, const char *what, const worst *most,
                        long double bound)
{
  printf("%-12s %-10s %5.2Lf ulp at %a\n", s->name, what, most->ulp, (double)most->x);
  fflush(stdout); /* a failure ends the process without */
  support_assert(most->ulp <= bound, "%s %s: %.2Lf ulp at %a, more than %.2Lf", s->name, what,
                 most->ulp, (double)most->x, bound);
}

/* Half an ulp is what rounding the exact result may cost; a little more where `exact` itself is
 * rounded to long double. */
static long double allowed(long double bound)
{
  return bound > 0.0L ? bound : 0.501L;
}

/* y [n] from x [n] */
static void activate(const exact_activation *s, const float *x, int64_t n, float *y)
{
  const blasconv_activation activation = {s->kind, s->alpha};
  const blasconv_maps maps = blasconv_maps_nchw(1, 1, n);
  ck_assert_int_eq(blasconv_bias_activation_forward(&maps, x, NULL, &activation, 1, y),
                   BLASCONV_SUCCESS);
}

/* slopes [n] from what `s` saves, x [n] or y [n] */
static void differentiate(const exact_activation *s, const float *x, const float *y, int64_t n,
                          float *slopes)
{
  const blasconv_maps maps = blasconv_maps_nchw(1, 1, n);
  const blasconv_activation activation = {s->kind, s->alpha};
  for (int64_t i = 0; i < n; ++i)
    slopes[i] = 1.0f;
  ck_assert_int_eq(blasconv_bias_activation_backward(&maps,
                                                     s->saved == BLASCONV_SAVED_INPUT ? x : y, NULL,
                                                     &activation, slopes, 1, 0, slopes, NULL),
                   BLASCONV_SUCCESS);
}

/* The errors of one chunk of inputs x [chunk]. */
static void measure(const exact_activation *s, const float *x, worst *value, worst *slope)
{
  const long double alpha = (long double)s->alpha;
  float y[chunk], slopes[chunk];
  activate(s, x, chunk, y);
  differentiate(s, x, y, chunk, slopes);
  for (int i = 0; i < chunk; ++i) {
    const long double exact = s->value((long double)x[i], alpha);
    const long double scale = fmaxl(fabsl(exact), s->share * fabsl((long double)x[i]));
    note(value, error_in_ulp(y[i], exact, scale), x[i]);
    const float saved = s->saved == BLASCONV_SAVED_INPUT ? x[i] : y[i];
    const long double exact_slope = s->slope((long double)saved, alpha);
    note(slope, error_in_ulp(slopes[i], exact_slope, fmaxl(fabsl(exact_slope), s->slope_floor)),
         x[i]);
  }
}

/* ---------------------------------------------------------------------------------------------
 * Tests
 * ------------------------------------------------------------------------------------------ */

START_TEST(errors_stay_within_their_bounds)
{
  float x[chunk];
  for (int i = 0; i < exact_activation_count; ++i) {
    const exact_activation *s = &exact_activations[i];
    support_random random = support_random_start((uint64_t)i);
    worst value = {0.0L, 0.0f}, slope = {0.0L, 0.0f};
    for (uint32_t sign = 0; sign < 2; ++sign)
      for (uint32_t exponent = 0; exponent < infinity_exponent; ++exponent) {
        const uint32_t parts = parts_of_exponent(exponent);
        for (uint32_t part = 0; part < parts; ++part) {
          fill_samples(sign, exponent, part, parts, &random, x);
          measure(s, x, &value, &slope);
        }
      }
    check_worst(s, "value", &value, allowed(s->bound));
    check_worst(s, "derivative", &slope, allowed(s->slope_bound));
  }
}
END_TEST

/* The saved tensor is the documented one, and the slope taken from it is that of the function: a
 * central difference of the exact function, away from kinks, tells. */
START_TEST(derivatives_are_those_of_the_functions)
{
  const long double step = 0x1p-16L;
  for (int i = 0; i < exact_activation_count; ++i) {
    const exact_activation *s = &exact_activations[i];
    const long double alpha = (long double)s->alpha;
    ck_assert_int_eq(blasconv_activation_saves(s->kind), s->saved);
    support_random random = support_random_start((uint64_t)i);
    for (int j = 0; j < 20000; ++j) {
      const float x = 8.0f * support_random_float(&random);
      if (fabsf(x) < 0x1p-10f || fabsf(x - s->alpha) < 0x1p-10f)
        continue;
      float y, slope;
      activate(s, &x, 1, &y);
      differentiate(s, &x, &y, 1, &slope);
      const long double above = s->value((long double)x + step, alpha);
      const long double below = s->value((long double)x - step, alpha);
      const long double error = (long double)slope - (above - below) / (2.0L * step);
      support_assert(fabsl(error) <= 1e-6L, "%s: slope off by %Lg at %a", s->name, error,
                     (double)x);
    }
  }
}
END_TEST

START_TEST(infinities_give_limits_and_nan_stays)
{
  static const float ends[] = {INFINITY, -INFINITY};
  for (int i = 0; i < exact_activation_count; ++i) {
    const exact_activation *s = &exact_activations[i];
    const long double alpha = (long double)s->alpha;
    for (int end = 0; end < 2; ++end) {
      float y, slope;
      activate(s, &ends[end], 1, &y);
      const long double limit = s->value((long double)ends[end], alpha);
      support_assert((long double)y == limit, "%s(%g) is %g", s->name, (double)ends[end],
                     (double)y);
      if (s->saved == BLASCONV_SAVED_INPUT) {
        differentiate(s, &ends[end], &y, 1, &slope);
        const float flat = end == 0 ? 1.0f : 0.0f;
        support_assert(fabsf(slope - flat) < 1e-20f, "%s: slope %g at %g", s->name, (double)slope,
                       (double)ends[end]);
      }
    }
    /* in every place of a vector and of its tail */
    float x[chunk], y[chunk];
    for (int j = 0; j < chunk; ++j)
      x[j] = j % 3 == 0 ? NAN : 1.0f;
    activate(s, x, chunk - 1, y);
    for (int j = 0; j < chunk - 1; ++j)
      support_assert(!isnan(y[j]) == (j % 3 != 0), "%s: NaN at %d", s->name, j);
  }
}
END_TEST

/* The kinks of `activation` at saved outputs `y`: the slope there. */
START_TEST(kinks_have_their_slopes)
{
  static const struct {
    blasconv_activation activation;
    float y, slope;
  } kinks[] = {
      {{BLASCONV_RELU, 0.0f}, 0.0f, 0.0f},          {{BLASCONV_RELU, 0.0f}, -0.0f, 0.0f},
      {{BLASCONV_RELU, 0.0f}, 0x1p-149f, 1.0f},     {{BLASCONV_LEAKY_RELU, 0.25f}, 0.0f, 0.25f},
      {{BLASCONV_LEAKY_RELU, 0.25f}, -0.0f, 0.25f}, {{BLASCONV_CLIPPED_RELU, 6.0f}, 0.0f, 0.0f},
      {{BLASCONV_CLIPPED_RELU, 6.0f}, -0.0f, 0.0f}, {{BLASCONV_CLIPPED_RELU, 6.0f}, 6.0f, 0.0f},
      {{BLASCONV_CLIPPED_RELU, 6.0f}, 5.99f, 1.0f}, {{BLASCONV_ELU, 0.5f}, 0.0f, 0.5f},
      {{BLASCONV_ELU, 0.5f}, -0.0f, 0.5f},          {{BLASCONV_ELU, 0.5f}, -0.5f, 0.0f},
      {{BLASCONV_LEAKY_RELU, 0.0f}, 0.0f, 0.0f},    {{BLASCONV_SIGMOID, 0.0f}, 0.0f, 0.0f},
      {{BLASCONV_TANH, 0.0f}, -1.0f, 0.0f},
  };
  for (size_t i = 0; i < sizeof kinks / sizeof *kinks; ++i) {
    const blasconv_maps maps = blasconv_maps_nchw(1, 1, 1);
    const float gradient = 3.0f;
    float slope = NAN;
    ck_assert_int_eq(blasconv_bias_activation_backward(&maps, &kinks[i].y, NULL,
                                                       &kinks[i].activation, &gradient, 1, 0,
                                                       &slope, NULL),
                     BLASCONV_SUCCESS);
    support_assert(slope == gradient * kinks[i].slope, "kink %zu: %g", i, (double)slope);
  }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("activation");
  support_add(suite, errors_stay_within_their_bounds);
  support_add(suite, derivatives_are_those_of_the_functions);
  support_add(suite, infinities_give_limits_and_nan_stays);
  support_add(suite, kinks_have_their_slopes);
  return support_run(suite);
}
