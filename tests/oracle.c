/*
 * The three passes in double precision. A convolution of either direction is a list of triples
 * (input element, weight, output element); the one walk over that list, visit(), serves all three
 * passes.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "oracle.h"

#include <math.h>
#include <stdlib.h>

/* ---------------------------------------------------------------------------------------------
 * Sizes
 * ------------------------------------------------------------------------------------------ */

/* The problem's extents, strides, dilations or pads with `missing` for the axes it has not. */
static void fill_axes(const blasconv_problem *problem, const int64_t given[BLASCONV_MAX_RANK],
                      int64_t missing, int64_t filled[BLASCONV_MAX_RANK])
{
  for (int axis = 0; axis < BLASCONV_MAX_RANK; ++axis)
    filled[axis] = axis < problem->rank ? given[axis] : missing;
}

static int64_t product_of(const blasconv_problem *problem, const int64_t extents[BLASCONV_MAX_RANK])
{
  int64_t product = 1;
  for (int axis = 0; axis < problem->rank; ++axis)
    product *= extents[axis];
  return product;
}

/* The output's extent along an axis less 1: the formulas in the header without their last 1. */
static int64_t steps_along(const blasconv_problem *problem, int axis)
{
  const int64_t pads = problem->pads_begin[axis] + problem->pads_end[axis];
  const int64_t reach = problem->dilations[axis] * (problem->kernel[axis] - 1);
  if (problem->direction == BLASCONV_TRANSPOSED)
    return (problem->input[axis] - 1) * problem->strides[axis] - pads + reach +
           problem->output_padding[axis];
  const int64_t span = problem->input[axis] + pads - reach - 1;
  return span < 0 ? -1 : span / problem->strides[axis];
}

void oracle_output(const blasconv_problem *problem, int64_t output[BLASCONV_MAX_RANK])
{
  for (int axis = 0; axis < BLASCONV_MAX_RANK; ++axis)
    output[axis] = axis < problem->rank ? steps_along(problem, axis) + 1 : 1;
}

static bool allows_axis(const blasconv_problem *problem, int axis)
{
  const int64_t stride = problem->strides[axis], dilation = problem->dilations[axis];
  const bool transposed = problem->direction == BLASCONV_TRANSPOSED;
  const int64_t padding_limit = !transposed ? 1 : stride > dilation ? stride : dilation;
  return problem->input[axis] >= 1 && problem->kernel[axis] >= 1 && stride >= 1 && dilation >= 1 &&
         problem->pads_begin[axis] >= 0 && problem->pads_end[axis] >= 0 &&
         problem->output_padding[axis] >= 0 && problem->output_padding[axis] < padding_limit &&
         steps_along(problem, axis) >= 0;
}

bool oracle_allows(const blasconv_problem *problem)
{
  if (problem->rank < 1 || problem->rank > BLASCONV_MAX_RANK || problem->batch < 0 ||
      problem->groups < 1 || problem->in_channels < 1 || problem->out_channels < 1 ||
      problem->in_channels % problem->groups != 0 || problem->out_channels % problem->groups != 0)
    return false;
  bool allowed = true;
  for (int axis = 0; axis < problem->rank; ++axis)
    allowed = allowed && allows_axis(problem, axis);
  return allowed;
}

int64_t oracle_input_pixels(const blasconv_problem *problem)
{
  return product_of(problem, problem->input);
}

int64_t oracle_output_pixels(const blasconv_problem *problem)
{
  int64_t output[BLASCONV_MAX_RANK];
  oracle_output(problem, output);
  return product_of(problem, output);
}

int64_t oracle_taps(const blasconv_problem *problem)
{
  return product_of(problem, problem->kernel);
}

int64_t oracle_input_count(const blasconv_problem *problem)
{
  return problem->batch * problem->in_channels * oracle_input_pixels(problem);
}

int64_t oracle_weights_count(const blasconv_problem *problem)
{
  return problem->in_channels * problem->out_channels / problem->groups * oracle_taps(problem);
}

int64_t oracle_output_count(const blasconv_problem *problem)
{
  return problem->batch * problem->out_channels * oracle_output_pixels(problem);
}

int64_t oracle_element(blasconv_layout layout, int64_t channels, int64_t pixels, int64_t outer,
                       int64_t channel, int64_t pixel)
{
  return layout == BLASCONV_NHWC ? (outer * pixels + pixel) * channels + channel
                                 : (outer * channels + channel) * pixels + pixel;
}

