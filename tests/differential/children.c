/*
 * Cases proved in child processes. The parent never runs a plan itself: threads of OpenMP do not
 * survive a fork.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "children.h"

#include "support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Cases take milliseconds; this is for sanitizers on busy machines. */
enum { most_seconds = 60 };

differential_batch *differential_batch_create(differential_prover *prover)
{
  differential_batch *batch = calloc(1, sizeof *batch);
  void *shared = mmap(NULL, sizeof(differential_outcomes), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (!batch || shared == MAP_FAILED)
    abort();
  batch->prover = prover;
  batch->seconds = most_seconds;
  batch->outcomes = shared;
  return batch;
}

void differential_batch_destroy(differential_batch *batch)
{
  munmap(batch->outcomes, sizeof *batch->outcomes);
  free(batch);
}

/* The child's. */
static const differential_batch *running;

START_TEST(prove_cases)
{
  differential_outcomes *outcomes = running->outcomes;
  signal(SIGALRM, SIG_DFL); /* Check's handler would end the parent as well */
  for (; outcomes->finished < running->count; ++outcomes->finished) {
    alarm(running->seconds);
    const int served = running->prover(&running->cases[outcomes->finished]);
    outcomes->served[outcomes->finished] = served;
  }
}
END_TEST

/* The message of the one test's failure. */
static void keep_message(SRunner *runner, differential_outcomes *outcomes)
{
  TestResult **failures = srunner_failures(runner);
  snprintf(outcomes->message, sizeof outcomes->message, "%s", tr_msg(failures[0]));
  free(failures);
}

/* Check runs the cases, so that its assertions have somewhere to jump to. What was allocated when
 * one fails stays so: only where all is well may leaks be looked for, when the process exits. */
static _Noreturn void run_child(const differential_batch *batch)
{
  running = batch;
  Suite *suite = suite_create("differential");
  support_add(suite, prove_cases);
  SRunner *runner = srunner_create(suite);
  srunner_set_fork_status(runner, CK_NOFORK);
  srunner_run_all(runner, CK_SILENT);
  if (srunner_ntests_failed(runner) > 0) {
    keep_message(runner, batch->outcomes);
    _exit(EXIT_FAILURE);
  }
  srunner_free(runner);
  exit(EXIT_SUCCESS);
}

void differential_batch_start(differential_batch *batch)
{
  memset(batch->outcomes, 0, sizeof *batch->outcomes);
  fflush(NULL);
  batch->child = fork();
  if (batch->child < 0)
    abort();
  if (batch->child == 0)
    run_child(batch);
}

bool differential_batch_end(differential_batch *batch, int status)
{
  char *message = batch->outcomes->message;
  const size_t size = sizeof batch->outcomes->message;
  batch->outcomes->hung = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
  if (batch->outcomes->hung)
    snprintf(message, size, "not done after %u s", batch->seconds);
  else if (WIFSIGNALED(status))
    snprintf(message, size, "ended by signal %d (%s)", WTERMSIG(status),
             strsignal(WTERMSIG(status)));
  else if (WEXITSTATUS(status) != EXIT_SUCCESS && message[0] == '\0')
    snprintf(message, size, "exit status %d", WEXITSTATUS(status));
  return message[0] == '\0' && batch->outcomes->finished == batch->count;
}

bool differential_batch_wait(differential_batch *batch)
{
  int status = 0;
  if (waitpid(batch->child, &status, 0) != batch->child)
    abort();
  return differential_batch_end(batch, status);
}

bool differential_fails(const differential_case *which, differential_prover *prover, char *message)
{
  differential_batch *batch = differential_batch_create(prover);
  batch->cases[0] = *which;
  batch->count = 1;
  differential_batch_start(batch);
  const bool failed = !differential_batch_wait(batch);
  memcpy(message, batch->outcomes->message, DIFFERENTIAL_MESSAGE);
  differential_batch_destroy(batch);
  return failed;
}
