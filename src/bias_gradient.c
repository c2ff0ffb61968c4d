/* The gradient of the bias: each channel's sum of the output gradient. */
#include "bias_activation.h"
#include "cpu.h"
#include "kernels/kernels.h"
#include "parallel.h"

typedef struct sum_context {
  int64_t batch, channels, pixels;
  const float *output_gradient;
  bool accumulate;
  float *bias_gradient;
} sum_context;

void bc_bias_gradient_store(const double *totals, int64_t n, bool accumulate, float *gradient)
{
  for (int64_t i = 0; i < n; ++i)
    gradient[i] = accumulate ? gradient[i] + (float)totals[i] : (float)totals[i];
}

static void sum_channel(void *context, int64_t channel, int thread)
{
  (void)thread;
  const sum_context *s = context;
  const bc_kernels *kernels = bc_cpu_kernels();
  double total = 0.0;
  for (int64_t image = 0; image < s->batch; ++image)
    total +=
        kernels->sum(s->output_gradient + (image * s->channels + channel) * s->pixels, s->pixels);
  bc_bias_gradient_store(&total, 1, s->accumulate, s->bias_gradient + channel);
}

/* Maps of one pixel: neighbouring channels, image by image. */
static void sum_dense(void *context, int64_t task, int thread)
{
  (void)thread;
  const sum_context *s = context;
  const bc_range part = bc_block(task, bc_dense_block(s->batch), s->channels);
  const int64_t n = bc_range_length(part);
  double totals[BC_MOST_DENSE] = {0};
  for (int64_t image = 0; image < s->batch; ++image)
    bc_cpu_kernels()->add_to_sums(totals, s->output_gradient + image * s->channels + part.begin, n);
  bc_bias_gradient_store(totals, n, s->accumulate, s->bias_gradient + part.begin);
}

void bc_bias_gradient(const blasconv_maps *maps, const float *output_gradient, bool accumulate,
                      int threads, float *bias_gradient)
{
  const bool last = maps->layout == BLASCONV_NHWC;
  const int64_t batch = maps->batch * (last ? maps->pixels : 1), pixels = last ? 1 : maps->pixels;
  sum_context context = {batch, maps->channels, pixels, output_gradient, accumulate, bias_gradient};
  if (pixels == 1)
    bc_parallel_for(threads, bc_count_blocks(maps->channels, bc_dense_block(batch)), sum_dense,
                    &context);
  else
    bc_parallel_for(threads, maps->channels, sum_channel, &context);
}
