/*
 * Random feature maps, and the functions over maps, which must succeed.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BLASCONV_TESTS_MAPS_SHEET_H
#define BLASCONV_TESTS_MAPS_SHEET_H

#include "support.h"

#include <blasconv/blasconv.h>

/** Maps with numbers for each channel, and results to write. */
typedef struct maps_sheet {
  blasconv_maps maps;
  support_tensor input, gradient;    /**< as the maps say, read */
  support_tensor output;             /**< as the maps say, written */
  support_tensor bias, scale, shift; /**< [channels] */
} maps_sheet;

maps_sheet maps_sheet_create(blasconv_maps maps, support_random *random);

/** Checks the guards too. */
void maps_sheet_free(maps_sheet *sheet);

/** Elements of the whole stack. */
int64_t maps_count(const blasconv_maps *maps);

/** The channel of element `i` of the stack. */
int64_t maps_channel(const blasconv_maps *maps, int64_t i);

/** Maps of the same sizes in the other layout. */
blasconv_maps maps_other(const blasconv_maps *maps);

/** `tensor`, which lies as the maps say, in the other layout. */
support_tensor maps_tensor_other(const blasconv_maps *maps, const support_tensor *tensor);

void maps_forward(const blasconv_maps *maps, const float *input, const float *bias,
                  const blasconv_activation *activation, int32_t threads, float *output);

void maps_backward(const blasconv_maps *maps, const float *saved, const float *bias,
                   const blasconv_activation *activation, const float *output_gradient,
                   int32_t threads, int32_t accumulate, float *input_gradient,
                   float *bias_gradient);

void maps_scale_shift(const blasconv_maps *maps, const float *input, const float *scale,
                      const float *shift, int32_t threads, float *output);

void maps_residual(const blasconv_maps *maps, const float *input, const float *residual,
                   int32_t threads, float *output);

#endif
