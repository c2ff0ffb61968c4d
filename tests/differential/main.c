/*
 * Random problems of the whole space, run in random ways, against the oracle. One that fails is
 * shrunk to the smallest that does, and printed as a line for blasconv-bench --verify.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "children.h"
#include "coverage.h"
#include "shrink.h"

#include "support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

/* With so many problems every cell of the space must have been hit. */
enum { covering = 2000 };

enum { most_jobs = 256, most_failures = 10, progress_seconds = 10 };

static const char usage[] =
    "blasconv-differential [--problems N] [--first I] [--seed S] [--jobs J]\n"
    "                      proves N random problems (2000), from number I (0), J at a time (1)\n"
    "blasconv-differential --case 'n2 c3 in5x5 ...' [--problems N]\n"
    "                      proves one problem with N different tensors; shrinks it if it fails\n";

/* What is to be done. */
typedef struct settings {
  uint64_t problems, first;
  int jobs;
  const char *words; /* of --case, or NULL */
} settings;

/* A run on its way. */
typedef struct run {
  settings settings;
  uint64_t next, done;
  int failures;
  differential_coverage coverage;
  time_t started, told;
  differential_batch *workers[most_jobs];
} run;

/* ---------------------------------------------------------------------------------------------
 * Failures
 * ------------------------------------------------------------------------------------------ */

static bool still_fails(const differential_case *which, void *context)
{
  (void)context;
  char message[DIFFERENTIAL_MESSAGE];
  return differential_fails(which, differential_prove, message);
}

static void print_failure(const differential_case *which, const char *message)
{
  char line[DIFFERENTIAL_LINE];
  printf("FAILED: problem %" PRIu64 ": %s\n  %s\n", which->stream, message,
         differential_line(which, line));
  fflush(stdout);
}

/* Says what the smallest case is that fails as this one does. If a forced algorithm refused, the
 * library's choice was what failed. */
static void report_smallest(const differential_case *which)
{
  char line[DIFFERENTIAL_LINE], why[DIFFERENTIAL_MESSAGE];
  differential_case smallest = *which;
  if (!still_fails(&smallest, NULL))
    smallest.notation.algorithm[0] = '\0';
  if (!differential_fails(&smallest, differential_prove, why)) {
    printf("It does not fail alone.\n");
    return;
  }
  differential_shrink(&smallest, still_fails, NULL);
  differential_fails(&smallest, differential_prove, why);
  printf("The smallest that fails: %s\n  blasconv-bench --verify '%s'\n", why,
         differential_line(&smallest, line));
  fflush(stdout);
}

/* The case of a batch that failed; a leak shows only when all have run, so each runs again alone.
 */
static const differential_case *find_failure(const differential_batch *batch, char *message)
{
  memcpy(message, batch->outcomes->message, DIFFERENTIAL_MESSAGE);
  if (batch->outcomes->finished < batch->count)
    return &batch->cases[batch->outcomes->finished];
  for (int i = 0; i < batch->count; ++i)
    if (differential_fails(&batch->cases[i], differential_prove_served, message))
      return &batch->cases[i];
  return NULL;
}

/* ---------------------------------------------------------------------------------------------
 * Many problems
 * ------------------------------------------------------------------------------------------ */

/* Deals the next cases to a batch and starts it. @return false if there are none */
static bool deal_out(run *state, differential_batch *batch)
{
  batch->count = 0;
  const uint64_t end = state->settings.first + state->settings.problems;
  while (batch->count < DIFFERENTIAL_BATCH && state->next < end)
    batch->cases[batch->count++] = differential_draw(state->next++);
  if (batch->count > 0)
    differential_batch_start(batch);
  return batch->count > 0;
}

/* Starts what is left of a batch after a case that failed. @return false if nothing is */
static bool go_on(differential_batch *batch)
{
  const int gone = batch->outcomes->finished + 1;
  if (gone >= batch->count)
    return false;
  batch->count -= gone;
  memmove(batch->cases, batch->cases + gone, (size_t)batch->count * sizeof *batch->cases);
  differential_batch_start(batch);
  return true;
}

static void tell_progress(run *state)
{
  const time_t now = time(NULL);
  if (now - state->told < progress_seconds)
    return;
  state->told = now;
  printf("%" PRIu64 " of %" PRIu64 " problems, %d failures, %.0f s\n", state->done,
         state->settings.problems, state->failures, difftime(now, state->started));
  fflush(stdout);
}

