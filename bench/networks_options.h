/* The command line of `blasconv-bench networks`. */
#ifndef BENCH_NETWORKS_OPTIONS_H
#define BENCH_NETWORKS_OPTIONS_H

#include <blasconv/blasconv.h>
#include <stdbool.h>

enum { BENCH_MAX_LIST = 16, BENCH_PASSES = 3 };

typedef struct bench_list {
  int64_t values[BENCH_MAX_LIST];
  int count;
} bench_list;

typedef struct bench_options {
  const char *networks; /* names of files in `shapes_dir`, separated by commas */
  const char *shapes_dir;
  const char *shapes;    /* a file of the user's own, or NULL */
  const char *algorithm; /* NULL: the library chooses */
  const char *csv_dir;   /* NULL: no files */
  bench_list batches, threads;
  bool passes[BENCH_PASSES];
  bool quick;
  bool help;
} bench_options;

extern const char bench_usage[];

/* Takes the options out of the command line and leaves what it does not know, argv [*argc + 1].
 * Says on stderr what is wrong with a value and returns false. */
bool bench_options_take(int *argc, char **argv, bench_options *options);

#endif
