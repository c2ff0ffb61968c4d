/*
 * The networks that can be trained, from the least to the best.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef FASHION_MNIST_MODEL_H
#define FASHION_MNIST_MODEL_H

#include "options.h"

#include <cnn.h>

/** Builds the network that the options ask for; says on stderr why it could not. */
bool model_create(const run_options *chosen, cnn **network);

#endif
