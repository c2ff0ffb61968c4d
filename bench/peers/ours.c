/* The library as one of the contenders, and what the comparison needs besides: tensors, the largest
 * difference, the peak and the bandwidth of the machine. */
#include "ours.h"
#include "copy.h"
#include "execution.h"
#include "machine.h"
#include "peak.h"
#include "peer.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct side {
  bench_execution execution;
  float *packed; /* NULL: the weights as they are */
} side;

static blasconv_problem problem_of(const peer_case *task)
{
  blasconv_problem problem =
      blasconv_problem_2d(task->batch, task->in_channels, task->input[0], task->input[1],
                          task->out_channels, task->kernel[0], task->kernel[1]);
  for (int axis = 0; axis < 2; ++axis) {
    problem.strides[axis] = task->strides[axis];
    problem.dilations[axis] = task->dilations[axis];
    problem.pads_begin[axis] = problem.pads_end[axis] = task->pads[axis];
  }
  problem.groups = task->groups;
  problem.layout = task->layout == PEER_NHWC ? BLASCONV_NHWC : BLASCONV_NCHW;
  return problem;
}

/* Has the plan read packed weights from now on. */
static blasconv_status pack(side *o)
{
  blasconv_arguments *arguments = &o->execution.arguments;
  const size_t bytes = blasconv_plan_packed_size(o->execution.plan);
  o->packed = bench_floats((int64_t)(bytes / sizeof(float)) + 1);
  const blasconv_status status =
      blasconv_plan_pack(o->execution.plan, arguments->weights, o->packed, bytes);
  arguments->weights = NULL;
  arguments->packed = o->packed;
  arguments->packed_bytes = bytes;
  return status;
}

const char *peer_version(void)
{
  return blasconv_version_string();
}

/* Whether the case's output is as large as the problem's. */
static bool fits(const blasconv_problem *problem, const peer_case *task)
{
  int64_t output[BLASCONV_MAX_RANK];
  return blasconv_problem_output(problem, output) != BLASCONV_SUCCESS ||
         (output[0] == task->output[0] && output[1] == task->output[1]);
}

static blasconv_status create(side *o, const peer_case *task, char *reason, int64_t size)
{
  const blasconv_problem problem = problem_of(task);
  const bench_operands operands = {
      .data = {task->tensor_input, task->tensor_weights, task->tensor_output}};
  blasconv_options options = bench_plan_options(task->algorithm, task->threads);
  options.packed_weights = task->packed_weights && task->pass != BLASCONV_BACKWARD_WEIGHTS;
  options.message = reason;
  options.message_size = (size_t)size;
  if (!fits(&problem, task))
    return BLASCONV_BAD_SIZE;
  const blasconv_status status = bench_execution_create(&problem, (blasconv_pass)task->pass,
                                                        &options, &operands, &o->execution);
  return status == BLASCONV_SUCCESS && options.packed_weights ? pack(o) : status;
}

void *peer_create(const peer_case *task, char *reason, int64_t size)
{
  side *o = calloc(1, sizeof *o);
  if (o == NULL)
    return NULL;
  const blasconv_status status = create(o, task, reason, size);
  if (status == BLASCONV_SUCCESS)
    return o;
  if (reason[0] == '\0')
    snprintf(reason, (size_t)size, "%s", blasconv_status_string(status));
  peer_destroy(o);
  return NULL;
}

int peer_run(void *peer)
{
  const bench_execution *e = &((side *)peer)->execution;
  return blasconv_plan_execute(e->plan, &e->arguments, e->workspace, e->workspace_bytes) !=
         BLASCONV_SUCCESS;
}

int peer_finish(void *peer)
{
  (void)peer;
  return 0;
}

const char *peer_describe(void *peer)
{
  const side *o = peer;
  return blasconv_plan_algorithm(o->execution.plan);
}

void peer_destroy(void *peer)
{
  side *o = peer;
  bench_execution_destroy(&o->execution);
  free(o->packed);
  free(o);
}

const char *ours_advice(void)
{
  return blasconv_blas_coretype_advice();
}

const char *ours_cpu(void)
{
  return bench_cpu_name();
}

float *ours_tensor(int64_t count)
{
  return bench_floats(count);
}

void ours_tensor_fill(float *tensor, int64_t count, uint32_t seed)
{
  bench_fill(tensor, count, seed);
}

void ours_tensor_poison(float *tensor, int64_t count)
{
  for (int64_t i = 0; i < count; ++i)
    tensor[i] = NAN;
}

void ours_tensor_free(float *tensor)
{
  free(tensor);
}

double ours_error(const float *ours, const float *theirs, int64_t count)
{
  double error = 0.0, largest = 0.0;
  for (int64_t i = 0; i < count; ++i) {
    const double difference = fabs((double)ours[i] - (double)theirs[i]);
    if (!isfinite(difference))
      return INFINITY;
    error = fmax(error, difference);
    largest = fmax(largest, fabs((double)ours[i]));
  }
  return error > 0.0 ? error / largest : 0.0;
}

/* The ceilings are the best of what is seen in so long: other work lowers them for a while. */
static const double SECONDS = 1.0;

double ours_peak_gflops(int threads)
{
  const double end = bench_now() + SECONDS;
  double best = 0.0;
  while (bench_now() < end)
    best = fmax(best, bench_peak_gflops(threads));
  return best;
}

double ours_copy_gbytes(int threads)
{
  const int64_t count = INT64_C(1) << 25; /* 128 MiB: no cache holds them */
  float *from = ours_tensor(count), *to = ours_tensor(count);
  bench_fill(from, count, 1);
  bench_fill(to, count, 2);
  const bench_copy copy = {from, to, count, threads};
  double best = INFINITY;
  const double end = bench_now() + SECONDS;
  while (bench_now() < end)
    best = fmin(best, bench_copy_run(&copy));
  free(from);
  free(to);
  return 2e-9 * (double)count * sizeof(float) / best;
}
