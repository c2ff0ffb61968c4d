/*
 * Training a batch normalisation, forward and backward, against its formulae in double
 * precision.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "norm_layer.h"

#include <math.h>
#include <string.h>

static void check_running(const norm_layer *l, int64_t c, const norm_channel *e)
{
  const int64_t n = norm_count(&l->maps);
  const double momentum = (double)l->norm.momentum,
               variance = e->squares / (double)(n > 1 ? n - 1 : 1);
  const double mean = (double)l->old_mean.data[c], old = (double)l->old_variance.data[c];
  const double moved_mean = mean + momentum * (e->mean - mean);
  const double moved = old + momentum * (variance - old);
  norm_check_near((double)l->running_mean.data[c], moved_mean,
                  1.001 * norm_rounding * fabs(moved_mean) + 0x1p-45 * fabs(e->mean));
  norm_check_near((double)l->running_variance.data[c], moved,
                  1.001 * norm_rounding * moved + 0x1p-45);
}

static void check_forward(const norm_layer *l)
{
  for (int64_t c = 0; c < l->maps.channels; ++c) {
    const norm_channel e = norm_channel_exact(l, c);
    for (int64_t i = 0; i < norm_count(&l->maps); ++i) {
      const int64_t at = norm_place(&l->maps, c, i);
      norm_check_normalised((double)l->output.data[at], (double)l->input.data[at], &e);
    }
    norm_check_near((double)l->mean.data[c], e.mean,
                    1.001 * norm_rounding * fabs(e.mean) + 0x1p-45);
    norm_check_near((double)l->inverse.data[c], e.inverse, 1.001 * norm_rounding * e.inverse);
    if (l->norm.running_mean != NULL)
      check_running(l, c, &e);
  }
}

static void check_backward(const norm_layer *l)
{
  const double n = (double)norm_count(&l->maps);
  for (int64_t c = 0; c < l->maps.channels; ++c) {
    const norm_channel e = norm_channel_exact(l, c);
    const double lost = 0x1p-44 * (1.0 + fabs(e.mean)) * e.inverse; /* of the mean's last digits */
    norm_check_near((double)l->shift_gradient.data[c], e.gradient,
                    1.001 * norm_rounding * fabs(e.gradient) + 0x1p-45 * e.absolute);
    norm_check_near((double)l->scale_gradient.data[c], e.product,
                    2.001 * norm_rounding * fabs(e.product) + 0x1p-45 * e.crossed +
                        lost * e.absolute);
    for (int64_t i = 0; i < norm_count(&l->maps); ++i) {
      const int64_t at = norm_place(&l->maps, c, i);
      const double normalised = ((double)l->input.data[at] - e.mean) * e.inverse;
      const double g = (double)l->gradient.data[at], along = normalised * e.product / n;
      const double factor = e.scale * e.inverse;
      norm_check_near((double)l->input_gradient.data[at], factor * (g - e.gradient / n - along),
                      fabs(factor) * (norm_rounding * (5.0 * fabs(g) + 5.0 * fabs(e.gradient) / n +
                                                       8.0 * fabs(along)) +
                                      lost * (e.absolute + e.crossed) / n));
    }
  }
}

/* ---------------------------------------------------------------------------------------------
 * Training
 * ------------------------------------------------------------------------------------------ */

START_TEST(training_follows_the_formulae)
{
  support_random random = support_random_start(1);
  for (int i = 0; i < norm_shape_count; ++i)
    for (int kind = 0; kind < 4; ++kind) {
      norm_layer l = norm_layer_of_shape(i, 0.0f, &random);
      l.norm.epsilon = kind == 1 ? 0.5f : 1e-5f;
      if (kind == 2)
        l.norm.scale = NULL;
      if (kind == 3)
        l.norm.shift = NULL, l.norm.running_mean = l.norm.running_variance = NULL;
      norm_layer_forward(&l, 2);
      check_forward(&l);
      norm_layer_backward(&l, 2);
      check_backward(&l);
      norm_layer_free(&l);
    }
}
END_TEST

START_TEST(random_shapes_follow_the_formulae)
{
  support_random random = support_random_start(2);
  for (int i = 0; i < 60; ++i) {
    norm_layer l = norm_layer_create(
        support_random_between(&random, 1, 9), support_random_between(&random, 1, 90),
        support_random_between(&random, 1, i % 3 ? 70 : 1), support_random_float(&random), &random);
    l.norm.momentum = fabsf(support_random_float(&random));
    norm_layer_forward(&l, 1);
    check_forward(&l);
    norm_layer_backward(&l, 1);
    check_backward(&l);
    norm_layer_free(&l);
  }
}
END_TEST

