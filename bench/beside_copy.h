/* What is timed in turns with a plain copy of as many bytes, on the first number of threads asked
 * for. */
#ifndef BENCH_BESIDE_COPY_H
#define BENCH_BESIDE_COPY_H

#include "copy.h"
#include "session.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct bench_beside_copy {
  bench_session *session;
  const char *group, *shape, *what; /* its name: group/shape/what/threads:n */
  bool measured;
  double bytes; /* read and written */
  double seconds, copy_seconds;
} bench_beside_copy;

int bench_beside_copy_threads(const bench_session *session);

/* Registers function(context). */
void bench_beside_copy_register(const bench_beside_copy *c, bench_function *function,
                                void *context);

/* Shows the progress. */
void bench_beside_copy_begin(const bench_beside_copy *c);

/* Times the runner beside the copy, whose bytes are those of `c`. */
void bench_beside_copy_measure(bench_beside_copy *c, bench_state *state, bench_runner runner,
                               const bench_copy *copy);

void bench_beside_copy_fail(const bench_beside_copy *c, bench_state *state, const char *reason);

/* A row of the table, if it was measured; above the first of them, the title: what it is, and what
 * the copy is. `width` is that of the column of names. */
void bench_beside_copy_print(const bench_beside_copy *c, const char *title, const char *copy,
                             int width, bool *titled);

#endif
