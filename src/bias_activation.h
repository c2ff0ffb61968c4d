#ifndef BC_BIAS_ACTIVATION_H
#define BC_BIAS_ACTIVATION_H

#include "geometry.h"

/* bias_gradient[c] (+)= sum over images and pixels of output_gradient. */
void bc_bias_gradient(const blasconv_maps *maps, const float *output_gradient, bool accumulate,
                      int threads, float *bias_gradient);

/* Stores or adds what was summed: totals [n] to gradient [n]. */
void bc_bias_gradient_store(const double *totals, int64_t n, bool accumulate, float *gradient);

enum {
  BC_LEAST_DENSE = 16, /* floats in a cache line */
  BC_MOST_DENSE = 512  /* sums that a task keeps on its stack */
};

/* Channels of maps of one pixel that a task takes over a whole batch: about 2^14 elements. */
static inline int64_t bc_dense_block(int64_t batch)
{
  const int64_t even = (1 << 14) / bc_max(batch, 1) / BC_LEAST_DENSE * BC_LEAST_DENSE;
  return bc_min(bc_max(even, BC_LEAST_DENSE), BC_MOST_DENSE);
}

#endif
