/* Proof of a result by naive loops in double precision, which share nothing with the library. */
#ifndef BENCH_VERIFY_H
#define BENCH_VERIFY_H

#include "operands.h"

#include <stdbool.h>

/* What is claimed: that this pass, run with these options, has written this to the operands. */
typedef struct bench_claim {
  const blasconv_problem *problem;
  blasconv_pass pass;
  const blasconv_options *options; /* epilogue, accumulate */
  const char *algorithm;           /* by which: the bound of its errors hangs on it */
  const bench_operands *operands;
  const float *before;      /* with accumulate: what the written tensor held before */
  const float *bias_before; /* the same of the bias's gradient */
} bench_claim;

/* The element whose error is the largest share of what rounding may cause. */
typedef struct bench_verdict {
  bool right;             /* no element's error is above its bound, and all elements are finite */
  double error, bound;    /* of that element; the error is NaN if it is not finite */
  double share;           /* error / bound */
  int64_t checked, count; /* elements, those of the bias's gradient included */
} bench_verdict;

/* Checks every element, or where that would take more than a few seconds a sample of them, drawn
 * from the whole tensor; that all are finite is checked in any case. */
bench_verdict bench_verify(const bench_claim *claim);

#endif
