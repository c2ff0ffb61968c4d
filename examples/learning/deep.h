/*
 * The network on which first values are compared: eight convolutions of 3x3 with ReLU, the first
 * one with stride 2, then a dense layer. No normalisation, nothing that would help.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef LEARNING_DEEP_H
#define LEARNING_DEEP_H

#include "lesson.h"

#include <cnn.h>

enum {
  DEEP_CONVOLUTIONS = 8,
  DEEP_LAYERS = 9,
  DEEP_FILTERS = 16,
  DEEP_CLASSES = 10,
  DEEP_WAYS = 6
};

/** A way to draw first values. */
typedef struct deep_way {
  const char *name;
  blasconv_initializer_kind kind;
  float number; /**< of constant: the value; of normal: the deviation */
} deep_way;

extern const deep_way deep_ways[DEEP_WAYS];

/** Builds the network with first values drawn in one of the ways. */
bool deep_create(const deep_way *way, int64_t batch, cnn **network);

/** Reads training pictures and shifts and scales them all to mean 0 and variance 1. */
bool deep_pictures(const lesson *here, int64_t count, lesson_pictures *pictures);

/** The largest difference between a filter of a layer and the layer's first filter. */
double deep_filters_differ(const cnn *network, int64_t layer);

#endif
