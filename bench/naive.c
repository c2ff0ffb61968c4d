#include "naive.h"

#include <math.h>
#include <stdbool.h>

enum { AXES = BLASCONV_MAX_RANK };

/* ---------------------------------------------------------------------------------------------
 * Where things are
 * ------------------------------------------------------------------------------------------ */

static bench_naive_tensor tensor_of(const float *data, blasconv_layout layout, int64_t channels,
                                    const int64_t *extents)
{
  const int64_t pixels = extents[0] * extents[1] * extents[2];
  const bool last = layout == BLASCONV_NHWC;
  return (bench_naive_tensor){
      data, channels, pixels, channels * pixels, last ? 1 : pixels, last ? channels : 1};
}

/* Extents [rank], and 1 for the axes that there are not. */
static void copy_axes(int64_t *to, const int64_t *from, int32_t rank, int64_t none)
{
  for (int32_t axis = 0; axis < AXES; ++axis)
    to[axis] = axis < rank ? from[axis] : none;
}

bench_naive bench_naive_of(const blasconv_problem *problem, const bench_operands *operands)
{
  const bool transposed = problem->direction == BLASCONV_TRANSPOSED;
  const int64_t groups = problem->groups;
  const int64_t x_channels = transposed ? problem->out_channels : problem->in_channels,
                y_channels = transposed ? problem->in_channels : problem->out_channels;
  bench_naive n = {.batch = problem->batch,
                   .groups = groups,
                   .channels = x_channels / groups,
                   .filters = y_channels / groups};
  int64_t output[AXES];
  blasconv_problem_output(problem, output);
  copy_axes(n.x_extents, transposed ? output : problem->input, problem->rank, 1);
  copy_axes(n.y_extents, transposed ? problem->input : output, problem->rank, 1);
  copy_axes(n.taps, problem->kernel, problem->rank, 1);
  copy_axes(n.strides, problem->strides, problem->rank, 1);
  copy_axes(n.dilations, problem->dilations, problem->rank, 1);
  copy_axes(n.pads, problem->pads_begin, problem->rank, 0);
  n.x = tensor_of(operands->data[transposed ? BENCH_OUTPUT : BENCH_INPUT], problem->layout,
                  x_channels, n.x_extents);
  n.y = tensor_of(operands->data[transposed ? BENCH_INPUT : BENCH_OUTPUT], problem->layout,
                  y_channels, n.y_extents);
  n.w = tensor_of(operands->data[BENCH_WEIGHTS], problem->layout, n.channels, n.taps);
  return n;
}

bench_naive_place bench_naive_find(const bench_naive_tensor *tensor, int64_t index)
{
  return (bench_naive_place){index / tensor->outer_step,
                             index / tensor->channel_step % tensor->channels,
                             index / tensor->pixel_step % tensor->pixels};
}

static const float *element(const bench_naive_tensor *tensor, int64_t outer, int64_t channel,
                            int64_t pixel)
{
  return tensor->data + outer * tensor->outer_step + channel * tensor->channel_step +
         pixel * tensor->pixel_step;
}

/* Coordinates [AXES] of a pixel, the last axis fastest. */
static void split(int64_t pixel, const int64_t *extents, int64_t *coordinates)
{
  for (int axis = AXES - 1; axis >= 0; --axis) {
    coordinates[axis] = pixel % extents[axis];
    pixel /= extents[axis];
  }
}

/* Goes on to the next pixel. */
static void step(int64_t *coordinates, const int64_t *extents)
{
  for (int axis = AXES - 1; axis >= 0 && ++coordinates[axis] == extents[axis]; --axis)
    coordinates[axis] = 0;
}

static int64_t join(const int64_t *coordinates, const int64_t *extents)
{
  return (coordinates[0] * extents[1] + coordinates[1]) * extents[2] + coordinates[2];
}

/* The pixel of x that a tap sees from a pixel of y; -1 if that is a pad. */
static int64_t seen_in_x(const bench_naive *n, const int64_t *y, const int64_t *tap)
{
  int64_t x[AXES];
  for (int axis = 0; axis < AXES; ++axis) {
    x[axis] = y[axis] * n->strides[axis] - n->pads[axis] + tap[axis] * n->dilations[axis];
    if (x[axis] < 0 || x[axis] >= n->x_extents[axis])
      return -1;
  }
  return join(x, n->x_extents);
}

