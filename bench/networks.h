/* The benchmark of convolution layers, each alone and summed over its network. */
#ifndef BENCH_NETWORKS_H
#define BENCH_NETWORKS_H

#include "session.h"

/* What was measured of one layer and pass, or summed over several. */
typedef struct bench_figures {
  double flops, ours, naive, sgemm; /* operations of the direct algorithm; seconds */
  double peak;                      /* GFLOP/s of fused multiply-adds */
} bench_figures;

/* One layer and pass at one batch and number of threads. */
typedef struct bench_case {
  bench_session *session;
  const bench_network *network;
  const bench_layer *layer;
  blasconv_problem problem;
  blasconv_pass pass;
  int threads_index; /* into options.threads */
  bool measured;     /* proved and timed: the rest is known */
  const char *algorithm;
  bench_figures figures;
} bench_case;

/* All cases; those of one network, pass, batch and number of threads lie together, a case for each
 * layer of the network. */
typedef struct bench_cases {
  bench_case *cases; /* [count] */
  size_t count;
} bench_cases;

int bench_case_threads(const bench_case *c);

/* Registers all cases, and after those of a network its weighted total. */
bench_cases bench_networks_register(bench_session *session);

/* Weighted sum of the cases of the network that begins at `first`, those of one algorithm or, if it
 * is NULL, all. Returns how many cases were summed. */
size_t bench_network_sum(const bench_case *first, const char *algorithm, bench_figures *sum);

#endif
