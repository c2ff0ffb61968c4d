#include "sample.h"

/* A problem whose axes from its rank on have extent 1. */
typedef struct sizes {
  blasconv_problem problem;
  int64_t output[BLASCONV_MAX_RANK];
  int64_t in_pixels, out_pixels, taps;
  int64_t in_channels, out_channels; /* of a group */
} sizes;

static sizes measure(const blasconv_problem *problem)
{
  sizes s = {.problem = *problem,
             .in_pixels = oracle_input_pixels(problem),
             .out_pixels = oracle_output_pixels(problem),
             .taps = oracle_taps(problem),
             .in_channels = problem->in_channels / problem->groups,
             .out_channels = problem->out_channels / problem->groups};
  oracle_output(problem, s.output);
  for (int i = problem->rank; i < BLASCONV_MAX_RANK; ++i) {
    s.problem.input[i] = s.problem.kernel[i] = 1;
    s.problem.strides[i] = s.problem.dilations[i] = 1;
    s.problem.pads_begin[i] = s.problem.pads_end[i] = 0;
  }
  return s;
}

/* An element's place: image or filter, channel, and pixel or tap. */
typedef struct place {
  int64_t outer, channel, pixel;
} place;

static place find(blasconv_layout layout, int64_t channels, int64_t pixels, int64_t index)
{
  const int64_t outer = index / (channels * pixels), inner = index % (channels * pixels);
  return layout == BLASCONV_NCHW ? (place){outer, inner / pixels, inner % pixels}
                                 : (place){outer, inner % channels, inner / channels};
}

static void split(int64_t number, const int64_t *extents, int64_t *at)
{
  for (int i = BLASCONV_MAX_RANK - 1; i >= 0; --i) {
    at[i] = number % extents[i];
    number /= extents[i];
  }
}

/* Moves to the next place, the last axis first. */
static void step(const int64_t *extents, int64_t *at)
{
  for (int i = BLASCONV_MAX_RANK - 1; i >= 0 && ++at[i] == extents[i]; --i)
    at[i] = 0;
}

/* The input pixel under a tap, or -1. */
static int64_t pixel_under(const sizes *s, const int64_t *out, const int64_t *tap)
{
  int64_t pixel = 0;
  for (int i = 0; i < BLASCONV_MAX_RANK; ++i) {
    const blasconv_problem *p = &s->problem;
    const int64_t at = out[i] * p->strides[i] + tap[i] * p->dilations[i] - p->pads_begin[i];
    if (at < 0 || at >= p->input[i])
      return -1;
    pixel = pixel * p->input[i] + at;
  }
  return pixel;
}

/* The output pixel whose tap lies on the input pixel, or -1. */
static int64_t pixel_over(const sizes *s, const int64_t *in, const int64_t *tap)
{
  int64_t pixel = 0;
  for (int i = 0; i < BLASCONV_MAX_RANK; ++i) {
    const blasconv_problem *p = &s->problem;
    const int64_t distance = in[i] + p->pads_begin[i] - tap[i] * p->dilations[i];
    if (distance < 0 || distance % p->strides[i] != 0 || distance / p->strides[i] >= s->output[i])
      return -1;
    pixel = pixel * s->output[i] + distance / p->strides[i];
  }
  return pixel;
}

static double weight(const sizes *s, const sample_tensors *t, int64_t filter, int64_t channel,
                     int64_t tap)
{
  return (double)
      t->weights[oracle_element(s->problem.layout, s->in_channels, s->taps, filter, channel, tap)];
}

static double input(const sizes *s, const sample_tensors *t, int64_t image, int64_t channel,
                    int64_t pixel)
{
  return (double)t->input[oracle_element(s->problem.layout, s->problem.in_channels, s->in_pixels,
                                         image, channel, pixel)];
}

static double gradient(const sizes *s, const sample_tensors *t, int64_t image, int64_t filter,
                       int64_t pixel)
{
  return (double)t->output_gradient[oracle_element(s->problem.layout, s->problem.out_channels,
                                                   s->out_pixels, image, filter, pixel)];
}

static double output_element(const sizes *s, const sample_tensors *t, int64_t index)
{
  const place p = find(s->problem.layout, s->problem.out_channels, s->out_pixels, index);
  const int64_t first_channel = p.channel / s->out_channels * s->in_channels;
  int64_t out[BLASCONV_MAX_RANK], tap[BLASCONV_MAX_RANK];
  double sum = 0.0;
  split(p.pixel, s->output, out);
  for (int64_t i = 0; i < s->taps; ++i) {
    split(i, s->problem.kernel, tap);
    const int64_t pixel = pixel_under(s, out, tap);
    for (int64_t c = 0; pixel >= 0 && c < s->in_channels; ++c)
      sum += weight(s, t, p.channel, c, i) * input(s, t, p.outer, first_channel + c, pixel);
  }
  return sum;
}

static double input_gradient_element(const sizes *s, const sample_tensors *t, int64_t index)
{
  const place p = find(s->problem.layout, s->problem.in_channels, s->in_pixels, index);
  const int64_t first_filter = p.channel / s->in_channels * s->out_channels;
  int64_t in[BLASCONV_MAX_RANK], tap[BLASCONV_MAX_RANK];
  double sum = 0.0;
  split(p.pixel, s->problem.input, in);
  for (int64_t i = 0; i < s->taps; ++i) {
    split(i, s->problem.kernel, tap);
    const int64_t pixel = pixel_over(s, in, tap);
    for (int64_t k = 0; pixel >= 0 && k < s->out_channels; ++k)
      sum += weight(s, t, first_filter + k, p.channel % s->in_channels, i) *
             gradient(s, t, p.outer, first_filter + k, pixel);
  }
  return sum;
}

static double weights_gradient_element(const sizes *s, const sample_tensors *t, int64_t index)
{
  const place p = find(s->problem.layout, s->in_channels, s->taps, index);
  const int64_t channel = p.outer / s->out_channels * s->in_channels + p.channel;
  int64_t out[BLASCONV_MAX_RANK] = {0}, tap[BLASCONV_MAX_RANK];
  double sum = 0.0;
  split(p.pixel, s->problem.kernel, tap);
  for (int64_t n = 0; n < s->problem.batch; ++n)
    for (int64_t i = 0; i < s->out_pixels; ++i, step(s->output, out)) {
      const int64_t pixel = pixel_under(s, out, tap);
      if (pixel >= 0)
        sum += input(s, t, n, channel, pixel) * gradient(s, t, n, p.outer, i);
    }
  return sum;
}

double sample_element(const blasconv_problem *problem, blasconv_pass pass,
                      const sample_tensors *tensors, int64_t index)
{
  const sizes s = measure(problem);
  if (pass == BLASCONV_FORWARD)
    return output_element(&s, tensors, index);
  return pass == BLASCONV_BACKWARD_DATA ? input_gradient_element(&s, tensors, index)
                                        : weights_gradient_element(&s, tensors, index);
}
