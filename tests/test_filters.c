/*
 * Filters known from image processing: their taps by definitions written down here, what they give
 * on ramps, bowls and waves through a real convolution, Gabor banks, fixed weights, and refusals.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <blasconv/train.h>
#include <float.h>
#include <math.h>
#include <string.h>

enum { tables = BLASCONV_FILTER_BOX };

static const double pi = 3.14159265358979324;

static support_tensor write(const blasconv_filter *filter, int64_t height, int64_t width)
{
  support_tensor taps = support_tensor_poisoned(height * width);
  ck_assert_int_eq(blasconv_filter_write(filter, height, width, taps.data), BLASCONV_SUCCESS);
  support_tensor_check(&taps, "taps");
  return taps;
}

/* ---------------------------------------------------------------------------------------------
 * Taps
 * ------------------------------------------------------------------------------------------ */

START_TEST(tables_are_what_is_known)
{
  static const int known[tables][3][3] = {
      [BLASCONV_FILTER_SOBEL_X] = {{-1, 0, 1}, {-2, 0, 2}, {-1, 0, 1}},
      [BLASCONV_FILTER_SOBEL_Y] = {{-1, -2, -1}, {0, 0, 0}, {1, 2, 1}},
      [BLASCONV_FILTER_PREWITT_X] = {{-1, 0, 1}, {-1, 0, 1}, {-1, 0, 1}},
      [BLASCONV_FILTER_PREWITT_Y] = {{-1, -1, -1}, {0, 0, 0}, {1, 1, 1}},
      [BLASCONV_FILTER_SCHARR_X] = {{-3, 0, 3}, {-10, 0, 10}, {-3, 0, 3}},
      [BLASCONV_FILTER_SCHARR_Y] = {{-3, -10, -3}, {0, 0, 0}, {3, 10, 3}},
      [BLASCONV_FILTER_LAPLACIAN_4] = {{0, 1, 0}, {1, -4, 1}, {0, 1, 0}},
      [BLASCONV_FILTER_LAPLACIAN_8] = {{1, 1, 1}, {1, -8, 1}, {1, 1, 1}},
      [BLASCONV_FILTER_SHARPEN] = {{0, -1, 0}, {-1, 5, -1}, {0, -1, 0}},
      [BLASCONV_FILTER_EMBOSS] = {{-2, -1, 0}, {-1, 1, 1}, {0, 1, 2}}};
  for (int kind = 0; kind < tables; ++kind) {
    blasconv_filter filter = blasconv_filter_of((blasconv_filter_kind)kind);
    filter.sigma = filter.aspect = filter.angle = filter.wavelength = NAN; /* not named */
    support_tensor taps = write(&filter, 3, 3);
    for (int i = 0; i < 9; ++i)
      support_assert(taps.data[i] == (float)known[kind][i / 3][i % 3], "kind %d", kind);
    support_tensor_free(&taps);
  }
}
END_TEST

START_TEST(box_is_a_mean)
{
  static const int64_t extents[][2] = {{1, 1}, {2, 2}, {3, 3}, {1, 6}, {5, 4}, {32768, 1}};
  for (size_t e = 0; e < sizeof extents / sizeof *extents; ++e) {
    blasconv_filter filter = blasconv_filter_of(BLASCONV_FILTER_BOX);
    filter.sigma = NAN;
    support_tensor taps = write(&filter, extents[e][0], extents[e][1]);
    for (int64_t i = 0; i < taps.count; ++i)
      ck_assert(taps.data[i] == 1.0f / (float)taps.count);
    support_tensor_free(&taps);
  }
}
END_TEST

