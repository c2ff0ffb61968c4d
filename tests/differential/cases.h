/*
 * Random cases: a problem of any kind and a way to run a pass of it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BLASCONV_TESTS_DIFFERENTIAL_CASES_H
#define BLASCONV_TESTS_DIFFERENTIAL_CASES_H

#include "notation.h"

enum { DIFFERENTIAL_LINE = 512 };

/** A case, and the stream of random numbers that its tensors are filled from. */
typedef struct differential_case {
  bench_notation notation;
  uint64_t stream;
} differential_case;

/** How many algorithms there are. */
int differential_algorithms(void);

/**
 * The case number `index` of the run's seed. Passes, layouts, directions, ranks and algorithms (the
 * library's choice among them) are dealt out in turn, all else is drawn.
 */
differential_case differential_draw(uint64_t index);

/** The case as one line for the benchmark's --verify. @return `line` [DIFFERENTIAL_LINE] */
const char *differential_line(const differential_case *which, char *line);

/**
 * Proves a case against the oracle; a failure leaves through Check's assertions.
 * @return the index of the algorithm that served, -1 if the forced one refused
 */
int differential_prove(const differential_case *which);

/** The same; where the forced algorithm refuses, the library chooses, and must serve. */
int differential_prove_served(const differential_case *which);

#endif
