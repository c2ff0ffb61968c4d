/* Workloads: the convolution layers of networks, as data. */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include <blasconv/blasconv.h>
#include <stdbool.h>

enum { BENCH_NAME_SIZE = 64 };

typedef struct bench_layer {
  char name[BENCH_NAME_SIZE];
  int64_t repeat;           /* how often the network has it */
  blasconv_problem problem; /* of batch 0 */
} bench_layer;

typedef struct bench_network {
  char name[BENCH_NAME_SIZE];
  bench_layer *layers; /* [count] */
  size_t count;
} bench_network;

/* Reads a file of shapes, one layer a line in the columns of bench/shapes, with or without a line
 * of column names before them; the network is called as the file is. Says on stderr what is wrong
 * with it and returns false. */
bool bench_network_read(const char *path, bench_network *network);

void bench_network_free(bench_network *network);

#endif
