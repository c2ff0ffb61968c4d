/* The benchmark of the fused kernel, bias and activation, against a plain copy of the same bytes.
 */
#ifndef BENCH_ACTIVATIONS_H
#define BENCH_ACTIVATIONS_H

#include "session.h"

typedef struct bench_activations bench_activations;

/* Registers every activation on maps that fit the second-level cache and on maps that fit none, on
 * the first number of threads asked for. NULL if there is no memory. */
bench_activations *bench_activations_register(bench_session *session);

void bench_activations_print(const bench_activations *activations);

void bench_activations_free(bench_activations *activations);

#endif
