/*
 * Normal numbers: the accuracy of the inverse of the distribution function, against one by Newton's
 * steps in long double, and the distribution of what is drawn.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"
#include "train/normal.h"
#include "train/random.h"

#include <math.h>
#include <stdlib.h>

/* The number below which lies 1/2 + centred, by Newton's steps in long double from a start that is
 * too small: right of the middle the distribution function is concave, so they never overshoot. */
static long double quantile_by_newton(long double centred)
{
  const long double root_two = sqrtl(2.0L), density = 0.39894228040143267794L;
  const long double distance = fabsl(centred);
  long double x = 0.0L;
  for (int i = 0; i < 200; ++i) {
    const long double missing = distance < 0.25L ? distance - erfl(x / root_two) / 2.0L
                                                 : erfcl(x / root_two) / 2.0L - (0.5L - distance);
    const long double step = missing / (density * expl(-x * x / 2.0L));
    x += step;
    if (fabsl(step) <= 1e-19L * x)
      break;
  }
  return centred < 0.0L ? -x : x;
}

static void check_quantile(double centred, double bound)
{
  const long double exact = quantile_by_newton((long double)centred);
  const long double error = fabsl(((long double)bc_normal_quantile(centred) - exact) / exact);
  support_assert(error <= (long double)bound, "quantile of 1/2 + %.17g: error %Lg", centred, error);
  ck_assert(bc_normal_quantile(-centred) == -bc_normal_quantile(centred));
}

START_TEST(quantiles_are_exact)
{
  static const double bound = 1.5e-15;
  support_random random = support_random_start(2);
  for (int i = 0; i < 20000; ++i)
    check_quantile(bc_normal_centred(support_random_bits(&random)), bound);
  for (double tail = 0x1p-53; tail < 0.5; tail *= 1.01)
    check_quantile(0.5 - ldexp(ceil(ldexp(tail, 53)), -53), bound);
  for (double centred = 0x1p-53; centred < 0.5; centred *= 1.5)
    check_quantile(centred, bound);
  check_quantile(0.425, bound);
  check_quantile(nextafter(0.425, 1.0), bound);
}
END_TEST

START_TEST(words_become_the_middles_of_equal_parts)
{
  ck_assert(bc_normal_centred(0) == 0x1p-53 - 0.5);
  ck_assert(bc_normal_centred(4095) == 0x1p-53 - 0.5);
  ck_assert(bc_normal_centred(4096) == 0x3p-53 - 0.5);
  ck_assert(bc_normal_centred(UINT64_MAX) == 0.5 - 0x1p-53);
  ck_assert(bc_normal_centred((uint64_t)1 << 63) == 0x1p-53);
  ck_assert(bc_normal_centred(((uint64_t)1 << 63) - 1) == -0x1p-53);
}
END_TEST

START_TEST(normal_takes_one_word)
{
  const blasconv_random start = blasconv_random_start(17, 3);
  blasconv_random random = start;
  for (uint64_t i = 0; i < 1000; ++i)
    ck_assert(blasconv_random_normal(&random) ==
              bc_normal_quantile(bc_normal_centred(bc_random_word(&start, i))));
  ck_assert(random.position == 1000);
}
END_TEST

static int compare(const void *one, const void *other)
{
  const double a = *(const double *)one, b = *(const double *)other;
  return (a > b) - (a < b);
}

/* Moments within five of their deviations, and Kolmogorov's distance, which one run in 10 000
 * exceeds. */
START_TEST(normal_numbers_are_distributed_as_they_should)
{
  enum { draws = 200000 };
  static double x[draws];
  blasconv_random random = blasconv_random_start(18, 0);
  double powers[5] = {0.0}, worst = 0.0;
  for (int i = 0; i < draws; ++i) {
    x[i] = blasconv_random_normal(&random);
    for (int power = 1; power <= 4; ++power)
      powers[power] += pow(x[i], power) / draws;
  }
  const double root = sqrt(draws);
  ck_assert(fabs(powers[1]) < 5 / root && fabs(powers[2] - 1) < 5 * sqrt(2) / root);
  ck_assert(fabs(powers[3]) < 5 * sqrt(15) / root && fabs(powers[4] - 3) < 5 * sqrt(96) / root);
  qsort(x, draws, sizeof *x, compare);
  for (int i = 0; i < draws; ++i) {
    const double below = erfc(-x[i] / sqrt(2.0)) / 2.0;
    worst = fmax(worst, fmax(fabs(below - (double)i / draws), fabs(below - (i + 1.0) / draws)));
  }
  ck_assert(worst * root < 2.23);
}
END_TEST

/* In the middle, in the tail and far out: the bits on every machine. */
START_TEST(bits_are_the_same_everywhere)
{
  static const struct {
    uint64_t word;
    double normal;
  } known[] = {
      {0x0000000000000000u, -0x1.06b48528cea51p+3},  {0x0000000000fff000u, -0x1.c30dcca5b6523p+2},
      {0x0000000123456789u, -0x1.8d70c5592e892p+2},  {0x0123456789abcdefu, -0x1.4ee2dc0a9e007p+1},
      {0x1333333333333333u, -0x1.7085226d3e521p+0},  {0x3141592653589793u, -0x1.bcf73d7b9afe3p-1},
      {0x7fffffffffffffffu, -0x1.40d931ff62707p-52}, {0x9e3779b97f4a7c15u, 0x1.338773022866fp-2},
      {0xd2e7470ee14c6c93u, 0x1.dc36a900d087ap-1},   {0xf123456789abcdefu, 0x1.92413ea3e6319p+0},
      {0xfffedcba98765432u, 0x1.08f6aa2fcf425p+2},   {0xffffffffffffffffu, 0x1.06b48528cea51p+3},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; ++i)
    ck_assert(bc_normal_quantile(bc_normal_centred(known[i].word)) == known[i].normal);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("normal_numbers");
  support_add(suite, quantiles_are_exact);
  support_add(suite, words_become_the_middles_of_equal_parts);
  support_add(suite, normal_takes_one_word);
  support_add(suite, normal_numbers_are_distributed_as_they_should);
  support_add(suite, bits_are_the_same_everywhere);
  return support_run(suite);
}
