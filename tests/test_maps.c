/*
 * The fused kernel over feature maps and its backward pass: shapes, places, threads and bias
 * gradient. test_activation.c has the accuracy.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "exact_activation.h"
#include "support.h"

#include <math.h>
#include <string.h>

enum { most_channels = 5 };

static blasconv_activation activation_of(const exact_activation *s)
{
  return (blasconv_activation){s->kind, s->alpha};
}

static void forward(const blasconv_maps *maps, const float *input, const float *bias,
                    const blasconv_activation *activation, int32_t threads, float *output)
{
  ck_assert_int_eq(blasconv_bias_activation_forward(maps, input, bias, activation, threads, output),
                   BLASCONV_SUCCESS);
}

static void backward(const blasconv_maps *maps, const float *saved, const float *bias,
                     const blasconv_activation *activation, const float *output_gradient,
                     int32_t threads, int32_t accumulate, float *input_gradient,
                     float *bias_gradient)
{
  ck_assert_int_eq(blasconv_bias_activation_backward(maps, saved, bias, activation, output_gradient,
                                                     threads, accumulate, input_gradient,
                                                     bias_gradient),
                   BLASCONV_SUCCESS);
}

static void execute(const blasconv_problem *problem, blasconv_pass pass,
                    const blasconv_options *options, const blasconv_arguments *tensors)
{
  blasconv_plan *plan = NULL;
  ck_assert_int_eq(blasconv_plan_create(problem, pass, options, &plan), BLASCONV_SUCCESS);
  ck_assert_int_eq(blasconv_plan_execute(plan, tensors, NULL, 0), BLASCONV_SUCCESS);
  blasconv_plan_destroy(plan);
}

static int64_t count(const blasconv_maps *maps)
{
  return maps->batch * maps->channels * maps->pixels;
}

/* ---------------------------------------------------------------------------------------------
 * Every element stands for itself
 * ------------------------------------------------------------------------------------------ */

/* Random maps with a bias, and results to write. */
typedef struct sheet {
  blasconv_maps maps;
  support_tensor input, gradient; /* [batch][channels][pixels], read */
  support_tensor output;          /* [batch][channels][pixels], written */
  support_tensor bias;            /* [channels] */
} sheet;

static sheet create_sheet(int64_t batch, int64_t channels, int64_t pixels, support_random *random)
{
  const blasconv_maps maps = blasconv_maps_nchw(batch, channels, pixels);
  const int64_t elements = count(&maps);
  return (sheet){maps, support_tensor_random(elements, random),
                 support_tensor_random(elements, random), support_tensor_poisoned(elements),
                 support_tensor_random(channels, random)};
}

static void free_sheet(sheet *s)
{
  support_tensor_check(&s->output, "output");
  support_tensor_free(&s->input);
  support_tensor_free(&s->gradient);
  support_tensor_free(&s->output);
  support_tensor_free(&s->bias);
}

/* The sheet's output, and the same in place, must be what each element gives alone. */
static void check_elements(sheet *s, const blasconv_activation *activation, const float *bias)
{
  const blasconv_maps one = blasconv_maps_nchw(1, 1, 1);
  support_tensor in_place = support_tensor_copy(&s->input);
  forward(&s->maps, s->input.data, bias, activation, 2, s->output.data);
  forward(&s->maps, in_place.data, bias, activation, 2, in_place.data);
  ck_assert(support_tensor_same(&s->output, &in_place));
  for (int64_t i = 0; i < count(&s->maps); ++i) {
    const int64_t channel = i / s->maps.pixels % s->maps.channels;
    float alone;
    forward(&one, &s->input.data[i], bias ? &bias[channel] : NULL, activation, 1, &alone);
    ck_assert(memcmp(&alone, &s->output.data[i], sizeof alone) == 0);
  }
  support_tensor_free(&in_place);
}

START_TEST(forward_is_the_same_for_all_lengths_and_places)
{
  support_random random = support_random_start(1);
  for (int i = 0; i < exact_activation_count; ++i) {
    const blasconv_activation activation = activation_of(&exact_activations[i]);
    for (int64_t pixels = 1; pixels <= 70; ++pixels) {
      sheet s = create_sheet(2, 3, pixels, &random);
      check_elements(&s, &activation, s.bias.data);
      check_elements(&s, &activation, NULL);
      free_sheet(&s);
    }
  }
}
END_TEST

