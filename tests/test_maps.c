/*
 * The fused kernel over feature maps and its backward pass in both layouts: every element stands
 * for itself. test_activation.c has the accuracy, test_maps_sums.c the gradient of the bias.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "exact_activation.h"
#include "maps_sheet.h"

#include <math.h>
#include <string.h>

enum { most_channels = 5 };

static blasconv_activation activation_of(const exact_activation *s)
{
  return (blasconv_activation){s->kind, s->alpha};
}

/* The sheet's output, and the same in place, must be what each element gives alone. */
static void check_elements(maps_sheet *s, const blasconv_activation *activation, const float *bias)
{
  const blasconv_maps one = blasconv_maps_nchw(1, 1, 1);
  support_tensor in_place = support_tensor_copy(&s->input);
  maps_forward(&s->maps, s->input.data, bias, activation, 2, s->output.data);
  maps_forward(&s->maps, in_place.data, bias, activation, 2, in_place.data);
  ck_assert(support_tensor_same(&s->output, &in_place));
  for (int64_t i = 0; i < maps_count(&s->maps); ++i) {
    const int64_t channel = maps_channel(&s->maps, i);
    float alone;
    maps_forward(&one, &s->input.data[i], bias ? &bias[channel] : NULL, activation, 1, &alone);
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
      maps_sheet s = maps_sheet_create(blasconv_maps_nchw(2, 3, pixels), &random);
      check_elements(&s, &activation, s.bias.data);
      check_elements(&s, &activation, NULL);
      maps_sheet_free(&s);
    }
  }
}
END_TEST

/* The same for the backward pass; in place is over the output gradient. */
static void check_backward_elements(maps_sheet *s, const blasconv_activation *activation,
                                    const float *bias)
{
  const blasconv_maps one = blasconv_maps_nchw(1, 1, 1);
  support_tensor in_place = support_tensor_copy(&s->gradient);
  maps_backward(&s->maps, s->input.data, bias, activation, s->gradient.data, 2, 0, s->output.data,
                NULL);
  maps_backward(&s->maps, s->input.data, bias, activation, in_place.data, 2, 0, in_place.data,
                NULL);
  ck_assert(support_tensor_same(&s->output, &in_place));
  for (int64_t i = 0; i < s->input.count; ++i) {
    const int64_t channel = maps_channel(&s->maps, i);
    float alone;
    maps_backward(&one, &s->input.data[i], bias ? &bias[channel] : NULL, activation,
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
      maps_sheet s = maps_sheet_create(blasconv_maps_nchw(2, 3, pixels), &random);
      check_backward_elements(&s, &activation, s.bias.data);
      maps_sheet_free(&s);
    }
  }
}
END_TEST

/* Channels side by side: in NHWC, and in maps of one pixel. So few channels that the kernels take
 * many pixels at a time, and so many that they take one. */
START_TEST(rows_of_channels_are_the_same_for_all_lengths_and_places)
{
  static const blasconv_maps more[] = {
      {sizeof *more, BLASCONV_NCHW, 3, 33, 1},  {sizeof *more, BLASCONV_NCHW, 2, 601, 1},
      {sizeof *more, BLASCONV_NHWC, 2, 3, 700}, {sizeof *more, BLASCONV_NHWC, 1, 1, 600},
      {sizeof *more, BLASCONV_NHWC, 1, 64, 20}, {sizeof *more, BLASCONV_NHWC, 1, 257, 5}};
  enum { most = 70, others = sizeof more / sizeof *more };
  support_random random = support_random_start(7);
  for (int i = 0; i < exact_activation_count; ++i) {
    const blasconv_activation activation = activation_of(&exact_activations[i]);
    for (int64_t j = 0; j < most + others; ++j) {
      maps_sheet s =
          maps_sheet_create(j < most ? blasconv_maps_nhwc(2, 3, j + 1) : more[j - most], &random);
      check_elements(&s, &activation, s.bias.data);
      check_elements(&s, &activation, NULL);
      check_backward_elements(&s, &activation, s.bias.data);
      check_backward_elements(&s, &activation, NULL);
      maps_sheet_free(&s);
    }
  }
}
END_TEST

START_TEST(identity_adds_the_bias_and_no_bias_changes_nothing)
{
  support_random random = support_random_start(3);
  maps_sheet s = maps_sheet_create(blasconv_maps_nchw(2, most_channels, 33), &random);
  s.input.data[7] = -0.0f;
  maps_forward(&s.maps, s.input.data, NULL, NULL, 0, s.output.data);
  ck_assert(support_tensor_same(&s.input, &s.output));
  maps_forward(&s.maps, s.input.data, s.bias.data, NULL, 0, s.output.data);
  for (int64_t i = 0; i < s.input.count; ++i)
    ck_assert(s.output.data[i] == s.input.data[i] + s.bias.data[i / 33 % most_channels]);
  maps_backward(&s.maps, s.input.data, s.bias.data, NULL, s.gradient.data, 0, 0, s.output.data,
                NULL);
  ck_assert(support_tensor_same(&s.gradient, &s.output));
  maps_sheet_free(&s);
}
END_TEST

/* Where the input is saved, the slope is taken at input + bias; where the output is, the bias is in
 * it already and not read. */
START_TEST(backward_reads_the_bias_only_with_a_saved_input)
{
  support_random random = support_random_start(4);
  maps_sheet s = maps_sheet_create(blasconv_maps_nchw(2, most_channels, 50), &random);
  support_tensor saved = support_tensor_copy(&s.input);
  support_tensor expected = support_tensor_poisoned(s.input.count);
  support_tensor nan = support_tensor_poisoned(most_channels);
  for (int64_t i = 0; i < saved.count; ++i)
    saved.data[i] += s.bias.data[i / 50 % most_channels];
  for (int i = 0; i < exact_activation_count; ++i) {
    const blasconv_activation activation = activation_of(&exact_activations[i]);
    const bool input_saved = blasconv_activation_saves(activation.kind) == BLASCONV_SAVED_INPUT;
    maps_backward(&s.maps, saved.data, NULL, &activation, s.gradient.data, 1, 0, expected.data,
                  NULL);
    maps_backward(&s.maps, input_saved ? s.input.data : saved.data,
                  input_saved ? s.bias.data : nan.data, &activation, s.gradient.data, 1, 0,
                  s.output.data, NULL);
    ck_assert(support_tensor_same(&expected, &s.output));
  }
  support_tensor_free(&nan);
  support_tensor_free(&expected);
  support_tensor_free(&saved);
  maps_sheet_free(&s);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("maps");
  support_add(suite, forward_is_the_same_for_all_lengths_and_places);
  support_add(suite, backward_is_the_same_for_all_lengths_and_places);
  support_add(suite, rows_of_channels_are_the_same_for_all_lengths_and_places);
  support_add(suite, identity_adds_the_bias_and_no_bias_changes_nothing);
  support_add(suite, backward_reads_the_bias_only_with_a_saved_input);
  return support_run(suite);
}
