/*
 * Feature maps of pictures, and the two sheets that show them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef FEATURE_MAPS_MAPS_H
#define FEATURE_MAPS_MAPS_H

#include "filters.h"

#include <blasconv/blasconv.h>
#include <stdbool.h>

/** What a bank of K filters answers to N pictures; to be given to maps_free(). */
typedef struct feature_maps {
  int64_t height, width; /**< of a map */
  float *weights;        /**< [K][C][R][S]: the filters as sampled */
  float *values;         /**< [N][K][height][width]: the maps */
} feature_maps;

/**
 * Samples a bank of filters and convolves pictures with it: one forward pass with each filter's
 * bias and ReLU on top. Says on stderr what went wrong.
 * @param problem the sizes; the kernel is square
 * @param bank [problem->out_channels]
 * @param pictures [N][C][H][W]
 * @param maps filled on success
 */
bool maps_compute(const blasconv_problem *problem, const feature_filter *bank,
                  const float *pictures, feature_maps *maps);

void maps_free(feature_maps *maps);

/**
 * Draws a picture of each class of Fashion-MNIST under edge, spot and Gabor filters.
 * @param images_path the data set's file of pictures
 * @param labels_path the data set's file of their classes
 * @param path the PNG file to write
 */
bool fashion_sheet(const char *images_path, const char *labels_path, const char *path);

/**
 * Draws a colour picture under 20 filters of 3 channels: 20 stacked maps.
 * @param path the PNG file to write
 */
bool colour_sheet(const char *path);

#endif
