/*
 * The gradients of a convolution, number by number: a 3x3 input, one filter of 2x2, a 2x2 output.
 * All numbers are small integers, so that every sum is exact and results must agree to the last
 * bit.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "lesson.h"

#include <string.h>

enum { X_SIDE = 3, W_SIDE = 2, Y_SIDE = 2, X_COUNT = 9, W_COUNT = 4, Y_COUNT = 4 };

static const float input[X_COUNT] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
static const float first_weights[W_COUNT] = {1, 2, 3, 4};
static const float target[Y_COUNT] = {36, 47, 65, 78};

static blasconv_problem small_problem(void)
{
  return blasconv_problem_2d(1, 1, X_SIDE, X_SIDE, 1, W_SIDE, W_SIDE);
}

static void answer(const float *weights, float bias, float *output)
{
  const blasconv_problem problem = small_problem();
  lesson_forward(&problem, BLASCONV_IDENTITY, input, weights, &bias, output);
}

/* L = 1/2 sum of (Y - T)^2 */
static double loss_of(const float *weights, float bias)
{
  float output[Y_COUNT];
  double sum = 0;
  answer(weights, bias, output);
  for (int i = 0; i < Y_COUNT; ++i)
    sum += (double)(output[i] - target[i]) * (double)(output[i] - target[i]);
  return sum / 2;
}

/* dX the way the indices say it: output pixel (p, q) was made from input pixels (p+r, q+s) with
 * weight (r, s), so its gradient goes back to them with that weight. */
static void scatter(const float *output_gradient, const float *weights, float *input_gradient)
{
  memset(input_gradient, 0, X_COUNT * sizeof(float));
  for (int p = 0; p < Y_SIDE; ++p)
    for (int q = 0; q < Y_SIDE; ++q)
      for (int r = 0; r < W_SIDE; ++r)
        for (int s = 0; s < W_SIDE; ++s)
          input_gradient[(p + r) * X_SIDE + q + s] +=
              output_gradient[p * Y_SIDE + q] * weights[r * W_SIDE + s];
}

/* dX as the library computes it. */
static void backward_data(const float *output_gradient, const float *weights, float *input_gradient)
{
  const blasconv_problem problem = small_problem();
  blasconv_arguments tensors = blasconv_arguments_none();
  tensors.output_gradient = output_gradient;
  tensors.weights = weights;
  tensors.input_gradient = input_gradient;
  lesson_run(&problem, BLASCONV_BACKWARD_DATA, NULL, &tensors);
}

/* dX as a forward pass: the output's gradient, padded by R - 1 zeros, under the turned filter. */
static void full_convolution(const float *output_gradient, const float *turned,
                             float *input_gradient)
{
  blasconv_problem problem = blasconv_problem_2d(1, 1, Y_SIDE, Y_SIDE, 1, W_SIDE, W_SIDE);
  for (int axis = 0; axis < 2; ++axis)
    problem.pads_begin[axis] = problem.pads_end[axis] = W_SIDE - 1;
  lesson_forward(&problem, BLASCONV_IDENTITY, output_gradient, turned, NULL, input_gradient);
}

/* A filter turned by 180 degrees is the filter read from its end. */
static void turn(const float *weights, float *turned)
{
  for (int i = 0; i < W_COUNT; ++i)
    turned[i] = weights[W_COUNT - 1 - i];
}

static void print_same(const char *what, int64_t count, const float *a, const float *b)
{
  const bool same = memcmp(a, b, (size_t)count * sizeof(float)) == 0;
  printf("%s: %s\n", what, same ? "yes, every bit" : "NO");
}

static void teach_input_gradient(const float *output_gradient)
{
  float by_hand[X_COUNT], by_plan[X_COUNT], by_forward[X_COUNT], turned[W_COUNT];
  turn(first_weights, turned);
  scatter(output_gradient, first_weights, by_hand);
  backward_data(output_gradient, first_weights, by_plan);
  full_convolution(output_gradient, turned, by_forward);
  lesson_print("dX, scattered by hand", X_SIDE, X_SIDE, by_hand);
  lesson_print("dX, plan of the pass BLASCONV_BACKWARD_DATA", X_SIDE, X_SIDE, by_plan);
  lesson_print("W turned by 180 degrees", W_SIDE, W_SIDE, turned);
  lesson_print("dX, forward plan: dY with 1 zero all around, under the turned W", X_SIDE, X_SIDE,
               by_forward);
  print_same("plan = by hand", X_COUNT, by_plan, by_hand);
  print_same("forward plan = by hand", X_COUNT, by_forward, by_hand);
}