/* The same for the backward pass; in place is over the output gradient. */
static void check_backward_elements(sheet *s, const blasconv_activation *activation,
                                    const float *bias)
{
  const blasconv_maps one = blasconv_maps_nchw(1, 1, 1);
  support_tensor in_place = support_tensor_copy(&s->gradient);
  backward(&s->maps, s->input.data, bias, activation, s->gradient.data, 2, 0, s->output.data, NULL);
  backward(&s->maps, s->input.data, bias, activation, in_place.data, 2, 0, in_place.data, NULL);
  ck_assert(support_tensor_same(&s->output, &in_place));
  for (int64_t i = 0; i < s->input.count; ++i) {
    const int64_t channel = i / s->maps.pixels % s->maps.channels;
    float alone;
    backward(&one, &s->input.data[i], bias ? &bias[channel] : NULL, activation,
             &s->gradient.data[i], 1, 0, &alone, NULL);
    ck_assert(memcmp(&alone, &s->output.data[i], sizeof alone) == 0);
  }
  support_tensor_free(&in_place);
}

START_TEST(backward_is_the_same_for_all_lengths_and_places)
{
  support_random random = support_random_start(2);
  for (int i = 0; i < exact_activation_count; ++i) {
    const blasconv_activation activation = activation_of(&exact_activations[i]);
    for (int64_t pixels = 1; pixels <= 70; ++pixels) {
      sheet s = create_sheet(2, 3, pixels, &random);
      check_backward_elements(&s, &activation, s.bias.data);
      free_sheet(&s);
    }
  }
}
END_TEST

/* One pixel: the kernels go along the channels. Those of 5500 and more are several tasks. */
START_TEST(dense_layers_are_the_same_for_all_lengths_and_places)
{
  support_random random = support_random_start(7);
  for (int i = 0; i < exact_activation_count; ++i) {
    const blasconv_activation activation = activation_of(&exact_activations[i]);
    for (int64_t channels = 1; channels <= 71; ++channels) {
      sheet s = create_sheet(3, channels <= 70 ? channels : 6001, 1, &random);
      check_elements(&s, &activation, s.bias.data);
      check_elements(&s, &activation, NULL);
      check_backward_elements(&s, &activation, s.bias.data);
      check_backward_elements(&s, &activation, NULL);
      free_sheet(&s);
    }
  }
}
END_TEST

START_TEST(identity_adds_the_bias_and_no_bias_changes_nothing)
{
  support_random random = support_random_start(3);
  sheet s = create_sheet(2, most_channels, 33, &random);
  s.input.data[7] = -0.0f;
  forward(&s.maps, s.input.data, NULL, NULL, 0, s.output.data);
  ck_assert(support_tensor_same(&s.input, &s.output));
  forward(&s.maps, s.input.data, s.bias.data, NULL, 0, s.output.data);
  for (int64_t i = 0; i < s.input.count; ++i)
    ck_assert(s.output.data[i] == s.input.data[i] + s.bias.data[i / 33 % most_channels]);
  backward(&s.maps, s.input.data, s.bias.data, NULL, s.gradient.data, 0, 0, s.output.data, NULL);
  ck_assert(support_tensor_same(&s.gradient, &s.output));
  free_sheet(&s);
}
END_TEST

/* Where the input is saved, the slope is taken at input + bias; where the output is, the bias is in
 * it already and not read. */
