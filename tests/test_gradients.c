/*
 * The gradients of a whole layer, y = activation(conv(x, w) + b), by finite differences in double
 * of L = <y, dy>, computed through the oracle.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"

#include <math.h>

/* Kinds without a kink, where a difference over a kink would say nothing about the derivative. */
static const blasconv_activation_kind kinds[] = {BLASCONV_IDENTITY, BLASCONV_SIGMOID,
                                                 BLASCONV_TANH,     BLASCONV_SILU,
                                                 BLASCONV_GELU_ERF, BLASCONV_GELU_TANH};

/* The activations from the formulas in the header. */
static double activate(blasconv_activation_kind kind, double x)
{
  switch (kind) {
  case BLASCONV_SIGMOID:
    return 1 / (1 + exp(-x));
  case BLASCONV_TANH:
    return tanh(x);
  case BLASCONV_SILU:
    return x / (1 + exp(-x));
  case BLASCONV_GELU_ERF:
    return x / 2 * (1 + erf(x / sqrt(2)));
  case BLASCONV_GELU_TANH:
    return x / 2 * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x)));
  default:
    return x;
  }
}

/* Output pixels of one map. */
/* L of the layer as its tensors are now. */
static double loss(const fixture_case *layer, blasconv_activation_kind kind)
{
  const blasconv_problem *problem = &layer->problem;
  oracle_result output = oracle_forward(problem, layer->input.data, layer->weights.data);
  double sum = 0;
  for (int64_t i = 0; i < output.count; ++i) {
    const double biased = output.value[i] + (double)layer->bias.data[oracle_filter(problem, i)];
    sum += activate(kind, biased) * (double)layer->output_gradient.data[i];
  }
  oracle_free(&output);
  return sum;
}

/* Compares dL/dx for each x of a tensor of the layer with the library's gradient. With steps of
 * h = 2^-10 the differences are off by h^2/6 times the third derivative, about 1e-6. */
static void compare_gradient(fixture_case *layer, blasconv_activation_kind kind,
                             support_tensor *tensor, const support_tensor *gradient,
                             const char *what)
{
  double largest = 0;
  for (int64_t i = 0; i < gradient->count; ++i)
    largest = fmax(largest, fabs((double)gradient->data[i]));
  support_assert(largest > 0, "%s: no gradient", what);
  for (int64_t i = 0; i < gradient->count; ++i) {
    const float middle = tensor->data[i];
    const float above = middle + 0x1p-10f, below = middle - 0x1p-10f;
    tensor->data[i] = above;
    double difference = loss(layer, kind);
    tensor->data[i] = below;
    difference -= loss(layer, kind);
    tensor->data[i] = middle;
    const double slope = difference / ((double)above - (double)below);
    support_assert(fabs(slope - (double)gradient->data[i]) <= 1e-5 * largest,
                   "%s, activation %d: element %lld is %.7g instead of %.7g", what, (int)kind,
                   (long long)i, (double)gradient->data[i], slope);
  }
}

/* What the layer's forward pass saves for `kind`: its output or what the activation reads. */
static fixture_result run_forward(const fixture_case *layer, blasconv_activation_kind kind)
{
  fixture_variant variant = {.pass = BLASCONV_FORWARD, .threads = 2};
  if (blasconv_activation_saves(kind) == BLASCONV_SAVED_OUTPUT) {
    variant.bias = true;
    variant.activation.kind = kind;
  }
  fixture_result saved = fixture_result_create(&layer->problem, BLASCONV_FORWARD, NULL, NULL);
  ck_assert(fixture_run(layer, &variant, &saved));
  return saved;
}

/* Replaces dL/dy by dL/d(conv(x, w)) and returns the gradient of the bias. */
static support_tensor run_activation_backward(fixture_case *layer, blasconv_activation_kind kind)
{
  const blasconv_problem *problem = &layer->problem;
  const blasconv_maps maps = fixture_maps(problem);
  const blasconv_activation activation = {kind, 0.0f};
  fixture_result saved = run_forward(layer, kind);
  support_tensor bias_gradient = support_tensor_poisoned(problem->out_channels);
  ck_assert_int_eq(blasconv_bias_activation_backward(&maps, saved.values.data, layer->bias.data,
                                                     &activation, layer->output_gradient.data, 2, 0,
                                                     layer->output_gradient.data,
                                                     bias_gradient.data),
                   BLASCONV_SUCCESS);
  fixture_seal(layer);
  fixture_result_free(&saved);
  return bias_gradient;
}

