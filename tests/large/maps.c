#include "maps.h"

#include "oracle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHANNELS = 2 };

static const float scale[CHANNELS] = {2.0f, -3.0f}, shift[CHANNELS] = {5.0f, 7.0f};
static const float bias[CHANNELS] = {4.0f, -1.0f};
static const blasconv_activation relu = {BLASCONV_RELU, 0.0f};

/* A stack, and what an element of the result should be. */
typedef struct stack {
  blasconv_maps maps;
  const float *input, *other; /* the other: residual, or output gradient */
} stack;

typedef float element_truth(const stack *s, int64_t index, int64_t channel);
typedef blasconv_status function(const stack *s, float *result);

static float biased_relu(const stack *s, int64_t index, int64_t channel)
{
  const float y = s->input[index] + bias[channel];
  return y > 0.0f ? y : 0.0f;
}

static blasconv_status run_bias_activation(const stack *s, float *result)
{
  return blasconv_bias_activation_forward(&s->maps, s->input, bias, &relu, 0, result);
}

static float scaled(const stack *s, int64_t index, int64_t channel)
{
  return s->input[index] * scale[channel] + shift[channel];
}

static blasconv_status run_scale_shift(const stack *s, float *result)
{
  return blasconv_scale_shift_forward(&s->maps, s->input, scale, shift, 0, result);
}

static float summed(const stack *s, int64_t index, int64_t channel)
{
  (void)channel;
  return s->input[index] + s->other[index];
}

static blasconv_status run_residual(const stack *s, float *result)
{
  return blasconv_residual_forward(&s->maps, s->input, s->other, 0, result);
}

/* ReLU saves its output. */
static float through_relu(const stack *s, int64_t index, int64_t channel)
{
  (void)channel;
  return s->input[index] > 0.0f ? s->other[index] : 0.0f;
}

static blasconv_status run_backward(const stack *s, float *result)
{
  float sums[CHANNELS] = {0.0f, 0.0f}, expected[CHANNELS];
  const blasconv_status status = blasconv_bias_activation_backward(&s->maps, s->input, bias, &relu,
                                                                   s->other, 0, 0, result, sums);
  for (int64_t channel = 0; channel < CHANNELS; ++channel) {
    double sum = 0.0;
    for (int64_t pixel = 0; pixel < s->maps.pixels; ++pixel)
      sum += (double)through_relu(
          s, oracle_element(s->maps.layout, CHANNELS, s->maps.pixels, 0, channel, pixel), channel);
    expected[channel] = (float)sum;
  }
  if (sums[0] == expected[0] && sums[1] == expected[1])
    return status;
  printf("  bias gradients are %g and %g, not %g and %g\n", (double)sums[0], (double)sums[1],
         (double)expected[0], (double)expected[1]);
  return BLASCONV_BAD_ARGUMENT;
}

static int check(const stack *s, const char *name, function *run, element_truth *truth,
                 support_random *random)
{
  int wrong = 0;
  const int64_t pixels = s->maps.pixels;
  large_tensor result = large_tensor_written(CHANNELS * pixels, random);
  const blasconv_status status = run(s, result.data);
  for (int i = 0; i < result.window_count; ++i)
    for (int64_t at = result.windows[i].begin; at < result.windows[i].end; ++at) {
      const int64_t channel = s->maps.layout == BLASCONV_NCHW ? at / pixels : at % CHANNELS;
      wrong += !(result.data[at] == truth(s, at, channel));
    }
  printf("%-24s %s: %s, %d elements wrong\n", name,
         s->maps.layout == BLASCONV_NCHW ? "NCHW" : "NHWC", blasconv_status_string(status), wrong);
  fflush(stdout);
  large_tensor_free(&result);
  return wrong + (status != BLASCONV_SUCCESS);
}

int large_maps_check(support_random *random)
{
  const int64_t pixels = ((int64_t)1 << 31) + 1111;
  large_tensor input = large_tensor_read(CHANNELS * pixels, random);
  large_tensor other = large_tensor_read(CHANNELS * pixels, random);
  int wrong = 0;
  for (int layout = 0; layout < 2; ++layout) {
    const stack s = {layout == 0 ? blasconv_maps_nchw(1, CHANNELS, pixels)
                                 : blasconv_maps_nhwc(1, pixels, CHANNELS),
                     input.data, other.data};
    wrong += check(&s, "maps bias, activation", run_bias_activation, biased_relu, random);
    wrong += check(&s, "maps scale, shift", run_scale_shift, scaled, random);
    wrong += check(&s, "maps residual", run_residual, summed, random);
    wrong += check(&s, "maps backward", run_backward, through_relu, random);
  }
  large_tensor_free(&input);
  large_tensor_free(&other);
  return wrong;
}
