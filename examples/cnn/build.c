/*
 * Builds a network: shapes, memory, plans, first values.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS_A_LAYER = 16, TENSORS_A_LAYER = 8, MOST_LAYERS = 1000 };

/** Channels, height and width of an image on its way through the layers. */
typedef struct shape {
  int64_t channels, height, width;
} shape;

static bool fail(const char *who, const char *why)
{
  fprintf(stderr, "%s: %s\n", who, why);
  return false;
}

/* Zeroed memory that belongs to the network; NULL for no bytes, or with a message. */
static void *allocate(cnn *network, int64_t count, size_t size)
{
  const size_t bytes = ((size_t)count * size + 63) / 64 * 64;
  void *memory = bytes > 0 ? aligned_alloc(64, bytes) : NULL;
  if (memory != NULL) {
    memset(memory, 0, bytes);
    network->blocks[network->blocks_count++] = memory;
  } else if (bytes > 0) {
    fprintf(stderr, "out of memory for a network\n");
  }
  return memory;
}

/* Takes memory for `count` floats; true if there is. */
static bool take(cnn *network, int64_t count, float **memory)
{
  *memory = allocate(network, count, sizeof(float));
  return *memory != NULL;
}

/* ---- shapes ---- */

static bool is_pooling(cnn_kind kind)
{
  return kind == CNN_MAX_POOLING || kind == CNN_AVERAGE_POOLING || kind == CNN_GLOBAL_AVERAGE;
}

static bool has_weights(cnn_kind kind)
{
  return kind == CNN_CONVOLUTION || kind == CNN_DENSE;
}

static blasconv_problem problem_of(const cnn_layer *design, int64_t batch, shape in)
{
  blasconv_problem problem;
  int64_t stride = design->stride;
  if (design->kind == CNN_DENSE)
    return blasconv_problem_dense(batch, in.channels * in.height * in.width, design->outputs);
  if (design->kind == CNN_GLOBAL_AVERAGE)
    return blasconv_problem_pooling_global(batch, in.channels, in.height, in.width);
  if (is_pooling(design->kind)) {
    problem = blasconv_problem_pooling(batch, in.channels, in.height, in.width, design->size,
                                       design->size);
  } else {
    problem = blasconv_problem_2d(batch, in.channels, in.height, in.width, design->outputs,
                                  design->size, design->size);
    stride = stride == 0 ? 1 : stride;
  }
  for (int axis = 0; axis < 2; ++axis) {
    problem.strides[axis] = stride == 0 ? design->size : stride;
    problem.pads_begin[axis] = problem.pads_end[axis] = design->pad;
  }
  return problem;
}

/* Fills problem and output shape; what comes out is the next layer's `in`. */
static bool shape_layer(layer *l, int64_t batch, shape *in)
{
  if (has_weights(l->design.kind) || is_pooling(l->design.kind)) {
    int64_t output[BLASCONV_MAX_RANK];
    l->problem = problem_of(&l->design, batch, *in);
    const blasconv_status status = blasconv_problem_output(&l->problem, output);
    if (status != BLASCONV_SUCCESS)
      return fail(l->name, blasconv_status_string(status));
    l->inputs = l->problem.in_channels / l->problem.groups;
    l->size = l->problem.kernel[0];
    *in = (shape){l->problem.out_channels, output[0], output[1]};
  }
  l->channels = in->channels;
  l->height = in->height;
  l->width = in->width;
  l->maps = blasconv_maps_nchw(batch, in->channels, in->height * in->width);
  return true;
}

/* "conv 2": the kind's name and how many of its kind there are up to this layer. */
static void name_layer(const cnn *network, int64_t index)
{
  static const char *const names[] = {
      [CNN_CONVOLUTION] = "conv",     [CNN_DENSE] = "dense",           [CNN_MAX_POOLING] = "pool",
      [CNN_AVERAGE_POOLING] = "pool", [CNN_GLOBAL_AVERAGE] = "global", [CNN_BATCH_NORM] = "norm",
      [CNN_DROPOUT] = "dropout"};
  layer *l = &network->layers[index];
  const char *name = names[l->design.kind];
  int number = 1;
  for (int64_t i = 0; i < index; ++i)
    number += strcmp(names[network->layers[i].design.kind], name) == 0;
  snprintf(l->name, sizeof l->name, "%s %d", name, number);
}

