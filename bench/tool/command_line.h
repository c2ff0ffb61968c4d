/* The command line of `blasconv-bench PROBLEM...`. */
#ifndef BENCH_COMMAND_LINE_H
#define BENCH_COMMAND_LINE_H

#include "problems.h"

enum { BENCH_TOOL_PASSES = 3, BENCH_MOST_THREAD_COUNTS = 16 };

typedef enum bench_format { BENCH_TABLE, BENCH_CSV, BENCH_JSON } bench_format;

typedef struct bench_command {
  bench_problems problems;
  bool passes[BENCH_TOOL_PASSES]; /* none: what each problem says */
  const char *layout, *algorithm; /* NULL: what each problem says; algorithm may be "all", "auto" */
  int threads[BENCH_MOST_THREAD_COUNTS]; /* [thread_counts]; none: what each problem says */
  int thread_counts;
  bool limited;
  size_t workspace_limit;
  bool measure; /* planning */
  const char *choices;
  bool verify, describe;
  bench_format format;
  double min_seconds;
  long repetitions; /* 0: nothing is timed */
  bool list, help, version;
} bench_command;

extern const char bench_tool_usage[];

/* Reads the command line and the problems that it names. Says on stderr what is wrong and returns
 * false. Free it with bench_command_free() in any case. */
bool bench_command_read(int argc, char **argv, bench_command *command);

void bench_command_free(bench_command *command);

#endif
