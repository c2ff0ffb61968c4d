/*
 * Single elements of a convolution's results in double, for problems whose results are too many to
 * compute all of them. Convolutions only, not transposed ones.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BLASCONV_TESTS_LARGE_SAMPLE_H
#define BLASCONV_TESTS_LARGE_SAMPLE_H

#include "oracle.h"

/** What a pass reads; the others are NULL. */
typedef struct sample_tensors {
  const float *input, *weights, *output_gradient;
} sample_tensors;

/** Element `index` of what the pass writes. */
double sample_element(const blasconv_problem *problem, blasconv_pass pass,
                      const sample_tensors *tensors, int64_t index);

#endif
