/*
 * One convolution under test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { text_size = 512 };

/* ---------------------------------------------------------------------------------------------
 * Tensors
 * ------------------------------------------------------------------------------------------ */

/* A sum over the bits of [tensor->count] floats that depends on their order. */
static uint64_t add_to_checksum(uint64_t checksum, const support_tensor *tensor)
{
  for (int64_t i = 0; i < tensor->count; ++i) {
    uint32_t bits = 0;
    memcpy(&bits, &tensor->data[i], sizeof bits);
    checksum = (checksum ^ bits) * UINT64_C(0x100000001B3);
  }
  return checksum;
}

static uint64_t checksum_of(const fixture_case *fixture)
{
  uint64_t checksum = add_to_checksum(1, &fixture->input);
  checksum = add_to_checksum(checksum, &fixture->weights);
  checksum = add_to_checksum(checksum, &fixture->bias);
  return add_to_checksum(checksum, &fixture->output_gradient);
}

fixture_case fixture_create(const blasconv_problem *problem, fixture_filler *filler,
                            support_random *random)
{
  fixture_case made = {.problem = *problem};
  made.input = filler(oracle_input_count(problem), random);
  made.weights = filler(oracle_weights_count(problem), random);
  made.bias = filler(problem->out_channels, random);
  made.output_gradient = filler(oracle_output_count(problem), random);
  fixture_seal(&made);
  return made;
}

void fixture_seal(fixture_case *fixture)
{
  fixture->checksum = checksum_of(fixture);
}

void fixture_free(fixture_case *fixture)
{
  ck_assert_msg(checksum_of(fixture) == fixture->checksum, "a tensor that is read was written to");
  support_tensor_free(&fixture->input);
  support_tensor_free(&fixture->weights);
  support_tensor_free(&fixture->bias);
  support_tensor_free(&fixture->output_gradient);
}

static int64_t result_count(const blasconv_problem *problem, blasconv_pass pass)
{
  switch (pass) {
  case BLASCONV_FORWARD:
    return oracle_output_count(problem);
  case BLASCONV_BACKWARD_DATA:
    return oracle_input_count(problem);
  case BLASCONV_BACKWARD_WEIGHTS:
    break;
  }
  return oracle_weights_count(problem);
}

fixture_result fixture_result_create(const blasconv_problem *problem, blasconv_pass pass,
                                     fixture_filler *filler, support_random *random)
{
  const int64_t count = result_count(problem, pass);
  const int64_t biases = pass == BLASCONV_BACKWARD_WEIGHTS ? problem->out_channels : 0;
  if (!filler)
    return (fixture_result){support_tensor_poisoned(count), support_tensor_poisoned(biases)};
  const support_tensor values = filler(count, random);
  return (fixture_result){values, filler(biases, random)};
}

fixture_result fixture_result_copy(const fixture_result *result)
{
  return (fixture_result){support_tensor_copy(&result->values),
                          support_tensor_copy(&result->bias_gradient)};
}

bool fixture_result_same(const fixture_result *one, const fixture_result *other)
{
  return support_tensor_same(&one->values, &other->values) &&
         support_tensor_same(&one->bias_gradient, &other->bias_gradient);
}

void fixture_result_free(fixture_result *result)
{
  support_tensor_check(&result->values, "result");
  support_tensor_check(&result->bias_gradient, "bias gradient");
  support_tensor_free(&result->values);
  support_tensor_free(&result->bias_gradient);
}

fixture_truth fixture_truth_create(const fixture_case *fixture, blasconv_pass pass)
{
  const blasconv_problem *problem = &fixture->problem;
  const float *input = fixture->input.data;
  const float *weights = fixture->weights.data;
  const float *output_gradient = fixture->output_gradient.data;
  fixture_truth truth = {.bias_gradient = oracle_bias_gradient(problem, output_gradient)};
  switch (pass) {
  case BLASCONV_FORWARD:
    truth.values = oracle_forward(problem, input, weights);
    break;
  case BLASCONV_BACKWARD_DATA:
    truth.values = oracle_backward_data(problem, weights, output_gradient);
    break;
  case BLASCONV_BACKWARD_WEIGHTS:
    truth.values = oracle_backward_weights(problem, input, output_gradient);
    break;
  }
  return truth;
}

void fixture_truth_free(fixture_truth *truth)
{
  oracle_free(&truth->values);
  oracle_free(&truth->bias_gradient);
}

/* ---------------------------------------------------------------------------------------------
 * Running
 * ------------------------------------------------------------------------------------------ */

