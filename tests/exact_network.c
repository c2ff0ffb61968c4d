/*
 * The forward pass and loss of a small network in double precision.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "exact_network.h"

#include "exact_activation.h"

#include <check.h>
#include <math.h>
#include <string.h>

/* Maps on their way through the layers: values [batch][channels][height][width]. */
typedef struct maps {
  int64_t batch, channels, height, width;
  double values[EXACT_NETWORK_VALUES];
} maps;

static int64_t count(const maps *m)
{
  return m->batch * m->channels * m->height * m->width;
}

static void reshape(maps *m, int64_t channels, int64_t height, int64_t width)
{
  m->channels = channels;
  m->height = height;
  m->width = width;
  ck_assert_int_le(count(m), EXACT_NETWORK_VALUES);
}

static double activate(blasconv_activation activation, double x)
{
  for (int i = 0; i < exact_activation_count; ++i)
    if (exact_activations[i].kind == activation.kind)
      return (double)exact_activations[i].value((long double)x, (long double)activation.alpha);
  ck_abort_msg("no such activation");
}

/* A window of the layer at output pixel (p, q), cut to the image: rows and columns of the input. */
typedef struct window {
  int64_t top, left, bottom, right; /* half-open */
  int64_t above, before;            /* taps cut off */
} window;

static int64_t larger(int64_t a, int64_t b)
{
  return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
  return a < b ? a : b;
}

static window window_at(const cnn_layer *layer, const maps *in, int64_t stride, int64_t p,
                        int64_t q)
{
  const int64_t top = p * stride - layer->pad, left = q * stride - layer->pad;
  return (window){larger(0, top),
                  larger(0, left),
                  smaller(in->height, top + layer->size),
                  smaller(in->width, left + layer->size),
                  larger(0, -top),
                  larger(0, -left)};
}

static int64_t extent(const cnn_layer *layer, int64_t input, int64_t stride)
{
  return (input + 2 * layer->pad - layer->size) / stride + 1;
}

static void convolve(const cnn_layer *layer, const double *weights, const double *bias,
                     const maps *in, maps *out)
{
  const int64_t stride = layer->stride == 0 ? 1 : layer->stride;
  reshape(out, layer->outputs, extent(layer, in->height, stride), extent(layer, in->width, stride));
  for (int64_t i = 0; i < count(out); ++i) {
    const int64_t q = i % out->width, p = i / out->width % out->height;
    const int64_t k = i / out->width / out->height % out->channels;
    const int64_t n = i / out->width / out->height / out->channels;
    const window w = window_at(layer, in, stride, p, q);
    double sum = bias[k];
    for (int64_t c = 0; c < in->channels; ++c)
      for (int64_t y = w.top; y < w.bottom; ++y)
        for (int64_t x = w.left; x < w.right; ++x)
          sum +=
              in->values[((n * in->channels + c) * in->height + y) * in->width + x] *
              weights[((k * in->channels + c) * layer->size + y - w.top + w.above) * layer->size +
                      x - w.left + w.before];
    out->values[i] = activate(layer->activation, sum);
  }
}

static void connect(const cnn_layer *layer, const double *weights, const double *bias,
                    const maps *in, maps *out)
{
  const int64_t inputs = in->channels * in->height * in->width;
  reshape(out, layer->outputs, 1, 1);
  for (int64_t i = 0; i < count(out); ++i) {
    const int64_t k = i % layer->outputs, n = i / layer->outputs;
    double sum = bias[k];
    for (int64_t j = 0; j < inputs; ++j)
      sum += in->values[n * inputs + j] * weights[k * inputs + j];
    out->values[i] = activate(layer->activation, sum);
  }
}

static void pool(const cnn_layer *layer, const maps *in, maps *out)
{
  const int64_t stride = layer->stride == 0 ? layer->size : layer->stride;
  reshape(out, in->channels, extent(layer, in->height, stride), extent(layer, in->width, stride));
  for (int64_t i = 0; i < count(out); ++i) {
    const int64_t q = i % out->width, p = i / out->width % out->height;
    const double *map = in->values + i / out->width / out->height * in->height * in->width;
    const window w = window_at(layer, in, stride, p, q);
    double sum = 0.0, most = -INFINITY;
    for (int64_t y = w.top; y < w.bottom; ++y)
      for (int64_t x = w.left; x < w.right; ++x) {
        sum += map[y * in->width + x];
        most = fmax(most, map[y * in->width + x]);
      }
    const double pixels = (double)((w.bottom - w.top) * (w.right - w.left));
    out->values[i] = layer->kind == CNN_MAX_POOLING ? most : sum / pixels;
  }
}