int64_t oracle_filter(const blasconv_problem *problem, int64_t output)
{
  if (problem->layout == BLASCONV_NHWC)
    return output % problem->out_channels;
  return output / oracle_output_pixels(problem) % problem->out_channels;
}

/* ---------------------------------------------------------------------------------------------
 * The walk
 * ------------------------------------------------------------------------------------------ */

/* A pass on its way: the two tensors that it multiplies and what it has summed so far. */
typedef struct product_sums {
  const float *left;
  const float *right;
  oracle_result result;
} product_sums;

/* Adds one product, named by the indices of its three elements. */
typedef void product_visitor(product_sums *sums, int64_t input, int64_t weight, int64_t output);

/* A walk: the problem, with extents for all axes, and whom it calls. */
typedef struct walk {
  const blasconv_problem *problem;
  int64_t input[BLASCONV_MAX_RANK], output[BLASCONV_MAX_RANK], kernel[BLASCONV_MAX_RANK];
  int64_t strides[BLASCONV_MAX_RANK], dilations[BLASCONV_MAX_RANK], pads[BLASCONV_MAX_RANK];
  int64_t input_pixels, output_pixels, taps;
  product_visitor *visitor;
  product_sums *sums;
} walk;

static walk walk_of(const blasconv_problem *problem, product_visitor *visitor, product_sums *sums)
{
  walk made = {.problem = problem, .visitor = visitor, .sums = sums};
  fill_axes(problem, problem->input, 1, made.input);
  oracle_output(problem, made.output);
  fill_axes(problem, problem->kernel, 1, made.kernel);
  fill_axes(problem, problem->strides, 1, made.strides);
  fill_axes(problem, problem->dilations, 1, made.dilations);
  fill_axes(problem, problem->pads_begin, 0, made.pads);
  made.input_pixels = oracle_input_pixels(problem);
  made.output_pixels = oracle_output_pixels(problem);
  made.taps = oracle_taps(problem);
  return made;
}

/* The coordinates of the pixel or tap number `index`. */
static void locate(const int64_t extents[BLASCONV_MAX_RANK], int64_t index,
                   int64_t place[BLASCONV_MAX_RANK])
{
  for (int axis = BLASCONV_MAX_RANK - 1; axis >= 0; --axis) {
    place[axis] = index % extents[axis];
    index /= extents[axis];
  }
}

/* The number of the pixel at `place`, or -1 if that is outside of the map. */
static int64_t pixel_at(const int64_t extents[BLASCONV_MAX_RANK],
                        const int64_t place[BLASCONV_MAX_RANK])
{
  int64_t index = 0;
  for (int axis = 0; axis < BLASCONV_MAX_RANK; ++axis) {
    if (place[axis] < 0 || place[axis] >= extents[axis])
      return -1;
    index = index * extents[axis] + place[axis];
  }
  return index;
}

/* Convolution: the input pixel that output pixel `output` reads through tap `tap`, or -1. */
static int64_t gathered_from(const walk *way, int64_t output, int64_t tap)
{
  int64_t p[BLASCONV_MAX_RANK], r[BLASCONV_MAX_RANK], h[BLASCONV_MAX_RANK];
  locate(way->output, output, p);
  locate(way->kernel, tap, r);
  for (int axis = 0; axis < BLASCONV_MAX_RANK; ++axis)
    h[axis] = p[axis] * way->strides[axis] - way->pads[axis] + r[axis] * way->dilations[axis];
  return pixel_at(way->input, h);
}

/* Transposed: the output pixel that input pixel `input` is spread to through tap `tap`, or -1. */
static int64_t scattered_to(const walk *way, int64_t input, int64_t tap)
{
  int64_t h[BLASCONV_MAX_RANK], r[BLASCONV_MAX_RANK], p[BLASCONV_MAX_RANK];
  locate(way->input, input, h);
  locate(way->kernel, tap, r);
  for (int axis = 0; axis < BLASCONV_MAX_RANK; ++axis)
    p[axis] = h[axis] * way->strides[axis] - way->pads[axis] + r[axis] * way->dilations[axis];
  return pixel_at(way->output, p);
}

