/* The fused kernel act(in + bias) and its gradient, over whole tensors; the arithmetic on rows is
 * in kernels/. */
#include "bias_activation.h"

#include "cpu.h"
#include "kernels/kernels.h"
#include "parallel.h"
#include "plan.h"

#include <math.h>

/* Adding -0 changes no float, adding +0 would change -0. */
static const float NO_BIAS = -0.0f;

static const blasconv_activation IDENTITY = {BLASCONV_IDENTITY, 0.0f};

enum {
  CHUNK = 1 << 10 /* of a gradient that is summed while it is in the first-level cache */
};

bool bc_activation_check(const blasconv_activation *activation)
{
  switch (activation->kind) {
  case BLASCONV_LEAKY_RELU:
  case BLASCONV_ELU:
    return isfinite(activation->alpha) && activation->alpha >= 0.0f;
  case BLASCONV_CLIPPED_RELU:
    return isfinite(activation->alpha) && activation->alpha > 0.0f;
  case BLASCONV_IDENTITY:
  case BLASCONV_RELU:
  case BLASCONV_SIGMOID:
  case BLASCONV_TANH:
  case BLASCONV_SILU:
  case BLASCONV_GELU_ERF:
  case BLASCONV_GELU_TANH:
    return true;
  }
  return false;
}

blasconv_saved blasconv_activation_saves(blasconv_activation_kind kind)
{
  return kind == BLASCONV_SILU || kind == BLASCONV_GELU_ERF || kind == BLASCONV_GELU_TANH
             ? BLASCONV_SAVED_INPUT
             : BLASCONV_SAVED_OUTPUT;
}

/* ---- forward ---- */

typedef struct forward_context {
  const blasconv_maps *maps;
  const float *input, *bias;
  blasconv_activation activation;
  float *output;
  int64_t elements; /* of the whole tensor */
} forward_context;

/* The elements from `begin` on, at most up to `end`, that one kernel call serves: without bias all
 * of them, in maps of one pixel the rest of an image, else the rest of a map. Returns their end. */
static int64_t activate_run(const forward_context *f, int64_t begin, int64_t end)
{
  const bc_kernels *kernels = bc_cpu_kernels();
  const int64_t channels = f->maps->channels, pixels = f->maps->pixels;
  const float *input = f->input + begin;
  float *output = f->output + begin;
  if (f->bias == NULL) {
    kernels->activate(f->activation, input, NO_BIAS, output, end - begin);
    return end;
  }
  const int64_t row = pixels == 1 ? channels : pixels;
  end = bc_min(end, (begin / row + 1) * row);
  if (pixels == 1)
    kernels->activate_channels(f->activation, input, f->bias + begin % row, output, end - begin);
  else
    kernels->activate(f->activation, input, f->bias[begin / row % channels], output, end - begin);
  return end;
}

/* BC_TASK_ELEMENTS of the tensor taken as one row: parts of a large map, or many small maps. */
static void forward_task(void *context, int64_t task, int thread)
{
  (void)thread;
  const forward_context *f = context;
  const bc_range part = bc_block(task, BC_TASK_ELEMENTS, f->elements);
  for (int64_t i = part.begin; i < part.end;)
    i = activate_run(f, i, part.end);
}

static blasconv_status check_common(const blasconv_maps *maps,
                                    const blasconv_activation *activation, int32_t asked,
                                    int *threads)
{
  const blasconv_status status = bc_maps_check(maps);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (!bc_activation_check(activation))
    return BLASCONV_BAD_ARGUMENT;
  return bc_threads_check(asked, threads) ? BLASCONV_SUCCESS : BLASCONV_BAD_SIZE;
}

blasconv_status blasconv_bias_activation_forward(const blasconv_maps *maps, const float *input,
                                                 const float *bias,
                                                 const blasconv_activation *activation,
                                                 int32_t threads, float *output)
{
  int team;
  if (activation == NULL)
    activation = &IDENTITY;
  const blasconv_status status = check_common(maps, activation, threads, &team);
  if (status != BLASCONV_SUCCESS)
    return status;
  const int64_t elements = maps->batch * maps->channels * maps->pixels;
  if (elements > 0 && (input == NULL || output == NULL))
    return BLASCONV_NULL_POINTER;
  forward_context context = {maps, input, bias, *activation, output, elements};
  bc_parallel_for(team, bc_count_blocks(elements, BC_TASK_ELEMENTS), forward_task, &context);
  return BLASCONV_SUCCESS;
}

