/*
 * Filters from formulae: edges, spots, and Gabor's waves under a Gaussian.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef FEATURE_MAPS_FILTERS_H
#define FEATURE_MAPS_FILTERS_H

#include <stdbool.h>
#include <stdint.h>

/**
 * A pattern's value at a point of the plane. The centre of the filter is (0, 0), u and v count
 * taps; unturned, u grows to the right and v downwards.
 */
typedef float (*filter_shape)(float u, float v);

float filter_sobel(float u, float v);     /**< 3x3: difference along u, smoothed along v */
float filter_laplacian(float u, float v); /**< 3x3: sum of the second differences */
float filter_gaussian(float u, float v);  /**< a smooth blob */
float filter_spot(float u, float v);      /**< a blob in a ring of opposite sign */
float filter_bar(float u, float v);       /**< Gabor, even: a bar along v between two others */
float filter_edge(float u, float v);      /**< Gabor, odd: a step along u */
float filter_plaid(float u, float v);     /**< waves along u and v, multiplied: a chequerboard */

/** A filter of a bank: a pattern, turned, and a weight of it for each input channel. */
typedef struct feature_filter {
  const char *name;
  const char *detail; /**< a second line for its label */
  filter_shape shape;
  float degrees;   /**< how far the pattern is turned, clockwise on the screen */
  bool balanced;   /**< whether the taps of a channel shall sum to 0: blind to even areas */
  float colour[3]; /**< weights of the input channels */
  float bias;      /**< minus the threshold that an answer has to pass */
} feature_filter;

/**
 * Samples a filter and scales it so that the absolute values of its taps sum to 1: its answer to
 * pictures in [0, 1] stays in [-1, 1].
 * @param filter what to draw
 * @param channels input channels, at most 3
 * @param size extent of the kernel, odd
 * @param taps [channels][size][size]
 */
void filter_sample(const feature_filter *filter, int64_t channels, int64_t size, float *taps);

#endif
