/*
 * One convolution under test: the proof against the oracle and the separate kernels.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"

#include <inttypes.h>
#include <math.h>

enum { text_size = 512 };

/* ---------------------------------------------------------------------------------------------
 * The convolution
 * ------------------------------------------------------------------------------------------ */

/*
 * The bound of the error of a float sum of `terms` products, as a multiple of the sum of their
 * absolute values. Rounding errors are at most u = 2^-24 of each partial sum and fall to both
 * sides, so that they add up like a random walk: with the square root of the number of terms
 * (Higham and Mary 2019), where the worst case adds up linearly. For products of one sign, where
 * partial sums grow most, the error's standard deviation is u sqrt(terms) / 3 of their sum; six
 * times that is allowed, and 8 u for the few roundings of short sums, a bias and old contents.
 * A product that is missing or wrong stands out as long as 1 / terms is larger than the bound,
 * which is so up to 40,000 terms.
 */
static double sum_bound(int64_t terms)
{
  const double unit_roundoff = 0x1p-24;
  return unit_roundoff * (8 + 2 * sqrt((double)terms));
}

/*
 * Where tiles are transformed, an element's error has parts of its neighbours' products: it is
 * measured by the absolute values of those of the largest element, and four times that is allowed,
 * since a transform's sums are larger than their results.
 */
static const double transform_growth = 4;

static double largest_magnitude(const oracle_result *truth)
{
  double largest = 0;
  for (int64_t i = 0; i < truth->count; ++i)
    largest = fmax(largest, truth->magnitude[i]);
  return largest;
}

/* Fails unless `actual` is truth + base within the bound, `base` [truth->count] or NULL for zero.
 */
static void compare(const support_tensor *actual, const oracle_result *truth, const float *base,
                    bool plain_sum, const char *text)
{
  const double bound = sum_bound(truth->terms);
  const double least = plain_sum ? 0 : transform_growth * largest_magnitude(truth);
  double largest_error = 0, largest_value = 0;
  int64_t wrong = -1;
  ck_assert_int_eq(actual->count, truth->count);
  for (int64_t i = 0; i < truth->count; ++i) {
    const double start = base ? (double)base[i] : 0;
    const double value = truth->value[i] + start;
    const double error = fabs((double)actual->data[i] - value);
    const double magnitude = fmax(least, truth->magnitude[i]) + fabs(start);
    if (!(error <= bound * magnitude) && wrong < 0)
      wrong = i;
    largest_error = fmax(largest_error, error);
    largest_value = fmax(largest_value, fabs(value));
  }
  support_assert(wrong < 0,
                 "element %" PRId64 " is %.9g instead of %.9g; largest error %.3g of the largest "
                 "value %.3g: %s",
                 wrong, (double)actual->data[wrong],
                 truth->value[wrong] + (base ? (double)base[wrong] : 0), largest_error,
                 largest_value, text);
}

/* The bias of each element of the output. */
static support_tensor broadcast_bias(const fixture_case *fixture)
{
  support_tensor base = support_tensor_poisoned(oracle_output_count(&fixture->problem));
  for (int64_t i = 0; i < base.count; ++i)
    base.data[i] = fixture->bias.data[oracle_filter(&fixture->problem, i)];
  return base;
}

/* ---------------------------------------------------------------------------------------------
 * The epilogue
 * ------------------------------------------------------------------------------------------ */

static bool has_epilogue(const fixture_variant *variant)
{
  return variant->pass == BLASCONV_FORWARD &&
         (variant->bias || variant->scale_shift || variant->residual != BLASCONV_RESIDUAL_NONE ||
          variant->activation.kind != BLASCONV_IDENTITY);
}

/* Turns `values`, a bare forward, into what the epilogue makes of it: the separate kernels in
 * place, one after the other. */
static void apply_separately(const fixture_case *fixture, const fixture_variant *variant,
                             float *values)
{
  const blasconv_maps maps = fixture_maps(&fixture->problem);
  const int32_t threads = variant->threads;
  if (variant->bias)
    ck_assert_int_eq(
        blasconv_bias_activation_forward(&maps, values, fixture->bias.data, NULL, threads, values),
        BLASCONV_SUCCESS);
  if (variant->scale_shift)
    ck_assert_int_eq(blasconv_scale_shift_forward(&maps, values, fixture->scale.data,
                                                  fixture->shift.data, threads, values),
                     BLASCONV_SUCCESS);
  if (variant->residual == BLASCONV_RESIDUAL_BEFORE_ACTIVATION)
    ck_assert_int_eq(
        blasconv_residual_forward(&maps, values, fixture->residual.data, threads, values),
        BLASCONV_SUCCESS);
  ck_assert_int_eq(
      blasconv_bias_activation_forward(&maps, values, NULL, &variant->activation, threads, values),
      BLASCONV_SUCCESS);
  if (variant->residual == BLASCONV_RESIDUAL_AFTER_ACTIVATION)
    ck_assert_int_eq(
        blasconv_residual_forward(&maps, values, fixture->residual.data, threads, values),
        BLASCONV_SUCCESS);
}

