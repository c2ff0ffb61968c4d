/*
 * The networks that can be trained, from the least to the best.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "model.h"

#include <fashion.h>
#include <string.h>

enum { MOST_LAYERS = 8 };

/* The first layers begin small, so that what they learn outweighs the noise that they begin with,
 * and can be looked at. */

static const cnn_layer linear[] = {
    {.kind = CNN_DENSE, .outputs = FASHION_CLASSES, .initializer = {.gain = 0.1f}}};

static const cnn_layer dense[] = {{.kind = CNN_DENSE,
                                   .outputs = 128,
                                   .activation = {BLASCONV_RELU, 0},
                                   .initializer = {.gain = 0.2f}},
                                  {.kind = CNN_DROPOUT, .rate = 0.2f},
                                  {.kind = CNN_DENSE, .outputs = FASHION_CLASSES}};

/* Maps of 28 x 28, 14 x 14 and 7 x 7 pixels. The first filters are larger than they need be, to be
 * looked at. */
static const cnn_layer convolutional[] = {
    {.kind = CNN_CONVOLUTION,
     .outputs = 16,
     .size = 5,
     .pad = 2,
     .activation = {BLASCONV_RELU, 0},
     .initializer = {.gain = 0.2f}},
    {.kind = CNN_MAX_POOLING, .size = 2},
    {.kind = CNN_CONVOLUTION, .outputs = 32, .size = 3, .pad = 1, .activation = {BLASCONV_RELU, 0}},
    {.kind = CNN_MAX_POOLING, .size = 2},
    {.kind = CNN_DENSE, .outputs = 128, .activation = {BLASCONV_RELU, 0}},
    {.kind = CNN_DROPOUT, .rate = 0.3f},
    {.kind = CNN_DENSE, .outputs = FASHION_CLASSES}};

typedef struct model {
  const cnn_layer *layers;
  int64_t count;
} model;

#define MODEL(layers)                                                                              \
  {                                                                                                \
    layers, (int64_t)(sizeof layers / sizeof *layers)                                              \
  }

static const model models[] = {[MODEL_LINEAR] = MODEL(linear),
                               [MODEL_DENSE] = MODEL(dense),
                               [MODEL_CNN] = MODEL(convolutional)};

/* Makes a layer begin as chosen, with its own gain if it names one. */
static void set_initializer(blasconv_initializer_kind kind, cnn_layer *layer)
{
  const float gain = layer->initializer.gain;
  layer->initializer = blasconv_initializer_of(kind);
  if (gain > 0)
    layer->initializer.gain = gain;
}

bool model_create(const run_options *chosen, cnn **network)
{
  const model *wanted = &models[chosen->model];
  cnn_layer layers[MOST_LAYERS];
  memcpy(layers, wanted->layers, (size_t)wanted->count * sizeof *layers);
  for (int64_t i = 0; i < wanted->count; ++i)
    set_initializer((blasconv_initializer_kind)chosen->initializer, &layers[i]);
  const cnn_design design = {.batch = chosen->batch,
                             .channels = 1,
                             .height = FASHION_PIXELS,
                             .width = FASHION_PIXELS,
                             .layers = layers,
                             .count = wanted->count,
                             .threads = (int32_t)chosen->threads,
                             .exact = chosen->exact,
                             .seed = (uint64_t)chosen->seed};
  return cnn_create(&design, network);
}
