#include "operands.h"

#include <stdio.h>
#include <stdlib.h>

bench_sizes bench_sizes_of(const blasconv_problem *problem)
{
  int64_t output[BLASCONV_MAX_RANK] = {0};
  blasconv_problem_output(problem, output);
  return (bench_sizes){
      .batch = problem->batch,
      .groups = problem->groups,
      .channels = problem->in_channels / problem->groups,
      .filters = problem->out_channels / problem->groups,
      .in_pixels = problem->input[0] * problem->input[1],
      .out_pixels = output[0] * output[1],
      .taps = problem->kernel[0] * problem->kernel[1],
  };
}

double bench_multiplications(const blasconv_problem *problem)
{
  const bench_sizes s = bench_sizes_of(problem);
  return (double)(s.batch * s.groups * s.filters * s.out_pixels) * (double)(s.channels * s.taps);
}

int bench_written(blasconv_pass pass)
{
  static const int written[] = {
      [BLASCONV_FORWARD] = BENCH_OUTPUT,
      [BLASCONV_BACKWARD_DATA] = BENCH_INPUT,
      [BLASCONV_BACKWARD_WEIGHTS] = BENCH_WEIGHTS,
  };
  return written[pass];
}

const char *bench_pass_name(blasconv_pass pass)
{
  static const char *const names[] = {
      [BLASCONV_FORWARD] = "forward",
      [BLASCONV_BACKWARD_DATA] = "backward_data",
      [BLASCONV_BACKWARD_WEIGHTS] = "backward_weights",
  };
  return names[pass];
}

float *bench_floats(int64_t count)
{
  const size_t alignment = BLASCONV_WORKSPACE_ALIGNMENT;
  const size_t bytes = (size_t)count * sizeof(float);
  float *data = aligned_alloc(alignment, (bytes / alignment + 1) * alignment);
  if (data == NULL) {
    fprintf(stderr, "blasconv-bench: no memory for %zu bytes\n", bytes);
    exit(EXIT_FAILURE);
  }
  return data;
}

/* A number's bits stirred until neighbours have nothing in common. */
static uint32_t stir(uint32_t bits)
{
  bits = (bits ^ (bits >> 16)) * UINT32_C(0x7FEB352D);
  bits = (bits ^ (bits >> 15)) * UINT32_C(0x846CA68B);
  return bits ^ (bits >> 16);
}

void bench_fill(float *data, int64_t count, uint32_t seed)
{
  const uint32_t start = stir(seed);
#pragma omp parallel for default(none) shared(data, count, start) schedule(static)
  for (int64_t i = 0; i < count; ++i)
    data[i] = (float)(int32_t)stir((uint32_t)i + start) * 0x1p-31f;
}

bench_operands bench_operands_allocate(const blasconv_problem *problem)
{
  const bench_sizes s = bench_sizes_of(problem);
  bench_operands operands = {.count = {s.batch * s.groups * s.channels * s.in_pixels,
                                       s.groups * s.filters * s.channels * s.taps,
                                       s.batch * s.groups * s.filters * s.out_pixels}};
  for (int t = 0; t < BENCH_TENSORS; ++t)
    operands.data[t] = bench_floats(operands.count[t]);
  return operands;
}

void bench_operands_free(bench_operands *operands)
{
  for (int t = 0; t < BENCH_TENSORS; ++t)
    free(operands->data[t]);
}

blasconv_arguments bench_operands_arguments(const bench_operands *operands, blasconv_pass pass)
{
  float *input = operands->data[BENCH_INPUT], *weights = operands->data[BENCH_WEIGHTS],
        *output = operands->data[BENCH_OUTPUT];
  blasconv_arguments arguments = blasconv_arguments_none();
  switch (pass) {
  case BLASCONV_FORWARD:
    arguments.input = input, arguments.weights = weights, arguments.output = output;
    break;
  case BLASCONV_BACKWARD_DATA:
    arguments.weights = weights, arguments.output_gradient = output;
    arguments.input_gradient = input;
    break;
  case BLASCONV_BACKWARD_WEIGHTS:
    arguments.input = input, arguments.output_gradient = output;
    arguments.weights_gradient = weights;
    break;
  }
  return arguments;
}