static const char *serving_algorithm(const blasconv_problem *problem,
                                     const fixture_variant *variant)
{
  blasconv_plan *plan = fixture_plan(problem, variant);
  const char *name = blasconv_plan_algorithm(plan);
  blasconv_plan_destroy(plan);
  return name;
}

/* The variant without its epilogue, by the algorithm that serves the variant, so that the
 * convolution has the same bits. */
static fixture_variant bare_variant(const blasconv_problem *problem, const fixture_variant *variant)
{
  fixture_variant bare = *variant;
  bare.algorithm = serving_algorithm(problem, variant);
  bare.bias = bare.scale_shift = false;
  bare.residual = BLASCONV_RESIDUAL_NONE;
  bare.activation = (blasconv_activation){BLASCONV_IDENTITY, 0.0f};
  return bare;
}

/* The convolution alone against the oracle, `fused` against it with the separate kernels behind,
 * and a mere bias against the oracle, too. */
static void check_epilogue(const fixture_case *fixture, const fixture_truth *truth,
                           const fixture_variant *variant, const fixture_result *fused,
                           const char *text)
{
  const fixture_variant bare = bare_variant(&fixture->problem, variant);
  fixture_result plain = fixture_result_create(&fixture->problem, BLASCONV_FORWARD, NULL, NULL);
  support_assert(fixture_run(fixture, &bare, &plain), "refused without its epilogue: %s", text);
  const bool plain_sum = fixture_is_plain_sum(bare.algorithm);
  compare(&plain.values, &truth->values, NULL, plain_sum, text);
  apply_separately(fixture, variant, plain.values.data);
  support_assert(fixture_result_same(fused, &plain),
                 "the epilogue differs from the separate kernels: %s", text);
  if (!variant->scale_shift && variant->residual == BLASCONV_RESIDUAL_NONE &&
      variant->activation.kind == BLASCONV_IDENTITY) {
    support_tensor base = broadcast_bias(fixture);
    compare(&fused->values, &truth->values, base.data, plain_sum, text);
    support_tensor_free(&base);
  }
  fixture_result_free(&plain);
}

/* ---------------------------------------------------------------------------------------------
 * All of it
 * ------------------------------------------------------------------------------------------ */

/* `result` came from packed weights: the weights themselves have to give the same from `old`. */
static void check_packed(const fixture_case *fixture, const fixture_variant *variant,
                         const fixture_result *old, const fixture_result *result, const char *text)
{
  fixture_variant unpacked = *variant;
  unpacked.packed = false;
  fixture_result again = fixture_result_copy(old);
  support_assert(fixture_run(fixture, &unpacked, &again), "refused without packing: %s", text);
  support_assert(fixture_result_same(&again, result), "packed weights give other bits: %s", text);
  fixture_result_free(&again);
}

bool fixture_verify(const fixture_case *fixture, const fixture_truth *truth,
                    const fixture_variant *variant, support_random *random)
{
  char text[text_size];
  fixture_describe(&fixture->problem, variant, text, sizeof text);
  fixture_result result = fixture_result_create(
      &fixture->problem, variant->pass, variant->accumulate ? support_tensor_random : NULL, random);
  fixture_result old = fixture_result_copy(&result);
  const bool served = fixture_run(fixture, variant, &result);
  if (served && variant->packed)
    check_packed(fixture, variant, &old, &result, text);
  if (served && has_epilogue(variant))
    check_epilogue(fixture, truth, variant, &result, text);
  else if (served)
    compare(&result.values, &truth->values, variant->accumulate ? old.values.data : NULL,
            fixture_is_plain_sum(serving_algorithm(&fixture->problem, variant)), text);
  if (served && variant->pass == BLASCONV_BACKWARD_WEIGHTS && variant->bias)
    compare(&result.bias_gradient, &truth->bias_gradient,
            variant->accumulate ? old.bias_gradient.data : NULL, true, text);
  fixture_result_free(&result);
  fixture_result_free(&old);
  return served;
}
