/* Single elements of a convolution, by definition and in double precision. */
#ifndef BENCH_NAIVE_H
#define BENCH_NAIVE_H

#include "operands.h"

/* A tensor as [outer][channels][pixels], wherever the layout puts them: images of pixels, or
 * filters of taps. */
typedef struct bench_naive_tensor {
  const float *data;
  int64_t channels, pixels;
  int64_t outer_step, channel_step, pixel_step; /* floats from one to the next */
} bench_naive_tensor;

/* A convolution from x to y with filters w. A transposed convolution goes from y to x. */
typedef struct bench_naive {
  int64_t batch, groups, channels, filters; /* channels of x and y in one group */
  int64_t x_extents[BLASCONV_MAX_RANK], y_extents[BLASCONV_MAX_RANK], taps[BLASCONV_MAX_RANK];
  int64_t strides[BLASCONV_MAX_RANK], dilations[BLASCONV_MAX_RANK], pads[BLASCONV_MAX_RANK];
  bench_naive_tensor x, y, w;
} bench_naive;

/* Where an element is. */
typedef struct bench_naive_place {
  int64_t outer, channel, pixel;
} bench_naive_place;

/* A sum of products, the sum of their absolute values, and how many there are. */
typedef struct bench_naive_sum {
  double value, magnitude;
  int64_t terms;
} bench_naive_sum;

bench_naive bench_naive_of(const blasconv_problem *problem, const bench_operands *operands);

/* The place of the element that lies `index` floats behind the tensor's first. */
bench_naive_place bench_naive_find(const bench_naive_tensor *tensor, int64_t index);

/* An element of y from x and w, of x from y and w, of w from x and y. */
bench_naive_sum bench_naive_y(const bench_naive *naive, bench_naive_place place);
bench_naive_sum bench_naive_x(const bench_naive *naive, bench_naive_place place);
bench_naive_sum bench_naive_w(const bench_naive *naive, bench_naive_place place);

/* The sum of a tensor's channel over images and pixels. */
bench_naive_sum bench_naive_channel(const bench_naive_tensor *tensor, int64_t batch,
                                    int64_t channel);

#endif