/* A float near 10000 is 2^-10 from the next, so that its rounding would be seen in every result. */
START_TEST(large_means_lose_no_digits)
{
  support_random random = support_random_start(3);
  for (int i = 0; i < norm_shape_count; ++i) {
    norm_layer l = norm_layer_of_shape(i, 1e4f, &random);
    norm_layer_forward(&l, 1);
    check_forward(&l);
    norm_layer_backward(&l, 1);
    check_backward(&l);
    norm_layer_free(&l);
  }
}
END_TEST

/* Squares of deviations from the first pixel are four million times those from the mean, and their
 * sums are rounded in one direction. */
START_TEST(a_first_pixel_may_lie_far_off)
{
  support_random random = support_random_start(9);
  norm_layer l = norm_layer_create(1, 2, INT64_C(1) << 22, 0.0f, &random);
  for (int64_t i = 0; i < l.maps.pixels; ++i)
    l.input.data[norm_place(&l.maps, 0, i)] = 0.1f;
  l.input.data[0] = 1e6f;
  norm_layer_forward(&l, 1);
  check_forward(&l);
  norm_layer_free(&l);
}
END_TEST

START_TEST(constant_channels_give_the_shift)
{
  support_random random = support_random_start(4);
  for (int i = 0; i < norm_shape_count; ++i) {
    norm_layer l = norm_layer_of_shape(i, 0.0f, &random);
    for (int64_t j = 0; j < l.input.count; ++j)
      l.input.data[j] = 0.1f * (float)norm_channel_at(&l.maps, j);
    norm_layer_forward(&l, 1);
    for (int64_t j = 0; j < l.input.count; ++j)
      ck_assert(l.output.data[j] == l.shift.data[norm_channel_at(&l.maps, j)]);
    check_forward(&l);
    norm_layer_backward(&l, 1);
    check_backward(&l);
    norm_layer_free(&l);
  }
}
END_TEST

START_TEST(momentum_0_keeps_and_1_replaces)
{
  support_random random = support_random_start(5);
  for (int i = 0; i < norm_shape_count; ++i) {
    norm_layer l = norm_layer_of_shape(i, 0.0f, &random);
    l.norm.momentum = 0.0f;
    norm_layer_forward(&l, 1);
    ck_assert(support_tensor_same(&l.running_mean, &l.old_mean));
    ck_assert(support_tensor_same(&l.running_variance, &l.old_variance));
    l.norm.momentum = 1.0f;
    l.running_mean.data[0] = 1e30f;
    norm_layer_forward(&l, 1);
    check_forward(&l);
    ck_assert(support_tensor_same(&l.running_mean, &l.mean));
    norm_layer_free(&l);
  }
}
END_TEST

/* What a value of the input, the scale or the shift does to sum of gradient times output. */
static double exact_loss(const norm_layer *l, int64_t c, const double *input, double scale,
                         double shift)
{
  const int64_t n = norm_count(&l->maps);
  double mean = 0.0, variance = 0.0, loss = 0.0;
  for (int64_t i = 0; i < n; ++i)
    mean += input[i] / (double)n;
  for (int64_t i = 0; i < n; ++i)
    variance += (input[i] - mean) * (input[i] - mean) / (double)n;
  for (int64_t i = 0; i < n; ++i)
    loss += (double)l->gradient.data[norm_place(&l->maps, c, i)] *
            (scale * (input[i] - mean) / sqrt(variance + (double)l->norm.epsilon) + shift);
  return loss;
}

enum { most_elements = 32 };

static void check_differences(const norm_layer *l, int64_t c)
{
  const double h = 1e-5, bound = 2e-6;
  const double scale = (double)l->scale.data[c], shift = (double)l->shift.data[c];
  double input[most_elements];
  for (int64_t i = 0; i < norm_count(&l->maps); ++i)
    input[i] = (double)l->input.data[norm_place(&l->maps, c, i)];
  for (int64_t i = 0; i < norm_count(&l->maps); ++i) {
    const double kept = input[i];
    input[i] = kept + h;
    const double above = exact_loss(l, c, input, scale, shift);
    input[i] = kept - h;
    const double below = exact_loss(l, c, input, scale, shift);
    input[i] = kept;
    norm_check_near((double)l->input_gradient.data[norm_place(&l->maps, c, i)],
                    (above - below) / (2.0 * h), bound);
  }
  norm_check_near(
      (double)l->scale_gradient.data[c],
      (exact_loss(l, c, input, scale + h, shift) - exact_loss(l, c, input, scale - h, shift)) /
          (2.0 * h),
      bound);
  norm_check_near(
      (double)l->shift_gradient.data[c],
      (exact_loss(l, c, input, scale, shift + h) - exact_loss(l, c, input, scale, shift - h)) /
          (2.0 * h),
      bound);
}

