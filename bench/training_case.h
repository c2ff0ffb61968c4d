/* A step of training as something to time: the convolutional network of examples/fashion_mnist on
 * random images. */
#ifndef BENCH_TRAINING_CASE_H
#define BENCH_TRAINING_CASE_H

#include <cnn.h>
#include <stdbool.h>

enum { BENCH_TRAINING_BATCH = 64 };

typedef struct bench_training_case {
  cnn *network;
  float *images;   /* [BENCH_TRAINING_BATCH][1][28][28] */
  int32_t *labels; /* [BENCH_TRAINING_BATCH] */
} bench_training_case;

bool bench_training_case_create(int threads, bench_training_case *c);

void bench_training_case_destroy(bench_training_case *c);

/* One step: forward, loss, backward, update. Returns the seconds, NaN if it diverged. */
double bench_training_case_run(const void *training_case);

#endif
