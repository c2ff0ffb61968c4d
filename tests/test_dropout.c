/*
 * Dropout: the mask from the words of the stream, its share and mean, backward, places, threads
 * and refusals.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"
#include "train/random.h"

#include <blasconv/train.h>
#include <math.h>
#include <string.h>

static void apply(int64_t count, float rate, const blasconv_random *random, const float *input,
                  int32_t threads, float *output)
{
  ck_assert_int_eq(blasconv_dropout_apply(count, rate, random, input, threads, output),
                   BLASCONV_SUCCESS);
}

/* Element i is dropped: half i mod 2, the lower one first, of word i / 2 is below the rate. */
static bool is_dropped(const blasconv_random *random, float rate, int64_t i)
{
  const uint64_t word = bc_random_word(random, (uint64_t)i / 2);
  const uint32_t half = i % 2 == 0 ? (uint32_t)word : (uint32_t)(word >> 32);
  return (double)half < floor((double)rate * 4294967296.0 + 0.5);
}

static void check_mask(const blasconv_random *random, float rate, const support_tensor *input,
                       const support_tensor *output)
{
  const double scale = 1.0 / (1.0 - (double)rate);
  for (int64_t i = 0; i < input->count; ++i) {
    const double kept = (double)input->data[i] * scale;
    if (is_dropped(random, rate, i))
      ck_assert(output->data[i] == 0.0f && !signbit(output->data[i]));
    else
      ck_assert(fabs((double)output->data[i] - kept) <= 0x1p-22 * fabs(kept));
  }
}

START_TEST(the_mask_is_in_the_words)
{
  static const float rates[] = {0x1p-32f, 0.1f, 0.25f, 0.5f, 0.75f, 0.999f, 0x1.fffffep-1f};
  static const uint64_t positions[] = {0, 1, 2, 3, 4, 1001, UINT64_MAX - 6, UINT64_MAX};
  support_random random = support_random_start(1);
  for (size_t i = 0; i < sizeof positions / sizeof *positions; ++i)
    for (int64_t count = 0; count < 40; ++count) {
      const float rate = rates[(i + (size_t)count) % (sizeof rates / sizeof *rates)];
      const blasconv_random stream = {support_random_bits(&random), i, positions[i]};
      support_tensor input = support_tensor_random(count, &random);
      support_tensor output = support_tensor_poisoned(count);
      apply(count, rate, &stream, input.data, 1, output.data);
      check_mask(&stream, rate, &input, &output);
      support_tensor_check(&output, "output");
      ck_assert(stream.position == positions[i]);
      support_tensor_free(&output);
      support_tensor_free(&input);
    }
}
END_TEST

/* A rate that is a half of the stream to the last bit keeps that element; the next larger rate
 * drops it. */
START_TEST(the_threshold_itself_is_kept)
{
  const blasconv_random stream = {1, 2, 0};
  const float input = 1.0f;
  float output;
  int found = 0;
  for (uint64_t i = 0; i < 4000; ++i) {
    const blasconv_random at = {1, 2, i};
    const uint32_t half = (uint32_t)bc_random_word(&stream, i);
    const float rate = (float)half * 0x1p-32f;
    if ((double)rate * 0x1p32 != (double)half || rate >= 0x1.fffffcp-1f)
      continue;
    ++found;
    apply(1, rate, &at, &input, 1, &output);
    ck_assert(output >= 1.0f);
    apply(1, nextafterf(rate, 1.0f) + 0x1p-32f, &at, &input, 1, &output);
    ck_assert(output == 0.0f);
  }
  ck_assert_int_gt(found, 0);
}
END_TEST

/* Several tasks, for the seams between them. */
START_TEST(large_masks_are_in_the_words_too)
{
  support_random random = support_random_start(2);
  support_tensor input = support_tensor_random(70001, &random);
  support_tensor output = support_tensor_poisoned(input.count);
  for (uint64_t position = 0; position < 5; ++position) {
    const blasconv_random stream = {support_random_bits(&random), 7, position};
    apply(input.count, 0.3f, &stream, input.data, 2, output.data);
    check_mask(&stream, 0.3f, &input, &output);
  }
  support_tensor_check(&output, "output");
  support_tensor_free(&output);
  support_tensor_free(&input);
}
END_TEST

