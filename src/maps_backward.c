/* The gradient through bias and activation, and its sum for each channel, which is the gradient of
 * the bias. */
#include "maps.h"

#include "cpu.h"
#include "kernels/kernels.h"
#include "parallel.h"
#include "pieces.h"
#include "plan.h"

#include <string.h>

enum {
  MOST_CHANNELS = 256, /* of a pixel, that a task sums */
  MOST_SUMS = 1 << 12  /* of all tasks, that wait to be added up */
};

/* A task sums some channels over some of their elements, in order. Where channels are too few to
 * keep cores busy, the elements are divided among slots, whose sums are added in order at the end;
 * how many slots follows from the sizes alone. */
typedef struct context {
  blasconv_maps maps; /* merged */
  blasconv_activation activation;
  const float *saved, *bias, *output_gradient;
  float
      *input_gradient; /* NULL: there is no activation, and what is summed is the other gradient */
  float *bias_gradient;
  bool accumulate;
  int64_t channels;        /* of a task */
  int64_t elements, slots; /* of a channel */
  double *sums;            /* [slots][channels of the maps] */
} context;

/* Returns the gradient of n elements from `at` on, which is written first if it has to be. */
static const float *gradient_of(const context *c, const float *bias, int64_t bias_step, int64_t at,
                                int64_t n)
{
  const float *output_gradient = c->output_gradient + at;
  if (c->input_gradient == NULL)
    return output_gradient;
  float *gradient = c->input_gradient + at;
  bc_cpu_kernels()->differentiate(c->activation, c->saved + at, bias, bias_step, output_gradient,
                                  gradient, n);
  return gradient;
}

/* One channel; elements count its pixels through all images. */
static double sum_channel(const context *c, int64_t channel, bc_range elements)
{
  enum { MOST = 2 * BC_PIECE };
  const bc_kernels *kernels = bc_cpu_kernels();
  const int64_t pixels = c->maps.pixels;
  const float *bias = c->bias ? c->bias + channel : NULL;
  double total = 0.0;
  for (int64_t i = elements.begin, n; i < elements.end; i += n) {
    const int64_t pixel = i % pixels, map = i / pixels * c->maps.channels + channel;
    n = bc_min(bc_min(elements.end - i, pixels - pixel), MOST);
    const float *gradient = gradient_of(c, bias, 0, map * pixels + pixel, n);
    if (c->bias_gradient != NULL)
      total += kernels->sum(gradient, n);
  }
  return total;
}

/* Channels side by side; totals [BC_PIECE] are zero at first, those of the channels come first at
 * the end. */
static void sum_pixels(const context *c, bc_range channels, bc_range pixels, double *totals)
{
  const bc_kernels *kernels = bc_cpu_kernels();
  const int64_t all = c->maps.channels, some = bc_range_length(channels);
  const int64_t together = some == all ? bc_piece_pixels(all) : 1;
  float copies[BC_PIECE];
  const float *bias = c->bias ? c->bias + channels.begin : NULL;
  bias = bc_repeat(bias, some, together * some, copies);
  for (int64_t pixel = pixels.begin; pixel < pixels.end; pixel += together) {
    const int64_t n = bc_min(together, pixels.end - pixel) * some;
    const float *gradient = gradient_of(c, bias, 1, pixel * all + channels.begin, n);
    if (c->bias_gradient != NULL)
      kernels->add_to_sums(totals, gradient, n);
  }
  for (int64_t i = some; i < together * some; i += some)
    for (int64_t channel = 0; channel < some; ++channel)
      totals[channel] += totals[i + channel];
}

/* totals [channels], from channel `first` on */
static void store(const context *c, int64_t first, int64_t channels, const double *totals)
{
  float *gradient = c->bias_gradient + first;
  for (int64_t i = 0; i < channels; ++i)
    gradient[i] = c->accumulate ? gradient[i] + (float)totals[i] : (float)totals[i];
}

