/*
 * Filters from formulae.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "filters.h"

#include <math.h>

static const float pi = 3.14159265f;
static const float blob_sigma = 1.2f;   /* of the Gaussian and of the spot, in taps */
static const float gabor_sigma = 1.7f;  /* how far Gabor's waves reach, in taps */
static const float gabor_length = 4.5f; /* taps from one crest to the next */
static const float gabor_aspect = 0.6f; /* below 1: the wave fronts are longer than the wave */

/*         |-1 0 1|
 * sobel = |-2 0 2|, which is u (2 - |v|) where |u|, |v| <= 1
 *         |-1 0 1|
 * (rounded, since a quarter turn in floating point misses the grid by a hair) */
float filter_sobel(float u, float v)
{
  const float x = roundf(u), y = roundf(v);
  return fabsf(x) <= 1 && fabsf(y) <= 1 ? x * (2 - fabsf(y)) : 0;
}

/*             |0  1 0|
 * laplacian = |1 -4 1|, by the distance in steps along the grid
 *             |0  1 0| */
float filter_laplacian(float u, float v)
{
  const float steps = roundf(fabsf(u) + fabsf(v));
  if (steps > 1)
    return 0;
  return steps > 0 ? 1 : -4;
}

/* exp(-(u^2 + v^2) / (2 sigma^2)) */
float filter_gaussian(float u, float v)
{
  return expf(-(u * u + v * v) / (2 * blob_sigma * blob_sigma));
}

/* (1 - r^2 / (2 sigma^2)) exp(-r^2 / (2 sigma^2)), r^2 = u^2 + v^2: the negated Laplacian of a
 * Gaussian, up to a factor */
float filter_spot(float u, float v)
{
  return (1 - (u * u + v * v) / (2 * blob_sigma * blob_sigma)) * filter_gaussian(u, v);
}

/* exp(-(u^2 + aspect^2 v^2) / (2 sigma^2)): the window that Gabor's waves are seen through */
static float gabor_window(float u, float v, float aspect)
{
  return expf(-(u * u + aspect * aspect * v * v) / (2 * gabor_sigma * gabor_sigma));
}

/* window(u, v) cos(2 pi u / length) */
float filter_bar(float u, float v)
{
  return gabor_window(u, v, gabor_aspect) * cosf(2 * pi * u / gabor_length);
}

/* window(u, v) sin(2 pi u / length) */
float filter_edge(float u, float v)
{
  return gabor_window(u, v, gabor_aspect) * sinf(2 * pi * u / gabor_length);
}

/* window(u, v) cos(2 pi u / length) cos(2 pi v / length) */
float filter_plaid(float u, float v)
{
  const float waves = cosf(2 * pi * u / gabor_length) * cosf(2 * pi * v / gabor_length);
  return gabor_window(u, v, 1) * waves;
}

/* The turned pattern at each tap [size][size]. */
static void sample_pattern(const feature_filter *filter, int64_t size, float *taps)
{
  const float radians = filter->degrees * pi / 180;
  const float cosine = cosf(radians), sine = sinf(radians);
  const int64_t radius = size / 2;
  float sum = 0;
  for (int64_t i = 0; i < size * size; ++i) {
    const float x = (float)(i % size - radius), y = (float)(i / size - radius);
    taps[i] = filter->shape(x * cosine + y * sine, y * cosine - x * sine);
    sum += taps[i];
  }
  const float mean = filter->balanced ? sum / (float)(size * size) : 0;
  for (int64_t i = 0; i < size * size; ++i)
    taps[i] -= mean;
}

void filter_sample(const feature_filter *filter, int64_t channels, int64_t size, float *taps)
{
  const int64_t area = size * size;
  float sum = 0;
  for (int64_t channel = 0; channel < channels; ++channel) {
    float *plane = taps + channel * area;
    sample_pattern(filter, size, plane);
    for (int64_t i = 0; i < area; ++i) {
      plane[i] *= filter->colour[channel];
      sum += fabsf(plane[i]);
    }
  }
  for (int64_t i = 0; i < channels * area; ++i)
    taps[i] /= sum;
}
