/*
 * Pooling from the header alone, and layers of random sizes.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "pooling_layer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------------
 * What pooling is
 * ------------------------------------------------------------------------------------------ */

pooling_window pooling_window_create(const blasconv_problem *p, int64_t row, int64_t column)
{
  pooling_window w = {NULL, 0, p->kernel[0] * p->kernel[1]};
  w.pixels = malloc((size_t)w.taps * sizeof *w.pixels);
  for (int64_t r = 0; r < p->kernel[0]; ++r)
    for (int64_t s = 0; s < p->kernel[1]; ++s) {
      const int64_t y = row * p->strides[0] + r * p->dilations[0] - p->pads_begin[0];
      const int64_t x = column * p->strides[1] + s * p->dilations[1] - p->pads_begin[1];
      if (y >= 0 && y < p->input[0] && x >= 0 && x < p->input[1])
        w.pixels[w.count++] = y * p->input[1] + x;
    }
  return w;
}

int64_t pooling_window_winner(const pooling_window *w, const float *map)
{
  for (int64_t i = 0; i < w->count; ++i)
    if (isnan(map[w->pixels[i]]))
      return w->pixels[i];
  int64_t best = w->count > 0 ? w->pixels[0] : -1;
  for (int64_t i = 1; i < w->count; ++i)
    if (map[w->pixels[i]] > map[best])
      best = w->pixels[i];
  return best;
}

int64_t pooling_window_divisor(const pooling_window *w, blasconv_pooling_kind kind)
{
  return kind == BLASCONV_POOLING_AVERAGE ? w->count : w->taps;
}

/* ---------------------------------------------------------------------------------------------
 * Problems with their tensors
 * ------------------------------------------------------------------------------------------ */

int32_t *pooling_layer_winners(pooling_layer *l)
{
  return (int32_t *)(void *)l->winners.data;
}

pooling_layer pooling_layer_create(const blasconv_problem *problem, support_random *random)
{
  int64_t output[BLASCONV_MAX_RANK];
  ck_assert_int_eq(blasconv_problem_output(problem, output), BLASCONV_SUCCESS);
  pooling_layer l = {.problem = *problem,
                     .maps = problem->batch * problem->in_channels,
                     .in_pixels = problem->input[0] * problem->input[1],
                     .rows = output[0],
                     .columns = output[1],
                     .out_pixels = output[0] * output[1]};
  l.input = support_random_between(random, 0, 1)
                ? support_tensor_integers(l.maps * l.in_pixels, random)
                : support_tensor_random(l.maps * l.in_pixels, random);
  l.output_gradient = support_tensor_random(l.maps * l.out_pixels, random);
  l.output = support_tensor_poisoned(l.maps * l.out_pixels);
  l.winners = support_tensor_poisoned(l.maps * l.out_pixels);
  l.input_gradient = support_tensor_poisoned(l.maps * l.in_pixels);
  return l;
}

void pooling_layer_free(pooling_layer *l)
{
  support_tensor_check(&l->output, "output");
  support_tensor_check(&l->winners, "winners");
  support_tensor_check(&l->input_gradient, "input gradient");
  support_tensor_free(&l->input);
  support_tensor_free(&l->output_gradient);
  support_tensor_free(&l->output);
  support_tensor_free(&l->winners);
  support_tensor_free(&l->input_gradient);
}

/* Where element i of [N][C][pixels] is in the problem's layout. */
static int64_t place_of(const pooling_layer *l, int64_t pixels, int64_t i)
{
  const int64_t channels = l->problem.in_channels, pixel = i % pixels;
  if (l->problem.layout == BLASCONV_NCHW)
    return i;
  return (i / (channels * pixels) * pixels + pixel) * channels + i / pixels % channels;
}

/* Bits are copied, whatever they are of. */
static support_tensor turned(const pooling_layer *l, const support_tensor *maps, int64_t pixels)
{
  support_tensor own = support_tensor_poisoned(maps->count);
  for (int64_t i = 0; i < maps->count; ++i)
    memcpy(&own.data[place_of(l, pixels, i)], &maps->data[i], sizeof *own.data);
  return own;
}

static void turn_back(const pooling_layer *l, support_tensor *own, int64_t pixels,
                      support_tensor *maps)
{
  support_tensor_check(own, "in the layout of the problem");
  for (int64_t i = 0; i < maps->count; ++i)
    memcpy(&maps->data[i], &own->data[place_of(l, pixels, i)], sizeof *own->data);
  support_tensor_free(own);
}

void pooling_layer_forward(pooling_layer *l, blasconv_pooling_kind kind, int32_t threads,
                           bool winners)
{
  support_tensor input = turned(l, &l->input, l->in_pixels);
  support_tensor output = turned(l, &l->output, l->out_pixels);
  support_tensor places = turned(l, &l->winners, l->out_pixels);
  ck_assert_int_eq(blasconv_pooling_forward(&l->problem, kind, input.data, threads, output.data,
                                            winners ? (int32_t *)(void *)places.data : NULL),
                   BLASCONV_SUCCESS);
  turn_back(l, &output, l->out_pixels, &l->output);
  turn_back(l, &places, l->out_pixels, &l->winners);
  support_tensor_free(&input);
}