START_TEST(backward_reads_the_bias_only_with_a_saved_input)
{
  support_random random = support_random_start(4);
  sheet s = create_sheet(2, most_channels, 50, &random);
  support_tensor saved = support_tensor_copy(&s.input);
  support_tensor expected = support_tensor_poisoned(s.input.count);
  support_tensor nan = support_tensor_poisoned(most_channels);
  for (int64_t i = 0; i < saved.count; ++i)
    saved.data[i] += s.bias.data[i / 50 % most_channels];
  for (int i = 0; i < exact_activation_count; ++i) {
    const blasconv_activation activation = activation_of(&exact_activations[i]);
    const bool input_saved = blasconv_activation_saves(activation.kind) == BLASCONV_SAVED_INPUT;
    backward(&s.maps, saved.data, NULL, &activation, s.gradient.data, 1, 0, expected.data, NULL);
    backward(&s.maps, input_saved ? s.input.data : saved.data, input_saved ? s.bias.data : nan.data,
             &activation, s.gradient.data, 1, 0, s.output.data, NULL);
    ck_assert(support_tensor_same(&expected, &s.output));
  }
  support_tensor_free(&nan);
  support_tensor_free(&expected);
  support_tensor_free(&saved);
  free_sheet(&s);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Threads and the gradient of the bias
 * ------------------------------------------------------------------------------------------ */

static void check_threads(int64_t batch, int64_t channels, int64_t pixels, support_random *random)
{
  static const int32_t threads[] = {1, 2, 3, 5, 8, 16, 0};
  sheet s = create_sheet(batch, channels, pixels, random);
  support_tensor first = support_tensor_poisoned(s.output.count);
  support_tensor bias_first = support_tensor_poisoned(channels);
  support_tensor bias_gradient = support_tensor_poisoned(channels);
  for (int i = 0; i < exact_activation_count; ++i) {
    const blasconv_activation activation = activation_of(&exact_activations[i]);
    forward(&s.maps, s.input.data, s.bias.data, &activation, 1, first.data);
    for (size_t j = 0; j < sizeof threads / sizeof *threads; ++j) {
      forward(&s.maps, s.input.data, s.bias.data, &activation, threads[j], s.output.data);
      ck_assert(support_tensor_same(&first, &s.output));
    }
    backward(&s.maps, s.input.data, s.bias.data, &activation, s.gradient.data, 1, 0, first.data,
             bias_first.data);
    for (size_t j = 0; j < sizeof threads / sizeof *threads; ++j) {
      backward(&s.maps, s.input.data, s.bias.data, &activation, s.gradient.data, threads[j], 0,
               s.output.data, bias_gradient.data);
      ck_assert(support_tensor_same(&first, &s.output));
      ck_assert(support_tensor_same(&bias_first, &bias_gradient));
    }
  }
  support_tensor_check(&bias_gradient, "bias gradient");
  support_tensor_free(&bias_gradient);
  support_tensor_free(&bias_first);
  support_tensor_free(&first);
  free_sheet(&s);
}

START_TEST(same_bits_for_any_number_of_threads)
{
  support_random random = support_random_start(5);
  check_threads(3, most_channels, 20011, &random);
  check_threads(70, 1000, 1, &random);
  check_threads(3000, 45, 1, &random);
}
END_TEST

/* Integers make every sum exact: overwritten over NaN, then added to what is there. */
START_TEST(bias_gradient_is_the_sum_and_accumulates)
{
  static const int64_t sizes[] = {1, 15, 16, 17, 1023, 1025, 5000};
  support_random random = support_random_start(6);
  const blasconv_activation relu = {BLASCONV_RELU, 0.0f};
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; ++k) {
    const int64_t pixels = sizes[k];
    const blasconv_maps maps = blasconv_maps_nchw(3, most_channels, pixels);
    support_tensor saved = support_tensor_integers(count(&maps), &random);
    support_tensor gradient = support_tensor_integers(count(&maps), &random);
    support_tensor bias_gradient = support_tensor_poisoned(most_channels);
    float sums[most_channels] = {0.0f};
    for (int64_t i = 0; i < gradient.count; ++i)
      sums[i / pixels % most_channels] += saved.data[i] > 0.0f ? gradient.data[i] : 0.0f;
    support_tensor kept = support_tensor_copy(&gradient);
    backward(&maps, saved.data, NULL, &relu, gradient.data, 2, 0, gradient.data,
             bias_gradient.data);
    for (int c = 0; c < most_channels; ++c)
      ck_assert(bias_gradient.data[c] == sums[c]);
    backward(&maps, saved.data, NULL, &relu, kept.data, 2, 1, kept.data, bias_gradient.data);
    for (int c = 0; c < most_channels; ++c)
      ck_assert(bias_gradient.data[c] == 2.0f * sums[c]);
    support_tensor_check(&bias_gradient, "bias gradient");
    support_tensor_free(&kept);
    support_tensor_free(&bias_gradient);
    support_tensor_free(&gradient);
    support_tensor_free(&saved);
  }
}
END_TEST

/* The same for maps of one pixel, where a plan's bias gradient is summed on a way of its own. */
static void check_dense_sums(int64_t batch, int64_t channels, support_random *random)
{
  const blasconv_maps maps = blasconv_maps_nchw(batch, channels, 1);
  const blasconv_activation relu = {BLASCONV_RELU, 0.0f};
  support_tensor saved = support_tensor_integers(count(&maps), random);
  support_tensor gradient = support_tensor_integers(count(&maps), random);
  support_tensor masked = support_tensor_poisoned(count(&maps));
  support_tensor bias_gradient = support_tensor_poisoned(channels);
  backward(&maps, saved.data, NULL, &relu, gradient.data, 2, 0, masked.data, bias_gradient.data);
  backward(&maps, saved.data, NULL, &relu, gradient.data, 2, 1, masked.data, bias_gradient.data);
  for (int64_t c = 0; c < channels; ++c) {
    float total = 0.0f;
    for (int64_t i = c; i < gradient.count; i += channels)
      total += saved.data[i] > 0.0f ? gradient.data[i] : 0.0f;
    ck_assert(bias_gradient.data[c] == 2.0f * total);
  }
  support_tensor_check(&bias_gradient, "bias gradient");
  support_tensor_free(&bias_gradient);
  support_tensor_free(&masked);
  support_tensor_free(&gradient);
  support_tensor_free(&saved);
}

