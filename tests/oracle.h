/*
 * What the library is measured against: the definition of the three passes in double precision,
 * written from the header alone; it shares no code with src/.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BLASCONV_TESTS_ORACLE_H
#define BLASCONV_TESTS_ORACLE_H

#include <blasconv/blasconv.h>

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

/** Extents of the output from the formula in the header, [2]. */
void oracle_output(const blasconv_problem *problem, int64_t output[2]);

/** Elements of the tensors of a problem: input, weights, output. */
int64_t oracle_input_count(const blasconv_problem *problem);
int64_t oracle_weights_count(const blasconv_problem *problem);
int64_t oracle_output_count(const blasconv_problem *problem);

/** output without bias and activation, from input [N][C][H][W] and weights [K][C/G][R][S] */
oracle_result oracle_forward(const blasconv_problem *problem, const float *input,
                             const float *weights);

/** input_gradient from weights [K][C/G][R][S] and output_gradient [N][K][P][Q] */
oracle_result oracle_backward_data(const blasconv_problem *problem, const float *weights,
                                   const float *output_gradient);

/** weights_gradient from input [N][C][H][W] and output_gradient [N][K][P][Q] */
oracle_result oracle_backward_weights(const blasconv_problem *problem, const float *input,
                                      const float *output_gradient);

/** bias_gradient from output_gradient [N][K][P][Q] */
oracle_result oracle_bias_gradient(const blasconv_problem *problem, const float *output_gradient);

void oracle_free(oracle_result *result);

#endif
