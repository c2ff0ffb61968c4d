/*
 * Whole small networks, as examples/cnn builds them from the library's parts: every gradient
 * against finite differences in double precision, threads, allocation, learning.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "allocation.h"
#include "exact_network.h"
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { batch = 3, channels = 2, height = 9, width = 8, classes = 4, most_parameters = 16 };

/* Between them the networks have every kind of layer and most activations, with strides and pads.
 * (An activation with a kink is fine as long as no value lies within a step of it.) */
static const cnn_layer deep[] = {
    {.kind = CNN_CONVOLUTION, .outputs = 4, .size = 3, .pad = 1, .activation = {BLASCONV_RELU, 0}},
    {.kind = CNN_MAX_POOLING, .size = 3, .stride = 2, .pad = 1},
    {.kind = CNN_CONVOLUTION,
     .outputs = 5,
     .size = 3,
     .pad = 1,
     .activation = {BLASCONV_GELU_ERF, 0}},
    {.kind = CNN_DROPOUT, .rate = 0.3f},
    {.kind = CNN_MAX_POOLING, .size = 2},
    {.kind = CNN_DENSE, .outputs = 7, .activation = {BLASCONV_TANH, 0}},
    {.kind = CNN_DROPOUT, .rate = 0.25f},
    {.kind = CNN_DENSE, .outputs = classes}};

static const cnn_layer normalised[] = {
    {.kind = CNN_CONVOLUTION, .outputs = 4, .size = 3, .stride = 2, .pad = 1},
    {.kind = CNN_BATCH_NORM, .activation = {BLASCONV_ELU, 1.0f}},
    {.kind = CNN_AVERAGE_POOLING, .size = 3, .stride = 1, .pad = 1},
    {.kind = CNN_CONVOLUTION, .outputs = 6, .size = 2, .activation = {BLASCONV_SILU, 0}},
    {.kind = CNN_BATCH_NORM},
    {.kind = CNN_GLOBAL_AVERAGE},
    {.kind = CNN_DENSE, .outputs = 5, .activation = {BLASCONV_SIGMOID, 0}},
    {.kind = CNN_DENSE, .outputs = classes}};

#define DESIGN(table)                                                                              \
  {                                                                                                \
    .batch = batch, .channels = channels, .height = height, .width = width, .layers = (table),     \
    .count = sizeof(table) / sizeof *(table), .threads = 2, .seed = 7                              \
  }

static const cnn_design designs[] = {DESIGN(deep), DESIGN(normalised)};
enum { design_count = sizeof designs / sizeof *designs };

static const int32_t labels[batch] = {1, 3, 0};

static cnn *create(const cnn_design *design)
{
  cnn *network = NULL;
  ck_assert(cnn_create(design, &network));
  return network;
}

static support_tensor images(uint64_t stream)
{
  support_random random = support_random_start(stream);
  return support_tensor_random((int64_t)batch * channels * height * width, &random);
}

/* Moves every parameter off its first value: biases 0 and scales 1 would hide mistakes. */
static void stir(cnn *network, support_random *random)
{
  int64_t count;
  const blasconv_parameter *parameters = cnn_parameters(network, &count);
  for (int64_t i = 0; i < count; ++i)
    for (int64_t j = 0; j < parameters[i].count; ++j)
      parameters[i].values[j] += 0.2f * support_random_float(random);
}

/* ---------------------------------------------------------------------------------------------
 * Gradients
 * ------------------------------------------------------------------------------------------ */

/* The parameters as doubles [count][...], to be freed. */
static int64_t copy_parameters(const cnn *network, double **copies)
{
  int64_t count;
  const blasconv_parameter *parameters = cnn_parameters(network, &count);
  ck_assert_int_le(count, most_parameters);
  for (int64_t i = 0; i < count; ++i) {
    copies[i] = malloc((size_t)parameters[i].count * sizeof **copies);
    ck_assert_ptr_nonnull(copies[i]);
    for (int64_t j = 0; j < parameters[i].count; ++j)
      copies[i][j] = (double)parameters[i].values[j];
  }
  return count;
}

/* Central differences of the fourth order: the error is about 1e-11. */
static double slope(const cnn_design *design, double *const *parameters, uint64_t words,
                    const float *input, double *varied)
{
  static const struct {
    double step, weight;
  } points[] = {{-2, 1}, {-1, -8}, {1, 8}, {2, -1}};
  const double step = 1e-4, middle = *varied;
  double sum = 0.0;
  for (size_t i = 0; i < sizeof points / sizeof *points; ++i) {
    *varied = middle + points[i].step * step;
    sum += points[i].weight *
           exact_network_loss(design, (const double *const *)parameters, words, input, labels);
  }
  *varied = middle;
  return sum / (12.0 * step);
}

