/*
 * SIGTERM and SIGINT as a question that the training asks.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef FASHION_MNIST_STOP_H
#define FASHION_MNIST_STOP_H

/** From now on the first SIGTERM or SIGINT is only noted; the second one kills as usual. */
void stop_watch(void);

/** The signal that has come, or 0. */
int stop_signal(void);

#endif
