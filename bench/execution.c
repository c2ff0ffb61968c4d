#include "execution.h"

#include "measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void bench_operands_fill(const bench_operands *operands, blasconv_pass pass)
{
  const int written = bench_written(pass);
  for (int t = 0; t < BENCH_TENSORS; ++t)
    if (t == written)
      memset(operands->data[t], 0xFF, (size_t)operands->count[t] * sizeof(float)); /* all NaN */
    else
      bench_fill(operands->data[t], operands->count[t], (uint32_t)t + 1);
}

blasconv_options bench_plan_options(const char *algorithm, int threads)
{
  blasconv_options options = blasconv_options_default();
  options.algorithm = algorithm;
  options.threads = threads;
  return options;
}

void bench_execution_add_workspace(bench_execution *execution)
{
  execution->workspace_bytes = blasconv_plan_workspace_size(execution->plan);
  execution->workspace = bench_floats((int64_t)(execution->workspace_bytes / sizeof(float)) + 1);
}

blasconv_status bench_execution_create(const blasconv_problem *problem, blasconv_pass pass,
                                       const blasconv_options *options,
                                       const bench_operands *operands, bench_execution *execution)
{
  *execution = (bench_execution){.arguments = bench_operands_arguments(operands, pass)};
  const blasconv_status status = blasconv_plan_create(problem, pass, options, &execution->plan);
  if (status == BLASCONV_SUCCESS)
    bench_execution_add_workspace(execution);
  return status;
}

void bench_execution_destroy(bench_execution *execution)
{
  free(execution->workspace);
  blasconv_plan_destroy(execution->plan);
}

double bench_execution_run(const void *context)
{
  const bench_execution *e = context;
  const double begin = bench_now();
  const blasconv_status status =
      blasconv_plan_execute(e->plan, &e->arguments, e->workspace, e->workspace_bytes);
  return status == BLASCONV_SUCCESS ? bench_now() - begin : NAN;
}
