/*
 * What a network makes of the test pictures.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "evaluate.h"

void evaluate(cnn *network, const data *all, int32_t threads, data_batch *batch, evaluation *result)
{
  const data_set *set = &all->test;
  double loss_sum = 0, accuracy_sum = 0;
  for (int64_t first = 0; first < set->count; first += batch->size) {
    const int64_t left = set->count - first, rows = left < batch->size ? left : batch->size;
    data_batch_fill(batch, all, set, NULL, first, rows);
    const float *logits = cnn_forward(network, batch->images, false);
    double loss = 0;
    blasconv_softmax_cross_entropy(rows, FASHION_CLASSES, logits, batch->labels, NULL, threads,
                                   &loss, NULL);
    loss_sum += loss * (double)rows;
    accuracy_sum += cnn_accuracy(rows, FASHION_CLASSES, logits, batch->labels) * (double)rows;
    blasconv_softmax(rows, FASHION_CLASSES, logits, threads,
                     result->probabilities + first * FASHION_CLASSES);
  }
  result->loss = loss_sum / (double)set->count;
  result->accuracy = accuracy_sum / (double)set->count;
}