/* Takes in what a batch has come to. @return whether a child is running again */
static bool take_in(run *state, differential_batch *batch, int status)
{
  const bool proved = differential_batch_end(batch, status);
  for (int i = 0; i < batch->outcomes->finished; ++i)
    differential_cover(&state->coverage, &batch->cases[i], batch->outcomes->served[i]);
  state->done += (uint64_t)batch->outcomes->finished;
  tell_progress(state);
  if (proved)
    return deal_out(state, batch);
  char message[DIFFERENTIAL_MESSAGE];
  const differential_case *failing = find_failure(batch, message);
  ++state->failures;
  if (failing)
    print_failure(failing, message);
  else
    printf("FAILED: together only: %s\n", message);
  if (failing && !batch->outcomes->hung) /* to shrink those would take hours */
    report_smallest(failing);
  if (state->failures >= most_failures)
    return false;
  return go_on(batch) || deal_out(state, batch);
}

static differential_batch *worker_of(run *state, pid_t child)
{
  for (int i = 0; i < state->settings.jobs; ++i)
    if (state->workers[i]->child == child)
      return state->workers[i];
  return NULL;
}

static void run_all(run *state)
{
  int running = 0;
  for (int i = 0; i < state->settings.jobs; ++i) {
    state->workers[i] = differential_batch_create(differential_prove_served);
    running += deal_out(state, state->workers[i]);
  }
  while (running > 0) {
    int status = 0;
    differential_batch *batch = worker_of(state, wait(&status));
    if (batch && !take_in(state, batch, status))
      --running;
  }
  for (int i = 0; i < state->settings.jobs; ++i)
    differential_batch_destroy(state->workers[i]);
}

static int prove_many(const settings *chosen)
{
  run state = {.settings = *chosen, .next = chosen->first, .started = time(NULL)};
  state.told = state.started;
  run_all(&state);
  const bool complete = state.failures == 0 && chosen->problems >= covering;
  const int empty = differential_report(&state.coverage, complete);
  printf("%" PRIu64 " problems proved, %d failed, seed %" PRIu64 ", %.0f s\n", state.done,
         state.failures, support_seed(), difftime(time(NULL), state.started));
  return state.failures == 0 && empty == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---------------------------------------------------------------------------------------------
 * One problem
 * ------------------------------------------------------------------------------------------ */

static int prove_one(const settings *chosen)
{
  differential_case which;
  bench_notation_error error;
  if (!bench_notation_parse(chosen->words, &which.notation, &error)) {
    fprintf(stderr, "%s\n%*s^ %s\n", chosen->words, (int)error.position, "", error.reason);
    return EXIT_FAILURE;
  }
  if (which.notation.threads == 0)
    which.notation.threads = 1;
  for (uint64_t i = 0; i < chosen->problems; ++i) {
    char message[DIFFERENTIAL_MESSAGE];
    which.stream = chosen->first + i;
    if (differential_fails(&which, differential_prove_served, message)) {
      print_failure(&which, message);
      report_smallest(&which);
      return EXIT_FAILURE;
    }
  }
  printf("proved with %" PRIu64 " different tensors\n", chosen->problems);
  return EXIT_SUCCESS;
}

/* ---------------------------------------------------------------------------------------------
 * Command line
 * ------------------------------------------------------------------------------------------ */

/* @return false if the arguments make no sense */
static bool read_arguments(int count, char **arguments, settings *chosen)
{
  bool problems = false;
  for (int i = 1; i < count; i += 2) {
    if (i + 1 == count)
      return false;
    const char *name = arguments[i], *value = arguments[i + 1];
    if (strcmp(name, "--problems") == 0) {
      chosen->problems = strtoull(value, NULL, 10);
      problems = true;
    } else if (strcmp(name, "--first") == 0)
      chosen->first = strtoull(value, NULL, 10);
    else if (strcmp(name, "--seed") == 0)
      setenv("BLASCONV_TEST_SEED", value, 1);
    else if (strcmp(name, "--jobs") == 0)
      chosen->jobs = (int)strtol(value, NULL, 10);
    else if (strcmp(name, "--case") == 0)
      chosen->words = value;
    else
      return false;
  }
  if (!problems)
    chosen->problems = chosen->words ? 1 : covering;
  if (chosen->jobs > most_jobs)
    chosen->jobs = most_jobs;
  return chosen->problems > 0 && chosen->jobs > 0;
}

int main(int count, char **arguments)
{
  settings chosen = {.jobs = 1};
  if (!read_arguments(count, arguments, &chosen)) {
    fputs(usage, stderr);
    return 2;
  }
  printf("BLASCONV_TEST_SEED=%" PRIu64 "\n", support_seed());
  return chosen.words ? prove_one(&chosen) : prove_many(&chosen);
}