void pooling_layer_backward(pooling_layer *l, blasconv_pooling_kind kind, int32_t threads)
{
  support_tensor output_gradient = turned(l, &l->output_gradient, l->out_pixels);
  support_tensor winners = turned(l, &l->winners, l->out_pixels);
  support_tensor input_gradient = turned(l, &l->input_gradient, l->in_pixels);
  ck_assert_int_eq(blasconv_pooling_backward(
                       &l->problem, kind, output_gradient.data,
                       kind == BLASCONV_POOLING_MAX ? (int32_t *)(void *)winners.data : NULL,
                       threads, input_gradient.data),
                   BLASCONV_SUCCESS);
  turn_back(l, &input_gradient, l->in_pixels, &l->input_gradient);
  support_tensor_free(&winners);
  support_tensor_free(&output_gradient);
}

pooling_results pooling_results_copy(const pooling_layer *l)
{
  return (pooling_results){support_tensor_copy(&l->output), support_tensor_copy(&l->winners),
                           support_tensor_copy(&l->input_gradient)};
}

bool pooling_results_same(const pooling_results *results, const pooling_layer *l)
{
  return support_tensor_same(&results->output, &l->output) &&
         support_tensor_same(&results->winners, &l->winners) &&
         support_tensor_same(&results->input_gradient, &l->input_gradient);
}

void pooling_results_free(pooling_results *results)
{
  support_tensor_free(&results->output);
  support_tensor_free(&results->winners);
  support_tensor_free(&results->input_gradient);
}

static void random_axis(blasconv_problem *p, int axis, int64_t most_pixels, support_random *random)
{
  p->kernel[axis] = support_random_between(random, 1, 5);
  p->strides[axis] = support_random_between(random, 1, 4);
  p->dilations[axis] =
      support_random_between(random, 0, 3) ? 1 : support_random_between(random, 2, 4);
  const int64_t span = (p->kernel[axis] - 1) * p->dilations[axis] + 1;
  if (support_random_between(random, 0, 2)) {
    p->pads_begin[axis] = support_random_between(random, 0, span - 1);
    p->pads_end[axis] = support_random_between(random, 0, span - 1);
  }
  const int64_t unpadded = span - p->pads_begin[axis] - p->pads_end[axis];
  const int64_t least = unpadded > 1 ? unpadded : 1;
  p->input[axis] = support_random_between(random, least, least + most_pixels - 1);
}

static blasconv_problem random_in_nchw(int64_t most_pixels, int64_t channels,
                                       support_random *random)
{
  const int64_t batch = support_random_between(random, 1, 2);
  const int64_t height = support_random_between(random, 2, most_pixels);
  const int64_t width = support_random_between(random, 2, most_pixels);
  if (support_random_between(random, 0, 3) == 0)
    return blasconv_problem_pooling(batch, channels, height, width, 2, 2);
  if (support_random_between(random, 0, 8) == 0)
    return blasconv_problem_pooling_global(batch, channels, height, width);
  blasconv_problem p = blasconv_problem_pooling(batch, channels, 1, 1, 1, 1);
  random_axis(&p, 0, most_pixels, random);
  random_axis(&p, 1, most_pixels, random);
  return p;
}

/* Vectors are of eight channels. */
blasconv_problem pooling_problem_random(int64_t most_pixels, support_random *random)
{
  const bool by_pixel = support_random_between(random, 0, 1) == 0;
  const int64_t most_channels = by_pixel && support_random_between(random, 0, 1) ? 20 : 3;
  blasconv_problem p =
      random_in_nchw(most_pixels, support_random_between(random, 1, most_channels), random);
  p.layout = by_pixel ? BLASCONV_NHWC : BLASCONV_NCHW;
  return p;
}

blasconv_problem pooling_problem_of_rows(int i, int64_t stride)
{
  static const int64_t widths[pooling_row_count] = {1, 3, 7, 8, 9, 17, 120, 1353, 1360};
  blasconv_problem p = blasconv_problem_pooling(1, 2, 19, widths[i], 3, stride);
  for (int axis = 0; axis < 2; ++axis)
    p.pads_begin[axis] = p.pads_end[axis] = 1;
  return p;
}

void pooling_special_values(support_tensor *tensor, support_random *random)
{
  static const float values[] = {NAN, -INFINITY, -INFINITY, INFINITY, 0.0f, -0.0f};
  for (int64_t i = support_random_between(random, 0, 1 + tensor->count / 8); i > 0; --i)
    tensor->data[support_random_between(random, 0, tensor->count - 1)] =
        values[support_random_between(random, 0, sizeof values / sizeof *values - 1)];
}