/* The weight between channel c and filter k, of one group, at a tap. */
static int64_t weight_of(const walk *way, int64_t c, int64_t k, int64_t tap)
{
  const blasconv_problem *problem = way->problem;
  const int64_t channels = problem->in_channels / problem->groups;
  const int64_t filters = problem->out_channels / problem->groups;
  if (problem->direction == BLASCONV_TRANSPOSED)
    return oracle_element(problem->layout, filters, way->taps, c, k % filters, tap);
  return oracle_element(problem->layout, channels, way->taps, k, c % channels, tap);
}

/* From a weight between a channel and a filter to that of the group's next channel. */
static int64_t weight_step(const walk *way)
{
  const blasconv_problem *problem = way->problem;
  if (problem->direction == BLASCONV_TRANSPOSED)
    return problem->out_channels / problem->groups * way->taps;
  return problem->layout == BLASCONV_NHWC ? 1 : way->taps;
}

/* Visits the products of all images, filters and channels between two pixels under one tap. */
static void visit_channels(const walk *way, int64_t input_pixel, int64_t tap, int64_t output_pixel)
{
  const blasconv_problem *problem = way->problem;
  const int64_t channels = problem->in_channels / problem->groups;
  const int64_t filters = problem->out_channels / problem->groups;
  const int64_t input_step = problem->layout == BLASCONV_NHWC ? 1 : way->input_pixels;
  const int64_t step = weight_step(way);
  for (int64_t n = 0; n < problem->batch; ++n)
    for (int64_t k = 0; k < problem->out_channels; ++k) {
      const int64_t first = k / filters * channels;
      const int64_t output = oracle_element(problem->layout, problem->out_channels,
                                            way->output_pixels, n, k, output_pixel);
      int64_t input = oracle_element(problem->layout, problem->in_channels, way->input_pixels, n,
                                     first, input_pixel);
      int64_t weight = weight_of(way, first, k, tap);
      for (int64_t c = 0; c < channels; ++c, input += input_step, weight += step)
        way->visitor(way->sums, input, weight, output);
    }
}

/* Visits every product of the convolution. */
static void visit(const blasconv_problem *problem, product_visitor *visitor, product_sums *sums)
{
  const walk way = walk_of(problem, visitor, sums);
  const bool transposed = problem->direction == BLASCONV_TRANSPOSED;
  const int64_t pixels = transposed ? way.input_pixels : way.output_pixels;
  for (int64_t pixel = 0; pixel < pixels; ++pixel)
    for (int64_t tap = 0; tap < way.taps; ++tap) {
      const int64_t input = transposed ? pixel : gathered_from(&way, pixel, tap);
      const int64_t output = transposed ? scattered_to(&way, pixel, tap) : pixel;
      if (input >= 0 && output >= 0)
        visit_channels(&way, input, tap, output);
    }
}

/* ---------------------------------------------------------------------------------------------
 * The passes
 * ------------------------------------------------------------------------------------------ */

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
  const int64_t terms = problem->in_channels / problem->groups * oracle_taps(problem);
  product_sums sums = {input, weights, create_result(oracle_output_count(problem), terms)};
  visit(problem, visit_forward, &sums);
  return sums.result;
}

oracle_result oracle_backward_data(const blasconv_problem *problem, const float *weights,
                                   const float *output_gradient)
{
  const int64_t terms = problem->out_channels / problem->groups * oracle_taps(problem);
  product_sums sums = {weights, output_gradient, create_result(oracle_input_count(problem), terms)};
  visit(problem, visit_backward_data, &sums);
  return sums.result;
}

oracle_result oracle_backward_weights(const blasconv_problem *problem, const float *input,
                                      const float *output_gradient)
{
  const int64_t pixels = problem->direction == BLASCONV_TRANSPOSED ? oracle_input_pixels(problem)
                                                                   : oracle_output_pixels(problem);
  product_sums sums = {input, output_gradient,
                       create_result(oracle_weights_count(problem), problem->batch * pixels)};
  visit(problem, visit_backward_weights, &sums);
  return sums.result;
}

oracle_result oracle_bias_gradient(const blasconv_problem *problem, const float *output_gradient)
{
  oracle_result result =
      create_result(problem->out_channels, problem->batch * oracle_output_pixels(problem));
  for (int64_t i = 0; i < oracle_output_count(problem); ++i)
    add_product(&result, oracle_filter(problem, i), output_gradient[i], 1.0f);
  return result;
}

void oracle_free(oracle_result *result)
{
  free(result->value);
  free(result->magnitude);
  *result = (oracle_result){0, 0, NULL, NULL};
}
