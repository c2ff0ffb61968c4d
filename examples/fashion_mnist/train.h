/*
 * The training: steps, epochs, tests, checkpoints.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef FASHION_MNIST_TRAIN_H
#define FASHION_MNIST_TRAIN_H

#include "checkpoint.h"
#include "evaluate.h"
#include "file.h"
#include "options.h"
#include "progress.h"

/** A training and all that it needs; only train.c looks inside. */
typedef struct training {
  const run_options *chosen;
  const data *all;
  cnn *network;
  int64_t epoch_steps, steps; /**< in an epoch, and in the whole run */
  blasconv_schedule schedule;
  blasconv_optimizer optimizer;
  int64_t *order; /**< [all->training.count], of this epoch */
  data_batch batch;
  evaluation test;
  checkpoint state;          /**< its `progress` is that of the last checkpoint */
  char path[FILE_PATH_SIZE]; /**< of the checkpoint */
  progress watch;
  report table;
} training;

typedef enum training_end { TRAINING_DONE, TRAINING_STOPPED, TRAINING_FAILED } training_end;

/**
 * Gets a network ready to be trained, from its first step or, with --resume, from the checkpoint.
 * Says on stderr what went wrong. To be given to training_destroy() either way.
 */
bool training_create(const run_options *chosen, const data *all, cnn *network, training *run);

void training_destroy(training *run);

/** Trains to the end of the run, or until a signal or --stop-after stops it. */
training_end training_run(training *run);

#endif
