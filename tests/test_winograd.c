/*
 * What the header and docs/algorithms.md promise of `winograd`: errors, also for sums of 2,048
 * channels and for data that is made to have large ones; how far a NaN reaches; and what rules it
 * out.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"
#include "support.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { passes = 3, layouts = 2, text_size = 8192 };

/* ---------------------------------------------------------------------------------------------
 * Errors
 * ------------------------------------------------------------------------------------------ */

typedef enum data_kind { DATA_NORMAL, DATA_POSITIVE, DATA_ADVERSARY, DATA_KINDS } data_kind;

/* Nearly normal: the sum of twelve numbers of variance 1/12 each. */
static float random_normal(support_random *random)
{
  float sum = 0;
  for (int i = 0; i < 12; ++i)
    sum += support_random_float(random) / 2;
  return sum;
}

/* The signs for which the value of a tile of six pixels at a point is the largest, a tile beginning
 * one pixel before every fourth. */
static float adverse_sign(int64_t row, int64_t column)
{
  static const float signs[] = {1, -1, -1, 1};
  return signs[(row + 1) % 4] * signs[(column + 1) % 4];
}

static float draw_pixel(data_kind kind, int64_t row, int64_t column, support_random *random)
{
  const float value = random_normal(random);
  if (kind == DATA_NORMAL)
    return value;
  if (kind == DATA_POSITIVE)
    return fabsf(value);
  return adverse_sign(row, column) * (float)support_random_between(random, 512, 1024) / 1024;
}

/* Maps [channels][pixels] or [pixels][channels] of so many images. */
static void draw_maps(const blasconv_problem *p, data_kind kind, int64_t channels,
                      support_tensor *maps, support_random *random)
{
  const int64_t width = p->input[1], pixels = p->input[0] * width;
  for (int64_t image = 0; image < p->batch; ++image)
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t i = 0; i < pixels; ++i)
        maps->data[oracle_element(p->layout, channels, pixels, image, c, i)] =
            draw_pixel(kind, i / width, i % width, random);
}

static fixture_case draw(const blasconv_problem *problem, data_kind kind, support_random *random)
{
  fixture_case fixture = fixture_create(problem, support_tensor_random, random);
  draw_maps(problem, kind, problem->in_channels, &fixture.input, random);
  draw_maps(problem, kind, problem->out_channels, &fixture.output_gradient, random);
  for (int64_t i = 0; i < fixture.weights.count; ++i) {
    fixture.weights.data[i] = random_normal(random);
    if (kind == DATA_ADVERSARY)
      fixture.weights.data[i] = fabsf(fixture.weights.data[i]);
  }
  fixture_seal(&fixture);
  return fixture;
}

/* Fails if an error is above 1e-4 of the largest result. On one thread, whose tasks have the most
 * blocks. */
static void check_promise(const fixture_case *fixture, blasconv_pass pass, data_kind kind)
{
  const fixture_variant variant = {.pass = pass, .algorithm = "winograd", .threads = 1};
  fixture_result result = fixture_result_create(&fixture->problem, pass, NULL, NULL);
  fixture_truth truth = fixture_truth_create(fixture, pass);
  ck_assert(fixture_run(fixture, &variant, &result));
  double largest = 0, error = 0;
  for (int64_t i = 0; i < truth.values.count; ++i) {
    const double difference = fabs((double)result.values.data[i] - truth.values.value[i]);
    largest = fmax(largest, fabs(truth.values.value[i]));
    error = difference <= error ? error : difference; /* NaN is kept */
  }
  char text[512];
  support_assert(error <= 1e-4 * largest, "error %.3g of %.3g, data %d: %s", error, largest, kind,
                 fixture_describe(&fixture->problem, &variant, text, sizeof text));
  fixture_truth_free(&truth);
  fixture_result_free(&result);
}

static blasconv_problem same_problem(int64_t batch, int64_t channels, int64_t filters,
                                     int64_t extent, int64_t height, int64_t width)
{
  blasconv_problem problem =
      blasconv_problem_2d(batch, channels, extent, extent, filters, height, width);
  problem.pads_begin[0] = problem.pads_end[0] = height / 2;
  problem.pads_begin[1] = problem.pads_end[1] = width / 2;
  return problem;
}

/* Many channels for each pass that sums over them, many pixels for the gradient of the weights, and
 * several blocks of channels and of filters. */
