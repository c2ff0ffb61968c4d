/*
 * Feature maps of pictures: the example's one use of the library.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "maps.h"

#include <stdio.h>
#include <stdlib.h>

static bool succeeded(blasconv_status status, const char *doing, const char *detail)
{
  if (status != BLASCONV_SUCCESS)
    fprintf(stderr, "%s: %s %s\n", doing, blasconv_status_string(status), detail);
  return status == BLASCONV_SUCCESS;
}

/* Plans and runs the forward pass with bias and ReLU as its epilogue. */
static bool convolve(const blasconv_problem *problem, const blasconv_arguments *tensors)
{
  char reason[256] = "";
  blasconv_plan *plan = NULL;
  blasconv_options options = blasconv_options_default();
  options.activation.kind = BLASCONV_RELU;
  options.message = reason;
  options.message_size = sizeof reason;
  if (!succeeded(blasconv_plan_create(problem, BLASCONV_FORWARD, &options, &plan),
                 "planning a convolution", reason))
    return false;
  const bool good =
      succeeded(blasconv_plan_execute(plan, tensors, NULL, 0), "running a convolution", "");
  blasconv_plan_destroy(plan);
  return good;
}

/* Samples the bank into weights [K][C][R][S] and biases [K]. */
static void sample_bank(const blasconv_problem *problem, const feature_filter *bank, float *weights,
                        float *bias)
{
  const int64_t size = problem->kernel[0], taps = problem->in_channels * size * size;
  for (int64_t k = 0; k < problem->out_channels; ++k) {
    filter_sample(&bank[k], problem->in_channels, size, weights + k * taps);
    bias[k] = bank[k].bias;
  }
}

bool maps_compute(const blasconv_problem *problem, const feature_filter *bank,
                  const float *pictures, feature_maps *maps)
{
  int64_t output[BLASCONV_MAX_RANK];
  if (!succeeded(blasconv_problem_output(problem, output), "sizes of a convolution", ""))
    return false;
  const size_t filters = (size_t)problem->out_channels;
  const size_t taps = (size_t)(problem->in_channels * problem->kernel[0] * problem->kernel[1]);
  const size_t pixels = (size_t)problem->batch * (size_t)(output[0] * output[1]);
  feature_maps result = {output[0], output[1], malloc(filters * taps * sizeof(float)),
                         malloc(filters * pixels * sizeof(float))};
  float *bias = malloc(filters * sizeof(float));
  bool good = result.weights != NULL && result.values != NULL && bias != NULL;
  if (good) {
    sample_bank(problem, bank, result.weights, bias);
    blasconv_arguments tensors = blasconv_arguments_none();
    tensors.input = pictures;
    tensors.weights = result.weights;
    tensors.bias = bias;
    tensors.output = result.values;
    good = convolve(problem, &tensors);
  } else {
    fprintf(stderr, "out of memory for feature maps\n");
  }
  free(bias);
  if (good)
    *maps = result;
  else
    maps_free(&result);
  return good;
}

void maps_free(feature_maps *maps)
{
  free(maps->weights);
  free(maps->values);
  maps->weights = maps->values = NULL;
}
