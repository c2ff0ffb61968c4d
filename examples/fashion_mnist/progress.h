/*
 * How far the training is: a line that changes on a terminal, plain lines elsewhere.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef FASHION_MNIST_PROGRESS_H
#define FASHION_MNIST_PROGRESS_H

#include "report.h"

typedef struct progress {
  bool quiet, terminal;
  int64_t epochs, steps, batch; /**< of the whole run; images a step */
  int64_t first_step;           /**< where this process began */
  double started, shown;        /**< times */
  double testing;               /**< seconds spent on tests */
} progress;

/** Seconds since some moment in the past. */
double progress_now(void);

/** Begins to watch a run, `first_step` steps of which are made. */
void progress_begin(progress *watch, bool quiet, int64_t epochs, int64_t steps, int64_t batch,
                    int64_t first_step);

/** After a step: shows how it goes, but not more often than can be read. Times are left at 0. */
void progress_step(progress *watch, const report_row *row);

/** After an epoch: shows its row. @param testing seconds spent on its test */
void progress_epoch(progress *watch, const report_row *row, double testing);

/** Prints a message, after ending the line that changes. */
void progress_say(progress *watch, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