const char *fixture_describe(const blasconv_problem *problem, const fixture_variant *variant,
                             char *text, size_t size)
{
  static const char *const passes[] = {"forward", "backward data", "backward weights"};
  const int64_t *in = problem->input, *kernel = problem->kernel, *stride = problem->strides;
  const int64_t *dilation = problem->dilations;
  const int64_t *begin = problem->pads_begin, *end = problem->pads_end;
  snprintf(text, size,
           "N=%" PRId64 " C=%" PRId64 " HxW=%" PRId64 "x%" PRId64 " K=%" PRId64 " RxS=%" PRId64
           "x%" PRId64 " strides %" PRId64 ",%" PRId64 " dilations %" PRId64 ",%" PRId64
           " pads_begin %" PRId64 ",%" PRId64 " pads_end %" PRId64 ",%" PRId64 " G=%" PRId64
           ": %s by %s, %d threads%s%s%s, activation %d",
           problem->batch, problem->in_channels, in[0], in[1], problem->out_channels, kernel[0],
           kernel[1], stride[0], stride[1], dilation[0], dilation[1], begin[0], begin[1], end[0],
           end[1], problem->groups, passes[variant->pass],
           variant->algorithm ? variant->algorithm : "the library's choice", (int)variant->threads,
           variant->accumulate ? ", accumulate" : "", variant->bias ? ", bias" : "",
           variant->library_workspace ? ", library's workspace" : "",
           (int)variant->activation.kind);
  return text;
}

blasconv_plan *fixture_plan(const blasconv_problem *problem, const fixture_variant *variant)
{
  char text[text_size];
  char message[text_size] = "";
  blasconv_options options = blasconv_options_default();
  options.algorithm = variant->algorithm;
  options.threads = variant->threads;
  options.exact = variant->exact;
  options.accumulate = variant->accumulate;
  options.activation = variant->activation;
  options.message = message;
  options.message_size = sizeof message;
  blasconv_plan *plan = NULL;
  const blasconv_status status = blasconv_plan_create(problem, variant->pass, &options, &plan);
  fixture_describe(problem, variant, text, sizeof text);
  if (variant->algorithm && status == BLASCONV_ALGORITHM_REFUSED) {
    ck_assert_msg(!plan && message[0] != '\0', "refused without a reason: %s", text);
    return NULL;
  }
  ck_assert_msg(status == BLASCONV_SUCCESS, "%s (%s): %s", blasconv_status_string(status), message,
                text);
  ck_assert_msg(!variant->algorithm ||
                    strcmp(blasconv_plan_algorithm(plan), variant->algorithm) == 0,
                "another algorithm was taken: %s", text);
  ck_assert_msg(blasconv_plan_workspace_size(plan) <= (size_t)variant->threads << 21,
                "more than 2 MiB of workspace a thread: %s", text);
  return plan;
}

blasconv_arguments fixture_arguments(const fixture_case *fixture, const fixture_variant *variant,
                                     fixture_result *result)
{
  blasconv_arguments arguments = blasconv_arguments_none();
  if (variant->pass != BLASCONV_BACKWARD_DATA)
    arguments.input = fixture->input.data;
  if (variant->pass != BLASCONV_BACKWARD_WEIGHTS)
    arguments.weights = fixture->weights.data;
  if (variant->pass != BLASCONV_FORWARD)
    arguments.output_gradient = fixture->output_gradient.data;
  switch (variant->pass) {
  case BLASCONV_FORWARD:
    arguments.output = result->values.data;
    arguments.bias = variant->bias ? fixture->bias.data : NULL;
    break;
  case BLASCONV_BACKWARD_DATA:
    arguments.input_gradient = result->values.data;
    break;
  case BLASCONV_BACKWARD_WEIGHTS:
    arguments.weights_gradient = result->values.data;
    arguments.bias_gradient = variant->bias ? result->bias_gradient.data : NULL;
    break;
  }
  return arguments;
}

bool fixture_run(const fixture_case *fixture, const fixture_variant *variant,
                 fixture_result *result)
{
  blasconv_plan *plan = fixture_plan(&fixture->problem, variant);
  if (!plan)
    return false;
  char text[text_size];
  fixture_describe(&fixture->problem, variant, text, sizeof text);
  const blasconv_arguments arguments = fixture_arguments(fixture, variant, result);
  const size_t bytes = variant->library_workspace ? 0 : blasconv_plan_workspace_size(plan);
  support_memory workspace = support_memory_workspace(bytes);
  const blasconv_status status = blasconv_plan_execute(plan, &arguments, workspace.data, bytes);
  ck_assert_msg(status == BLASCONV_SUCCESS, "%s: %s", blasconv_status_string(status), text);
  support_memory_check(&workspace, text);
  support_tensor_check(&result->values, text);
  support_tensor_check(&result->bias_gradient, text);
  support_memory_free(&workspace);
  blasconv_plan_destroy(plan);
  return true;
}

/* ---------------------------------------------------------------------------------------------
 * Proof
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

/* Fails unless `actual` is truth + base within the bound, `base` [truth->count] or NULL for zero.
 */