/* And for the plan of the weights' gradient, whose sums are those of the output gradient. */
static void check_plan_sums(int64_t batch, int64_t channels, support_random *random)
{
  const blasconv_problem problem = blasconv_problem_2d(batch, 1, 1, 1, channels, 1, 1);
  support_tensor input = support_tensor_integers(batch, random);
  support_tensor gradient = support_tensor_integers(batch * channels, random);
  support_tensor weights_gradient = support_tensor_poisoned(channels);
  support_tensor bias_gradient = support_tensor_poisoned(channels);
  const blasconv_arguments tensors = {.struct_size = sizeof tensors,
                                      .input = input.data,
                                      .output_gradient = gradient.data,
                                      .weights_gradient = weights_gradient.data,
                                      .bias_gradient = bias_gradient.data};
  execute(&problem, BLASCONV_BACKWARD_WEIGHTS, NULL, &tensors);
  for (int64_t c = 0; c < channels; ++c) {
    float total = 0.0f;
    for (int64_t i = c; i < gradient.count; i += channels)
      total += gradient.data[i];
    ck_assert(bias_gradient.data[c] == total);
  }
  support_tensor_check(&bias_gradient, "bias gradient");
  support_tensor_free(&bias_gradient);
  support_tensor_free(&weights_gradient);
  support_tensor_free(&gradient);
  support_tensor_free(&input);
}

START_TEST(bias_gradient_of_dense_layers_is_the_sum)
{
  support_random random = support_random_start(8);
  for (int64_t channels = 1; channels <= 70; ++channels) {
    check_dense_sums(1 + channels % 5, channels, &random);
    check_plan_sums(1 + channels % 5, channels, &random);
  }
  check_dense_sums(3, 6001, &random);
  check_dense_sums(5000, 37, &random);
  check_plan_sums(3, 6001, &random);
  check_plan_sums(2000, 37, &random);
}
END_TEST

/* A dense layer's plan with input 1 and the weights that the maps are: its bits are the maps'. */
START_TEST(dense_plans_end_as_the_fused_kernel)
{
  support_random random = support_random_start(9);
  for (int64_t channels = 1; channels <= 70; ++channels) {
    const blasconv_problem problem = blasconv_problem_2d(1, 1, 1, 1, channels, 1, 1);
    const float one = 1.0f;
    sheet s = create_sheet(1, channels, 1, &random);
    blasconv_options options = blasconv_options_default();
    options.activation = activation_of(&exact_activations[channels % exact_activation_count]);
    const blasconv_arguments tensors = {.struct_size = sizeof tensors,
                                        .input = &one,
                                        .weights = s.input.data,
                                        .bias = s.bias.data,
                                        .output = s.gradient.data};
    execute(&problem, BLASCONV_FORWARD, &options, &tensors);
    forward(&s.maps, s.input.data, s.bias.data, &options.activation, 1, s.output.data);
    ck_assert(support_tensor_same(&s.output, &s.gradient));
    free_sheet(&s);
  }
}
END_TEST

START_TEST(no_images_give_no_output_and_a_zero_gradient)
{
  const blasconv_maps maps = blasconv_maps_nchw(0, 2, 9);
  const blasconv_maps dense = blasconv_maps_nchw(0, 2, 1);
  float data = 5.0f, bias_gradient[2] = {NAN, NAN};
  forward(&maps, &data, NULL, NULL, 1, &data);
  forward(&maps, NULL, NULL, NULL, 1, NULL);
  backward(&maps, &data, NULL, NULL, &data, 1, 0, &data, bias_gradient);
  ck_assert(data == 5.0f && bias_gradient[0] == 0.0f && bias_gradient[1] == 0.0f);
  bias_gradient[1] = 3.0f;
  backward(&maps, NULL, NULL, NULL, NULL, 1, 1, NULL, bias_gradient);
  ck_assert(bias_gradient[0] == 0.0f && bias_gradient[1] == 3.0f);
  backward(&dense, NULL, NULL, NULL, NULL, 1, 1, NULL, bias_gradient);
  ck_assert(bias_gradient[0] == 0.0f && bias_gradient[1] == 3.0f);
  backward(&dense, NULL, NULL, NULL, NULL, 1, 0, NULL, bias_gradient);
  ck_assert(bias_gradient[0] == 0.0f && bias_gradient[1] == 0.0f);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("maps");
  support_add(suite, forward_is_the_same_for_all_lengths_and_places);
  support_add(suite, backward_is_the_same_for_all_lengths_and_places);
  support_add(suite, dense_layers_are_the_same_for_all_lengths_and_places);
  support_add(suite, identity_adds_the_bias_and_no_bias_changes_nothing);
  support_add(suite, backward_reads_the_bias_only_with_a_saved_input);
  support_add(suite, same_bits_for_any_number_of_threads);
  support_add(suite, bias_gradient_is_the_sum_and_accumulates);
  support_add(suite, bias_gradient_of_dense_layers_is_the_sum);
  support_add(suite, dense_plans_end_as_the_fused_kernel);
  support_add(suite, no_images_give_no_output_and_a_zero_gradient);
  return support_run(suite);
}