static void average(const maps *in, maps *out)
{
  const int64_t pixels = in->height * in->width;
  reshape(out, in->channels, 1, 1);
  for (int64_t i = 0; i < count(out); ++i) {
    out->values[i] = 0.0;
    for (int64_t j = 0; j < pixels; ++j)
      out->values[i] += in->values[i * pixels + j] / (double)pixels;
  }
}

static void normalise(const cnn_layer *layer, const double *scale, const double *shift,
                      const maps *in, maps *out)
{
  const int64_t pixels = in->height * in->width;
  reshape(out, in->channels, in->height, in->width);
  for (int64_t c = 0; c < in->channels; ++c) {
    double mean = 0.0, variance = 0.0;
    const double n = (double)(in->batch * pixels);
    for (int64_t i = 0; i < count(in); ++i)
      mean += i / pixels % in->channels == c ? in->values[i] / n : 0.0;
    for (int64_t i = 0; i < count(in); ++i)
      variance += i / pixels % in->channels == c ? pow(in->values[i] - mean, 2) / n : 0.0;
    for (int64_t i = 0; i < count(in); ++i)
      if (i / pixels % in->channels == c)
        out->values[i] =
            activate(layer->activation,
                     (in->values[i] - mean) / sqrt(variance + (double)1e-5f) * scale[c] + shift[c]);
  }
}

static void drop(float rate, blasconv_random random, const maps *in, maps *out)
{
  reshape(out, in->channels, in->height, in->width);
  uint64_t word = 0;
  for (int64_t i = 0; i < count(in); ++i) {
    word = i % 2 == 0 ? blasconv_random_bits(&random) : word >> 32;
    const bool dropped = (double)(word & 0xFFFFFFFFu) < round((double)rate * 0x1p32);
    out->values[i] = dropped ? 0.0 : in->values[i] / (1.0 - (double)rate);
  }
}

static double cross_entropy(const maps *logits, const int32_t *labels)
{
  const int64_t classes = logits->channels;
  double loss = 0.0;
  for (int64_t n = 0; n < logits->batch; ++n) {
    const double *x = logits->values + n * classes;
    double sum = 0.0;
    for (int64_t i = 0; i < classes; ++i)
      sum += exp(x[i]);
    loss += (log(sum) - x[labels[n]]) / (double)logits->batch;
  }
  return loss;
}

/* One layer from `in` to `out`. Moves *parameters past its own. */
static void pass(const cnn_layer *layer, const double *const **parameters, blasconv_random random,
                 const maps *in, maps *out)
{
  const double *weights = (*parameters)[0], *bias = (*parameters)[1];
  out->batch = in->batch;
  switch (layer->kind) {
  case CNN_CONVOLUTION:
    convolve(layer, weights, bias, in, out);
    break;
  case CNN_DENSE:
    connect(layer, weights, bias, in, out);
    break;
  case CNN_BATCH_NORM:
    normalise(layer, weights, bias, in, out);
    break;
  case CNN_MAX_POOLING:
  case CNN_AVERAGE_POOLING:
    pool(layer, in, out);
    return;
  case CNN_GLOBAL_AVERAGE:
    average(in, out);
    return;
  case CNN_DROPOUT:
    drop(layer->rate, random, in, out);
    return;
  }
  *parameters += 2;
}

double exact_network_loss(const cnn_design *design, const double *const *parameters,
                          uint64_t dropout_words, const float *images, const int32_t *labels)
{
  maps in = {.batch = design->batch}, out;
  reshape(&in, design->channels, design->height, design->width);
  for (int64_t i = 0; i < count(&in); ++i)
    in.values[i] = (double)images[i];
  for (int64_t i = 0; i < design->count; ++i) {
    blasconv_random random = blasconv_random_start(design->seed, ((uint64_t)1 << 32) + (uint64_t)i);
    random.position = dropout_words;
    pass(&design->layers[i], &parameters, random, &in, &out);
    in = out;
  }
  return cross_entropy(&in, labels);
}
