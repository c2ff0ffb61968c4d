/*
 * The command line.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef FASHION_MNIST_OPTIONS_H
#define FASHION_MNIST_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum model_kind { MODEL_LINEAR, MODEL_DENSE, MODEL_CNN } model_kind;

typedef struct run_options {
  const char *data;       /* the folder of the data set */
  const char *out;        /* the folder of the results */
  const char *checkpoint; /* NULL: "checkpoint" in `out` */
  int64_t model;          /* a model_kind */
  int64_t optimizer;      /* a blasconv_optimizer_kind */
  int64_t initializer;    /* a blasconv_initializer_kind */
  int64_t epochs, batch, seed;
  double rate; /* the highest learning rate; 0: a good one for the optimizer */
  int64_t threads;
  int64_t checkpoint_every, stop_after; /* steps; 0: never */
  bool exact, resume, quiet, pictures, help;
} run_options;

extern const char options_usage[];

/** Reads the command line and fills in defaults; says on stderr which argument cannot be used. */
bool options_read(int argc, char **argv, run_options *chosen);

/** Writes the options that decide what is computed, as on a command line, to text [size]. */
void options_describe(const run_options *chosen, char *text, size_t size);

#endif
