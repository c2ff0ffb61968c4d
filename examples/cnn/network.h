/*
 * What build.c makes and passes.c runs.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CNN_NETWORK_H
#define CNN_NETWORK_H

#include "cnn.h"

/** A layer as it is built. Pointers that its kind has no use for are NULL. */
typedef struct layer {
  cnn_layer design;
  char name[24];
  blasconv_problem problem;        /**< convolution, dense, pooling */
  int64_t channels, height, width; /**< of an image of its output */
  blasconv_maps maps;              /**< its output as feature maps */
  blasconv_plan *plans[3];         /**< convolution, dense: a pass each */
  int64_t inputs, size;            /**< as in cnn_view */

  int64_t weights_count, bias_count;
  float *weights, *weights_gradient; /**< batch norm: scale */
  float *bias, *bias_gradient;       /**< batch norm: shift */
  float *weights_state, *bias_state; /**< [2][count], of the optimizer */
  float *running_mean, *running_variance;
  float *mean, *inverse; /**< of the batch, for the backward pass */

  float *before; /**< the output before bias and activation, if the activation saves its input */
  float *output, *output_gradient;
  int32_t *winners; /**< of max pooling */
  double seconds[3];
} layer;

struct cnn {
  int64_t batch, inputs; /**< inputs: values of an image */
  int32_t threads;
  bool exact;
  uint64_t seed;
  int64_t count;
  layer *layers; /**< [count] */
  blasconv_parameter *parameters;
  int64_t parameters_count;
  cnn_tensor *tensors;
  int64_t tensors_count;
  void *workspace;
  size_t workspace_bytes;
  cnn_progress progress;
  double loss_seconds, update_seconds;
  void **blocks; /**< what cnn_destroy() frees */
  int64_t blocks_count;
};

/** The stream that a dropout layer draws from. */
static inline uint64_t dropout_stream(int64_t index)
{
  return ((uint64_t)1 << 32) + (uint64_t)index;
}

#endif
