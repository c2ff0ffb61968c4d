/*
 * The fused kernel over feature maps and its backward pass: shapes, places, threads, bias gradient
 * and refusals. test_activation.c has the accuracy.
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
START_TEST(backward_is_the_same_for_all_lengths_and_places)
{
  support_random random = support_random_start(2);
  const blasconv_maps one = blasconv_maps_nchw(1, 1, 1);
  for (int i = 0; i < exact_activation_count; ++i) {
    const blasconv_activation activation = activation_of(&exact_activations[i]);
    for (int64_t pixels = 1; pixels <= 70; ++pixels) {
      sheet s = create_sheet(2, 3, pixels, &random);
      support_tensor in_place = support_tensor_copy(&s.gradient);
      backward(&s.maps, s.input.data, s.bias.data, &activation, s.gradient.data, 2, 0,
               s.output.data, NULL);
      backward(&s.maps, s.input.data, s.bias.data, &activation, in_place.data, 2, 0, in_place.data,
               NULL);
      ck_assert(support_tensor_same(&s.output, &in_place));
      for (int64_t j = 0; j < s.input.count; ++j) {
        float alone;
        backward(&one, &s.input.data[j], &s.bias.data[j / pixels % 3], &activation,
                 &s.gradient.data[j], 1, 0, &alone, NULL);
        ck_assert(memcmp(&alone, &s.output.data[j], sizeof alone) == 0);
      }
      support_tensor_free(&in_place);
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

START_TEST(same_bits_for_any_number_of_threads)
{
  static const int32_t threads[] = {1, 2, 3, 5, 8, 16, 0};
  support_random random = support_random_start(5);
  sheet s = create_sheet(3, most_channels, 20011, &random);
  support_tensor first = support_tensor_poisoned(s.output.count);
  support_tensor bias_first = support_tensor_poisoned(most_channels);
  support_tensor bias_gradient = support_tensor_poisoned(most_channels);
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

START_TEST(no_images_give_no_output_and_a_zero_gradient)
{
  const blasconv_maps maps = blasconv_maps_nchw(0, 2, 9);
  float data = 5.0f, bias_gradient[2] = {NAN, NAN};
  forward(&maps, &data, NULL, NULL, 1, &data);
  forward(&maps, NULL, NULL, NULL, 1, NULL);
  backward(&maps, &data, NULL, NULL, &data, 1, 0, &data, bias_gradient);
  ck_assert(data == 5.0f && bias_gradient[0] == 0.0f && bias_gradient[1] == 0.0f);
  bias_gradient[1] = 3.0f;
  backward(&maps, NULL, NULL, NULL, NULL, 1, 1, NULL, bias_gradient);
  ck_assert(bias_gradient[0] == 0.0f && bias_gradient[1] == 3.0f);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Refusals
 * ------------------------------------------------------------------------------------------ */

/* Arguments of both functions, as they are refused. */
typedef struct call {
  blasconv_maps maps;
  bool no_maps, no_read, no_written, no_saved; /* NULL in their places */
  blasconv_activation activation;
  int32_t threads, accumulate;
} call;

static const call plain_call = {{sizeof(blasconv_maps), BLASCONV_NCHW, 2, 3, 4},
                                .activation = {BLASCONV_ELU, 1.0f},
                                .threads = 1};

static void check_refused(const call *c, blasconv_status status, bool forward_too, const char *what)
{
  support_tensor read = support_tensor_poisoned(24), written = support_tensor_poisoned(24);
  support_tensor poison = support_tensor_poisoned(24);
  const blasconv_maps *maps = c->no_maps ? NULL : &c->maps;
  const float *in = c->no_read ? NULL : read.data;
  float *out = c->no_written ? NULL : written.data;
  if (forward_too)
    ck_assert_msg(
        blasconv_bias_activation_forward(maps, in, NULL, &c->activation, c->threads, out) == status,
        "%s: forward", what);
  ck_assert_msg(blasconv_bias_activation_backward(maps, c->no_saved ? NULL : read.data, NULL,
                                                  &c->activation, in, c->threads, c->accumulate,
                                                  out, written.data) == status,
                "%s: backward", what);
  ck_assert_msg(support_tensor_same(&written, &poison), "%s: written", what);
  support_tensor_free(&poison);
  support_tensor_free(&written);
  support_tensor_free(&read);
}

