/*
 * What the library is measured against: the definition of the three passes in double precision,
 * written from the header alone; it shares no code with src/.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BLASCONV_TESTS_ORACLE_H
#define BLASCONV_TESTS_ORACLE_H

#include <blasconv/blasconv.h>
#include <stdbool.h>

/**
 * Results. Beside each value stands the sum of the absolute values of its products: the rounding
 * error of a dot product is proportional to that sum, however much of the value itself cancels.
 */
typedef struct oracle_result {
  int64_t count;
  int64_t terms;     /**< most products that one element sums */
  double *value;     /**< [count] */
  double *magnitude; /**< [count] */
} oracle_result;

/** Extents of the output from the formulas in the header; 1 from the problem's rank on. */
void oracle_output(const blasconv_problem *problem, int64_t output[BLASCONV_MAX_RANK]);

/** Whether the header allows the problem's sizes; only for sizes that are far from overflow. */
bool oracle_allows(const blasconv_problem *problem);

/** Pixels of one map of the input, of the output, and taps of a filter. */
int64_t oracle_input_pixels(const blasconv_problem *problem);
int64_t oracle_output_pixels(const blasconv_problem *problem);
int64_t oracle_taps(const blasconv_problem *problem);

/** Elements of the tensors of a problem: input, weights, output. */
int64_t oracle_input_count(const blasconv_problem *problem);
int64_t oracle_weights_count(const blasconv_problem *problem);
int64_t oracle_output_count(const blasconv_problem *problem);

/**
 * Where the layout puts an element of [outer][channels][pixels] (NCHW) or [outer][pixels][channels]
 * (NHWC): of images, or of weights with taps for pixels.
 */
int64_t oracle_element(blasconv_layout layout, int64_t channels, int64_t pixels, int64_t outer,
                       int64_t channel, int64_t pixel);

/** The filter that an element of the output belongs to. */
int64_t oracle_filter(const blasconv_problem *problem, int64_t output);

/** output without its epilogue, from input and weights; all tensors as the header shapes them */
oracle_result oracle_forward(const blasconv_problem *problem, const float *input,
                             const float *weights);

/** input_gradient from weights and output_gradient */
oracle_result oracle_backward_data(const blasconv_problem *problem, const float *weights,
                                   const float *output_gradient);

/** weights_gradient from input and output_gradient */
oracle_result oracle_backward_weights(const blasconv_problem *problem, const float *input,
                                      const float *output_gradient);

/** bias_gradient [K] from output_gradient */
oracle_result oracle_bias_gradient(const blasconv_problem *problem, const float *output_gradient);

void oracle_free(oracle_result *result);

#endif
