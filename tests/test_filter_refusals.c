/*
 * Bad filters, banks and fixed weights: the right status, and nothing written.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <blasconv/train.h>
#include <float.h>
#include <math.h>
#include <string.h>

enum { kinds = BLASCONV_FILTER_GABOR + 1, tables = BLASCONV_FILTER_BOX };

/* As a filter of its own and as the last of a bank for fixed weights. */
static void check_refused(const blasconv_filter *filter, int64_t height, int64_t width,
                          blasconv_status status, const char *what)
{
  support_tensor taps = support_tensor_poisoned(200), poison = support_tensor_poisoned(200);
  support_assert(blasconv_filter_write(filter, height, width, taps.data) == status, "%s", what);
  const blasconv_problem problem = blasconv_problem_2d(1, 2, height, width, 1, height, width);
  if (height > 0 && width > 0 && filter != NULL) {
    blasconv_filter bank[2] = {blasconv_filter_of(BLASCONV_FILTER_BOX), *filter};
    support_assert(blasconv_weights_fixed(&problem, bank, 2, NULL, taps.data) == status,
                   "%s: in a bank", what);
  }
  support_assert(support_tensor_same(&taps, &poison), "%s: written", what);
  support_tensor_free(&poison);
  support_tensor_free(&taps);
}

START_TEST(extents_are_checked)
{
  static const int64_t bad[][2] = {
      {0, 3}, {3, 0}, {-1, 3}, {3, INT64_MIN}, {32769, 1}, {1, 32769}, {1, (int64_t)1 << 40}};
  static const int64_t not_three[][2] = {{1, 1}, {3, 5}, {5, 3}, {2, 3}, {3, 4}};
  static const int64_t even[][2] = {{2, 3}, {3, 2}, {4, 4}, {3, 32768}};
  for (int kind = 0; kind < kinds; ++kind) {
    const blasconv_filter filter = blasconv_filter_of((blasconv_filter_kind)kind);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i)
      check_refused(&filter, bad[i][0], bad[i][1], BLASCONV_BAD_SIZE, "bad extents");
    for (size_t i = 0; kind < tables && i < sizeof not_three / sizeof *not_three; ++i)
      check_refused(&filter, not_three[i][0], not_three[i][1], BLASCONV_BAD_SIZE, "not 3x3");
    for (size_t i = 0; kind != BLASCONV_FILTER_BOX && i < sizeof even / sizeof *even; ++i)
      check_refused(&filter, even[i][0], even[i][1], BLASCONV_BAD_SIZE, "even extents");
  }
}
END_TEST

START_TEST(numbers_are_checked)
{
  static const float bad[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f, -1.0f};
  static const blasconv_filter_kind with_sigma[] = {
      BLASCONV_FILTER_GAUSSIAN, BLASCONV_FILTER_LAPLACIAN_OF_GAUSSIAN, BLASCONV_FILTER_GABOR};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    blasconv_filter filter;
    for (int k = 0; k < 3; ++k) {
      filter = blasconv_filter_of(with_sigma[k]);
      filter.sigma = bad[i];
      check_refused(&filter, 5, 5, BLASCONV_BAD_ARGUMENT, "sigma");
    }
    filter = blasconv_filter_of(BLASCONV_FILTER_GABOR);
    filter.wavelength = bad[i];
    check_refused(&filter, 5, 5, BLASCONV_BAD_ARGUMENT, "wavelength");
    filter = blasconv_filter_of(BLASCONV_FILTER_GABOR);
    filter.aspect = bad[i];
    check_refused(&filter, 5, 5, BLASCONV_BAD_ARGUMENT, "aspect");
    if (isfinite(bad[i]))
      continue;
    filter = blasconv_filter_of(BLASCONV_FILTER_GABOR);
    filter.angle = bad[i];
    check_refused(&filter, 5, 5, BLASCONV_BAD_ARGUMENT, "angle");
    filter = blasconv_filter_of(BLASCONV_FILTER_GABOR);
    filter.phase = bad[i];
    check_refused(&filter, 5, 5, BLASCONV_BAD_ARGUMENT, "phase");
  }
}
END_TEST

/* Numbers as small and as large as they come give finite taps, or are refused. */
START_TEST(extreme_numbers_give_finite_taps)
{
  static const float extremes[] = {FLT_TRUE_MIN, FLT_MIN, 1e-19f, 1.0f, FLT_MAX};
  for (int kind = BLASCONV_FILTER_GAUSSIAN; kind < kinds; ++kind)
    for (int i = 0; i < 125; ++i) {
      blasconv_filter filter = blasconv_filter_of((blasconv_filter_kind)kind);
      filter.sigma = extremes[i % 5];
      filter.wavelength = filter.angle = filter.phase = extremes[i / 5 % 5];
      filter.aspect = extremes[i / 25];
      const bool refused = kind == BLASCONV_FILTER_LAPLACIAN_OF_GAUSSIAN && i % 5 < 2;
      float taps[15];
      ck_assert_int_eq(blasconv_filter_write(&filter, 3, 5, taps),
                       refused ? BLASCONV_BAD_ARGUMENT : BLASCONV_SUCCESS);
      for (int j = 0; !refused && j < 15; ++j)
        ck_assert(isfinite(taps[j]));
    }
}
END_TEST