/* The pixel of y from which a tap sees a pixel of x; -1 if there is none. */
static int64_t seen_from_y(const bench_naive *n, const int64_t *x, const int64_t *tap)
{
  int64_t y[AXES];
  for (int axis = 0; axis < AXES; ++axis) {
    const int64_t distance = x[axis] + n->pads[axis] - tap[axis] * n->dilations[axis];
    y[axis] = distance / n->strides[axis];
    if (distance < 0 || distance % n->strides[axis] != 0 || y[axis] >= n->y_extents[axis])
      return -1;
  }
  return join(y, n->y_extents);
}

/* ---------------------------------------------------------------------------------------------
 * Sums
 * ------------------------------------------------------------------------------------------ */

/* Adds the products of two rows of numbers, some floats apart from each other. */
static void add_products(bench_naive_sum *sum, int64_t count, const float *a, int64_t a_step,
                         const float *b, int64_t b_step)
{
  for (int64_t i = 0; i < count; ++i) {
    const double product = (double)a[i * a_step] * (double)b[i * b_step];
    sum->value += product;
    sum->magnitude += fabs(product);
  }
  sum->terms += count;
}

bench_naive_sum bench_naive_y(const bench_naive *n, bench_naive_place place)
{
  const int64_t group = place.channel / n->filters;
  int64_t y[AXES], at[AXES] = {0};
  bench_naive_sum sum = {0.0, 0.0, 0};
  split(place.pixel, n->y_extents, y);
  for (int64_t tap = 0; tap < n->w.pixels; ++tap, step(at, n->taps)) {
    const int64_t pixel = seen_in_x(n, y, at);
    if (pixel >= 0)
      add_products(&sum, n->channels, element(&n->x, place.outer, group * n->channels, pixel),
                   n->x.channel_step, element(&n->w, place.channel, 0, tap), n->w.channel_step);
  }
  return sum;
}

bench_naive_sum bench_naive_x(const bench_naive *n, bench_naive_place place)
{
  const int64_t group = place.channel / n->channels, channel = place.channel % n->channels;
  int64_t x[AXES], at[AXES] = {0};
  bench_naive_sum sum = {0.0, 0.0, 0};
  split(place.pixel, n->x_extents, x);
  for (int64_t tap = 0; tap < n->w.pixels; ++tap, step(at, n->taps)) {
    const int64_t pixel = seen_from_y(n, x, at);
    if (pixel >= 0)
      add_products(&sum, n->filters, element(&n->y, place.outer, group * n->filters, pixel),
                   n->y.channel_step, element(&n->w, group * n->filters, channel, tap),
                   n->w.outer_step);
  }
  return sum;
}

bench_naive_sum bench_naive_w(const bench_naive *n, bench_naive_place place)
{
  const int64_t group = place.outer / n->filters;
  const int64_t channel = group * n->channels + place.channel;
  int64_t y[AXES] = {0}, at[AXES];
  bench_naive_sum sum = {0.0, 0.0, 0};
  split(place.pixel, n->taps, at);
  for (int64_t pixel = 0; pixel < n->y.pixels; ++pixel, step(y, n->y_extents)) {
    const int64_t seen = seen_in_x(n, y, at);
    if (seen >= 0)
      add_products(&sum, n->batch, element(&n->x, 0, channel, seen), n->x.outer_step,
                   element(&n->y, 0, place.outer, pixel), n->y.outer_step);
  }
  return sum;
}

bench_naive_sum bench_naive_channel(const bench_naive_tensor *tensor, int64_t batch,
                                    int64_t channel)
{
  bench_naive_sum sum = {0.0, 0.0, 0};
  const float one = 1.0f;
  for (int64_t image = 0; image < batch; ++image)
    add_products(&sum, tensor->pixels, element(tensor, image, channel, 0), tensor->pixel_step, &one,
                 0);
  return sum;
}
