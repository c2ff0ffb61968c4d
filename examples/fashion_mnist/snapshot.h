/*
 * What can be seen in a network at some moment, kept to be drawn later.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef FASHION_MNIST_SNAPSHOT_H
#define FASHION_MNIST_SNAPSHOT_H

#include "data.h"

#include <cnn.h>

enum { SNAPSHOT_PICTURES = 5, SNAPSHOT_LAYERS = 4 };

/** What a convolution answers to the chosen pictures. */
typedef struct snapshot_maps {
  int64_t channels, height, width;
  float *values; /**< [SNAPSHOT_PICTURES][channels][height][width] */
} snapshot_maps;

typedef struct snapshot {
  int64_t filters, size; /**< of the first layer; size: extent of a filter */
  float *weights;        /**< [filters][size][size] */
  int64_t convolutions;  /**< the first SNAPSHOT_LAYERS at most */
  snapshot_maps maps[SNAPSHOT_LAYERS];
} snapshot;

/** Numbers of test pictures that look different: chosen [SNAPSHOT_PICTURES]. */
void snapshot_choose(const data *all, int64_t *chosen);

/**
 * Looks into a network while it sees the chosen pictures.
 * @param batch_size images that the network takes at once
 * @param seen to be given to snapshot_free() either way; false if there is no memory (it says so)
 */
bool snapshot_take(const data *all, cnn *network, int64_t batch_size, snapshot *seen);

void snapshot_free(snapshot *seen);

#endif
