/*
 * First values of weights: every element of every kind against the law written down here, the
 * distributions as a whole, and refusals. test_orthogonal.c has what is more than single elements.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"
#include "train/random.h"

#include <blasconv/train.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { kinds = BLASCONV_INIT_IDENTITY + 1 };

static const blasconv_random beginning = {21, 22, 2};

static blasconv_problem grouped_problem(void)
{
  blasconv_problem problem = blasconv_problem_2d(2, 60, 8, 9, 120, 3, 5);
  problem.groups = 3; /* fan-in 20 * 15, fan-out 40 * 15 */
  return problem;
}

static int64_t count_weights(const blasconv_problem *p)
{
  return p->out_channels * (p->in_channels / p->groups) * p->kernel[0] * p->kernel[1];
}

static bool takes_words(blasconv_initializer_kind kind)
{
  return kind != BLASCONV_INIT_ZEROS && kind != BLASCONV_INIT_ONES &&
         kind != BLASCONV_INIT_CONSTANT && kind != BLASCONV_INIT_IDENTITY;
}

/* First values from the beginning of a stream, with the words that they take. */
static support_tensor initialize(const blasconv_problem *problem,
                                 const blasconv_initializer *initializer)
{
  support_tensor weights = support_tensor_poisoned(count_weights(problem));
  blasconv_random random = beginning;
  const bool takes = takes_words(initializer->kind);
  ck_assert_int_eq(
      blasconv_weights_initialize(problem, initializer, takes ? &random : NULL, weights.data),
      BLASCONV_SUCCESS);
  ck_assert(random.position - beginning.position == (takes ? (uint64_t)weights.count : 0));
  ck_assert(random.seed == beginning.seed && random.stream == beginning.stream);
  support_tensor_check(&weights, "weights");
  return weights;
}

/* ---------------------------------------------------------------------------------------------
 * Laws
 * ------------------------------------------------------------------------------------------ */

typedef enum form { FLAT, BELL, CUT_BELL } form;

/* A distribution: from a to b, or with mean a and deviation b, maybe cut at two of these. */
typedef struct law {
  blasconv_initializer_kind kind;
  form form;
  double a, b;
} law;

static const blasconv_initializer numbers = {.struct_size = sizeof(blasconv_initializer),
                                             .low = -0.5f,
                                             .high = 1.5f,
                                             .mean = 0.25f,
                                             .deviation = 0.75f,
                                             .gain = 1.25f};

/* The laws of `numbers` where `in` inputs meet and `out` outputs are reached. */
static law law_of(blasconv_initializer_kind kind, double in, double out)
{
  const double both = in + out;
  const law laws[] = {
      {BLASCONV_INIT_UNIFORM, FLAT, -0.5, 1.5},
      {BLASCONV_INIT_NORMAL, BELL, 0.25, 0.75},
      {BLASCONV_INIT_TRUNCATED_NORMAL, CUT_BELL, 0.25, 0.75},
      {BLASCONV_INIT_GLOROT_UNIFORM, FLAT, -1.25 * sqrt(6 / both), 1.25 * sqrt(6 / both)},
      {BLASCONV_INIT_GLOROT_NORMAL, BELL, 0, 1.25 * sqrt(2 / both)},
      {BLASCONV_INIT_GLOROT_TRUNCATED, CUT_BELL, 0, 1.25 * sqrt(2 / both) / 0.87962566103423978},
      {BLASCONV_INIT_HE_UNIFORM, FLAT, -1.25 * sqrt(6 / in), 1.25 * sqrt(6 / in)},
      {BLASCONV_INIT_HE_NORMAL, BELL, 0, 1.25 * sqrt(2 / in)},
      {BLASCONV_INIT_LECUN_UNIFORM, FLAT, -1.25 * sqrt(3 / in), 1.25 * sqrt(3 / in)},
      {BLASCONV_INIT_LECUN_NORMAL, BELL, 0, 1.25 * sqrt(1 / in)}};
  for (size_t i = 0; i < sizeof laws / sizeof *laws; ++i)
    if (laws[i].kind == kind)
      return laws[i];
  ck_abort_msg("no law");
}

