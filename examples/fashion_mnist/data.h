/*
 * Fashion-MNIST in memory, and batches of it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef FASHION_MNIST_DATA_H
#define FASHION_MNIST_DATA_H

#include <fashion.h>
#include <idx.h>
#include <stdbool.h>
#include <stdint.h>

/** Pictures and their classes. */
typedef struct data_set {
  int64_t count;
  idx_array images; /**< [count][FASHION_PIXELS][FASHION_PIXELS], 0 is the background */
  idx_array labels; /**< [count], each below FASHION_CLASSES */
} data_set;

typedef struct data {
  data_set training, test;
  float mean, deviation; /**< of the training pixels, which count from 0 to 1 */
  uint32_t sum;          /**< a checksum of everything */
} data;

/** Reads the four files of a folder; says on stderr what is wrong. To be given to data_free(). */
bool data_read(const char *folder, data *all);

void data_free(data *all);

/** What a network is shown at once. */
typedef struct data_batch {
  int64_t size;
  float *images;   /**< [size][1][FASHION_PIXELS][FASHION_PIXELS], mean 0 and deviation 1 */
  int32_t *labels; /**< [size] */
} data_batch;

/** Says on stderr if there is no memory. To be given to data_batch_destroy(). */
bool data_batch_create(int64_t size, data_batch *batch);

void data_batch_destroy(data_batch *batch);

/**
 * Fills a batch with the pictures order[first], order[first + 1], ...
 * @param order [at least first + count], numbers of pictures; NULL: 0, 1, 2, ...
 * @param count pictures, 1 to batch->size; what is left of the batch repeats the last one
 */
void data_batch_fill(data_batch *batch, const data *all, const data_set *set, const int64_t *order,
                     int64_t first, int64_t count);

#endif