/* The chain of the library's backward passes against finite differences. */
static void check_layer(const blasconv_problem *problem, blasconv_activation_kind kind)
{
  support_random random = support_random_start(3), again = random;
  fixture_case layer = fixture_create(problem, support_tensor_random, &random);
  fixture_case backward = fixture_create(problem, support_tensor_random, &again);
  const fixture_variant data = {.pass = BLASCONV_BACKWARD_DATA, .threads = 2};
  const fixture_variant weights = {.pass = BLASCONV_BACKWARD_WEIGHTS, .threads = 2, .bias = true};
  fixture_result input_gradient = fixture_result_create(problem, data.pass, NULL, NULL);
  fixture_result weights_gradient = fixture_result_create(problem, weights.pass, NULL, NULL);
  support_tensor bias_gradient = run_activation_backward(&backward, kind);
  ck_assert(fixture_run(&backward, &data, &input_gradient));
  ck_assert(fixture_run(&backward, &weights, &weights_gradient));
  compare_gradient(&layer, kind, &layer.input, &input_gradient.values, "input");
  compare_gradient(&layer, kind, &layer.weights, &weights_gradient.values, "weights");
  compare_gradient(&layer, kind, &layer.bias, &weights_gradient.bias_gradient, "bias");
  compare_gradient(&layer, kind, &layer.bias, &bias_gradient, "bias with the activation");
  support_tensor_free(&bias_gradient);
  fixture_result_free(&weights_gradient);
  fixture_result_free(&input_gradient);
  fixture_free(&backward);
  fixture_free(&layer);
}

static void check_kinds(const blasconv_problem *problem)
{
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i)
    check_layer(problem, kinds[i]);
}

START_TEST(strided_layer)
{
  blasconv_problem problem = blasconv_problem_2d(2, 2, 6, 5, 3, 3, 3);
  problem.strides[0] = 2;
  problem.pads_begin[0] = 1;
  problem.pads_begin[1] = 2;
  problem.pads_end[1] = 1;
  check_kinds(&problem);
}
END_TEST

START_TEST(grouped_dilated_layer)
{
  blasconv_problem problem = blasconv_problem_2d(2, 4, 5, 6, 6, 2, 3);
  problem.groups = 2;
  problem.dilations[0] = 2;
  problem.dilations[1] = 2;
  problem.pads_end[0] = 1;
  problem.pads_begin[1] = 1;
  check_kinds(&problem);
}
END_TEST

START_TEST(transposed_layer)
{
  blasconv_problem problem = blasconv_problem_2d(2, 2, 3, 4, 4, 3, 2);
  problem.direction = BLASCONV_TRANSPOSED;
  problem.groups = 2;
  problem.strides[0] = 2;
  problem.pads_begin[0] = 1;
  problem.pads_end[1] = 1;
  problem.output_padding[0] = 1;
  check_kinds(&problem);
}
END_TEST

START_TEST(channels_last_layer)
{
  blasconv_problem problem = blasconv_problem_3d(2, 4, 3, 4, 3, 3, 2, 3, 1);
  problem.layout = BLASCONV_NHWC;
  problem.strides[1] = 2;
  problem.pads_begin[1] = 1;
  check_kinds(&problem);
}
END_TEST

START_TEST(pointwise_layer)
{
  const blasconv_problem problem = blasconv_problem_2d(3, 4, 3, 4, 5, 1, 1);
  check_kinds(&problem);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("gradients");
  support_add(suite, strided_layer);
  support_add(suite, grouped_dilated_layer);
  support_add(suite, transposed_layer);
  support_add(suite, channels_last_layer);
  support_add(suite, pointwise_layer);
  return support_run(suite);
}
