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

static void sum_channel(void *context, int64_t channel, int thread)
{
  (void)thread;
  const sum_context *s = context;
  const bc_kernels *kernels = bc_cpu_kernels();
  double total = 0.0;
  for (int64_t image = 0; image < s->batch; ++image)
    total +=
        kernels->sum(s->output_gradient + (image * s->channels + channel) * s->pixels, s->pixels);
  float *gradient = s->bias_gradient + channel;
  *gradient = s->accumulate ? *gradient + (float)total : (float)total;
}

void bc_bias_gradient(int64_t batch, int64_t channels, int64_t pixels, const float *output_gradient,
                      bool accumulate, int threads, float *bias_gradient)
{
  sum_context context = {batch, channels, pixels, output_gradient, accumulate, bias_gradient};
  bc_parallel_for(threads, channels, sum_channel, &context);
}
