/* What came out for one problem, pass, algorithm and number of threads, and how it is printed. */
#ifndef BENCH_RECORD_H
#define BENCH_RECORD_H

#include "command_line.h"

#include <stdio.h>

/* Numbers that were not measured are NaN, counts -1, texts empty. */
typedef struct bench_record {
  char problem[1024]; /* in the notation, with all that was asked for */
  char name[BENCH_WORD_SIZE];
  char pass[BENCH_WORD_SIZE];
  char algorithm[BENCH_WORD_SIZE];
  int64_t threads;
  char status[16]; /* "ok", "wrong", "refused" or "failed" */
  char reason[256];
  double milliseconds, gflops;
  double sgemm_milliseconds, share_of_sgemm;
  double peak_gflops, share_of_peak;
  double gigabytes_per_second, share_of_copy; /* of depthwise convolutions */
  int64_t workspace_bytes, samples;
  double error, bound;
  int64_t checked, elements;
  char cpu[128], library[256];
  char description[8192]; /* of the plan; no column */
} bench_record;

/* A record in which nothing has been measured. */
void bench_record_clear(bench_record *record);

/* What stands before the first record, between two, and behind the last. */
void bench_report_begin(bench_format format, const char *cpu, const char *library, FILE *out);
void bench_report_add(bench_format format, const bench_record *record, bool first, FILE *out);
void bench_report_end(bench_format format, FILE *out);

#endif
