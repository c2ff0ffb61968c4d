/* The benchmark of training: steps of the example's network on one thread and on all, layer by
 * layer. */
#ifndef BENCH_TRAINING_H
#define BENCH_TRAINING_H

#include "session.h"

typedef struct bench_training bench_training;

/* Registers the step at the largest number of threads asked for, beside one thread. */
bench_training *bench_training_register(bench_session *session);

void bench_training_print(const bench_training *training);

void bench_training_free(bench_training *training);

#endif
