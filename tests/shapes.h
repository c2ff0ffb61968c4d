/*
 * The problems that the suites prove: the layers of real networks, corners, and random ones.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BLASCONV_TESTS_SHAPES_H
#define BLASCONV_TESTS_SHAPES_H

#include "support.h"

#include <blasconv/blasconv.h>

/** Networks in bench/shapes/. @param index from 0 on @return NULL past the last */
const char *shapes_network_name(size_t index);

/**
 * Reads the layers of a network, batch 1, in full size.
 * @param layers [capacity]; a network with more layers fails the test
 * @return the number of layers
 */
size_t shapes_network(const char *name, blasconv_problem *layers, size_t capacity);

/** The dense layers behind the convolutions of these networks, batch 1. @return false past the last
 */
bool shapes_classifier(size_t index, blasconv_problem *layer);

/**
 * The same kernel, strides, dilations, pads and kind of groups (one, depthwise, other) with fewer
 * channels, filters and pixels; two images, or one of one pixel. How few varies with the size, so
 * that layers stay different.
 */
blasconv_problem shapes_shrunk(const blasconv_problem *layer);

/**
 * Small problems at the edges of what is allowed, each in both layouts and both directions.
 * @return false past the last
 */
bool shapes_small_corner(size_t index, blasconv_problem *corner);

/** Problems large enough for several blocks of channels, filters and pixels. */
bool shapes_large_corner(size_t index, blasconv_problem *corner);

/** Kinds of problems that random ones are of. */
typedef enum shapes_kind {
  SHAPES_ANY,
  SHAPES_POINTWISE, /**< kernel 1, stride 1, no pads */
  SHAPES_SAME,      /**< the extents stay, of all axes or of all but one */
  SHAPES_DENSE,     /**< the kernel covers all pixels */
  SHAPES_VECTOR,    /**< the same of one image, with more channels and filters */
  SHAPES_DEPTHWISE, /**< a group a channel */
  SHAPES_DEEP,      /**< small images of many channels and filters */
  SHAPES_TILED,     /**< three to seven taps along height, width or both, stride 1 */
  SHAPES_KINDS
} shapes_kind;

/** Most products that a random problem has. */
enum { SHAPES_MOST_PRODUCTS = 4000000 };

/** A small valid problem of this kind. */
blasconv_problem shapes_random_of(shapes_kind kind, blasconv_layout layout,
                                  blasconv_direction direction, int32_t rank,
                                  support_random *random);

/** A small valid problem, any. */
blasconv_problem shapes_random(support_random *random);

/** Multiplications of one pass, with those on pads. */
int64_t shapes_products(const blasconv_problem *problem);

#endif
