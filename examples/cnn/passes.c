/*
 * Runs a network: forward, backward, a step of training.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "network.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Everything was checked when the network was built: a refusal here is a bug. */
static void require(blasconv_status status, const char *name)
{
  if (status == BLASCONV_SUCCESS)
    return;
  fprintf(stderr, "%s: %s\n", name, blasconv_status_string(status));
  abort();
}

static double now(void)
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int64_t elements(const layer *l)
{
  return l->maps.batch * l->maps.channels * l->maps.pixels;
}

static blasconv_pooling_kind pooling_kind(const layer *l)
{
  return l->design.kind == CNN_MAX_POOLING ? BLASCONV_POOLING_MAX : BLASCONV_POOLING_AVERAGE;
}

static blasconv_batch_norm norm_of(const layer *l)
{
  blasconv_batch_norm norm = blasconv_batch_norm_default();
  norm.scale = l->weights;
  norm.shift = l->bias;
  norm.running_mean = l->running_mean;
  norm.running_variance = l->running_variance;
  norm.mean = l->mean;
  norm.inverse = l->inverse;
  return norm;
}

static blasconv_random dropout_random(const cnn *network, const layer *l)
{
  blasconv_random random =
      blasconv_random_start(network->seed, dropout_stream(l - network->layers));
  random.position = network->progress.dropout_words;
  return random;
}

static void run(const cnn *network, const layer *l, blasconv_pass pass,
                const blasconv_arguments *tensors)
{
  require(
      blasconv_plan_execute(l->plans[pass], tensors, network->workspace, network->workspace_bytes),
      l->name);
}

/* ---- forward ---- */

static void forward_convolution(const cnn *network, const layer *l, const float *input)
{
  blasconv_arguments tensors = blasconv_arguments_none();
  tensors.input = input;
  tensors.weights = l->weights;
  tensors.bias = l->before == NULL ? l->bias : NULL;
  tensors.output = l->before == NULL ? l->output : l->before;
  run(network, l, BLASCONV_FORWARD, &tensors);
  if (l->before != NULL)
    require(blasconv_bias_activation_forward(&l->maps, l->before, l->bias, &l->design.activation,
                                             network->threads, l->output),
            l->name);
}

static void forward_norm(const cnn *network, const layer *l, const float *input, bool training)
{
  const blasconv_batch_norm norm = norm_of(l);
  require(training
              ? blasconv_batch_norm_forward(&l->maps, &norm, input, network->threads, l->output)
              : blasconv_batch_norm_inference(&l->maps, &norm, input, network->threads, l->output),
          l->name);
  if (l->design.activation.kind != BLASCONV_IDENTITY)
    require(blasconv_bias_activation_forward(&l->maps, l->output, NULL, &l->design.activation,
                                             network->threads, l->output),
            l->name);
}

static void forward_layer(const cnn *network, layer *l, const float *input, bool training)
{
  const double start = now();
  const blasconv_random random = dropout_random(network, l);
  switch (l->design.kind) {
  case CNN_CONVOLUTION:
  case CNN_DENSE:
    forward_convolution(network, l, input);
    break;
  case CNN_MAX_POOLING:
  case CNN_AVERAGE_POOLING:
  case CNN_GLOBAL_AVERAGE:
    require(blasconv_pooling_forward(&l->problem, pooling_kind(l), input, network->threads,
                                     l->output, training ? l->winners : NULL),
            l->name);
    break;
  case CNN_BATCH_NORM:
    forward_norm(network, l, input, training);
    break;
  case CNN_DROPOUT:
    require(blasconv_dropout_apply(elements(l), training ? l->design.rate : 0.0f, &random, input,
                                   network->threads, l->output),
            l->name);
    break;
  }
  l->seconds[BLASCONV_FORWARD] += now() - start;
}

const float *cnn_forward(cnn *network, const float *images, bool training)
{
  const float *input = images;
  for (int64_t i = 0; i < network->count; ++i) {
    forward_layer(network, &network->layers[i], input, training);
    input = network->layers[i].output;
  }
  return input;
}

/* ---- backward: turns a layer's output gradient into that of its input, or, for the first layer,
 * only as far as its own parameters need ---- */

/* The gradient through bias and activation, in place. */
static void backward_activation(const cnn *network, const layer *l, float *bias_gradient)
{
  require(blasconv_bias_activation_backward(&l->maps, l->before == NULL ? l->output : l->before,
                                            l->before == NULL ? NULL : l->bias,
                                            &l->design.activation, l->output_gradient,
                                            network->threads, 0, l->output_gradient, bias_gradient),
          l->name);
}