/* ---- backward ---- */

typedef struct backward_context {
  const blasconv_maps *maps;
  const float *saved, *bias;
  blasconv_activation activation;
  const float *output_gradient;
  bool accumulate;
  float *input_gradient, *bias_gradient;
} backward_context;

/* One channel over the whole batch, so that its sum has one owner and one order. */
static void backward_task(void *context, int64_t channel, int thread)
{
  (void)thread;
  const backward_context *b = context;
  const bc_kernels *kernels = bc_cpu_kernels();
  const float bias = b->bias ? b->bias[channel] : NO_BIAS;
  const int64_t pixels = b->maps->pixels;
  double total = 0.0;
  for (int64_t image = 0; image < b->maps->batch; ++image) {
    const int64_t map = (image * b->maps->channels + channel) * pixels;
    for (int64_t i = 0; i < pixels; i += CHUNK) {
      const int64_t at = map + i, n = bc_min(CHUNK, pixels - i);
      kernels->differentiate(b->activation, b->saved + at, bias, b->output_gradient + at,
                             b->input_gradient + at, n);
      if (b->bias_gradient != NULL)
        total += kernels->sum(b->input_gradient + at, n);
    }
  }
  if (b->bias_gradient != NULL)
    bc_bias_gradient_store(&total, 1, b->accumulate, b->bias_gradient + channel);
}

/* Maps of one pixel: neighbouring channels over the whole batch, image by image. */
static void backward_dense_task(void *context, int64_t task, int thread)
{
  (void)thread;
  const backward_context *b = context;
  const bc_kernels *kernels = bc_cpu_kernels();
  const int64_t channels = b->maps->channels;
  const bc_range part = bc_block(task, bc_dense_block(b->maps->batch), channels);
  const int64_t n = bc_range_length(part);
  double totals[BC_MOST_DENSE] = {0};
  for (int64_t image = 0; image < b->maps->batch; ++image) {
    const int64_t at = image * channels + part.begin;
    float *gradient = b->input_gradient + at;
    if (b->bias != NULL)
      kernels->differentiate_channels(b->activation, b->saved + at, b->bias + part.begin,
                                      b->output_gradient + at, gradient, n);
    else
      kernels->differentiate(b->activation, b->saved + at, NO_BIAS, b->output_gradient + at,
                             gradient, n);
    if (b->bias_gradient != NULL)
      kernels->add_to_sums(totals, gradient, n);
  }
  if (b->bias_gradient != NULL)
    bc_bias_gradient_store(totals, n, b->accumulate, b->bias_gradient + part.begin);
}

blasconv_status blasconv_bias_activation_backward(const blasconv_maps *maps, const float *saved,
                                                  const float *bias,
                                                  const blasconv_activation *activation,
                                                  const float *output_gradient, int32_t threads,
                                                  int32_t accumulate, float *input_gradient,
                                                  float *bias_gradient)
{
  int team;
  if (activation == NULL)
    activation = &IDENTITY;
  const blasconv_status status = check_common(maps, activation, threads, &team);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (accumulate != 0 && accumulate != 1)
    return BLASCONV_BAD_ARGUMENT;
  if (maps->batch > 0 && (saved == NULL || output_gradient == NULL || input_gradient == NULL))
    return BLASCONV_NULL_POINTER;
  if (blasconv_activation_saves(activation->kind) == BLASCONV_SAVED_OUTPUT)
    bias = NULL; /* it is in the output already */
  backward_context context = {
      maps, saved, bias, *activation, output_gradient, accumulate, input_gradient, bias_gradient};
  if (maps->pixels == 1)
    bc_parallel_for(team, bc_count_blocks(maps->channels, bc_dense_block(maps->batch)),
                    backward_dense_task, &context);
  else
    bc_parallel_for(team, maps->channels, backward_task, &context);
  return BLASCONV_SUCCESS;
}