START_TEST(maps_are_checked)
{
  static const int64_t most = PTRDIFF_MAX / (int64_t)sizeof(float);
  static const struct {
    const char *what;
    blasconv_maps maps;
    blasconv_status status;
  } bad[] = {
      {"size 0", {0, BLASCONV_NCHW, 2, 3, 4}, BLASCONV_VERSION_MISMATCH},
      {"size + 1", {sizeof(blasconv_maps) + 1, BLASCONV_NCHW, 2, 3, 4}, BLASCONV_VERSION_MISMATCH},
      {"NHWC", {sizeof(blasconv_maps), BLASCONV_NHWC, 2, 3, 4}, BLASCONV_UNSUPPORTED},
      {"layout", {sizeof(blasconv_maps), (blasconv_layout)2, 2, 3, 4}, BLASCONV_BAD_ARGUMENT},
      {"batch", {sizeof(blasconv_maps), BLASCONV_NCHW, -1, 3, 4}, BLASCONV_BAD_SIZE},
      {"channels", {sizeof(blasconv_maps), BLASCONV_NCHW, 2, 0, 4}, BLASCONV_BAD_SIZE},
      {"pixels", {sizeof(blasconv_maps), BLASCONV_NCHW, 2, 3, 0}, BLASCONV_BAD_SIZE},
      {"pixels", {sizeof(blasconv_maps), BLASCONV_NCHW, 2, 3, INT64_MIN}, BLASCONV_BAD_SIZE},
      {"bytes", {sizeof(blasconv_maps), BLASCONV_NCHW, 1, 1, most + 1}, BLASCONV_OVERFLOW},
      {"elements", {sizeof(blasconv_maps), BLASCONV_NCHW, 3, 1, INT64_MAX}, BLASCONV_OVERFLOW},
      {"channels", {sizeof(blasconv_maps), BLASCONV_NCHW, 1, INT64_MAX, 2}, BLASCONV_OVERFLOW},
      {"batch", {sizeof(blasconv_maps), BLASCONV_NCHW, INT64_MAX, 3, 4}, BLASCONV_OVERFLOW},
      {"no images", {sizeof(blasconv_maps), BLASCONV_NCHW, 0, INT64_MAX, 4}, BLASCONV_OVERFLOW},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    call c = plain_call;
    c.maps = bad[i].maps;
    check_refused(&c, bad[i].status, true, bad[i].what);
  }
}
END_TEST

START_TEST(pointers_threads_and_flags_are_checked)
{
  call c = plain_call;
  c.no_maps = true;
  check_refused(&c, BLASCONV_NULL_POINTER, true, "no maps");
  c = plain_call;
  c.no_read = true;
  check_refused(&c, BLASCONV_NULL_POINTER, true, "no input");
  c = plain_call;
  c.no_written = true;
  check_refused(&c, BLASCONV_NULL_POINTER, true, "no output");
  c = plain_call;
  c.no_saved = true;
  check_refused(&c, BLASCONV_NULL_POINTER, false, "nothing saved");
  c = plain_call;
  c.threads = -1;
  check_refused(&c, BLASCONV_BAD_SIZE, true, "threads -1");
  c.threads = 4097;
  check_refused(&c, BLASCONV_BAD_SIZE, true, "threads 4097");
  c = plain_call;
  c.accumulate = 2;
  check_refused(&c, BLASCONV_BAD_ARGUMENT, false, "accumulate 2");
  c = plain_call;
  c.activation.alpha = NAN;
  check_refused(&c, BLASCONV_BAD_ARGUMENT, true, "alpha NaN");
  c.activation.kind = (blasconv_activation_kind)-1;
  check_refused(&c, BLASCONV_BAD_ARGUMENT, true, "kind -1");
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("maps");
  support_add(suite, forward_is_the_same_for_all_lengths_and_places);
  support_add(suite, backward_is_the_same_for_all_lengths_and_places);
  support_add(suite, identity_adds_the_bias_and_no_bias_changes_nothing);
  support_add(suite, backward_reads_the_bias_only_with_a_saved_input);
  support_add(suite, same_bits_for_any_number_of_threads);
  support_add(suite, bias_gradient_is_the_sum_and_accumulates);
  support_add(suite, no_images_give_no_output_and_a_zero_gradient);
  support_add(suite, maps_are_checked);
  support_add(suite, pointers_threads_and_flags_are_checked);
  return support_run(suite);
}