/* dW as the library computes it, with db beside it; and as a forward pass, with dY as the filter.
 */
static void teach_weights_gradient(const float *output_gradient, float *weights_gradient,
                                   float *bias_gradient)
{
  float by_forward[W_COUNT];
  const blasconv_problem problem = small_problem();
  const blasconv_problem correlation = blasconv_problem_2d(1, 1, X_SIDE, X_SIDE, 1, Y_SIDE, Y_SIDE);
  blasconv_arguments tensors = blasconv_arguments_none();
  tensors.input = input;
  tensors.output_gradient = output_gradient;
  tensors.weights_gradient = weights_gradient;
  tensors.bias_gradient = bias_gradient;
  lesson_run(&problem, BLASCONV_BACKWARD_WEIGHTS, NULL, &tensors);
  lesson_forward(&correlation, BLASCONV_IDENTITY, input, output_gradient, NULL, by_forward);
  lesson_print("dW, plan of the pass BLASCONV_BACKWARD_WEIGHTS", W_SIDE, W_SIDE, weights_gradient);
  lesson_print("dW, forward plan: X under dY as the filter", W_SIDE, W_SIDE, by_forward);
  print_same("forward plan = plan", W_COUNT, by_forward, weights_gradient);
  printf("db, the sum of dY: %g\n", (double)*bias_gradient);
}

/* The same gradients from the loss alone: move one number up and down by 1, and look. For a loss
 * that is quadratic in the weights the central difference is exact. */
static void teach_differences(const float *weights_gradient, float bias_gradient)
{
  for (int i = 0; i < W_COUNT; ++i) {
    float up[W_COUNT], down[W_COUNT];
    memcpy(up, first_weights, sizeof up);
    memcpy(down, first_weights, sizeof down);
    up[i] += 1;
    down[i] -= 1;
    const double above = loss_of(up, 0), below = loss_of(down, 0);
    printf("W[%d][%d]: (L(w + 1) - L(w - 1)) / 2 = (%g - %g) / 2 = %g, dW has %g\n", i / W_SIDE,
           i % W_SIDE, above, below, (above - below) / 2, (double)weights_gradient[i]);
  }
  const double above = loss_of(first_weights, 1), below = loss_of(first_weights, -1);
  printf("b: (L(b + 1) - L(b - 1)) / 2 = (%g - %g) / 2 = %g, db has %g\n", above, below,
         (above - below) / 2, (double)bias_gradient);
}

/* One step down the gradient; with a rate that is a power of two every number is exact. */
static void teach_step(float *weights_gradient)
{
  const float rate = 1.0f / 512;
  float weights[W_COUNT];
  memcpy(weights, first_weights, sizeof weights);
  const blasconv_optimizer rule = blasconv_optimizer_of(BLASCONV_SGD, rate);
  const blasconv_parameter parameter = {W_COUNT, weights, weights_gradient, NULL, 0};
  lesson_require(blasconv_optimizer_step(&rule, 1, &parameter, 1, 0), "a step");
  printf("W - dW / 512 = %g %g / %g %g\n", (double)weights[0], (double)weights[1],
         (double)weights[2], (double)weights[3]);
  printf("loss before the step %g, after it %.4f\n", loss_of(first_weights, 0),
         loss_of(weights, 0));
}

bool lesson_backward(const lesson *here)
{
  (void)here;
  float output[Y_COUNT], output_gradient[Y_COUNT], weights_gradient[W_COUNT], bias_gradient = 0;
  answer(first_weights, 0, output);
  for (int i = 0; i < Y_COUNT; ++i)
    output_gradient[i] = output[i] - target[i];
  lesson_print("input X", X_SIDE, X_SIDE, input);
  lesson_print("filter W", W_SIDE, W_SIDE, first_weights);
  lesson_print("output Y", Y_SIDE, Y_SIDE, output);
  lesson_print("target T", Y_SIDE, Y_SIDE, target);
  printf("loss L = 1/2 sum of (Y - T)^2 = %g\n", loss_of(first_weights, 0));
  lesson_print("dY = Y - T", Y_SIDE, Y_SIDE, output_gradient);
  teach_input_gradient(output_gradient);
  teach_weights_gradient(output_gradient, weights_gradient, &bias_gradient);
  teach_differences(weights_gradient, bias_gradient);
  teach_step(weights_gradient);
  return true;
}
