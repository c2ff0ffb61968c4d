/* The benchmark of threads: each layer of a network on 1, 2, 4, ... threads in turn. */
#ifndef BENCH_SCALING_H
#define BENCH_SCALING_H

#include "session.h"

typedef struct bench_scaling bench_scaling;

/* Registers the layers of networks[0], up to the largest number of threads and at the largest batch
 * asked for. NULL if that is one thread. */
bench_scaling *bench_scaling_register(bench_session *session);

void bench_scaling_print(const bench_scaling *scaling);

void bench_scaling_free(bench_scaling *scaling);

#endif