/* The share within six deviations of the binomial distribution, and so the mean. */
START_TEST(the_share_is_the_rate_and_the_mean_stays)
{
  static const float rates[] = {0.05f, 0.2f, 0.5f, 0.9f};
  enum { count = 400000 };
  support_random random = support_random_start(3);
  support_tensor ones = support_tensor_random(count, &random);
  support_tensor output = support_tensor_poisoned(count);
  for (int64_t i = 0; i < count; ++i)
    ones.data[i] = 1.0f;
  for (size_t k = 0; k < sizeof rates / sizeof *rates; ++k) {
    const blasconv_random stream = blasconv_random_start(support_random_bits(&random), k);
    const double rate = (double)rates[k], deviation = sqrt(rate * (1.0 - rate) / count);
    double dropped = 0.0, sum = 0.0;
    apply(count, rates[k], &stream, ones.data, 0, output.data);
    for (int64_t i = 0; i < count; ++i) {
      dropped += output.data[i] == 0.0f;
      sum += (double)output.data[i];
    }
    ck_assert(fabs(dropped / count - rate) <= 6.0 * deviation);
    ck_assert(fabs(sum / count - 1.0) <= 6.0 * deviation / (1.0 - rate) + 1e-6);
  }
  support_tensor_free(&output);
  support_tensor_free(&ones);
}
END_TEST

/* The same call on the gradient: output = mask input is linear, and its own adjoint. */
START_TEST(backward_is_the_same_call)
{
  support_random random = support_random_start(4);
  const blasconv_random stream = {5, 6, 3};
  support_tensor input = support_tensor_random(1001, &random);
  support_tensor gradient = support_tensor_random(1001, &random);
  support_tensor output = support_tensor_poisoned(1001), back = support_tensor_poisoned(1001);
  apply(1001, 0.4f, &stream, input.data, 1, output.data);
  apply(1001, 0.4f, &stream, gradient.data, 1, back.data);
  for (int64_t i = 0; i < 1001; ++i) {
    const double slope = (double)output.data[i] / (double)input.data[i];
    ck_assert(input.data[i] == 0.0f ||
              fabs((double)back.data[i] - slope * (double)gradient.data[i]) <= 1e-6);
  }
  support_tensor_free(&back);
  support_tensor_free(&output);
  support_tensor_free(&gradient);
  support_tensor_free(&input);
}
END_TEST

/* Words taken by blasconv_dropout_words(): two calls with an even count are one. */
START_TEST(masks_follow_each_other)
{
  support_random random = support_random_start(5);
  support_tensor input = support_tensor_random(300, &random);
  support_tensor whole = support_tensor_poisoned(300), parts = support_tensor_poisoned(300);
  for (int64_t cut = 0; cut <= 300; cut += 2) {
    blasconv_random stream = {1, 2, UINT64_MAX - 20};
    apply(300, 0.5f, &stream, input.data, 1, whole.data);
    apply(cut, 0.5f, &stream, input.data, 1, parts.data);
    stream.position += blasconv_dropout_words(cut);
    apply(300 - cut, 0.5f, &stream, input.data + cut, 1, parts.data + cut);
    ck_assert(support_tensor_same(&whole, &parts));
  }
  ck_assert(blasconv_dropout_words(0) == 0 && blasconv_dropout_words(1) == 1);
  ck_assert(blasconv_dropout_words(2) == 1 && blasconv_dropout_words(3) == 2);
  ck_assert(blasconv_dropout_words(-1) == 0 && blasconv_dropout_words(INT64_MIN) == 0);
  ck_assert(blasconv_dropout_words(INT64_MAX) == UINT64_C(1) << 62);
  support_tensor_free(&parts);
  support_tensor_free(&whole);
  support_tensor_free(&input);
}
END_TEST

/* What is dropped is 0 whatever it was; what is kept keeps NaN and infinity. */
START_TEST(dropped_elements_are_zero_even_if_not_finite)
{
  static const float values[] = {NAN, INFINITY, -INFINITY, -1.0f};
  const blasconv_random stream = {8, 9, 2};
  float input[400], output[400];
  for (int i = 0; i < 400; ++i)
    input[i] = values[i % 4];
  apply(400, 0.5f, &stream, input, 1, output);
  for (int i = 0; i < 400; ++i)
    if (is_dropped(&stream, 0.5f, i))
      ck_assert(output[i] == 0.0f && !signbit(output[i]));
    else
      ck_assert(isnan(input[i]) ? isnan(output[i]) : output[i] == 2.0f * input[i]);
}
END_TEST

