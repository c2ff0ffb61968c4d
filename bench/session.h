/* What all benchmarks of a run share. */
#ifndef BENCH_SESSION_H
#define BENCH_SESSION_H

#include "measure.h"
#include "networks_options.h"
#include "shim.h"
#include "workload.h"

#include <stdio.h>

typedef struct bench_session {
  bench_options options;
  bench_network *networks; /* [network_count] */
  size_t network_count;
  FILE *out; /* for tables: stdout, unless Google Benchmark has that */
  const char *cpu;
  bench_samples peaks[BENCH_MAX_LIST]; /* a sample holds GFLOP/s; by the index of the threads */
  int planned, started;                /* benchmarks */
  int failures;
} bench_session;

/* Plans a benchmark. */
void bench_session_register(bench_session *session, const char *name, bench_function *function,
                            void *context);

/* Begins a benchmark: shows its name and number, on a terminal only. */
void bench_session_progress(bench_session *session, const char *name);

/* Erases what is shown of the progress. */
void bench_session_progress_end(void);

/* Ends a benchmark as failed, and the program's exit status with it. */
void bench_session_fail(bench_session *session, bench_state *state, const char *name,
                        const char *reason);

/* Runs `runners` [count] in turn through all iterations of the benchmark, and several turns an
 * iteration if they are short; the time reported is that of the first. medians [count] gets the
 * seconds of each. */
void bench_alternate(const bench_session *session, bench_state *state, const bench_runner *runners,
                     int count, double *medians);

/* GFLOP/s of fused multiply-adds at options.threads.values[index]: measures once more and returns
 * the median of all measurements so far. */
double bench_session_peak(bench_session *session, int index);

#endif
