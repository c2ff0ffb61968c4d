/* A plan with tensors and workspace, ready to be timed. */
#ifndef BENCH_EXECUTION_H
#define BENCH_EXECUTION_H

#include "operands.h"

typedef struct bench_execution {
  blasconv_plan *plan;
  blasconv_arguments arguments;
  float *workspace;
  size_t workspace_bytes;
} bench_execution;

/* Fills the tensors that the pass reads with noise, the one that it writes with NaN. */
void bench_operands_fill(const bench_operands *operands, blasconv_pass pass);

/* The defaults but for the algorithm (NULL: the library chooses) and the threads. */
blasconv_options bench_plan_options(const char *algorithm, int threads);

/* Plans the pass on these tensors. Allocates the workspace. */
blasconv_status bench_execution_create(const blasconv_problem *problem, blasconv_pass pass,
                                       const blasconv_options *options,
                                       const bench_operands *operands, bench_execution *execution);

/* Allocates the workspace of the plan that is there. */
void bench_execution_add_workspace(bench_execution *execution);

void bench_execution_destroy(bench_execution *execution);

/* Executes once; context is a bench_execution. Returns the seconds, NaN if it failed. */
double bench_execution_run(const void *context);

#endif
