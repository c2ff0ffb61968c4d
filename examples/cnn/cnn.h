/*
 * A small convolutional network on top of blasconv: a list of layers, one training step, and a look
 * inside. The examples and the benchmark train with it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CNN_CNN_H
#define CNN_CNN_H

#include <blasconv/train.h>
#include <stdbool.h>

typedef enum cnn_kind {
  CNN_CONVOLUTION,     /**< outputs, size, stride, pad, activation, initializer */
  CNN_DENSE,           /**< outputs, activation, initializer */
  CNN_MAX_POOLING,     /**< size, stride, pad */
  CNN_AVERAGE_POOLING, /**< size, stride, pad; pads do not count */
  CNN_GLOBAL_AVERAGE,  /**< one value a map */
  CNN_BATCH_NORM,      /**< activation, one that saves its output */
  CNN_DROPOUT          /**< rate */
} cnn_kind;

/** A layer as it is asked for; the numbers that its kind does not name are ignored. */
typedef struct cnn_layer {
  cnn_kind kind;
  int64_t outputs;                  /**< filters, or outputs of a dense layer */
  int64_t size;                     /**< extent of the square window */
  int64_t stride;                   /**< 0 stands for 1, for pooling for `size` */
  int64_t pad;                      /**< on each side */
  blasconv_activation activation;   /**< on top */
  blasconv_initializer initializer; /**< of the weights; all zero stands for He normal */
  float rate;                       /**< share of the values that dropout drops */
} cnn_layer;

/** A network as it is asked for. */
typedef struct cnn_design {
  int64_t batch;                   /**< images a step */
  int64_t channels, height, width; /**< of an image */
  const cnn_layer *layers;         /**< [count]; the last one's output are the logits */
  int64_t count;
  int32_t threads; /**< 0: as many as OpenMP would use */
  bool exact;      /**< convolutions are plain sums of products: blasconv_options::exact */
  uint64_t seed;   /**< of the first values (stream i: layer i) and of dropout (stream 2^32 + i) */
} cnn_design;

/** A network with its parameters, its plans and all memory that a step needs. */
typedef struct cnn cnn;

/**
 * Builds a network and draws its first values; biases and shifts begin as 0, scales as 1. Says on
 * stderr what is wrong.
 */
bool cnn_create(const cnn_design *design, cnn **network);

/** NULL is allowed. */
void cnn_destroy(cnn *network);

/**
 * Forward pass. In training, dropout drops and batch normalisation takes the batch's statistics.
 * @param images [batch][channels][height][width]
 * @return the logits [batch][classes], valid until the next pass
 */
const float *cnn_forward(cnn *network, const float *images, bool training);

/**
 * Backward pass after a forward pass in training with the same images. The caller has written the
 * gradient of the logits to cnn_logits_gradient(); the parameters' gradients are overwritten.
 */
void cnn_backward(cnn *network, const float *images);

/** Where cnn_backward() reads the gradient of the logits: [batch][classes]. */
float *cnn_logits_gradient(cnn *network);

/**
 * One step: forward, softmax with cross-entropy, backward, clipping, update.
 * @param labels [batch], each below the number of classes
 * @param clip most norm of the gradient; infinity: no clipping
 * @param loss gets the mean loss; NULL if not wanted
 */
void cnn_step(cnn *network, const float *images, const int32_t *labels,
              const blasconv_optimizer *optimizer, double clip, double *loss);

/** Share of the rows [rows] of the logits [rows][classes] whose largest is at their label. */
double cnn_accuracy(int64_t rows, int64_t classes, const float *logits, const int32_t *labels);

/** What a network learns: [*count] parameters. */
const blasconv_parameter *cnn_parameters(const cnn *network, int64_t *count);

/** A look at layer `index`. Pointers that its kind has no use for are NULL. */
typedef struct cnn_view {
  char name[24];                   /**< such as "conv 1", "pool 1", "dense 2" */
  int64_t channels, height, width; /**< of its output, an image */
  const float *output;             /**< [batch][channels][height][width], of the last pass */
  const float *output_gradient;    /**< the same shape, of the last backward pass; where there is an
                                        activation, the gradient before it */
  float *weights;                  /**< [outputs][inputs][size][size]; scales of a batch norm */
  float *bias;                     /**< [outputs]; shifts of a batch norm */
  const float *weights_gradient;   /**< as `weights` */
  int64_t inputs;                  /**< channels that a filter reads, inputs of a dense layer */
  int64_t size;                    /**< extent of a filter; 1 for dense layers */
  double operations;               /**< multiplications and additions of a forward pass */
  double seconds[3]; /**< spent so far in: forward, backward (activation, input gradient), weight
                          gradient */
} cnn_view;

int64_t cnn_layers(const cnn *network);
cnn_view cnn_layer_view(const cnn *network, int64_t index);

/** Seconds spent so far on the loss and on the update; cnn_step() alone counts them. */
double cnn_loss_seconds(const cnn *network);
double cnn_update_seconds(const cnn *network);

/** Sets all counts of seconds to 0. */
void cnn_reset_seconds(cnn *network);

/**
 * A tensor that a checkpoint has to hold: parameters, states of the optimizer (room for two arrays
 * a parameter, used or not), running statistics.
 */
typedef struct cnn_tensor {
  char name[40]; /**< such as "conv 1 weights", "dense 2 bias state" */
  int64_t count;
  float *values; /**< [count] */
} cnn_tensor;

/** Tensor `index` of the network. @return false past the last */
bool cnn_tensor_view(const cnn *network, int64_t index, cnn_tensor *tensor);

/** What else a checkpoint has to hold: with it and the tensors, training goes on bit by bit. */
typedef struct cnn_progress {
  int64_t steps;          /**< made so far */
  uint64_t dropout_words; /**< position of every dropout layer's stream */
} cnn_progress;

cnn_progress cnn_progress_get(const cnn *network);
void cnn_progress_set(cnn *network, cnn_progress progress);

#endif
