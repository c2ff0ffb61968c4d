/*
 * The network on which first values are compared.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "deep.h"

#include <fashion.h>
#include <math.h>

const deep_way deep_ways[DEEP_WAYS] = {
    {"zero", BLASCONV_INIT_ZEROS, 0},           {"constant", BLASCONV_INIT_CONSTANT, 0.01f},
    {"small", BLASCONV_INIT_NORMAL, 0.01f},     {"large", BLASCONV_INIT_NORMAL, 0.5f},
    {"Glorot", BLASCONV_INIT_GLOROT_NORMAL, 0}, {"He", BLASCONV_INIT_HE_NORMAL, 0}};

bool deep_create(const deep_way *way, int64_t batch, cnn **network)
{
  blasconv_initializer first = blasconv_initializer_of(way->kind);
  first.value = way->number;
  first.deviation = way->number;
  cnn_layer layers[DEEP_LAYERS];
  for (int i = 0; i < DEEP_CONVOLUTIONS; ++i)
    layers[i] = (cnn_layer){.kind = CNN_CONVOLUTION,
                            .outputs = DEEP_FILTERS,
                            .size = 3,
                            .stride = i == 0 ? 2 : 1,
                            .pad = 1,
                            .activation = {BLASCONV_RELU, 0},
                            .initializer = first};
  layers[DEEP_CONVOLUTIONS] =
      (cnn_layer){.kind = CNN_DENSE, .outputs = DEEP_CLASSES, .initializer = first};
  const cnn_design design = {.batch = batch,
                             .channels = 1,
                             .height = FASHION_PIXELS,
                             .width = FASHION_PIXELS,
                             .layers = layers,
                             .count = DEEP_LAYERS,
                             .threads = 1, /* the layers are small */
                             .seed = 1};
  return cnn_create(&design, network);
}

bool deep_pictures(const lesson *here, int64_t count, lesson_pictures *pictures)
{
  if (!lesson_pictures_read(here, count, pictures))
    return false;
  const int64_t pixels = count * FASHION_AREA;
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < pixels; ++i) {
    sum += (double)pictures->values[i];
    squares += (double)pictures->values[i] * (double)pictures->values[i];
  }
  const double mean = sum / (double)pixels;
  const double deviation = sqrt(squares / (double)pixels - mean * mean);
  for (int64_t i = 0; i < pixels; ++i)
    pictures->values[i] = (float)(((double)pictures->values[i] - mean) / deviation);
  return true;
}

double deep_filters_differ(const cnn *network, int64_t layer)
{
  const cnn_view view = cnn_layer_view(network, layer);
  const int64_t taps = view.inputs * view.size * view.size;
  double largest = 0;
  for (int64_t k = 1; k < view.channels; ++k)
    largest = fmax(largest, lesson_difference(taps, view.weights, view.weights + k * taps));
  return largest;
}
