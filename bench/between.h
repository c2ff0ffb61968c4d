/* The benchmark of what stands between convolutions, pooling and batch normalisation, against a
 * plain copy of the same bytes. */
#ifndef BENCH_BETWEEN_H
#define BENCH_BETWEEN_H

#include "session.h"

typedef struct bench_between bench_between;

/* Registers every function on maps that fit the second-level cache and on maps that fit none, on
 * the first number of threads asked for. NULL if there is no memory. */
bench_between *bench_between_register(bench_session *session);

void bench_between_print(const bench_between *between);

void bench_between_free(bench_between *between);

#endif