START_TEST(errors_keep_the_promise)
{
  const blasconv_problem problems[] = {
      same_problem(1, 2048, 3, 12, 3, 3), same_problem(1, 3, 2048, 12, 3, 3),
      same_problem(1, 2048, 2, 6, 5, 5),  same_problem(1, 2048, 2, 8, 1, 7),
      same_problem(1, 2048, 2, 8, 3, 1),  same_problem(32, 3, 3, 44, 3, 3),
      same_problem(1, 300, 200, 12, 3, 3)};
  support_random random = support_random_start(1);
  for (size_t i = 0; i < sizeof problems / sizeof *problems; ++i)
    for (int kind = 0; kind < DATA_KINDS; ++kind) {
      fixture_case fixture = draw(&problems[i], (data_kind)kind, &random);
      for (int pass = 0; pass < passes; ++pass)
        check_promise(&fixture, (blasconv_pass)pass, (data_kind)kind);
      fixture_free(&fixture);
    }
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * NaN
 * ------------------------------------------------------------------------------------------ */

static fixture_result forward(const fixture_case *fixture)
{
  const fixture_variant variant = {.pass = BLASCONV_FORWARD, .algorithm = "winograd", .threads = 2};
  fixture_result result = fixture_result_create(&fixture->problem, BLASCONV_FORWARD, NULL, NULL);
  ck_assert(fixture_run(fixture, &variant, &result));
  return result;
}

/* A NaN reaches every result that it is a part of, and none that is as far as a tile and a filter
 * away: those keep their bits. */
static void check_reach(const blasconv_problem *problem, support_random *random)
{
  enum { spoilt = 9, reach = 6 };
  const int64_t extent = problem->input[0], pixels = extent * extent;
  fixture_case fixture = fixture_create(problem, support_tensor_random, random);
  fixture_result clean = forward(&fixture);
  fixture.input.data[oracle_element(problem->layout, problem->in_channels, pixels, 0, 1,
                                    spoilt * extent + spoilt)] = NAN;
  fixture_seal(&fixture);
  fixture_result spoiled = forward(&fixture);
  for (int64_t k = 0; k < problem->out_channels; ++k)
    for (int64_t i = 0; i < pixels; ++i) {
      const int64_t at = oracle_element(problem->layout, problem->out_channels, pixels, 0, k, i);
      const int64_t far = imaxabs(i / extent - spoilt) > imaxabs(i % extent - spoilt)
                              ? imaxabs(i / extent - spoilt)
                              : imaxabs(i % extent - spoilt);
      if (far <= 1)
        ck_assert(isnan(spoiled.values.data[at]));
      if (far > reach)
        ck_assert(spoiled.values.data[at] == clean.values.data[at]);
    }
  fixture_result_free(&clean);
  fixture_result_free(&spoiled);
  fixture_free(&fixture);
}

START_TEST(a_nan_stays_in_its_tiles)
{
  support_random random = support_random_start(2);
  blasconv_problem problem = same_problem(1, 20, 18, 24, 3, 3);
  for (int layout = 0; layout < layouts; ++layout) {
    problem.layout = (blasconv_layout)layout;
    check_reach(&problem, &random);
  }
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Plans
 * ------------------------------------------------------------------------------------------ */

static blasconv_plan *plan_for(const blasconv_problem *problem, const char *algorithm,
                               int32_t exact)
{
  blasconv_options options = blasconv_options_default();
  options.algorithm = algorithm;
  options.exact = exact;
  options.threads = 1;
  blasconv_plan *plan = NULL;
  const blasconv_status status = blasconv_plan_create(problem, BLASCONV_FORWARD, &options, &plan);
  ck_assert(status == BLASCONV_SUCCESS || status == BLASCONV_ALGORITHM_REFUSED);
  return plan;
}

static void check_described(const blasconv_plan *plan, const char *words)
{
  char text[text_size];
  ck_assert_uint_lt(blasconv_plan_describe(plan, text, sizeof text), sizeof text);
  support_assert(strstr(text, words) != NULL, "\"%s\" is missing in: %s", words, text);
}

/* By name or by estimate; and plans say the bound. */
START_TEST(exact_rules_it_out)
{
  const blasconv_problem problem = same_problem(4, 64, 64, 56, 3, 3);
  blasconv_plan *usual = plan_for(&problem, "winograd", 0), *exact = plan_for(&problem, NULL, 1);
  ck_assert_ptr_nonnull(usual);
  ck_assert_str_ne(blasconv_plan_algorithm(exact), "winograd");
  ck_assert_ptr_null(plan_for(&problem, "winograd", 1));
  /* 2^-24 (8 + 2 sqrt(576)), and four times that. */
  check_described(usual, "error: below 1.3e-05 of the sum of absolute products of the largest");
  check_described(exact, "error: below 3.3e-06 of the sum of absolute products of the element");
  check_described(exact, "not winograd: it is not a plain sum of products");
  blasconv_plan_destroy(usual);
  blasconv_plan_destroy(exact);
}
END_TEST

START_TEST(what_has_no_tiles_is_refused)
{
  blasconv_problem strided = same_problem(1, 8, 8, 12, 3, 3), dilated = strided;
  blasconv_problem large = same_problem(1, 8, 8, 12, 4, 4),
                   along_depth = blasconv_problem_3d(1, 8, 6, 6, 6, 8, 3, 3, 3);
  strided.strides[1] = 2;
  dilated.dilations[0] = 2;
  ck_assert_ptr_null(plan_for(&strided, "winograd", 0));
  ck_assert_ptr_null(plan_for(&dilated, "winograd", 0));
  ck_assert_ptr_null(plan_for(&large, "winograd", 0));
  ck_assert_ptr_null(plan_for(&along_depth, "winograd", 0));
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("winograd");
  support_add(suite, errors_keep_the_promise);
  support_add(suite, a_nan_stays_in_its_tiles);
  support_add(suite, exact_rules_it_out);
  support_add(suite, what_has_no_tiles_is_refused);
  return support_run(suite);
}
