/*
 * What a network makes of the test pictures.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef FASHION_MNIST_EVALUATE_H
#define FASHION_MNIST_EVALUATE_H

#include "data.h"

#include <cnn.h>

typedef struct evaluation {
  double loss, accuracy; /**< means over all pictures */
  float *probabilities;  /**< [all->test.count][FASHION_CLASSES], from the caller */
} evaluation;

/**
 * Shows the network all test pictures.
 * @param batch memory for as many pictures as the network takes; overwritten
 * @param threads 0: as many as OpenMP would use
 */
void evaluate(cnn *network, const data *all, int32_t threads, data_batch *batch,
              evaluation *result);

#endif
