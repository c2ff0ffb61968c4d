/* Sums with vectors of neighbouring channels, for depthwise.c. */
#ifndef BC_CHANNEL_TAPS_H
#define BC_CHANNEL_TAPS_H

#include "depthwise.h"

/* As bc_depthwise_kernels says. */
void BC_FOR_VECTOR_ISA(bc_sum_channels)(const bc_stencil *stencil, const float *source,
                                        const float *weights, float *result);

#endif
