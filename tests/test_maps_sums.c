/*
 * The gradient of the bias, and that no number of threads changes a bit, in both layouts.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "exact_activation.h"
#include "maps_sheet.h"

#include <math.h>

static blasconv_activation activation_of(const exact_activation *s)
{
  return (blasconv_activation){s->kind, s->alpha};
}

static void execute(const blasconv_problem *problem, blasconv_pass pass,
                    const blasconv_options *options, const blasconv_arguments *tensors)
{
  blasconv_plan *plan = NULL;
  ck_assert_int_eq(blasconv_plan_create(problem, pass, options, &plan), BLASCONV_SUCCESS);
  ck_assert_int_eq(blasconv_plan_execute(plan, tensors, NULL, 0), BLASCONV_SUCCESS);
  blasconv_plan_destroy(plan);
}

/* Shapes that take every way: one map, few and many channels, few and many pixels, one part or
 * several of a channel, several images in a part. */
static const struct {
  int64_t batch, channels, pixels;
} shapes[] = {{1, 1, 100003}, {3, 5, 20011}, {2, 3, 70001}, {700, 3, 97}, {70, 1000, 1},
              {3000, 45, 1},  {2, 64, 1500}, {1, 256, 600}, {3, 257, 77}, {2, 700, 130},
              {1, 5000, 9},   {3, 6001, 1},  {2, 2, 1},     {5, 1, 1},    {1, 17, 1}};

enum { shape_count = sizeof shapes / sizeof *shapes, layouts = 2 };

static blasconv_maps maps_of(int shape, int layout)
{
  const blasconv_maps maps =
      blasconv_maps_nchw(shapes[shape].batch, shapes[shape].channels, shapes[shape].pixels);
  return layout == 0 ? maps : maps_other(&maps);
}

/* A large number and its opposite in each channel's first and last element: what is added in
 * between loses its digits, so that the sum tells the order. */
static void show_order(const blasconv_maps *maps, support_tensor *gradient)
{
  const bool nhwc = maps->layout == BLASCONV_NHWC;
  const int64_t step = nhwc ? 1 : maps->pixels, image = maps_count(maps) / maps->batch;
  for (int64_t c = 0; c < maps->channels; ++c) {
    const int64_t last_pixel = nhwc ? (maps->pixels - 1) * maps->channels : maps->pixels - 1;
    gradient->data[c * step] = 0x1p70f;
    gradient->data[(maps->batch - 1) * image + c * step + last_pixel] = -0x1p70f;
  }
}

static void check_threads(blasconv_maps maps, support_random *random)
{
  static const int32_t threads[] = {1, 2, 3, 5, 8, 16, 0};
  maps_sheet s = maps_sheet_create(maps, random);
  show_order(&maps, &s.gradient);
  support_tensor first = support_tensor_poisoned(s.output.count);
  support_tensor bias_first = support_tensor_poisoned(maps.channels);
  support_tensor bias_gradient = support_tensor_poisoned(maps.channels);
  for (int i = 0; i < exact_activation_count; ++i) {
    const blasconv_activation activation = activation_of(&exact_activations[i]);
    maps_forward(&s.maps, s.input.data, s.bias.data, &activation, 1, first.data);
    for (size_t j = 0; j < sizeof threads / sizeof *threads; ++j) {
      maps_forward(&s.maps, s.input.data, s.bias.data, &activation, threads[j], s.output.data);
      ck_assert(support_tensor_same(&first, &s.output));
    }
    maps_backward(&s.maps, s.input.data, s.bias.data, &activation, s.gradient.data, 1, 0,
                  first.data, bias_first.data);
    for (size_t j = 0; j < sizeof threads / sizeof *threads; ++j) {
      maps_backward(&s.maps, s.input.data, s.bias.data, &activation, s.gradient.data, threads[j], 0,
                    s.output.data, bias_gradient.data);
      ck_assert(support_tensor_same(&first, &s.output));
      ck_assert(support_tensor_same(&bias_first, &bias_gradient));
    }
  }
  support_tensor_check(&bias_gradient, "bias gradient");
  support_tensor_free(&bias_gradient);
  support_tensor_free(&bias_first);
  support_tensor_free(&first);
  maps_sheet_free(&s);
}

START_TEST(same_bits_for_any_number_of_threads)
{
  support_random random = support_random_start(5);
  for (int i = 0; i < shape_count; ++i)
    for (int layout = 0; layout < layouts; ++layout)
      check_threads(maps_of(i, layout), &random);
}
END_TEST

