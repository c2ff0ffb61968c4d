/* SPDX-License-Identifier: BSD-2-Clause */
#include "norm_layer.h"

#include <math.h>
#include <string.h>

norm_layer norm_layer_create(int64_t batch, int64_t channels, int64_t pixels, float offset,
                             support_random *random)
{
  const int64_t elements = batch * channels * pixels;
  const bool by_pixel = support_random_between(random, 0, 2) == 0;
  norm_layer l = {.maps = by_pixel ? blasconv_maps_nhwc(batch, pixels, channels)
                                   : blasconv_maps_nchw(batch, channels, pixels),
                  .norm = blasconv_batch_norm_default(),
                  .input = support_tensor_random(elements, random),
                  .gradient = support_tensor_random(elements, random),
                  .output = support_tensor_poisoned(elements),
                  .input_gradient = support_tensor_poisoned(elements),
                  .scale = support_tensor_random(channels, random),
                  .shift = support_tensor_random(channels, random),
                  .mean = support_tensor_poisoned(channels),
                  .inverse = support_tensor_poisoned(channels),
                  .running_mean = support_tensor_random(channels, random),
                  .running_variance = support_tensor_random(channels, random),
                  .scale_gradient = support_tensor_poisoned(channels),
                  .shift_gradient = support_tensor_poisoned(channels)};
  for (int64_t i = 0; i < elements; ++i)
    l.input.data[i] += offset;
  for (int64_t c = 0; c < channels; ++c)
    l.running_variance.data[c] = fabsf(l.running_variance.data[c]);
  l.old_mean = support_tensor_copy(&l.running_mean);
  l.old_variance = support_tensor_copy(&l.running_variance);
  l.norm.scale = l.scale.data;
  l.norm.shift = l.shift.data;
  l.norm.mean = l.mean.data;
  l.norm.inverse = l.inverse.data;
  l.norm.running_mean = l.running_mean.data;
  l.norm.running_variance = l.running_variance.data;
  return l;
}

void norm_layer_free(norm_layer *l)
{
  support_tensor *tensors[] = {
      &l->input,    &l->gradient,     &l->output,         &l->input_gradient, &l->scale,
      &l->shift,    &l->mean,         &l->inverse,        &l->running_mean,   &l->running_variance,
      &l->old_mean, &l->old_variance, &l->scale_gradient, &l->shift_gradient};
  for (size_t i = 0; i < sizeof tensors / sizeof *tensors; ++i) {
    support_tensor_check(tensors[i], "a tensor of the layer");
    support_tensor_free(tensors[i]);
  }
}

void norm_layer_forward(const norm_layer *l, int32_t threads)
{
  ck_assert_int_eq(
      blasconv_batch_norm_forward(&l->maps, &l->norm, l->input.data, threads, l->output.data),
      BLASCONV_SUCCESS);
}

void norm_layer_backward(const norm_layer *l, int32_t threads)
{
  ck_assert_int_eq(blasconv_batch_norm_backward(&l->maps, &l->norm, l->input.data, l->gradient.data,
                                                threads, l->input_gradient.data,
                                                l->scale_gradient.data, l->shift_gradient.data),
                   BLASCONV_SUCCESS);
}

void norm_layer_infer(const norm_layer *l, int32_t threads)
{
  ck_assert_int_eq(
      blasconv_batch_norm_inference(&l->maps, &l->norm, l->input.data, threads, l->output.data),
      BLASCONV_SUCCESS);
}

/* ---------------------------------------------------------------------------------------------
 * The formulae, one channel at a time
 * ------------------------------------------------------------------------------------------ */

int64_t norm_place(const blasconv_maps *maps, int64_t channel, int64_t i)
{
  if (maps->layout == BLASCONV_NHWC)
    return i * maps->channels + channel;
  return (i / maps->pixels * maps->channels + channel) * maps->pixels + i % maps->pixels;
}

int64_t norm_channel_at(const blasconv_maps *maps, int64_t place)
{
  return maps->layout == BLASCONV_NHWC ? place % maps->channels
                                       : place / maps->pixels % maps->channels;
}

int64_t norm_count(const blasconv_maps *maps)
{
  return maps->batch * maps->pixels;
}

norm_channel norm_channel_exact(const norm_layer *l, int64_t c)
{
  const int64_t n = norm_count(&l->maps);
  norm_channel e = {.scale = l->norm.scale ? (double)l->norm.scale[c] : 1.0,
                    .shift = l->norm.shift ? (double)l->norm.shift[c] : 0.0};
  for (int64_t i = 0; i < n; ++i)
    e.mean += (double)l->input.data[norm_place(&l->maps, c, i)] / (double)n;
  for (int64_t i = 0; i < n; ++i)
    e.squares += pow((double)l->input.data[norm_place(&l->maps, c, i)] - e.mean, 2.0);
  e.inverse = 1.0 / sqrt(e.squares / (double)n + (double)l->norm.epsilon);
  for (int64_t i = 0; i < n; ++i) {
    const int64_t at = norm_place(&l->maps, c, i);
    const double g = (double)l->gradient.data[at];
    const double normalised = ((double)l->input.data[at] - e.mean) * e.inverse;
    e.gradient += g;
    e.product += g * normalised;
    e.absolute += fabs(g);
    e.crossed += fabs(g * normalised);
  }
  return e;
}

void norm_check_near(double value, double exact, double bound)
{
  support_assert(fabs(value - exact) <= bound, "%.9g instead of %.9g: off by %.3g, bound %.3g",
                 value, exact, fabs(value - exact), bound);
}

/* Roundings of the difference, the factor and the product; the mean's in the last term. */
void norm_check_normalised(double output, double input, const norm_channel *e)
{
  const double part = (input - e->mean) * e->inverse * e->scale;
  norm_check_near(output, part + e->shift,
                  norm_rounding * (5.0 * fabs(part) + fabs(part + e->shift)) +
                      0x1p-44 * fabs(e->mean * e->inverse * e->scale));
}

const norm_shape norm_shapes[norm_shape_count] = {
    {1, 1, 1},    {1, 3, 1},    {1, 40, 1},   {2, 1, 1},    {64, 10, 1}, {7, 130, 1},
    {5, 16, 1},   {300, 17, 1}, {1, 2, 2},    {3, 5, 4},    {2, 70, 3},  {4, 3, 15},
    {4, 3, 16},   {4, 3, 17},   {1, 4, 33},   {3, 2, 49},   {2, 9, 225}, {2, 3, 1024},
    {1, 1, 5000}, {9, 200, 2},  {2, 3, 9000}, {3000, 20, 1}};

norm_layer norm_layer_of_shape(int i, float offset, support_random *random)
{
  return norm_layer_create(norm_shapes[i].batch, norm_shapes[i].channels, norm_shapes[i].pixels,
                           offset, random);
}

norm_layer norm_layer_copy(const norm_layer *l)
{
  support_random unused = support_random_start(0);
  norm_layer copy =
      norm_layer_create(l->maps.batch, l->maps.channels, l->maps.pixels, 0.0f, &unused);
  copy.maps = l->maps;
  memcpy(copy.input.data, l->input.data, (size_t)l->input.count * sizeof(float));
  memcpy(copy.gradient.data, l->gradient.data, (size_t)l->input.count * sizeof(float));
  const size_t bytes = (size_t)l->maps.channels * sizeof(float);
  memcpy(copy.scale.data, l->scale.data, bytes);
  memcpy(copy.shift.data, l->shift.data, bytes);
  memcpy(copy.running_mean.data, l->old_mean.data, bytes);
  memcpy(copy.running_variance.data, l->old_variance.data, bytes);
  return copy;
}