START_TEST(structs_and_kinds_are_checked)
{
  blasconv_filter filter = blasconv_filter_of((blasconv_filter_kind)kinds);
  check_refused(NULL, 3, 3, BLASCONV_NULL_POINTER, "no filter");
  check_refused(&filter, 3, 3, BLASCONV_BAD_ARGUMENT, "kind");
  filter.kind = (blasconv_filter_kind)-1;
  check_refused(&filter, 3, 3, BLASCONV_BAD_ARGUMENT, "kind -1");
  filter = blasconv_filter_of(BLASCONV_FILTER_SOBEL_X);
  ck_assert_int_eq(blasconv_filter_write(&filter, 3, 3, NULL), BLASCONV_NULL_POINTER);
  filter.struct_size += 1;
  check_refused(&filter, 3, 3, BLASCONV_VERSION_MISMATCH, "size");
}
END_TEST

START_TEST(banks_are_checked)
{
  static const struct {
    const char *what;
    blasconv_filter filter;
    int64_t count;
    blasconv_status status;
  } bad[] = {
      {"size", {0, BLASCONV_FILTER_GABOR, 1, 4, 0, 0, 1}, 2, BLASCONV_VERSION_MISMATCH},
      {"kind",
       {sizeof(blasconv_filter), BLASCONV_FILTER_GAUSSIAN, 1, 4, 0, 0, 1},
       2,
       BLASCONV_BAD_ARGUMENT},
      {"3x3",
       {sizeof(blasconv_filter), BLASCONV_FILTER_SOBEL_X, 1, 4, 0, 0, 1},
       2,
       BLASCONV_BAD_ARGUMENT},
      {"sigma",
       {sizeof(blasconv_filter), BLASCONV_FILTER_GABOR, 0, 4, 0, 0, 1},
       2,
       BLASCONV_BAD_ARGUMENT},
      {"phase",
       {sizeof(blasconv_filter), BLASCONV_FILTER_GABOR, 1, 4, 0, NAN, 1},
       2,
       BLASCONV_BAD_ARGUMENT},
      {"none",
       {sizeof(blasconv_filter), BLASCONV_FILTER_GABOR, 1, 4, 0, 0, 1},
       0,
       BLASCONV_BAD_SIZE},
      {"many",
       {sizeof(blasconv_filter), BLASCONV_FILTER_GABOR, 1, 4, 0, 0, 1},
       32769,
       BLASCONV_BAD_SIZE},
  };
  blasconv_filter bank[2], before[2];
  memset(bank, 1, sizeof bank);
  memcpy(before, bank, sizeof bank);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i)
    support_assert(blasconv_filter_bank(&bad[i].filter, bad[i].count, bank) == bad[i].status, "%s",
                   bad[i].what);
  const blasconv_filter good = blasconv_filter_of(BLASCONV_FILTER_GABOR);
  ck_assert_int_eq(blasconv_filter_bank(NULL, 2, bank), BLASCONV_NULL_POINTER);
  ck_assert_int_eq(blasconv_filter_bank(&good, 2, NULL), BLASCONV_NULL_POINTER);
  ck_assert(memcmp(bank, before, sizeof bank) == 0);
}
END_TEST

START_TEST(fixed_weights_are_checked)
{
  const blasconv_filter filter = blasconv_filter_of(BLASCONV_FILTER_BOX);
  blasconv_problem problem = blasconv_problem_2d(1, 2, 4, 4, 3, 2, 2);
  support_tensor w = support_tensor_poisoned(24), poison = support_tensor_poisoned(24);
  static const float mixes[][2] = {{1.0f, NAN}, {INFINITY, 1.0f}, {1.0f, -INFINITY}};
  for (int i = 0; i < 3; ++i)
    ck_assert_int_eq(blasconv_weights_fixed(&problem, &filter, 1, mixes[i], w.data),
                     BLASCONV_BAD_ARGUMENT);
  ck_assert_int_eq(blasconv_weights_fixed(&problem, &filter, 0, NULL, w.data), BLASCONV_BAD_SIZE);
  ck_assert_int_eq(blasconv_weights_fixed(&problem, &filter, INT64_MIN, NULL, w.data),
                   BLASCONV_BAD_SIZE);
  ck_assert_int_eq(blasconv_weights_fixed(&problem, &filter, INT64_MAX, NULL, w.data),
                   BLASCONV_OVERFLOW);
  ck_assert_int_eq(blasconv_weights_fixed(&problem, NULL, 1, NULL, w.data), BLASCONV_NULL_POINTER);
  ck_assert_int_eq(blasconv_weights_fixed(NULL, &filter, 1, NULL, w.data), BLASCONV_NULL_POINTER);
  ck_assert_int_eq(blasconv_weights_fixed(&problem, &filter, 1, NULL, NULL), BLASCONV_NULL_POINTER);
  problem.groups = 2;
  ck_assert_int_eq(blasconv_weights_fixed(&problem, &filter, 1, NULL, w.data), BLASCONV_BAD_GROUPS);
  ck_assert(support_tensor_same(&w, &poison));
  support_tensor_free(&poison);
  support_tensor_free(&w);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("filter_refusals");
  support_add(suite, extents_are_checked);
  support_add(suite, numbers_are_checked);
  support_add(suite, extreme_numbers_give_finite_taps);
  support_add(suite, structs_and_kinds_are_checked);
  support_add(suite, banks_are_checked);
  support_add(suite, fixed_weights_are_checked);
  return support_run(suite);
}