static double normal_below(double x)
{
  return erfc(-x / sqrt(2.0)) / 2.0;
}

/* The distribution function. */
static double below(const law *l, double x)
{
  const double distance = (x - l->a) / (l->form == FLAT ? l->b - l->a : l->b);
  switch (l->form) {
  case FLAT:
    return fmin(fmax(distance, 0.0), 1.0);
  case BELL:
    return normal_below(distance);
  default:
    return fmin(fmax((normal_below(distance) - normal_below(-2)) / erf(sqrt(2.0)), 0.0), 1.0);
  }
}

/* Element by element: what lies below it is what the word says, but for the rounding of the element
 * to float, which is worth as much as a step to either side. */
static void check_elements(const law *l, const support_tensor *weights)
{
  for (int64_t i = 0; i < weights->count; ++i) {
    const double word = (double)(bc_random_word(&beginning, (uint64_t)i) >> 11) * 0x1p-53;
    const double x = (double)weights->data[i], step = fabs(x) * 1.5e-7 + 1e-9;
    support_assert(below(l, x - step) <= word + 1e-15 && below(l, x + step) >= word - 1e-15,
                   "kind %d, element %d: %.9g", (int)l->kind, (int)i, x);
    ck_assert(l->form != FLAT ||
              (weights->data[i] >= (float)l->a && weights->data[i] < (float)l->b));
    ck_assert(l->form != CUT_BELL || fabs(x - l->a) <= 2 * l->b + step);
  }
}

static int compare(const void *one, const void *other)
{
  const float a = *(const float *)one, b = *(const float *)other;
  return (a > b) - (a < b);
}

/* All together: mean and deviation within five of their own deviations, and Kolmogorov's distance,
 * which one run in 10 000 exceeds. Sorts the weights. */
static void check_distribution(const law *l, support_tensor *weights)
{
  static const double part[] = {0.28867513459481288, 1.0, 0.87962566103423978};
  const double n = (double)weights->count, scale = l->form == FLAT ? l->b - l->a : l->b;
  const double deviation = scale * part[l->form], mean = l->form == FLAT ? (l->a + l->b) / 2 : l->a;
  double sum = 0.0, squares = 0.0, worst = 0.0;
  for (int64_t i = 0; i < weights->count; ++i) {
    sum += ((double)weights->data[i] - mean) / deviation;
    squares += pow(((double)weights->data[i] - mean) / deviation, 2);
  }
  ck_assert(fabs(sum / n) < 5 / sqrt(n) && fabs(squares / n - 1) < 5 * sqrt(2) / sqrt(n));
  qsort(weights->data, (size_t)weights->count, sizeof *weights->data, compare);
  for (int64_t i = 0; i < weights->count; ++i) {
    const double x = below(l, (double)weights->data[i]), rank = (double)i / n;
    worst = fmax(worst, fmax(fabs(x - rank), fabs(x - rank - 1 / n)));
  }
  ck_assert(worst * sqrt(n) < 2.23);
}

static void check_law(const blasconv_problem *problem, blasconv_initializer_kind kind, double in,
                      double out)
{
  blasconv_initializer initializer = numbers;
  initializer.kind = kind;
  initializer.value = NAN; /* not named by the kind */
  const law l = law_of(kind, in, out);
  support_tensor weights = initialize(problem, &initializer);
  check_elements(&l, &weights);
  check_distribution(&l, &weights);
  support_tensor_free(&weights);
}