/* Integers make every sum exact: overwritten over NaN, then added to what is there. */
static void check_sums(blasconv_maps maps, support_random *random)
{
  const blasconv_activation relu = {BLASCONV_RELU, 0.0f};
  support_tensor saved = support_tensor_integers(maps_count(&maps), random);
  support_tensor gradient = support_tensor_integers(maps_count(&maps), random);
  support_tensor masked = support_tensor_poisoned(maps_count(&maps));
  support_tensor sums = support_tensor_poisoned(maps.channels);
  support_tensor bias_gradient = support_tensor_poisoned(maps.channels);
  for (int64_t c = 0; c < maps.channels; ++c)
    sums.data[c] = 0.0f;
  for (int64_t i = 0; i < gradient.count; ++i)
    sums.data[maps_channel(&maps, i)] += saved.data[i] > 0.0f ? gradient.data[i] : 0.0f;
  maps_backward(&maps, saved.data, NULL, &relu, gradient.data, 2, 0, masked.data,
                bias_gradient.data);
  ck_assert(support_tensor_same(&sums, &bias_gradient));
  maps_backward(&maps, saved.data, NULL, &relu, gradient.data, 2, 1, gradient.data,
                bias_gradient.data);
  ck_assert(support_tensor_same(&masked, &gradient));
  for (int64_t c = 0; c < maps.channels; ++c)
    ck_assert(bias_gradient.data[c] == 2.0f * sums.data[c]);
  support_tensor_check(&bias_gradient, "bias gradient");
  support_tensor_check(&masked, "input gradient");
  support_tensor_free(&bias_gradient);
  support_tensor_free(&sums);
  support_tensor_free(&masked);
  support_tensor_free(&gradient);
  support_tensor_free(&saved);
}

START_TEST(bias_gradient_is_the_sum_and_accumulates)
{
  static const int64_t lengths[] = {1, 15, 16, 17, 1023, 1025, 5000};
  support_random random = support_random_start(6);
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; ++i) {
    check_sums(blasconv_maps_nchw(3, 5, lengths[i]), &random);
    check_sums(blasconv_maps_nhwc(3, lengths[i], 5), &random);
  }
  for (int64_t channels = 1; channels <= 70; ++channels) {
    check_sums(blasconv_maps_nchw(1 + channels % 5, channels, 1), &random);
    check_sums(blasconv_maps_nhwc(1 + channels % 5, 20, channels), &random);
  }
  for (int i = 0; i < shape_count; ++i)
    for (int layout = 0; layout < layouts; ++layout)
      check_sums(maps_of(i, layout), &random);
}
END_TEST

/* What the plan of the weights' gradient sums is the output gradient. */
static void check_plan_sums(blasconv_maps maps, support_random *random)
{
  blasconv_problem problem =
      blasconv_problem_2d(maps.batch, 1, maps.pixels, 1, maps.channels, 1, 1);
  problem.layout = maps.layout;
  support_tensor input = support_tensor_integers(maps.batch * maps.pixels, random);
  support_tensor gradient = support_tensor_integers(maps_count(&maps), random);
  support_tensor weights_gradient = support_tensor_poisoned(maps.channels);
  support_tensor bias_gradient = support_tensor_poisoned(maps.channels);
  support_tensor sums = support_tensor_poisoned(maps.channels);
  for (int64_t c = 0; c < maps.channels; ++c)
    sums.data[c] = 0.0f;
  for (int64_t i = 0; i < gradient.count; ++i)
    sums.data[maps_channel(&maps, i)] += gradient.data[i];
  const blasconv_arguments tensors = {.struct_size = sizeof tensors,
                                      .input = input.data,
                                      .output_gradient = gradient.data,
                                      .weights_gradient = weights_gradient.data,
                                      .bias_gradient = bias_gradient.data};
  execute(&problem, BLASCONV_BACKWARD_WEIGHTS, NULL, &tensors);
  ck_assert(support_tensor_same(&sums, &bias_gradient));
  support_tensor_check(&bias_gradient, "bias gradient");
  support_tensor_free(&sums);
  support_tensor_free(&bias_gradient);
  support_tensor_free(&weights_gradient);
  support_tensor_free(&gradient);
  support_tensor_free(&input);
}

START_TEST(bias_gradient_of_plans_is_the_sum)
{
  support_random random = support_random_start(8);
  for (int64_t channels = 1; channels <= 70; ++channels)
    check_plan_sums(blasconv_maps_nchw(1 + channels % 5, channels, 1), &random);
  for (int i = 0; i < shape_count; ++i)
    for (int layout = 0; layout < layouts; ++layout)
      check_plan_sums(maps_of(i, layout), &random);
}
END_TEST

/* A dense layer's plan with input 1 and the weights that the maps are: its bits are the maps'. */
START_TEST(dense_plans_end_as_the_fused_kernel)
{
  support_random random = support_random_start(9);
  for (int64_t channels = 1; channels <= 70; ++channels) {
    const blasconv_problem problem = blasconv_problem_2d(1, 1, 1, 1, channels, 1, 1);
    const float one = 1.0f;
    maps_sheet s = maps_sheet_create(blasconv_maps_nchw(1, channels, 1), &random);
    blasconv_options options = blasconv_options_default();
    options.activation = activation_of(&exact_activations[channels % exact_activation_count]);
    const blasconv_arguments tensors = {.struct_size = sizeof tensors,
                                        .input = &one,
                                        .weights = s.input.data,
                                        .bias = s.bias.data,
                                        .output = s.gradient.data};
    execute(&problem, BLASCONV_FORWARD, &options, &tensors);
    maps_forward(&s.maps, s.input.data, s.bias.data, &options.activation, 1, s.output.data);
    ck_assert(support_tensor_same(&s.output, &s.gradient));
    maps_sheet_free(&s);
  }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("maps_sums");
  support_add(suite, same_bits_for_any_number_of_threads);
  support_add(suite, bias_gradient_is_the_sum_and_accumulates);
  support_add(suite, bias_gradient_of_plans_is_the_sum);
  support_add(suite, dense_plans_end_as_the_fused_kernel);
  return support_run(suite);
}