/* A product of two normal curves, each scaled by its own sum. */
START_TEST(gaussian_is_a_product_of_two)
{
  static const float sigmas[] = {1e-30f, 0.3f, 1.0f, 2.5f, 1e30f};
  for (size_t s = 0; s < sizeof sigmas / sizeof *sigmas; ++s)
    for (int64_t height = 1; height <= 9; height += 2)
      for (int64_t width = 1; width <= 9; width += 2) {
        blasconv_filter filter = blasconv_filter_of(BLASCONV_FILTER_GAUSSIAN);
        filter.sigma = sigmas[s];
        filter.wavelength = NAN;
        support_tensor taps = write(&filter, height, width);
        double row[9], column[9], row_sum = 0.0, column_sum = 0.0;
        for (int64_t x = 0; x < width; ++x)
          row_sum += row[x] = exp(-pow((double)(x - width / 2) / (double)sigmas[s], 2) / 2);
        for (int64_t y = 0; y < height; ++y)
          column_sum += column[y] = exp(-pow((double)(y - height / 2) / (double)sigmas[s], 2) / 2);
        for (int64_t i = 0; i < taps.count; ++i) {
          const double exact = column[i / width] / column_sum * (row[i % width] / row_sum);
          ck_assert(fabs((double)taps.data[i] - exact) <= 1e-7 * exact + 1e-45);
        }
        support_tensor_free(&taps);
      }
}
END_TEST

/* The formula by derivatives: a second derivative of a Gaussian curve along x times the curve along
 * y, and the other way round; less the mean. */
START_TEST(laplacian_of_gaussian_is_one_and_has_mean_zero)
{
  static const float sigmas[] = {0.5f, 1.0f, 1.7f};
  for (size_t s = 0; s < sizeof sigmas / sizeof *sigmas; ++s) {
    blasconv_filter filter = blasconv_filter_of(BLASCONV_FILTER_LAPLACIAN_OF_GAUSSIAN);
    filter.sigma = sigmas[s];
    support_tensor taps = write(&filter, 7, 9);
    const double v = (double)sigmas[s] * (double)sigmas[s];
    double exact[63], mean = 0.0, sum = 0.0;
    for (int i = 0; i < 63; ++i) {
      const double x = i % 9 - 4, y = i / 9 - 3, curves = exp(-x * x / 2 / v) * exp(-y * y / 2 / v);
      exact[i] = curves * ((x * x / v - 1) / v + (y * y / v - 1) / v);
      mean += exact[i] / 63;
    }
    for (int i = 0; i < 63; ++i) {
      ck_assert(fabs((double)taps.data[i] - (exact[i] - mean)) <= 5e-7 / v);
      sum += (double)taps.data[i];
    }
    ck_assert(fabs(sum) <= 1e-6 / v);
    ck_assert(taps.data[31] < 0.0f && taps.data[31 + 4] > taps.data[31]);
    support_tensor_free(&taps);
  }
}
END_TEST

static const blasconv_filter gabor = {.struct_size = sizeof(blasconv_filter),
                                      .kind = BLASCONV_FILTER_GABOR,
                                      .sigma = 1.7f,
                                      .wavelength = 4.5f,
                                      .angle = 0.7f,
                                      .phase = 0.4f,
                                      .aspect = 0.6f};

/* The wave by its wave vector, the window by the quadratic form of its ellipse. */
START_TEST(gabor_is_a_wave_in_a_window)
{
  for (int turn = -3; turn <= 7; ++turn) {
    blasconv_filter filter = gabor;
    filter.angle = (float)turn * 0.7f;
    support_tensor taps = write(&filter, 5, 9);
    const double c = cos((double)filter.angle), s = sin((double)filter.angle);
    const double a = (double)filter.aspect * (double)filter.aspect, k = 2 * pi / 4.5;
    const double width = 2 * (double)filter.sigma * (double)filter.sigma;
    for (int i = 0; i < 45; ++i) {
      const double x = i % 9 - 4, y = i / 9 - 2;
      const double form =
          (c * c + a * s * s) * x * x + 2 * (1 - a) * c * s * x * y + (s * s + a * c * c) * y * y;
      const double exact = exp(-form / width) * cos(k * c * x + k * s * y + (double)filter.phase);
      ck_assert(fabs((double)taps.data[i] - exact) <= 1e-7);
    }
    support_tensor_free(&taps);
  }
}
END_TEST