/* The sums of a task [channels of the range], to be added up or final. */
static void keep(const context *c, int64_t slot, bc_range channels, const double *totals)
{
  const int64_t n = bc_range_length(channels);
  if (c->slots > 1)
    memcpy(c->sums + slot * c->maps.channels + channels.begin, totals, (size_t)n * sizeof *totals);
  else if (c->bias_gradient != NULL)
    store(c, channels.begin, n, totals);
}

static void sum_task(void *argument, int64_t task, int thread)
{
  (void)thread;
  const context *c = argument;
  const int64_t all = c->maps.channels, blocks = bc_count_blocks(all, c->channels);
  const int64_t slot = task / blocks, slot_elements = bc_count_blocks(c->elements, c->slots);
  const bc_range channels = bc_block(task % blocks, c->channels, all);
  const bc_range elements = bc_block(slot, slot_elements, c->elements);
  if (c->maps.layout == BLASCONV_NHWC) {
    double totals[BC_PIECE] = {0.0};
    sum_pixels(c, channels, elements, totals);
    keep(c, slot, channels, totals);
  } else {
    const double total = sum_channel(c, channels.begin, elements);
    keep(c, slot, channels, &total);
  }
}

static void add_slots(const context *c)
{
  const int64_t channels = c->maps.channels;
  for (int64_t slot = 1; slot < c->slots; ++slot)
    for (int64_t i = 0; i < channels; ++i)
      c->sums[i] += c->sums[slot * channels + i];
  store(c, 0, channels, c->sums);
}

/* Divides the work and does it; `c` has the tensors. */
static void run(context c, const blasconv_maps *maps, int threads)
{
  double sums[MOST_SUMS];
  c.sums = sums;
  c.maps = bc_maps_merged(maps);
  c.channels = c.maps.layout == BLASCONV_NHWC ? bc_min(c.maps.channels, MOST_CHANNELS) : 1;
  c.elements = c.maps.batch * c.maps.pixels;
  const int64_t slots = bc_count_blocks(c.channels * c.elements, BC_TASK_ELEMENTS);
  c.slots = bc_max(bc_min(slots, MOST_SUMS / c.maps.channels), 1);
  bc_parallel_elements(threads, c.maps.channels * c.elements,
                       c.slots * bc_count_blocks(c.maps.channels, c.channels), sum_task, &c);
  if (c.slots > 1 && c.bias_gradient != NULL)
    add_slots(&c);
}

void bc_bias_gradient(const blasconv_maps *maps, const float *output_gradient, bool accumulate,
                      int threads, float *bias_gradient)
{
  const context tensors = {
      .output_gradient = output_gradient, .bias_gradient = bias_gradient, .accumulate = accumulate};
  run(tensors, maps, threads);
}

blasconv_status blasconv_bias_activation_backward(const blasconv_maps *maps, const float *saved,
                                                  const float *bias,
                                                  const blasconv_activation *activation,
                                                  const float *output_gradient, int32_t threads,
                                                  int32_t accumulate, float *input_gradient,
                                                  float *bias_gradient)
{
  int team;
  const blasconv_status status = bc_maps_call_check(maps, activation, threads, &team);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (accumulate != 0 && accumulate != 1)
    return BLASCONV_BAD_ARGUMENT;
  if (maps->batch > 0 && (saved == NULL || output_gradient == NULL || input_gradient == NULL))
    return BLASCONV_NULL_POINTER;
  context tensors = {.saved = saved,
                     .output_gradient = output_gradient,
                     .input_gradient = input_gradient,
                     .bias_gradient = bias_gradient,
                     .accumulate = accumulate};
  if (activation != NULL)
    tensors.activation = *activation;
  if (blasconv_activation_saves(tensors.activation.kind) == BLASCONV_SAVED_INPUT)
    tensors.bias = bias; /* it is in a saved output already */
  run(tensors, maps, team);
  return BLASCONV_SUCCESS;
}
