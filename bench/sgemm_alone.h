/* The matrix products of a pass and nothing else: what the lowering leaves to the BLAS, on matrices
 * that lie ready. */
#ifndef BENCH_SGEMM_ALONE_H
#define BENCH_SGEMM_ALONE_H

#include <blasconv/blasconv.h>

typedef struct bench_sgemm bench_sgemm;

/* Makes the matrices. NULL if there are none, if a product is too large for one call of the BLAS,
 * or if they take more than 8 GiB. */
bench_sgemm *bench_sgemm_create(const blasconv_problem *problem, blasconv_pass pass, int threads);

void bench_sgemm_destroy(bench_sgemm *sgemm);

/* Computes all products once. Returns the seconds it took. */
double bench_sgemm_run(const bench_sgemm *sgemm);

#endif
