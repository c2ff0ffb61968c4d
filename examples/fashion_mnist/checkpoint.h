/*
 * Checkpoints: all that it takes to go on with a training, bit by bit.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef FASHION_MNIST_CHECKPOINT_H
#define FASHION_MNIST_CHECKPOINT_H

#include <cnn.h>

enum { CHECKPOINT_RUN_SIZE = 256 };

/** What a checkpoint holds besides the network's tensors. */
typedef struct checkpoint {
  char run[CHECKPOINT_RUN_SIZE]; /**< what decides the bits: the options and the data, a text */
  cnn_progress progress;
  double loss_sum;     /**< over the steps of the epoch so far */
  double accuracy_sum; /**< likewise */
} checkpoint;

/** Replaces a file as file_replace() does; says on stderr why it could not. */
bool checkpoint_write(const char *path, const checkpoint *state, const cnn *network);

/**
 * Restores a network. A file that is no checkpoint of just this run, or damaged, is refused: says
 * on stderr why, and the network is then of no use. Nothing is allocated, and no size that stands
 * in the file is trusted.
 * @param run the run that the file must belong to
 * @param most_steps more steps than this are refused
 * @param state filled on success
 */
bool checkpoint_read(const char *path, const char *run, int64_t most_steps, checkpoint *state,
                     cnn *network);

#endif