static void compare(const support_tensor *actual, const oracle_result *truth, const float *base,
                    const char *text)
{
  const double bound = sum_bound(truth->terms);
  double largest_error = 0, largest_value = 0;
  int64_t wrong = -1;
  ck_assert_int_eq(actual->count, truth->count);
  for (int64_t i = 0; i < truth->count; ++i) {
    const double start = base ? (double)base[i] : 0;
    const double value = truth->value[i] + start;
    const double error = fabs((double)actual->data[i] - value);
    if (!(error <= bound * (truth->magnitude[i] + fabs(start))) && wrong < 0)
      wrong = i;
    largest_error = fmax(largest_error, error);
    largest_value = fmax(largest_value, fabs(value));
  }
  ck_assert_msg(wrong < 0,
                "element %" PRId64 " is %.9g instead of %.9g; largest error %.3g of the largest "
                "value %.3g: %s",
                wrong, (double)actual->data[wrong],
                truth->value[wrong] + (base ? (double)base[wrong] : 0), largest_error,
                largest_value, text);
}

/* The bias of each element of the output. */
static support_tensor broadcast_bias(const fixture_case *fixture)
{
  const int64_t filters = fixture->problem.out_channels;
  support_tensor base = support_tensor_poisoned(oracle_output_count(&fixture->problem));
  int64_t extents[2];
  oracle_output(&fixture->problem, extents);
  for (int64_t i = 0; i < base.count; ++i)
    base.data[i] = fixture->bias.data[i / (extents[0] * extents[1]) % filters];
  return base;
}

/* output = activation(plain + bias) by the separate kernel, where `plain` is the bare forward. */
static void apply_separately(const fixture_case *fixture, const fixture_variant *variant,
                             const support_tensor *plain, support_tensor *output)
{
  const blasconv_problem *problem = &fixture->problem;
  int64_t extents[2];
  oracle_output(problem, extents);
  const blasconv_maps maps =
      blasconv_maps_nchw(problem->batch, problem->out_channels, extents[0] * extents[1]);
  ck_assert_int_eq(blasconv_bias_activation_forward(
                       &maps, plain->data, variant->bias ? fixture->bias.data : NULL,
                       &variant->activation, variant->threads, output->data),
                   BLASCONV_SUCCESS);
}

/* The epilogue against the separate kernel, and a bare bias against the oracle. */
static bool verify_epilogue(const fixture_case *fixture, const fixture_truth *truth,
                            const fixture_variant *variant)
{
  char text[text_size];
  const fixture_variant bare = {.pass = BLASCONV_FORWARD,
                                .algorithm = variant->algorithm,
                                .threads = variant->threads,
                                .library_workspace = variant->library_workspace};
  fixture_result plain = fixture_result_create(&fixture->problem, BLASCONV_FORWARD, NULL, NULL);
  fixture_result fused = fixture_result_copy(&plain);
  fixture_result separate = fixture_result_copy(&plain);
  const bool served = fixture_run(fixture, &bare, &plain) && fixture_run(fixture, variant, &fused);
  if (served && fixture->problem.batch > 0) {
    fixture_describe(&fixture->problem, variant, text, sizeof text);
    apply_separately(fixture, variant, &plain.values, &separate.values);
    ck_assert_msg(fixture_result_same(&fused, &separate),
                  "the epilogue differs from the separate kernel: %s", text);
    support_tensor base = broadcast_bias(fixture);
    if (variant->activation.kind == BLASCONV_IDENTITY)
      compare(&fused.values, &truth->values, base.data, text);
    support_tensor_free(&base);
  }
  fixture_result_free(&plain);
  fixture_result_free(&fused);
  fixture_result_free(&separate);
  return served;
}

bool fixture_verify(const fixture_case *fixture, const fixture_truth *truth,
                    const fixture_variant *variant, support_random *random)
{
  const bool epilogue = variant->pass == BLASCONV_FORWARD &&
                        (variant->bias || variant->activation.kind != BLASCONV_IDENTITY);
  if (epilogue)
    return verify_epilogue(fixture, truth, variant);
  char text[text_size];
  fixture_describe(&fixture->problem, variant, text, sizeof text);
  fixture_result result = fixture_result_create(
      &fixture->problem, variant->pass, variant->accumulate ? support_tensor_random : NULL, random);
  fixture_result old = fixture_result_copy(&result);
  const bool served = fixture_run(fixture, variant, &result);
  if (served)
    compare(&result.values, &truth->values, variant->accumulate ? old.values.data : NULL, text);
  if (served && variant->pass == BLASCONV_BACKWARD_WEIGHTS && variant->bias)
    compare(&result.bias_gradient, &truth->bias_gradient,
            variant->accumulate ? old.bias_gradient.data : NULL, text);
  fixture_result_free(&result);
  fixture_result_free(&old);
  return served;
}
