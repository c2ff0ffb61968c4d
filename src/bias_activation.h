#ifndef BC_BIAS_ACTIVATION_H
#define BC_BIAS_ACTIVATION_H

#include "geometry.h"

/* The epilogue of the forward pass on rows of a block that is still in the cache:
 * row i, at block + i * stride, becomes activation(row + bias[i]), `pixels` long. NULL bias: none.
 */
void bc_epilogue(const blasconv_activation *activation, const float *bias, int64_t rows,
                 int64_t pixels, float *block, int64_t stride);

/* bias_gradient[c] (+)= sum over images and pixels of output_gradient [batch][channels][pixels]. */
void bc_bias_gradient(int64_t batch, int64_t channels, int64_t pixels, const float *output_gradient,
                      bool accumulate, int threads, float *bias_gradient);

#endif
