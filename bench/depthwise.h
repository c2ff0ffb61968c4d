/* The benchmark of depthwise layers against a plain copy: they move more than they compute. */
#ifndef BENCH_DEPTHWISE_H
#define BENCH_DEPTHWISE_H

#include "session.h"

typedef struct bench_depthwise bench_depthwise;

/* Registers two benchmarks for each pass of each network that has depthwise layers, at the first
 * number of threads: with the first batch and tensors that come from memory, and with one image and
 * tensors that stay in the caches as far as they fit. NULL if there is no memory. */
bench_depthwise *bench_depthwise_register(bench_session *session);

/* The table; nothing where nothing was timed. */
void bench_depthwise_print(const bench_depthwise *depthwise);

void bench_depthwise_free(bench_depthwise *depthwise);

#endif
