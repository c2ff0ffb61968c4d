/*
 * Random numbers: the generator's known answers, what each draw takes, and that integers and orders
 * are distributed as they should be. Statistics are of fixed streams, so they cannot fail by
 * chance.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"
#include "train/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

/* ---------------------------------------------------------------------------------------------
 * Words
 * ------------------------------------------------------------------------------------------ */

/* Those that the authors of the generator publish with it. */
START_TEST(block_function_gives_the_known_answers)
{
  static const struct {
    uint64_t counter[4], key[2], words[4];
  } known[] = {
      {{0, 0, 0, 0},
       {0, 0},
       {0x16554d9eca36314cu, 0xdb20fe9d672d0fdcu, 0xd7e772cee186176bu, 0x7e68b68aec7ba23bu}},
      {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX},
       {UINT64_MAX, UINT64_MAX},
       {0x87b092c3013fe90bu, 0x438c3c67be8d0224u, 0x9cc7d7c69cd777b6u, 0xa09caebf594f0ba0u}},
      {{0x243f6a8885a308d3u, 0x13198a2e03707344u, 0xa4093822299f31d0u, 0x082efa98ec4e6c89u},
       {0x452821e638d01377u, 0xbe5466cf34e90c6cu},
       {0xa528f45403e61d95u, 0x38c72dbd566e9788u, 0xa5a1610e72fd18b5u, 0x57bd43b5e52b7fe6u}}};
  for (size_t i = 0; i < sizeof known / sizeof *known; ++i) {
    uint64_t words[4];
    bc_philox(known[i].counter, known[i].key, words);
    ck_assert(memcmp(words, known[i].words, sizeof words) == 0);
  }
}
END_TEST

/* Seed 1, stream 2, as NumPy 2 gives them: Philox(key=[1, 2], counter=[2**64 - 1] * 4). */
START_TEST(stream_is_that_of_another_implementation)
{
  static const uint64_t known[] = {0x46fdf329c224985eu, 0x49ebd8a28e9ec134u, 0x528e3ef07e630d40u,
                                   0x69a57877b5c520c8u, 0x4f2f4313b5536b09u, 0x5b617be3219ff32au};
  blasconv_random random = blasconv_random_start(1, 2);
  for (size_t i = 0; i < sizeof known / sizeof *known; ++i)
    ck_assert(blasconv_random_bits(&random) == known[i]);
}
END_TEST

START_TEST(products_of_halves_are_those_of_whole_words)
{
  support_random random = support_random_start(1);
  static const uint64_t extremes[] = {0, 1, 0xffffffffu, (uint64_t)1 << 32, UINT64_MAX};
  for (int i = 0; i < 100000; ++i) {
    const bool extreme = i < 25;
    const uint64_t a = extreme ? extremes[i / 5] : support_random_bits(&random);
    const uint64_t b = extreme ? extremes[i % 5] : support_random_bits(&random);
    uint64_t low, other_low;
    ck_assert(bc_multiply_by_halves(a, b, &low) == (uint64_t)((wide)a * b >> 64));
    ck_assert(bc_multiply_wide(a, b, &other_low) == (uint64_t)((wide)a * b >> 64));
    ck_assert(low == a * b && other_low == a * b);
  }
}
END_TEST

/* Word i of a stream by the definition. */
static uint64_t word_of(uint64_t seed, uint64_t stream, uint64_t i)
{
  const uint64_t counter[4] = {i / 4, 0, 0, 0}, key[2] = {seed, stream};
  uint64_t words[4];
  bc_philox(counter, key, words);
  return words[i % 4];
}

START_TEST(every_word_can_be_had_from_everywhere)
{
  static const uint64_t positions[] = {0, 1, 2, 3, 4, 1001, (uint64_t)1 << 63, UINT64_MAX - 2};
  for (size_t p = 0; p < sizeof positions / sizeof *positions; ++p)
    for (int64_t count = 0; count < 12; ++count) {
      const blasconv_random start = {7, 8, positions[p]};
      blasconv_random one = start, bulk = start;
      uint64_t words[13];
      words[count] = 99;
      bc_random_draw(&bulk, count, words);
      for (int64_t i = 0; i < count; ++i) {
        const uint64_t expected = word_of(7, 8, positions[p] + (uint64_t)i);
        ck_assert(words[i] == expected && blasconv_random_bits(&one) == expected);
        ck_assert(bc_random_word(&start, (uint64_t)i) == expected);
      }
      ck_assert(words[count] == 99);
      ck_assert(one.position == positions[p] + (uint64_t)count && bulk.position == one.position);
      ck_assert(one.seed == 7 && one.stream == 8);
    }
}
END_TEST

