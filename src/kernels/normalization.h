/* Batch normalisation on a slab: some channels of all images. */
#ifndef BC_NORMALIZATION_H
#define BC_NORMALIZATION_H

#include "kernels.h"

/* Maps [images][channels][pixels] within a tensor whose images are `image_step` elements apart.
 * Pointers to elements point at the first channel in the first image. */
typedef struct bc_slab {
  int64_t images, image_step, channels, pixels;
} bc_slab;

/* Sums over the elements x, and g beside them, of one channel. */
typedef struct bc_sums {
  double deviation; /* of x - mean */
  double gradient;  /* of g */
  double product;   /* of (x - mean) g */
} bc_sums;

/* What turns inputs into outputs; arrays are [channels of the slab]. A mean is kept in two parts,
 * since an input less one float is exact, or rounded to the digits of the difference; together they
 * have the digits that matter where the mean is large and the deviations are small. */
typedef struct bc_normalizer {
  const float *mean, *mean_rest;
  const float *factor; /* scale / deviation */
  const float *shift;
} bc_normalizer;

/* What turns output gradients into input gradients. */
typedef struct bc_normalizer_slope {
  const float *mean, *mean_rest;
  const float *factor;
  const float *average; /* of the gradient */
  const float *slope;   /* how much of the gradient goes along with x - mean */
} bc_normalizer_slope;

typedef struct bc_normalization_kernels {
  /* Each channel's sums, in an order that depends on the slab's sizes alone, save the step; mean
   * and sums [channels]. A NULL g stands for x - mean, but for the sum of g, which is then 0. */
  void (*sum)(const bc_slab *slab, const float *x, const double *mean, const float *g,
              bc_sums *sums);
  /* output = (x - mean) factor + shift; output may be x. */
  void (*normalize)(const bc_slab *slab, const bc_normalizer *normalizer, const float *x,
                    float *output);
  /* input_gradient = (g - average - (x - mean) slope) factor; input_gradient may be g. */
  void (*differentiate)(const bc_slab *slab, const bc_normalizer_slope *slope, const float *x,
                        const float *g, float *input_gradient);
} bc_normalization_kernels;

extern const bc_normalization_kernels bc_normalization_kernels_generic,
    bc_normalization_kernels_avx2, bc_normalization_kernels_avx512;

#endif
