/*
 * A batch normalisation with its tensors, and its formulae in double precision.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BLASCONV_TESTS_NORM_LAYER_H
#define BLASCONV_TESTS_NORM_LAYER_H

#include "support.h"

#include <blasconv/train.h>

/** The error of a rounding to float, as a part of the result. */
#define norm_rounding 0x1p-24

typedef struct norm_layer {
  blasconv_maps maps;
  blasconv_batch_norm norm;                      /* its pointers are the tensors' */
  support_tensor input, gradient;                /* the stack, read */
  support_tensor output, input_gradient;         /* the same, written */
  support_tensor scale, shift;                   /* [channels], read */
  support_tensor mean, inverse;                  /* [channels], written */
  support_tensor running_mean, running_variance; /* [channels], changed */
  support_tensor old_mean, old_variance;         /* what they were */
  support_tensor scale_gradient, shift_gradient; /* [channels], written */
} norm_layer;

/** Elements around `offset`, which the floats there can tell apart, in either layout. */
norm_layer norm_layer_create(int64_t batch, int64_t channels, int64_t pixels, float offset,
                             support_random *random);

/** What is read and changed as it is before `layer`'s first training, nothing written yet. */
norm_layer norm_layer_copy(const norm_layer *layer);

void norm_layer_free(norm_layer *l);

/** The library's functions on the layer, which must succeed. */
void norm_layer_forward(const norm_layer *l, int32_t threads);
void norm_layer_backward(const norm_layer *l, int32_t threads);
void norm_layer_infer(const norm_layer *l, int32_t threads);

/** Shapes that take every way through the kernels. */
typedef struct norm_shape {
  int64_t batch, channels, pixels;
} norm_shape;

enum { norm_shape_count = 22 };
extern const norm_shape norm_shapes[norm_shape_count];

norm_layer norm_layer_of_shape(int i, float offset, support_random *random);

/** Elements of a channel. */
int64_t norm_count(const blasconv_maps *maps);

/** Where element i of a channel, counted over images and pixels, is; and the channel of what is
 * there. */
int64_t norm_place(const blasconv_maps *maps, int64_t channel, int64_t i);
int64_t norm_channel_at(const blasconv_maps *maps, int64_t place);

/** A channel as the formulae have it. */
typedef struct norm_channel {
  double mean, squares, inverse, scale, shift;
  double gradient, product; /**< sums of g and of g times the normalised input */
  double absolute, crossed; /**< the same sums of absolute values */
} norm_channel;

norm_channel norm_channel_exact(const norm_layer *l, int64_t c);

void norm_check_near(double value, double exact, double bound);

/** One element of the output. */
void norm_check_normalised(double output, double input, const norm_channel *e);

#endif
