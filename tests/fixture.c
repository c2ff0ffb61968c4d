/*
 * One convolution under test: its tensors, what its passes write, and what they should.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"

#include <string.h>

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

enum { tensors_read = 7 };

/* The tensor number `index` of those that passes read. */
static support_tensor *tensor_of(fixture_case *fixture, int index)
{
  support_tensor *const tensors[tensors_read] = {
      &fixture->input, &fixture->weights,  &fixture->bias,           &fixture->scale,
      &fixture->shift, &fixture->residual, &fixture->output_gradient};
  return tensors[index];
}

static uint64_t checksum_of(fixture_case *fixture)
{
  uint64_t checksum = 1;
  for (int i = 0; i < tensors_read; ++i)
    checksum = add_to_checksum(checksum, tensor_of(fixture, i));
  return checksum;
}

fixture_case fixture_create(const blasconv_problem *problem, fixture_filler *filler,
                            support_random *random)
{
  fixture_case made = {.problem = *problem};
  made.input = filler(oracle_input_count(problem), random);
  made.weights = filler(oracle_weights_count(problem), random);
  made.bias = filler(problem->out_channels, random);
  made.scale = filler(problem->out_channels, random);
  made.shift = filler(problem->out_channels, random);
  made.residual = filler(oracle_output_count(problem), random);
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
  support_assert(checksum_of(fixture) == fixture->checksum, "a tensor that is read was written to");
  for (int i = 0; i < tensors_read; ++i) {
    support_tensor_check(tensor_of(fixture, i), "a tensor that is read");
    support_tensor_free(tensor_of(fixture, i));
  }
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

blasconv_maps fixture_maps(const blasconv_problem *problem)
{
  const int64_t pixels = oracle_output_pixels(problem);
  return problem->layout == BLASCONV_NHWC
             ? blasconv_maps_nhwc(problem->batch, pixels, problem->out_channels)
             : blasconv_maps_nchw(problem->batch, problem->out_channels, pixels);
}