/* Every element of every parameter's gradient, within the rounding of float. */
static void check_gradients(const cnn_design *design, const cnn *network, uint64_t words,
                            const float *input)
{
  double *copies[most_parameters];
  int64_t count = copy_parameters(network, copies);
  const blasconv_parameter *parameters = cnn_parameters(network, &count);
  for (int64_t i = 0; i < count; ++i) {
    double largest = 0.0, error = 0.0;
    for (int64_t j = 0; j < parameters[i].count; ++j) {
      const double exact = slope(design, copies, words, input, &copies[i][j]);
      const double difference = fabs((double)parameters[i].gradient[j] - exact);
      support_assert(isfinite(difference), "parameter %d element %d", (int)i, (int)j);
      largest = fmax(largest, fabs(exact));
      error = fmax(error, difference);
    }
    support_assert(error <= 1e-5 * largest + 1e-7, "parameter %d: error %g of %g", (int)i, error,
                   largest);
  }
  for (int64_t i = 0; i < count; ++i)
    free(copies[i]);
}

START_TEST(gradients_are_those_of_the_loss)
{
  support_random random = support_random_start(1);
  const blasconv_optimizer still = blasconv_optimizer_of(BLASCONV_SGD, 0.0f);
  for (int i = 0; i < design_count; ++i) {
    cnn *network = create(&designs[i]);
    support_tensor input = images((uint64_t)i);
    stir(network, &random);
    for (int round = 0; round < 2; ++round) { /* the second has other dropout masks */
      const uint64_t words = cnn_progress_get(network).dropout_words;
      double *copies[most_parameters], loss = NAN;
      cnn_step(network, input.data, labels, &still, INFINITY, &loss);
      const bool moved = cnn_progress_get(network).dropout_words > words;
      ck_assert(moved == (designs[i].layers == deep)); /* the one with dropout */
      const int64_t count = copy_parameters(network, copies);
      const double exact =
          exact_network_loss(&designs[i], (const double *const *)copies, words, input.data, labels);
      support_assert(fabs(loss - exact) <= 1e-6 * exact, "loss %.9g, not %.9g", loss, exact);
      for (int64_t j = 0; j < count; ++j)
        free(copies[j]);
      check_gradients(&designs[i], network, words, input.data);
    }
    support_tensor_free(&input);
    cnn_destroy(network);
  }
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Steps
 * ------------------------------------------------------------------------------------------ */

static void train(cnn *network, int steps, double *loss)
{
  const blasconv_optimizer adam = blasconv_optimizer_of(BLASCONV_ADAM, 0.01f);
  support_tensor input = images(20);
  for (int i = 0; i < steps; ++i)
    cnn_step(network, input.data, labels, &adam, 1.0, loss);
  support_tensor_free(&input);
}

START_TEST(same_bits_for_any_number_of_threads)
{
  static const int32_t threads[] = {1, 2, 3, 8};
  for (int i = 0; i < design_count; ++i) {
    cnn *networks[2];
    cnn_tensor one, other;
    for (size_t j = 0; j < sizeof threads / sizeof *threads; ++j) {
      cnn_design design = designs[i];
      design.threads = threads[j];
      networks[j > 0] = create(&design);
      train(networks[j > 0], 10, NULL);
      for (int64_t k = 0; j > 0 && cnn_tensor_view(networks[0], k, &one); ++k) {
        ck_assert(cnn_tensor_view(networks[1], k, &other));
        support_assert(memcmp(one.values, other.values, (size_t)one.count * sizeof(float)) == 0,
                       "%s differs on %d threads", one.name, (int)threads[j]);
      }
      if (j > 0)
        cnn_destroy(networks[1]);
    }
    cnn_destroy(networks[0]);
  }
}
END_TEST

START_TEST(a_step_allocates_nothing)
{
  const blasconv_optimizer adamw = blasconv_optimizer_of(BLASCONV_ADAMW, 0.01f);
  for (int i = 0; i < design_count; ++i) {
    cnn *network = create(&designs[i]);
    support_tensor input = images(21);
    const long before = allocation_count();
    cnn_step(network, input.data, labels, &adamw, 1.0, NULL);
    cnn_forward(network, input.data, false);
    const long after = allocation_count();
    ck_assert_int_eq(after, before);
    support_tensor_free(&input);
    cnn_destroy(network);
  }
}
END_TEST

START_TEST(three_images_are_learnt)
{
  for (int i = 0; i < design_count; ++i) {
    cnn *network = create(&designs[i]);
    double loss = NAN;
    train(network, 400, &loss);
    support_assert(loss < 0.1, "loss %g", loss);
    support_tensor input = images(20);
    const float *logits = cnn_forward(network, input.data, false);
    ck_assert_double_eq(cnn_accuracy(batch, classes, logits, labels), 1.0);
    support_tensor_free(&input);
    cnn_destroy(network);
  }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("network");
  support_add(suite, gradients_are_those_of_the_loss);
  support_add(suite, same_bits_for_any_number_of_threads);
  support_add(suite, a_step_allocates_nothing);
  support_add(suite, three_images_are_learnt);
  return support_run(suite);
}