START_TEST(random_kinds_follow_their_laws)
{
  const blasconv_problem grouped = grouped_problem();
  const blasconv_problem plain = blasconv_problem_2d(0, 16, 7, 7, 48, 7, 2);
  const blasconv_problem dense = blasconv_problem_dense(32, 300, 100);
  for (int kind = BLASCONV_INIT_UNIFORM; kind <= BLASCONV_INIT_LECUN_NORMAL; ++kind) {
    check_law(&grouped, (blasconv_initializer_kind)kind, 300, 600);
    check_law(&plain, (blasconv_initializer_kind)kind, 224, 672);
    check_law(&dense, (blasconv_initializer_kind)kind, 300, 100);
  }
}
END_TEST

START_TEST(constants_are_constant)
{
  static const blasconv_initializer_kind constant[] = {BLASCONV_INIT_ZEROS, BLASCONV_INIT_ONES,
                                                       BLASCONV_INIT_CONSTANT};
  static const float values[] = {0.0f, 1.0f, -2.5f};
  const blasconv_problem problem = grouped_problem();
  for (int k = 0; k < 3; ++k) {
    blasconv_initializer initializer = blasconv_initializer_of(constant[k]);
    initializer.value = -2.5f;
    initializer.low = initializer.gain = initializer.deviation = NAN;
    support_tensor weights = initialize(&problem, &initializer);
    for (int64_t i = 0; i < weights.count; ++i)
      ck_assert(weights.data[i] == values[k]);
    support_tensor_free(&weights);
  }
}
END_TEST

/* Where float is coarse, the upper end is rounded to and must not be reached. */
START_TEST(upper_end_is_never_reached)
{
  static const float ends[][2] = {{1.0f, 1.0f + FLT_EPSILON},
                                  {0x1p24f, 0x1.000002p24f},
                                  {-1.0f - FLT_EPSILON, -1.0f},
                                  {-FLT_TRUE_MIN, 0.0f},
                                  {-FLT_MAX / 2, FLT_MAX / 2}};
  const blasconv_problem problem = grouped_problem();
  for (size_t e = 0; e < sizeof ends / sizeof *ends; ++e) {
    blasconv_initializer initializer = blasconv_initializer_of(BLASCONV_INIT_UNIFORM);
    initializer.low = ends[e][0];
    initializer.high = ends[e][1];
    support_tensor weights = initialize(&problem, &initializer);
    for (int64_t i = 0; i < weights.count; ++i)
      ck_assert(weights.data[i] >= ends[e][0] && weights.data[i] < ends[e][1]);
    support_tensor_free(&weights);
  }
}
END_TEST

START_TEST(no_deviation_gives_the_mean)
{
  const blasconv_problem problem = grouped_problem();
  blasconv_initializer initializer = numbers;
  initializer.deviation = 0.0f;
  for (int i = 0; i < 2; ++i) {
    initializer.kind = i == 0 ? BLASCONV_INIT_NORMAL : BLASCONV_INIT_TRUNCATED_NORMAL;
    support_tensor weights = initialize(&problem, &initializer);
    for (int64_t j = 0; j < weights.count; ++j)
      ck_assert(weights.data[j] == 0.25f);
    support_tensor_free(&weights);
  }
}
END_TEST

