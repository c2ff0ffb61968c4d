/* Proof before speed: a result is compared with the algorithm `reference`, on a sample of it where
 * the whole would take too long. */
#ifndef BENCH_PROVE_H
#define BENCH_PROVE_H

#include "operands.h"

#include <stdbool.h>

typedef struct bench_proof {
  bool right;
  double
      naive_seconds; /* of `reference` for the whole problem, from the time that the sample took */
  char reason[160];  /* why it is not right */
} bench_proof;

/* Proves what an execution of the pass wrote to `operands`. */
bench_proof bench_prove(const blasconv_problem *problem, blasconv_pass pass, int threads,
                        const bench_operands *operands);

#endif