/* ---- memory and plans ---- */

static bool saves_input(const layer *l)
{
  return blasconv_activation_saves(l->design.activation.kind) == BLASCONV_SAVED_INPUT;
}

static bool take_parameters(cnn *network, layer *l)
{
  const bool norm = l->design.kind == CNN_BATCH_NORM;
  if (!norm && !has_weights(l->design.kind))
    return true;
  l->bias_count = l->channels;
  l->weights_count =
      norm ? l->channels
           : l->problem.out_channels * l->inputs * l->problem.kernel[0] * l->problem.kernel[1];
  return take(network, l->weights_count, &l->weights) &&
         take(network, l->weights_count, &l->weights_gradient) &&
         take(network, 2 * l->weights_count, &l->weights_state) &&
         take(network, l->bias_count, &l->bias) &&
         take(network, l->bias_count, &l->bias_gradient) &&
         take(network, 2 * l->bias_count, &l->bias_state) &&
         (!norm ||
          (take(network, l->channels, &l->mean) && take(network, l->channels, &l->inverse) &&
           take(network, l->channels, &l->running_mean) &&
           take(network, l->channels, &l->running_variance)));
}

static bool take_outputs(cnn *network, layer *l)
{
  const int64_t count = l->maps.batch * l->maps.channels * l->maps.pixels;
  if (l->design.kind == CNN_MAX_POOLING) {
    l->winners = allocate(network, count, sizeof *l->winners);
    if (l->winners == NULL)
      return false;
  }
  return take(network, count, &l->output) && take(network, count, &l->output_gradient) &&
         (!has_weights(l->design.kind) || !saves_input(l) || take(network, count, &l->before));
}

/* The plan of each pass; the forward one with the activation on top, where that saves its output.
 */
static bool plan_layer(cnn *network, layer *l)
{
  char why[256] = "";
  for (int pass = 0; pass < 3; ++pass) {
    blasconv_options options = blasconv_options_default();
    options.threads = network->threads;
    options.exact = network->exact;
    options.message = why;
    options.message_size = sizeof why;
    if (pass == BLASCONV_FORWARD && !saves_input(l))
      options.activation = l->design.activation;
    if (blasconv_plan_create(&l->problem, (blasconv_pass)pass, &options, &l->plans[pass]) !=
        BLASCONV_SUCCESS)
      return fail(l->name, why);
    const size_t bytes = blasconv_plan_workspace_size(l->plans[pass]);
    if (bytes > network->workspace_bytes)
      network->workspace_bytes = bytes;
  }
  return true;
}

/* ---- first values and lists ---- */

static bool draw_weights(const cnn *network, int64_t index)
{
  layer *l = &network->layers[index];
  if (l->design.kind == CNN_BATCH_NORM)
    for (int64_t c = 0; c < l->channels; ++c)
      l->weights[c] = l->running_variance[c] = 1.0f;
  if (!has_weights(l->design.kind))
    return true;
  if (l->design.initializer.struct_size == 0)
    l->design.initializer = blasconv_initializer_of(BLASCONV_INIT_HE_NORMAL);
  blasconv_random random = blasconv_random_start(network->seed, (uint64_t)index);
  const blasconv_status status =
      blasconv_weights_initialize(&l->problem, &l->design.initializer, &random, l->weights);
  return status == BLASCONV_SUCCESS || fail(l->name, blasconv_status_string(status));
}

static void list_tensor(cnn *network, const layer *l, const char *part, int64_t count,
                        float *values)
{
  cnn_tensor *tensor = &network->tensors[network->tensors_count++];
  snprintf(tensor->name, sizeof tensor->name, "%.16s %s", l->name, part);
  tensor->count = count;
  tensor->values = values;
}

