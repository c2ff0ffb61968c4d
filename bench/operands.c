#include "operands.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* The product of extents [rank]. */
static int64_t product(const int64_t *extents, int32_t rank)
{
  int64_t all = 1;
  for (int32_t axis = 0; axis < rank; ++axis)
    all *= extents[axis];
  return all;
}

bench_sizes bench_sizes_of(const blasconv_problem *problem)
{
  const bool transposed = problem->direction == BLASCONV_TRANSPOSED;
  int64_t output[BLASCONV_MAX_RANK] = {0};
  blasconv_problem_output(problem, output);
  const int64_t in_channels = problem->in_channels / problem->groups,
                out_channels = problem->out_channels / problem->groups,
                in_pixels = product(problem->input, problem->rank),
                out_pixels = product(output, problem->rank);
  return (bench_sizes){
      .batch = problem->batch,
      .groups = problem->groups,
      .channels = transposed ? out_channels : in_channels,
      .filters = transposed ? in_channels : out_channels,
      .in_pixels = transposed ? out_pixels : in_pixels,
      .out_pixels = transposed ? in_pixels : out_pixels,
      .taps = product(problem->kernel, problem->rank),
  };
}

blasconv_pass bench_direct_pass(const blasconv_problem *problem, blasconv_pass pass)
{
  if (problem->direction != BLASCONV_TRANSPOSED || pass == BLASCONV_BACKWARD_WEIGHTS)
    return pass;
  return pass == BLASCONV_FORWARD ? BLASCONV_BACKWARD_DATA : BLASCONV_FORWARD;
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

void bench_operands_add(bench_operands *operands, int tensor, int64_t count)
{
  operands->count[tensor] = count;
  operands->memory[tensor] = bench_floats(count + operands->offset);
  operands->data[tensor] = operands->memory[tensor] + operands->offset;
}

bench_operands bench_operands_allocate(const blasconv_problem *problem, int offset)
{
  const bench_sizes s = bench_sizes_of(problem);
  const bool transposed = problem->direction == BLASCONV_TRANSPOSED;
  bench_operands operands = {.offset = offset};
  bench_operands_add(&operands, transposed ? BENCH_OUTPUT : BENCH_INPUT,
                     s.batch * s.groups * s.channels * s.in_pixels);
  bench_operands_add(&operands, BENCH_WEIGHTS, s.groups * s.filters * s.channels * s.taps);
  bench_operands_add(&operands, transposed ? BENCH_INPUT : BENCH_OUTPUT,
                     s.batch * s.groups * s.filters * s.out_pixels);
  return operands;
}

void bench_operands_free(bench_operands *operands)
{
  for (int t = 0; t < BENCH_ALL_TENSORS; ++t)
    free(operands->memory[t]);
}

blasconv_arguments bench_operands_arguments(const bench_operands *operands, blasconv_pass pass)
{
  float *const *data = operands->data;
  blasconv_arguments arguments = blasconv_arguments_none();
  switch (pass) {
  case BLASCONV_FORWARD:
    arguments.input = data[BENCH_INPUT], arguments.weights = data[BENCH_WEIGHTS];
    arguments.bias = data[BENCH_BIAS], arguments.residual = data[BENCH_RESIDUAL];
    arguments.scale = data[BENCH_SCALE], arguments.shift = data[BENCH_SHIFT];
    arguments.output = data[BENCH_OUTPUT];
    break;
  case BLASCONV_BACKWARD_DATA:
    arguments.weights = data[BENCH_WEIGHTS], arguments.output_gradient = data[BENCH_OUTPUT];
    arguments.input_gradient = data[BENCH_INPUT];
    break;
  case BLASCONV_BACKWARD_WEIGHTS:
    arguments.input = data[BENCH_INPUT], arguments.output_gradient = data[BENCH_OUTPUT];
    arguments.weights_gradient = data[BENCH_WEIGHTS];
    arguments.bias_gradient = data[BENCH_BIAS];
    break;
  }
  return arguments;
}
