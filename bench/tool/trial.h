/* One problem, pass, algorithm and number of threads: planned, executed, checked, timed. */
#ifndef BENCH_TRIAL_H
#define BENCH_TRIAL_H

#include "command_line.h"
#include "measure.h"
#include "record.h"

enum { BENCH_MOST_PEAKS = 64 };

/* The peak of a number of threads, as measured so far; a sample holds GFLOP/s. */
typedef struct bench_peak {
  int threads;
  bench_samples samples;
} bench_peak;

/* What the trials of a run share. */
typedef struct bench_bench {
  const bench_command *command;
  blasconv_choices *choices; /* NULL: none */
  const char *cpu, *library;
  bench_peak peaks[BENCH_MOST_PEAKS]; /* [peak_count] */
  int peak_count;
} bench_bench;

/* Does as the notation says; a number of threads must be in it. Fills the record. */
void bench_trial(bench_bench *bench, const bench_notation *notation, bench_record *record);

#endif