static void list_layer(cnn *network, const layer *l)
{
  if (l->weights == NULL)
    return;
  network->parameters[network->parameters_count++] =
      (blasconv_parameter){l->weights_count, l->weights, l->weights_gradient, l->weights_state,
                           has_weights(l->design.kind)};
  network->parameters[network->parameters_count++] =
      (blasconv_parameter){l->bias_count, l->bias, l->bias_gradient, l->bias_state, 0};
  list_tensor(network, l, "weights", l->weights_count, l->weights);
  list_tensor(network, l, "weights state", 2 * l->weights_count, l->weights_state);
  list_tensor(network, l, "bias", l->bias_count, l->bias);
  list_tensor(network, l, "bias state", 2 * l->bias_count, l->bias_state);
  if (l->running_mean == NULL)
    return;
  list_tensor(network, l, "running mean", l->channels, l->running_mean);
  list_tensor(network, l, "running variance", l->channels, l->running_variance);
}

/* ---- the whole ---- */

static bool build_layer(cnn *network, int64_t index, shape *in)
{
  layer *l = &network->layers[index];
  name_layer(network, index);
  if (l->design.kind == CNN_BATCH_NORM && saves_input(l))
    return fail(l->name, "its activation must be one that saves its output");
  if (!shape_layer(l, network->batch, in) || !take_parameters(network, l) ||
      !take_outputs(network, l) || (has_weights(l->design.kind) && !plan_layer(network, l)) ||
      !draw_weights(network, index))
    return false;
  list_layer(network, l);
  return true;
}

/* The lists that grow with the number of layers; false with all of them NULL or to be freed. */
static bool allocate_lists(cnn *network)
{
  const size_t count = (size_t)network->count;
  network->blocks = calloc(count * BLOCKS_A_LAYER + 1, sizeof *network->blocks);
  network->layers = calloc(count, sizeof *network->layers);
  network->parameters = calloc(count * 2, sizeof *network->parameters);
  network->tensors = calloc(count * TENSORS_A_LAYER, sizeof *network->tensors);
  return network->blocks != NULL && network->layers != NULL && network->parameters != NULL &&
         network->tensors != NULL;
}

static bool build(cnn *network, const cnn_design *design)
{
  shape in = {design->channels, design->height, design->width};
  for (int64_t i = 0; i < network->count; ++i) {
    network->layers[i].design = design->layers[i];
    if (!build_layer(network, i, &in))
      return false;
  }
  network->workspace = allocate(network, (int64_t)network->workspace_bytes, 1);
  return network->workspace_bytes == 0 || network->workspace != NULL;
}

bool cnn_create(const cnn_design *design, cnn **network)
{
  if (design->count < 1 || design->count > MOST_LAYERS || design->batch < 1)
    return fail("network", "it needs 1 to 1000 layers and a batch of at least 1");
  cnn *made = calloc(1, sizeof *made);
  if (made == NULL)
    return fail("network", "out of memory");
  made->batch = design->batch;
  made->inputs = design->channels * design->height * design->width;
  made->threads = design->threads;
  made->exact = design->exact;
  made->seed = design->seed;
  made->count = design->count;
  if (!allocate_lists(made) || !build(made, design)) {
    cnn_destroy(made);
    return false;
  }
  *network = made;
  return true;
}

void cnn_destroy(cnn *network)
{
  if (network == NULL)
    return;
  for (int64_t i = 0; network->layers != NULL && i < network->count; ++i)
    for (int pass = 0; pass < 3; ++pass)
      blasconv_plan_destroy(network->layers[i].plans[pass]);
  for (int64_t i = 0; i < network->blocks_count; ++i)
    free(network->blocks[i]);
  free(network->blocks);
  free(network->layers);
  free(network->parameters);
  free(network->tensors);
  free(network);
}
