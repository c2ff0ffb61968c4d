/* The benchmark of NHWC against NCHW. */
#ifndef BENCH_LAYOUTS_H
#define BENCH_LAYOUTS_H

#include "session.h"

typedef struct bench_layouts bench_layouts;

/* Registers a benchmark for each network and pass, at the first batch and number of threads; with
 * --quick at a quarter of the batch. NULL if there is no memory. */
bench_layouts *bench_layouts_register(bench_session *session);

/* The table; nothing where nothing was timed. */
void bench_layouts_print(const bench_layouts *layouts);

void bench_layouts_free(bench_layouts *layouts);

#endif