START_TEST(gradients_are_those_of_finite_differences)
{
  static const norm_shape small[] = {{12, 5, 1}, {3, 4, 5}, {1, 3, 17}, {16, 20, 2}, {32, 33, 1}};
  support_random random = support_random_start(6);
  for (size_t i = 0; i < sizeof small / sizeof *small; ++i) {
    norm_layer l =
        norm_layer_create(small[i].batch, small[i].channels, small[i].pixels, 0.5f, &random);
    norm_layer_forward(&l, 1);
    norm_layer_backward(&l, 1);
    for (int64_t c = 0; c < l.maps.channels; ++c)
      check_differences(&l, c);
    norm_layer_free(&l);
  }
}
END_TEST

START_TEST(backward_in_place_and_without_the_small_gradients)
{
  support_random random = support_random_start(7);
  for (int i = 0; i < norm_shape_count; ++i) {
    norm_layer l = norm_layer_of_shape(i, 0.0f, &random);
    support_tensor in_place = support_tensor_copy(&l.gradient);
    norm_layer_forward(&l, 1);
    norm_layer_backward(&l, 1);
    ck_assert_int_eq(blasconv_batch_norm_backward(&l.maps, &l.norm, l.input.data, in_place.data, 1,
                                                  in_place.data, NULL, NULL),
                     BLASCONV_SUCCESS);
    ck_assert(support_tensor_same(&l.input_gradient, &in_place));
    support_tensor_free(&in_place);
    norm_layer_free(&l);
  }
}
END_TEST

START_TEST(same_bits_for_any_number_of_threads)
{
  static const norm_shape large[] = {
      {3, 70, 300}, {40, 1100, 1}, {2, 5, 20000}, {300, 40, 7}, {9000, 24, 1}};
  static const int32_t threads[] = {2, 3, 5, 16, 0};
  support_random random = support_random_start(8);
  for (size_t i = 0; i < sizeof large / sizeof *large; ++i) {
    norm_layer first =
        norm_layer_create(large[i].batch, large[i].channels, large[i].pixels, 1.0f, &random);
    norm_layer_forward(&first, 1);
    norm_layer_backward(&first, 1);
    check_forward(&first);
    check_backward(&first);
    for (size_t j = 0; j < sizeof threads / sizeof *threads; ++j) {
      norm_layer l = norm_layer_copy(&first);
      norm_layer_forward(&l, threads[j]);
      norm_layer_backward(&l, threads[j]);
      ck_assert(support_tensor_same(&first.output, &l.output));
      ck_assert(support_tensor_same(&first.mean, &l.mean));
      ck_assert(support_tensor_same(&first.inverse, &l.inverse));
      ck_assert(support_tensor_same(&first.running_mean, &l.running_mean));
      ck_assert(support_tensor_same(&first.running_variance, &l.running_variance));
      ck_assert(support_tensor_same(&first.input_gradient, &l.input_gradient));
      ck_assert(support_tensor_same(&first.scale_gradient, &l.scale_gradient));
      ck_assert(support_tensor_same(&first.shift_gradient, &l.shift_gradient));
      norm_layer_infer(&l, threads[j]);
      support_tensor again = support_tensor_copy(&l.output);
      norm_layer_infer(&l, 1);
      ck_assert(support_tensor_same(&again, &l.output));
      support_tensor_free(&again);
      norm_layer_free(&l);
    }
    norm_layer_free(&first);
  }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("batch_norm");
  support_add(suite, training_follows_the_formulae);
  support_add(suite, random_shapes_follow_the_formulae);
  support_add(suite, large_means_lose_no_digits);
  support_add(suite, a_first_pixel_may_lie_far_off);
  support_add(suite, constant_channels_give_the_shift);
  support_add(suite, momentum_0_keeps_and_1_replaces);
  support_add(suite, gradients_are_those_of_finite_differences);
  support_add(suite, backward_in_place_and_without_the_small_gradients);
  support_add(suite, same_bits_for_any_number_of_threads);
  return support_run(suite);
}
