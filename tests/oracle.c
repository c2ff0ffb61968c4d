/*
 * The three passes in double precision. A convolution is a list of triples (input element, weight,
 * output element); the one walk over that list, visit(), serves all three passes.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "oracle.h"

#include <math.h>
#include <stdlib.h>

/* A pass on its way: the two tensors that it multiplies and what it has summed so far. */
typedef struct product_sums {
  const float *left;
  const float *right;
  oracle_result result;
} product_sums;

/* Adds one product, named by the indices of its three elements. */
typedef void product_visitor(product_sums *sums, int64_t input, int64_t weight, int64_t output);

static void add_product(oracle_result *result, int64_t index, float left, float right)
{
  const double product = (double)left * (double)right;
  result->value[index] += product;
  result->magnitude[index] += fabs(product);
}

static void visit_forward(product_sums *sums, int64_t input, int64_t weight, int64_t output)
{
  add_product(&sums->result, output, sums->left[input], sums->right[weight]);
}

static void visit_backward_data(product_sums *sums, int64_t input, int64_t weight, int64_t output)
{
  add_product(&sums->result, input, sums->left[weight], sums->right[output]);
}

static void visit_backward_weights(product_sums *sums, int64_t input, int64_t weight,
                                   int64_t output)
{
  add_product(&sums->result, weight, sums->left[input], sums->right[output]);
}

void oracle_output(const blasconv_problem *problem, int64_t output[2])
{
  for (int axis = 0; axis < 2; ++axis) {
    const int64_t padded =
        problem->pads_begin[axis] + problem->input[axis] + problem->pads_end[axis];
    const int64_t reach = (problem->kernel[axis] - 1) * problem->dilations[axis] + 1;
    output[axis] = (padded - reach) / problem->strides[axis] + 1;
  }
}

int64_t oracle_input_count(const blasconv_problem *problem)
{
  return problem->batch * problem->in_channels * problem->input[0] * problem->input[1];
}

int64_t oracle_weights_count(const blasconv_problem *problem)
{
  return problem->out_channels * (problem->in_channels / problem->groups) * problem->kernel[0] *
         problem->kernel[1];
}

int64_t oracle_output_count(const blasconv_problem *problem)
{
  int64_t output[2];
  oracle_output(problem, output);
  return problem->batch * problem->out_channels * output[0] * output[1];
}

/* The input pixel along an axis that a tap reads for an output pixel; outside of the input: pad. */
static int64_t input_pixel(const blasconv_problem *problem, int axis, int64_t output, int64_t tap)
{
  return output * problem->strides[axis] + tap * problem->dilations[axis] -
         problem->pads_begin[axis];
}

static int is_inside(const blasconv_problem *problem, int axis, int64_t pixel)
{
  return pixel >= 0 && pixel < problem->input[axis];
}

/* Visits every product of one filter's channel at one output pixel. `map` is the index of the input
 * channel's first pixel, `filter` of the filter channel's first weight. */
static void visit_window(const blasconv_problem *problem, product_visitor *visitor,
                         product_sums *sums, int64_t map, int64_t filter, const int64_t pixel[2],
                         int64_t output)
{
  for (int64_t r = 0; r < problem->kernel[0]; ++r) {
    const int64_t h = input_pixel(problem, 0, pixel[0], r);
    if (!is_inside(problem, 0, h))
      continue;
    for (int64_t s = 0; s < problem->kernel[1]; ++s) {
      const int64_t w = input_pixel(problem, 1, pixel[1], s);
      if (is_inside(problem, 1, w))
        visitor(sums, map + h * problem->input[1] + w, filter + r * problem->kernel[1] + s, output);
    }
  }
}

/* Visits every product of the convolution. */
static void visit(const blasconv_problem *problem, product_visitor *visitor, product_sums *sums)
{
  const int64_t channels = problem->in_channels / problem->groups;
  const int64_t filters = problem->out_channels / problem->groups;
  const int64_t input_pixels = problem->input[0] * problem->input[1];
  const int64_t taps = problem->kernel[0] * problem->kernel[1];
  int64_t extents[2];
  oracle_output(problem, extents);
  int64_t output = 0;
  for (int64_t n = 0; n < problem->batch; ++n)
    for (int64_t k = 0; k < problem->out_channels; ++k)
      for (int64_t p = 0; p < extents[0]; ++p)
        for (int64_t q = 0; q < extents[1]; ++q, ++output)
          for (int64_t c = 0; c < channels; ++c) {
            const int64_t channel = n * problem->in_channels + k / filters * channels + c;
            const int64_t pixel[2] = {p, q};
            visit_window(problem, visitor, sums, channel * input_pixels, (k * channels + c) * taps,
                         pixel, output);
          }
}

/* Zeros for `count` elements that sum up to `terms` products each. */
static oracle_result create_result(int64_t count, int64_t terms)
{
  const size_t allocated = (size_t)(count > 0 ? count : 1);
  const oracle_result result = {count, terms, calloc(allocated, sizeof(double)),
                                calloc(allocated, sizeof(double))};
  if (!result.value || !result.magnitude)
    abort();
  return result;
}

oracle_result oracle_forward(const blasconv_problem *problem, const float *input,
                             const float *weights)
{
  const int64_t terms =
      problem->in_channels / problem->groups * problem->kernel[0] * problem->kernel[1];
  product_sums sums = {input, weights, create_result(oracle_output_count(problem), terms)};
  visit(problem, visit_forward, &sums);
  return sums.result;
}

oracle_result oracle_backward_data(const blasconv_problem *problem, const float *weights,
                                   const float *output_gradient)
{
  const int64_t terms =
      problem->out_channels / problem->groups * problem->kernel[0] * problem->kernel[1];
  product_sums sums = {weights, output_gradient, create_result(oracle_input_count(problem), terms)};
  visit(problem, visit_backward_data, &sums);
  return sums.result;
}

/* The products that a weight sums: the output pixels of the whole batch. */
static int64_t batch_pixels(const blasconv_problem *problem)
{
  return oracle_output_count(problem) / problem->out_channels;
}

oracle_result oracle_backward_weights(const blasconv_problem *problem, const float *input,
                                      const float *output_gradient)
{
  product_sums sums = {input, output_gradient,
                       create_result(oracle_weights_count(problem), batch_pixels(problem))};
  visit(problem, visit_backward_weights, &sums);
  return sums.result;
}

oracle_result oracle_bias_gradient(const blasconv_problem *problem, const float *output_gradient)
{
  oracle_result result = create_result(problem->out_channels, batch_pixels(problem));
  int64_t extents[2];
  oracle_output(problem, extents);
  const int64_t pixels = extents[0] * extents[1];
  for (int64_t i = 0; i < oracle_output_count(problem); ++i)
    add_product(&result, i / pixels % problem->out_channels, output_gradient[i], 1.0f);
  return result;
}

void oracle_free(oracle_result *result)
{
  free(result->value);
  free(result->magnitude);
  *result = (oracle_result){0, 0, NULL, NULL};
}