/* Neither seeds nor streams nor halves of the words go together: of 64 000 bits compared, as many
 * agree as differ, within five deviations. */
START_TEST(streams_and_seeds_are_independent)
{
  static const uint64_t pairs[][4] = {{0, 0, 0, 1}, {0, 0, 1, 0}, {5, 6, 6, 5}, {1, 0, 0, 1}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; ++i) {
    blasconv_random one = blasconv_random_start(pairs[i][0], pairs[i][1]);
    blasconv_random other = blasconv_random_start(pairs[i][2], pairs[i][3]);
    int agree = 0;
    for (int j = 0; j < 1000; ++j)
      agree += __builtin_popcountll(~(blasconv_random_bits(&one) ^ blasconv_random_bits(&other)));
    ck_assert_int_lt(abs(agree - 32000), 5 * 127);
  }
}
END_TEST

START_TEST(null_gives_zero)
{
  ck_assert(blasconv_random_bits(NULL) == 0 && blasconv_random_below(NULL, 5) == 0);
  ck_assert(blasconv_random_unit(NULL) == 0.0 && blasconv_random_normal(NULL) == 0.0);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Numbers in [0, 1) and integers
 * ------------------------------------------------------------------------------------------ */

START_TEST(unit_is_the_upper_bits_of_one_word)
{
  blasconv_random random = blasconv_random_start(3, 4);
  double sum = 0.0, squares = 0.0;
  for (uint64_t i = 0; i < 100000; ++i) {
    const double unit = blasconv_random_unit(&random);
    ck_assert(unit == ldexp((double)(word_of(3, 4, i) / 2048), -53));
    ck_assert(unit >= 0.0 && unit < 1.0);
    sum += unit;
    squares += unit * unit;
  }
  ck_assert(random.position == 100000);
  ck_assert(fabs(sum / 100000 - 0.5) < 5 * 0.2887 / 316);
  ck_assert(fabs(squares / 100000 - 1.0 / 3.0) < 5 * 0.2981 / 316);
}
END_TEST

/* Pearson's sum for counts that are expected to be equal. */
static double chi_squared(const int *counts, int cells, int draws)
{
  double sum = 0.0;
  for (int i = 0; i < cells; ++i) {
    const double expected = (double)draws / cells, difference = counts[i] - expected;
    sum += difference * difference / expected;
  }
  return sum;
}

/* What one run in 10 000 exceeds, by Wilson and Hilferty. */
static double chi_squared_bound(int freedom)
{
  const double part = 2.0 / (9.0 * freedom), root = 1.0 - part + 3.719 * sqrt(part);
  return freedom * root * root * root;
}

START_TEST(integers_are_equally_likely)
{
  static const int limits[] = {2, 3, 6, 7, 10, 64, 100};
  for (size_t i = 0; i < sizeof limits / sizeof *limits; ++i) {
    blasconv_random random = blasconv_random_start(11, i);
    int counts[100] = {0};
    for (int j = 0; j < 100000; ++j) {
      const uint64_t drawn = blasconv_random_below(&random, (uint64_t)limits[i]);
      ck_assert(drawn < (uint64_t)limits[i]);
      ++counts[drawn];
    }
    ck_assert(chi_squared(counts, limits[i], 100000) < chi_squared_bound(limits[i] - 1));
  }
}
END_TEST

/* A limit of 3/4 2^64 without the words that are drawn anew would give every third number twice. */
START_TEST(large_limits_are_not_biased)
{
  blasconv_random random = blasconv_random_start(12, 0);
  int counts[3] = {0};
  for (int i = 0; i < 30000; ++i)
    ++counts[blasconv_random_below(&random, (uint64_t)3 << 62) % 3];
  ck_assert(chi_squared(counts, 3, 30000) < chi_squared_bound(2));
}
END_TEST

/* The next word whose product's lower half is not below 2^64 mod limit gives the upper half. */
static uint64_t below_by_definition(blasconv_random *random, uint64_t limit)
{
  for (;;) {
    const wide product = (wide)word_of(random->seed, random->stream, random->position++) * limit;
    if ((uint64_t)product >= (((wide)1 << 64) % limit))
      return (uint64_t)(product >> 64);
  }
}

START_TEST(integers_take_the_words_they_should)
{
  static const uint64_t limits[] = {1,
                                    2,
                                    10,
                                    ((uint64_t)1 << 32) + 1,
                                    (uint64_t)1 << 63,
                                    ((uint64_t)1 << 63) + 1,
                                    (uint64_t)3 << 62,
                                    UINT64_MAX};
  for (size_t i = 0; i < sizeof limits / sizeof *limits; ++i) {
    blasconv_random random = blasconv_random_start(13, i), other = random;
    for (int j = 0; j < 1000; ++j) {
      const uint64_t drawn = blasconv_random_below(&random, limits[i]);
      ck_assert(drawn == below_by_definition(&other, limits[i]) && drawn < limits[i]);
      ck_assert(random.position == other.position);
    }
    ck_assert(random.position >= 1000);
  }
  blasconv_random random = blasconv_random_start(13, 0);
  ck_assert(blasconv_random_below(&random, 0) == 0 && random.position == 0);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Orders
 * ------------------------------------------------------------------------------------------ */

START_TEST(every_order_of_four_is_equally_likely)
{
  blasconv_random random = blasconv_random_start(14, 0);
  int counts[256] = {0}, orders[24], found = 0;
  for (int i = 0; i < 48000; ++i) {
    int64_t items[4] = {0, 1, 2, 3};
    ck_assert_int_eq(blasconv_random_shuffle(&random, 4, items), BLASCONV_SUCCESS);
    ++counts[items[0] * 64 + items[1] * 16 + items[2] * 4 + items[3]];
  }
  for (int i = 0; i < 256; ++i)
    if (counts[i] > 0) {
      ck_assert_int_lt(found, 24);
      orders[found++] = counts[i];
    }
  ck_assert_int_eq(found, 24);
  ck_assert(chi_squared(orders, 24, 48000) < chi_squared_bound(23));
}
END_TEST

START_TEST(shuffling_loses_nothing)
{
  enum { most = 1000 };
  blasconv_random random = blasconv_random_start(15, 0);
  for (int64_t count = 0; count <= most; count += count < 10 ? 1 : 90) {
    int64_t items[most + 1];
    int seen[most] = {0};
    for (int64_t i = 0; i <= most; ++i)
      items[i] = i;
    const uint64_t before = random.position;
    ck_assert_int_eq(blasconv_random_shuffle(&random, count, items), BLASCONV_SUCCESS);
    ck_assert(random.position - before == (uint64_t)(count > 0 ? count - 1 : 0));
    for (int64_t i = 0; i < count; ++i) {
      ck_assert(items[i] >= 0 && items[i] < count);
      ck_assert_int_eq(seen[items[i]]++, 0);
    }
    ck_assert(items[count] == count);
  }
  ck_assert_int_eq(blasconv_random_shuffle(&random, 0, NULL), BLASCONV_SUCCESS);
}
END_TEST

START_TEST(bad_shuffles_are_refused)
{
  blasconv_random random = blasconv_random_start(16, 0);
  int64_t items[3] = {0, 1, 2};
  ck_assert_int_eq(blasconv_random_shuffle(NULL, 3, items), BLASCONV_NULL_POINTER);
  ck_assert_int_eq(blasconv_random_shuffle(&random, 3, NULL), BLASCONV_NULL_POINTER);
  ck_assert_int_eq(blasconv_random_shuffle(&random, -1, items), BLASCONV_BAD_SIZE);
  ck_assert_int_eq(blasconv_random_shuffle(&random, INT64_MIN, items), BLASCONV_BAD_SIZE);
  ck_assert_int_eq(blasconv_random_shuffle(&random, PTRDIFF_MAX / 8 + 1, items), BLASCONV_OVERFLOW);
  ck_assert(random.position == 0 && items[0] == 0 && items[1] == 1 && items[2] == 2);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("random_numbers");
  support_add(suite, block_function_gives_the_known_answers);
  support_add(suite, stream_is_that_of_another_implementation);
  support_add(suite, products_of_halves_are_those_of_whole_words);
  support_add(suite, every_word_can_be_had_from_everywhere);
  support_add(suite, streams_and_seeds_are_independent);
  support_add(suite, null_gives_zero);
  support_add(suite, unit_is_the_upper_bits_of_one_word);
  support_add(suite, integers_are_equally_likely);
  support_add(suite, large_limits_are_not_biased);
  support_add(suite, integers_take_the_words_they_should);
  support_add(suite, every_order_of_four_is_equally_likely);
  support_add(suite, shuffling_loses_nothing);
  support_add(suite, bad_shuffles_are_refused);
  return support_run(suite);
}
