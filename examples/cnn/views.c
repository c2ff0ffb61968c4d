/*
 * Looks into a network.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "network.h"

#include <string.h>

float *cnn_logits_gradient(cnn *network)
{
  return network->layers[network->count - 1].output_gradient;
}

const blasconv_parameter *cnn_parameters(const cnn *network, int64_t *count)
{
  *count = network->parameters_count;
  return network->parameters;
}

int64_t cnn_layers(const cnn *network)
{
  return network->count;
}

cnn_view cnn_layer_view(const cnn *network, int64_t index)
{
  const layer *l = &network->layers[index];
  cnn_view view = {.channels = l->channels,
                   .height = l->height,
                   .width = l->width,
                   .output = l->output,
                   .output_gradient = l->output_gradient,
                   .weights = l->weights,
                   .bias = l->bias,
                   .weights_gradient = l->weights_gradient,
                   .inputs = l->inputs,
                   .size = l->size};
  memcpy(view.name, l->name, sizeof view.name);
  memcpy(view.seconds, l->seconds, sizeof view.seconds);
  if (l->plans[BLASCONV_FORWARD] != NULL)
    view.operations = 2.0 * (double)l->weights_count * (double)(l->maps.batch * l->maps.pixels);
  return view;
}

double cnn_loss_seconds(const cnn *network)
{
  return network->loss_seconds;
}

double cnn_update_seconds(const cnn *network)
{
  return network->update_seconds;
}

void cnn_reset_seconds(cnn *network)
{
  network->loss_seconds = network->update_seconds = 0.0;
  for (int64_t i = 0; i < network->count; ++i)
    memset(network->layers[i].seconds, 0, sizeof network->layers[i].seconds);
}

bool cnn_tensor_view(const cnn *network, int64_t index, cnn_tensor *tensor)
{
  if (index < 0 || index >= network->tensors_count)
    return false;
  *tensor = network->tensors[index];
  return true;
}

cnn_progress cnn_progress_get(const cnn *network)
{
  return network->progress;
}

void cnn_progress_set(cnn *network, cnn_progress progress)
{
  network->progress = progress;
}