/* The bits on every machine: elements 0 and 4499 of each kind for the dense problem below. */
START_TEST(bits_are_the_same_everywhere)
{
  static const float known[kinds][2] = {
      {0.0f, 0.0f},
      {0x1p+0f, 0x1p+0f},
      {0.0f, 0.0f},
      {0x1.dcf666p-1f, -0x1.10c22p-2f},
      {0x1.d2783ep+0f, -0x1.5c7642p-2f},
      {0x1.983294p+0f, -0x1.4c0652p-2f},
      {0x1.9235c8p-3f, -0x1.cc051ep-5f},
      {0x1.c6370ep-3f, -0x1.534eb8p-5f},
      {0x1.c3ddf4p-3f, -0x1.6f8b8ap-5f},
      {0x1.2da856p-2f, -0x1.5903d6p-4f},
      {0x1.54a94ap-2f, -0x1.fcf616p-5f},
      {0x1.aa9bb4p-3f, -0x1.e7ecc4p-5f},
      {0x1.e1c49p-3f, -0x1.67e3d4p-5f},
      {0x1.c3ab9p-3f, -0x1.6f4a18p-5f},
      {0x1p+0f, 0.0f},
  };
  const blasconv_problem problem = blasconv_problem_dense(1, 60, 75);
  for (int kind = 0; kind < kinds; ++kind) {
    const blasconv_initializer initializer =
        blasconv_initializer_of((blasconv_initializer_kind)kind);
    support_tensor weights = initialize(&problem, &initializer);
    support_assert(weights.data[0] == known[kind][0] && weights.data[4499] == known[kind][1],
                   "kind %d: %a, %a", kind, (double)weights.data[0], (double)weights.data[4499]);
    support_tensor_free(&weights);
  }
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Refusals
 * ------------------------------------------------------------------------------------------ */

static void check_refused(const blasconv_problem *problem, const blasconv_initializer *initializer,
                          bool with_random, blasconv_status status, const char *what)
{
  support_tensor weights = support_tensor_poisoned(18000), poison = support_tensor_poisoned(18000);
  blasconv_random random = beginning;
  support_assert(blasconv_weights_initialize(problem, initializer, with_random ? &random : NULL,
                                             weights.data) == status,
                 "%s", what);
  support_assert(support_tensor_same(&weights, &poison), "%s: written", what);
  support_assert(memcmp(&random, &beginning, sizeof random) == 0, "%s: moved", what);
  support_tensor_free(&poison);
  support_tensor_free(&weights);
}

START_TEST(bad_numbers_are_refused)
{
  const blasconv_problem problem = grouped_problem();
  static const float none[] = {NAN, INFINITY, -INFINITY};
  static const struct {
    const char *what;
    blasconv_initializer_kind kind;
    size_t offset;
    float value;
  } bad[] = {
      {"low = high", BLASCONV_INIT_UNIFORM, offsetof(blasconv_initializer, low), FLT_MAX / 2},
      {"low > high", BLASCONV_INIT_UNIFORM, offsetof(blasconv_initializer, low), FLT_MAX},
      {"width", BLASCONV_INIT_UNIFORM, offsetof(blasconv_initializer, low), -FLT_MAX},
      {"deviation", BLASCONV_INIT_NORMAL, offsetof(blasconv_initializer, deviation), -1e-30f},
      {"deviation", BLASCONV_INIT_TRUNCATED_NORMAL, offsetof(blasconv_initializer, deviation), -1},
      {"large", BLASCONV_INIT_NORMAL, offsetof(blasconv_initializer, deviation), FLT_MAX / 8},
      {"gain 0", BLASCONV_INIT_HE_NORMAL, offsetof(blasconv_initializer, gain), 0.0f},
      {"gain < 0", BLASCONV_INIT_GLOROT_UNIFORM, offsetof(blasconv_initializer, gain), -1.0f},
      {"gain 0", BLASCONV_INIT_ORTHOGONAL, offsetof(blasconv_initializer, gain), 0.0f},
      {"gain < 0", BLASCONV_INIT_IDENTITY, offsetof(blasconv_initializer, gain), -1.0f},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    blasconv_initializer initializer = blasconv_initializer_of(bad[i].kind);
    initializer.high = FLT_MAX / 2;
    float *number = (float *)(void *)((char *)&initializer + bad[i].offset);
    *number = bad[i].value;
    check_refused(&problem, &initializer, true, BLASCONV_BAD_ARGUMENT, bad[i].what);
    for (int j = 0; j < 3; ++j) {
      *number = none[j];
      check_refused(&problem, &initializer, true, BLASCONV_BAD_ARGUMENT, bad[i].what);
    }
  }
}
END_TEST

/* Every number that a kind names is looked at. */
START_TEST(numbers_that_are_none_are_refused)
{
  const blasconv_problem problem = grouped_problem();
  for (int j = 0; j < 3; ++j) {
    const float none = j == 0 ? NAN : j == 1 ? INFINITY : -INFINITY;
    for (int kind = 0; kind < kinds; ++kind) {
      blasconv_initializer i = blasconv_initializer_of((blasconv_initializer_kind)kind);
      if (kind == BLASCONV_INIT_CONSTANT)
        i.value = none;
      if (kind == BLASCONV_INIT_UNIFORM)
        i.high = none;
      if (kind == BLASCONV_INIT_NORMAL || kind == BLASCONV_INIT_TRUNCATED_NORMAL)
        i.mean = none;
      if (kind >= BLASCONV_INIT_GLOROT_UNIFORM)
        i.gain = none;
      if (kind >= BLASCONV_INIT_CONSTANT)
        check_refused(&problem, &i, true, BLASCONV_BAD_ARGUMENT, "none");
    }
  }
}
END_TEST

/* Gains with which an element would be infinite. */
START_TEST(gains_beyond_float_are_refused)
{
  const blasconv_problem one = blasconv_problem_dense(1, 1, 1);
  for (int kind = BLASCONV_INIT_GLOROT_UNIFORM; kind <= BLASCONV_INIT_LECUN_NORMAL; ++kind) {
    blasconv_initializer i = blasconv_initializer_of((blasconv_initializer_kind)kind);
    i.gain = FLT_MAX;
    check_refused(&one, &i, true, BLASCONV_BAD_ARGUMENT, "gain");
  }
}
END_TEST

START_TEST(bad_arguments_are_refused)
{
  blasconv_problem problem = grouped_problem();
  blasconv_initializer i = blasconv_initializer_of(BLASCONV_INIT_HE_NORMAL);
  blasconv_random random = beginning;
  check_refused(NULL, &i, true, BLASCONV_NULL_POINTER, "no problem");
  check_refused(&problem, NULL, true, BLASCONV_NULL_POINTER, "no initializer");
  for (int kind = BLASCONV_INIT_UNIFORM; kind <= BLASCONV_INIT_ORTHOGONAL; ++kind) {
    i.kind = (blasconv_initializer_kind)kind;
    check_refused(&problem, &i, false, BLASCONV_NULL_POINTER, "no random");
    ck_assert_int_eq(blasconv_weights_initialize(&problem, &i, &random, NULL),
                     BLASCONV_NULL_POINTER);
  }
  ck_assert(random.position == beginning.position);
  i.kind = (blasconv_initializer_kind)kinds;
  check_refused(&problem, &i, true, BLASCONV_BAD_ARGUMENT, "kind");
  i.kind = (blasconv_initializer_kind)-1;
  check_refused(&problem, &i, true, BLASCONV_BAD_ARGUMENT, "kind -1");
  i = blasconv_initializer_of(BLASCONV_INIT_ZEROS);
  i.struct_size = sizeof i - 1;
  check_refused(&problem, &i, true, BLASCONV_VERSION_MISMATCH, "size");
  i.struct_size = sizeof i;
  ck_assert_int_eq(blasconv_weights_initialize(&problem, &i, NULL, NULL), BLASCONV_NULL_POINTER);
  problem.groups = 7;
  check_refused(&problem, &i, true, BLASCONV_BAD_GROUPS, "groups");
  problem.struct_size = 0;
  check_refused(&problem, &i, true, BLASCONV_VERSION_MISMATCH, "problem's size");
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("initializers");
  support_add(suite, random_kinds_follow_their_laws);
  support_add(suite, constants_are_constant);
  support_add(suite, upper_end_is_never_reached);
  support_add(suite, no_deviation_gives_the_mean);
  support_add(suite, bits_are_the_same_everywhere);
  support_add(suite, bad_numbers_are_refused);
  support_add(suite, numbers_that_are_none_are_refused);
  support_add(suite, gains_beyond_float_are_refused);
  support_add(suite, bad_arguments_are_refused);
  return support_run(suite);
}
