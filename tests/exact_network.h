/*
 * The forward pass and loss of a small network in double precision, written from the headers alone:
 * what its gradients are measured against.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BLASCONV_TESTS_EXACT_NETWORK_H
#define BLASCONV_TESTS_EXACT_NETWORK_H

#include <cnn.h>

/** Most values in a layer's output, of the whole batch. */
enum { EXACT_NETWORK_VALUES = 4096 };

/**
 * Mean loss of a training pass: softmax and cross-entropy over the last layer, batch statistics in
 * batch norms, dropout masks from the streams as the headers define them.
 * @param parameters in the order of cnn_parameters(): each layer's weights, then its bias
 * @param dropout_words position of the dropout streams
 */
double exact_network_loss(const cnn_design *design, const double *const *parameters,
                          uint64_t dropout_words, const float *images, const int32_t *labels);

#endif