/* Phase 0 is even about the middle, pi/2 odd; a quarter turn exchanges the axes. */
START_TEST(gabor_has_its_symmetries)
{
  blasconv_filter bar = gabor, edge = gabor, turned = gabor;
  bar.phase = turned.phase = 0.0f;
  edge.phase = (float)(pi / 2);
  bar.angle = 0.3f;
  turned.angle = 0.3f + (float)(pi / 2);
  support_tensor even = write(&bar, 7, 7), odd = write(&edge, 7, 7), other = write(&turned, 7, 7);
  for (int i = 0; i < 49; ++i) {
    const int x = i % 7, y = i / 7;
    ck_assert(even.data[i] == even.data[48 - i]);
    ck_assert(fabsf(odd.data[i] + odd.data[48 - i]) <= 2e-7f);
    /* What was at (x, y) about the middle is now at (-y, x). */
    ck_assert(fabsf(even.data[i] - other.data[x * 7 + 6 - y]) <= 1e-6f);
  }
  ck_assert(even.data[24] == 1.0f);
  support_tensor_free(&other);
  support_tensor_free(&odd);
  support_tensor_free(&even);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Responses
 * ------------------------------------------------------------------------------------------ */

/* Filters an image [side][side] with fixed weights, no pads. */
static support_tensor filtered(const blasconv_filter *bank, int64_t count, int64_t size,
                               int64_t side, const float *image)
{
  const blasconv_problem problem = blasconv_problem_2d(1, 1, side, side, count, size, size);
  support_tensor weights = support_tensor_poisoned(count * size * size);
  support_tensor output = support_tensor_poisoned(count * (side - size + 1) * (side - size + 1));
  ck_assert_int_eq(blasconv_weights_fixed(&problem, bank, count, NULL, weights.data),
                   BLASCONV_SUCCESS);
  blasconv_options options = blasconv_options_default();
  options.algorithm = "reference";
  blasconv_plan *plan = NULL;
  ck_assert_int_eq(blasconv_plan_create(&problem, BLASCONV_FORWARD, &options, &plan),
                   BLASCONV_SUCCESS);
  support_memory workspace = support_memory_workspace(blasconv_plan_workspace_size(plan));
  blasconv_arguments tensors = blasconv_arguments_none();
  tensors.input = image;
  tensors.weights = weights.data;
  tensors.output = output.data;
  ck_assert_int_eq(blasconv_plan_execute(plan, &tensors, workspace.data, workspace.bytes),
                   BLASCONV_SUCCESS);
  blasconv_plan_destroy(plan);
  support_memory_free(&workspace);
  support_tensor_free(&weights);
  return output;
}

/* On a ramp 2 x + 3 y + 1, and on a bowl x^2 + y^2, which are exact in float. */
START_TEST(slopes_and_curvatures_are_found)
{
  static const struct {
    blasconv_filter_kind kind;
    float x, y, one, bowl; /* response to x, to y, to 1; to the bowl, if the same everywhere */
  } known[] = {
      {BLASCONV_FILTER_SOBEL_X, 8, 0, 0, NAN},   {BLASCONV_FILTER_SOBEL_Y, 0, 8, 0, NAN},
      {BLASCONV_FILTER_PREWITT_X, 6, 0, 0, NAN}, {BLASCONV_FILTER_PREWITT_Y, 0, 6, 0, NAN},
      {BLASCONV_FILTER_SCHARR_X, 32, 0, 0, NAN}, {BLASCONV_FILTER_SCHARR_Y, 0, 32, 0, NAN},
      {BLASCONV_FILTER_LAPLACIAN_4, 0, 0, 0, 4}, {BLASCONV_FILTER_LAPLACIAN_8, 0, 0, 0, 12}};
  float ramp[64], bowl[64];
  for (int i = 0; i < 64; ++i) {
    ramp[i] = (float)(2 * (i % 8) + 3 * (i / 8) + 1);
    bowl[i] = (float)((i % 8) * (i % 8) + (i / 8) * (i / 8));
  }
  for (size_t k = 0; k < sizeof known / sizeof *known; ++k) {
    const blasconv_filter filter = blasconv_filter_of(known[k].kind);
    support_tensor slopes = filtered(&filter, 1, 3, 8, ramp);
    support_tensor curvatures = filtered(&filter, 1, 3, 8, bowl);
    for (int i = 0; i < 36; ++i) {
      ck_assert(slopes.data[i] == 2 * known[k].x + 3 * known[k].y + known[k].one);
      ck_assert(isnan(known[k].bowl) || curvatures.data[i] == known[k].bowl);
    }
    support_tensor_free(&curvatures);
    support_tensor_free(&slopes);
  }
}
END_TEST

/* Of a bank of Gabor filters, each answers loudest to waves of its own direction. */
START_TEST(bank_tells_directions_apart)
{
  enum { count = 6, side = 9 };
  blasconv_filter bank[count], filter = gabor;
  filter.angle = NAN; /* ignored */
  filter.phase = 0.0f;
  ck_assert_int_eq(blasconv_filter_bank(&filter, count, bank), BLASCONV_SUCCESS);
  for (int wave = 0; wave < count; ++wave) {
    float image[side * side];
    for (int i = 0; i < side * side; ++i)
      image[i] = (float)cos(
          2 * pi / 4.5 *
          ((i % side - 4) * cos(wave * pi / count) + (i / side - 4) * sin(wave * pi / count)));
    support_tensor output = filtered(bank, count, side, side, image);
    for (int i = 0; i < count; ++i)
      ck_assert(i == wave || output.data[i] < 0.7f * output.data[wave]);
    support_tensor_free(&output);
  }
}
END_TEST

START_TEST(bank_differs_in_angles_alone)
{
  blasconv_filter bank[6];
  memset(bank, 0, sizeof bank);
  bank[0] = gabor; /* may be where the bank goes */
  ck_assert_int_eq(blasconv_filter_bank(&bank[0], 5, bank), BLASCONV_SUCCESS);
  for (int i = 0; i < 5; ++i) {
    blasconv_filter expected = gabor;
    expected.angle = (float)(i * pi / 5);
    ck_assert(memcmp(&bank[i], &expected, sizeof expected) == 0);
  }
  ck_assert(bank[5].struct_size == 0);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Fixed weights
 * ------------------------------------------------------------------------------------------ */

static void check_fixed(const blasconv_problem *problem, int64_t count, const float *mix)
{
  blasconv_filter bank[7];
  for (int i = 0; i < 7; ++i) {
    bank[i] = gabor;
    bank[i].angle = (float)i;
  }
  const int64_t channels = problem->in_channels / problem->groups, area = 15;
  support_tensor weights = support_tensor_poisoned(problem->out_channels * channels * area);
  ck_assert_int_eq(blasconv_weights_fixed(problem, bank, count, mix, weights.data),
                   BLASCONV_SUCCESS);
  for (int64_t k = 0; k < problem->out_channels; ++k) {
    support_tensor taps = write(&bank[k % count], 3, 5);
    for (int64_t i = 0; i < channels * area; ++i) {
      const bool by_tap = problem->layout == BLASCONV_NHWC;
      const int64_t channel = by_tap ? i % channels : i / area;
      const float tap = taps.data[by_tap ? i / channels : i % area];
      const float weight = weights.data[k * channels * area + i];
      if (mix != NULL)
        ck_assert(weight == tap * mix[channel]);
      else
        ck_assert(fabsf(weight - tap / (float)channels) <= 1e-7f * fabsf(tap));
    }
    support_tensor_free(&taps);
  }
  support_tensor_check(&weights, "weights");
  support_tensor_free(&weights);
}

START_TEST(fixed_weights_are_the_bank_mixed)
{
  static const float mix[] = {0.299f, -2.0f, 0.0f, 1e10f};
  for (int64_t groups = 1; groups <= 3; ++groups)
    for (int64_t channels = 1; channels <= 4; ++channels)
      for (int64_t count = 1; count <= 7; ++count) {
        blasconv_problem problem =
            blasconv_problem_2d(1, groups * channels, 5, 6, groups * 4, 3, 5);
        problem.groups = groups;
        problem.layout = count % 2 ? BLASCONV_NCHW : BLASCONV_NHWC;
        check_fixed(&problem, count, mix);
        check_fixed(&problem, count, NULL);
      }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("filters");
  support_add(suite, tables_are_what_is_known);
  support_add(suite, box_is_a_mean);
  support_add(suite, gaussian_is_a_product_of_two);
  support_add(suite, laplacian_of_gaussian_is_one_and_has_mean_zero);
  support_add(suite, gabor_is_a_wave_in_a_window);
  support_add(suite, gabor_has_its_symmetries);
  support_add(suite, slopes_and_curvatures_are_found);
  support_add(suite, bank_tells_directions_apart);
  support_add(suite, bank_differs_in_angles_alone);
  support_add(suite, fixed_weights_are_the_bank_mixed);
  return support_run(suite);
}
