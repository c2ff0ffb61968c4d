/* Element-wise kernels on rows of floats. kernels.c is compiled once for each instruction set, into
 * tables that give the same bits; cpu.c picks one. */
#ifndef BC_KERNELS_H
#define BC_KERNELS_H

#include <blasconv/blasconv.h>
#include <stdint.h>

typedef struct bc_kernels {
  /* output[i] = activation(input[i] + bias) for i in [0, n); output may be input. A bias of -0
   * leaves every input as it is. */
  void (*activate)(blasconv_activation activation, const float *input, float bias, float *output,
                   int64_t n);
  /* input_gradient[i] = output_gradient[i] * activation'(...), from the output or the input of
   * the forward pass as blasconv_activation_saves() says; the two gradients may be the same. */
  void (*differentiate)(blasconv_activation activation, const float *saved, float bias,
                        const float *output_gradient, float *input_gradient, int64_t n);
  /* Sum of n floats, in an order that depends on n alone. */
  double (*sum)(const float *x, int64_t n);
  /* to[i] += from[i] for i in [0, n). */
  void (*add)(float *to, const float *from, int64_t n);
} bc_kernels;

extern const bc_kernels bc_kernels_generic, bc_kernels_avx2, bc_kernels_avx512;

#endif
