/*
 * training.csv: a row for every epoch.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef FASHION_MNIST_REPORT_H
#define FASHION_MNIST_REPORT_H

#include "file.h"

#include <stdint.h>

typedef struct report_row {
  int64_t epoch, step; /**< made so far */
  double seconds;      /**< of training and testing so far */
  double train_loss, train_accuracy, test_loss, test_accuracy;
} report_row;

typedef struct report {
  char path[FILE_PATH_SIZE];
  char *text; /**< of the whole file, on the heap */
  size_t length;
  double seconds; /**< of the last row, or 0 */
} report;

/**
 * Begins the file in a folder anew; or, if a run goes on after `step` > 0, keeps the rows of it
 * that are there up to this step. Says on stderr what went wrong. To be given to report_end().
 */
bool report_begin(report *table, const char *folder, int64_t step);

/** Adds a row to the file, which is replaced as a whole. */
bool report_add(report *table, const report_row *row);

void report_end(report *table);

#endif