/* Bits, payloads of NaN and signs of zero included. */
START_TEST(rate_0_changes_no_bits)
{
  support_random random = support_random_start(6);
  const blasconv_random stream = {3, 4, 5};
  support_tensor input = support_tensor_random(20001, &random);
  support_tensor output = support_tensor_poisoned(input.count);
  for (int64_t i = 0; i < input.count; ++i) {
    const uint32_t bits = (uint32_t)support_random_bits(&random);
    memcpy(&input.data[i], &bits, sizeof bits);
  }
  support_tensor before = support_tensor_copy(&input);
  apply(input.count, 0.0f, &stream, input.data, 2, output.data);
  ck_assert(support_tensor_same(&before, &output));
  apply(input.count, -0.0f, &stream, input.data, 2, input.data);
  ck_assert(support_tensor_same(&before, &input));
  support_tensor_free(&before);
  support_tensor_free(&output);
  support_tensor_free(&input);
}
END_TEST

START_TEST(same_bits_in_place_and_for_any_number_of_threads)
{
  static const int32_t threads[] = {1, 2, 3, 5, 16, 0};
  support_random random = support_random_start(7);
  const blasconv_random stream = {10, 11, 13};
  support_tensor input = support_tensor_random(100003, &random);
  support_tensor first = support_tensor_poisoned(input.count);
  apply(input.count, 0.6f, &stream, input.data, 1, first.data);
  for (size_t i = 0; i < sizeof threads / sizeof *threads; ++i) {
    support_tensor output = support_tensor_copy(&input);
    apply(output.count, 0.6f, &stream, output.data, threads[i], output.data);
    ck_assert(support_tensor_same(&first, &output));
    support_tensor_check(&output, "output");
    support_tensor_free(&output);
  }
  support_tensor_free(&first);
  support_tensor_free(&input);
}
END_TEST

static void check_refused(int64_t count, float rate, bool random, bool input, bool output,
                          int32_t threads, blasconv_status status)
{
  const blasconv_random stream = {1, 2, 3};
  support_tensor read = support_tensor_poisoned(8), written = support_tensor_poisoned(8);
  support_tensor poison = support_tensor_poisoned(8);
  ck_assert_int_eq(blasconv_dropout_apply(count, rate, random ? &stream : NULL,
                                          input ? read.data : NULL, threads,
                                          output ? written.data : NULL),
                   status);
  ck_assert(support_tensor_same(&written, &poison));
  support_tensor_free(&poison);
  support_tensor_free(&written);
  support_tensor_free(&read);
}

START_TEST(arguments_are_checked)
{
  static const float rates[] = {1.0f, 1.5f, -0x1p-149f, -1.0f, INFINITY, -INFINITY, NAN};
  for (size_t i = 0; i < sizeof rates / sizeof *rates; ++i)
    check_refused(8, rates[i], true, true, true, 1, BLASCONV_BAD_ARGUMENT);
  check_refused(8, 0.5f, false, true, true, 1, BLASCONV_NULL_POINTER);
  check_refused(8, 0.5f, true, false, true, 1, BLASCONV_NULL_POINTER);
  check_refused(8, 0.5f, true, true, false, 1, BLASCONV_NULL_POINTER);
  check_refused(8, 0.0f, true, true, false, 1, BLASCONV_NULL_POINTER);
  check_refused(-1, 0.5f, true, true, true, 1, BLASCONV_BAD_SIZE);
  check_refused(INT64_MAX / 4 + 1, 0.5f, true, true, true, 1, BLASCONV_OVERFLOW);
  check_refused(8, 0.5f, true, true, true, -1, BLASCONV_BAD_SIZE);
  check_refused(8, 0.5f, true, true, true, 4097, BLASCONV_BAD_SIZE);
  check_refused(0, 0.5f, true, false, false, 1, BLASCONV_SUCCESS);
  check_refused(0, 0.0f, true, false, false, 1, BLASCONV_SUCCESS);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("dropout");
  support_add(suite, the_mask_is_in_the_words);
  support_add(suite, the_threshold_itself_is_kept);
  support_add(suite, large_masks_are_in_the_words_too);
  support_add(suite, the_share_is_the_rate_and_the_mean_stays);
  support_add(suite, backward_is_the_same_call);
  support_add(suite, masks_follow_each_other);
  support_add(suite, dropped_elements_are_zero_even_if_not_finite);
  support_add(suite, rate_0_changes_no_bits);
  support_add(suite, same_bits_in_place_and_for_any_number_of_threads);
  support_add(suite, arguments_are_checked);
  return support_run(suite);
}
