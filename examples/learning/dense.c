/*
 * A dense layer is a convolution whose kernel is as large as the image: one place to stand, one
 * number a filter.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "lesson.h"

#include <stdlib.h>
#include <string.h>

enum { IMAGES = 4, CHANNELS = 3, SIDE = 5, INPUTS = CHANNELS * SIDE * SIDE, OUTPUTS = 10 };

/* A 2x2 image, three outputs: small enough to check by hand. */
static void teach_small(void)
{
  const float picture[4] = {1, 2, 3, 4};
  const float weights[12] = {1, 1, 1, 1, 1, 0, 0, -1, 2, -1, 0, 1};
  const float bias[3] = {0, 5, -1};
  const blasconv_problem problem = blasconv_problem_dense(1, 4, 3);
  float output[3];
  lesson_forward(&problem, BLASCONV_IDENTITY, picture, weights, bias, output);
  lesson_print("image 2x2, read as 4 inputs", 1, 4, picture);
  lesson_print("weights [3 outputs][4 inputs]", 3, 4, weights);
  lesson_print("bias", 1, 3, bias);
  lesson_print("output = weights input + bias", 1, 3, output);
}

/** What a layer computes in its three passes. */
typedef struct results {
  float output[IMAGES * OUTPUTS];
  float input_gradient[IMAGES * INPUTS];
  float weights_gradient[OUTPUTS * INPUTS];
  float bias_gradient[OUTPUTS];
} results;

/* Runs all passes of a layer, with its output standing in for the gradient that comes back. */
static void run_passes(const blasconv_problem *problem, const float *images, const float *weights,
                       const float *bias, results *found)
{
  lesson_forward(problem, BLASCONV_RELU, images, weights, bias, found->output);
  blasconv_arguments tensors = blasconv_arguments_none();
  tensors.output_gradient = found->output;
  tensors.weights = weights;
  tensors.input_gradient = found->input_gradient;
  lesson_run(problem, BLASCONV_BACKWARD_DATA, NULL, &tensors);
  tensors = blasconv_arguments_none();
  tensors.output_gradient = found->output;
  tensors.input = images;
  tensors.weights_gradient = found->weights_gradient;
  tensors.bias_gradient = found->bias_gradient;
  lesson_run(problem, BLASCONV_BACKWARD_WEIGHTS, NULL, &tensors);
}

static void print_differing(const char *what, int64_t count, const float *a, const float *b)
{
  int64_t differing = 0;
  for (int64_t i = 0; i < count; ++i)
    differing += memcmp(a + i, b + i, sizeof(float)) != 0;
  printf("%-17s %d of %d differ\n", what, (int)differing, (int)count);
}

static void teach_same(void)
{
  static float images[IMAGES * INPUTS], weights[OUTPUTS * INPUTS], bias[OUTPUTS];
  static results dense, convolution;
  blasconv_random random = blasconv_random_start(1, 0);
  lesson_normal(&random, IMAGES * INPUTS, images);
  lesson_normal(&random, OUTPUTS * INPUTS, weights);
  lesson_normal(&random, OUTPUTS, bias);
  const blasconv_problem as_dense = blasconv_problem_dense(IMAGES, INPUTS, OUTPUTS);
  const blasconv_problem as_convolution =
      blasconv_problem_2d(IMAGES, CHANNELS, SIDE, SIDE, OUTPUTS, SIDE, SIDE);
  run_passes(&as_dense, images, weights, bias, &dense);
  run_passes(&as_convolution, images, weights, bias, &convolution);
  printf("dense layer: %d inputs, %d outputs; convolution: %d channels %dx%d, %d filters %dx%d\n",
         INPUTS, OUTPUTS, CHANNELS, SIDE, SIDE, OUTPUTS, SIDE, SIDE);
  print_differing("output", IMAGES * OUTPUTS, dense.output, convolution.output);
  print_differing("input gradient", IMAGES * INPUTS, dense.input_gradient,
                  convolution.input_gradient);
  print_differing("weights gradient", OUTPUTS * INPUTS, dense.weights_gradient,
                  convolution.weights_gradient);
  print_differing("bias gradient", OUTPUTS, dense.bias_gradient, convolution.bias_gradient);
}

bool lesson_dense(const lesson *here)
{
  (void)here;
  teach_small();
  teach_same();
  return true;
}
