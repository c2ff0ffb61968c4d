/*
 * Cases proved in child processes, so that one that crashes, hangs or leaks is a failure like any
 * other.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BLASCONV_TESTS_DIFFERENTIAL_CHILDREN_H
#define BLASCONV_TESTS_DIFFERENTIAL_CHILDREN_H

#include "cases.h"

#include <sys/types.h>

enum { DIFFERENTIAL_BATCH = 200, DIFFERENTIAL_MESSAGE = 1024 };

/** differential_prove(), or what a test has in its place. */
typedef int differential_prover(const differential_case *which);

/** What a child says of its cases; memory that it shares with its parent. */
typedef struct differential_outcomes {
  int served[DIFFERENTIAL_BATCH]; /**< as differential_prove() returned */
  int finished;                   /**< cases before the one that failed, or all */
  bool hung;                      /**< the one that failed took more than its seconds */
  char message[DIFFERENTIAL_MESSAGE];
} differential_outcomes;

/** Cases in a child of their own. */
typedef struct differential_batch {
  differential_case cases[DIFFERENTIAL_BATCH];
  int count;
  unsigned seconds; /**< after which a case hangs */
  differential_prover *prover;
  differential_outcomes *outcomes;
  pid_t child;
} differential_batch;

/** A batch without cases. */
differential_batch *differential_batch_create(differential_prover *prover);

void differential_batch_destroy(differential_batch *batch);

/** Starts a child that proves the cases, one after the other up to the first failure. */
void differential_batch_start(differential_batch *batch);

/**
 * Says what a child that has ended with `status`, as waitpid() gives it, has come to.
 * @return whether all cases were proved, else `finished` counts those before the failure; a leak
 * fails with all of them finished
 */
bool differential_batch_end(differential_batch *batch, int status);

/** Waits for the child and says what it has come to. */
bool differential_batch_wait(differential_batch *batch);

/**
 * Proves one case in a child.
 * @param message [DIFFERENTIAL_MESSAGE], gets why it fails, else it is empty
 */
bool differential_fails(const differential_case *which, differential_prover *prover, char *message);

#endif