static void backward_convolution(const cnn *network, layer *l, const float *input,
                                 float *input_gradient)
{
  const bool linear = l->design.activation.kind == BLASCONV_IDENTITY;
  const double start = now();
  if (!linear)
    backward_activation(network, l, l->bias_gradient);
  const double activated = now();
  blasconv_arguments tensors = blasconv_arguments_none();
  tensors.input = input;
  tensors.output_gradient = l->output_gradient;
  tensors.weights_gradient = l->weights_gradient;
  tensors.bias_gradient = linear ? l->bias_gradient : NULL;
  run(network, l, BLASCONV_BACKWARD_WEIGHTS, &tensors);
  const double learnt = now();
  if (input_gradient != NULL) {
    tensors = blasconv_arguments_none();
    tensors.weights = l->weights;
    tensors.output_gradient = l->output_gradient;
    tensors.input_gradient = input_gradient;
    run(network, l, BLASCONV_BACKWARD_DATA, &tensors);
  }
  l->seconds[BLASCONV_BACKWARD_DATA] += now() - learnt + (activated - start);
  l->seconds[BLASCONV_BACKWARD_WEIGHTS] += learnt - activated;
}

static void backward_norm(const cnn *network, const layer *l, const float *input,
                          float *input_gradient)
{
  const blasconv_batch_norm norm = norm_of(l);
  if (l->design.activation.kind != BLASCONV_IDENTITY)
    backward_activation(network, l, NULL);
  require(blasconv_batch_norm_backward(&l->maps, &norm, input, l->output_gradient, network->threads,
                                       input_gradient != NULL ? input_gradient : l->output_gradient,
                                       l->weights_gradient, l->bias_gradient),
          l->name);
}

/* Layers without parameters. */
static void backward_plain(const cnn *network, const layer *l, float *input_gradient)
{
  const blasconv_random random = dropout_random(network, l);
  if (input_gradient == NULL)
    return;
  require(l->design.kind == CNN_DROPOUT
              ? blasconv_dropout_apply(elements(l), l->design.rate, &random, l->output_gradient,
                                       network->threads, input_gradient)
              : blasconv_pooling_backward(&l->problem, pooling_kind(l), l->output_gradient,
                                          l->winners, network->threads, input_gradient),
          l->name);
}

static void backward_layer(const cnn *network, layer *l, const float *input, float *input_gradient)
{
  if (l->design.kind == CNN_CONVOLUTION || l->design.kind == CNN_DENSE) {
    backward_convolution(network, l, input, input_gradient);
    return;
  }
  const double start = now();
  if (l->design.kind == CNN_BATCH_NORM)
    backward_norm(network, l, input, input_gradient);
  else
    backward_plain(network, l, input_gradient);
  l->seconds[BLASCONV_BACKWARD_DATA] += now() - start;
}

void cnn_backward(cnn *network, const float *images)
{
  uint64_t most_words = 0;
  for (int64_t i = network->count - 1; i >= 0; --i) {
    layer *l = &network->layers[i], *below = i > 0 ? l - 1 : NULL;
    backward_layer(network, l, below != NULL ? below->output : images,
                   below != NULL ? below->output_gradient : NULL);
    const uint64_t words = l->design.kind == CNN_DROPOUT ? blasconv_dropout_words(elements(l)) : 0;
    most_words = words > most_words ? words : most_words;
  }
  network->progress.dropout_words += most_words;
}

/* ---- a step ---- */

void cnn_step(cnn *network, const float *images, const int32_t *labels,
              const blasconv_optimizer *optimizer, double clip, double *loss)
{
  const layer *last = &network->layers[network->count - 1];
  const int64_t classes = elements(last) / network->batch;
  const float *logits = cnn_forward(network, images, true);
  const double forward_done = now();
  require(blasconv_softmax_cross_entropy(network->batch, classes, logits, labels, NULL,
                                         network->threads, loss, last->output_gradient),
          "loss");
  network->loss_seconds += now() - forward_done;
  cnn_backward(network, images);
  const double backward_done = now();
  require(blasconv_gradient_clip(network->parameters, network->parameters_count, clip,
                                 network->threads, NULL),
          "clipping");
  ++network->progress.steps;
  require(blasconv_optimizer_step(optimizer, network->progress.steps, network->parameters,
                                  network->parameters_count, network->threads),
          "update");
  network->update_seconds += now() - backward_done;
}

double cnn_accuracy(int64_t rows, int64_t classes, const float *logits, const int32_t *labels)
{
  int64_t right = 0;
  for (int64_t row = 0; row < rows; ++row) {
    const float *x = logits + row * classes;
    int64_t best = 0;
    for (int64_t i = 1; i < classes; ++i)
      best = x[i] > x[best] ? i : best;
    right += best == labels[row];
  }
  return rows > 0 ? (double)right / (double)rows : 0.0;
}
