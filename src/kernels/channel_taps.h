/* Depthwise convolutions with vectors of neighbouring channels, for any taps: each channel has
 * weights of its own, and neighbours lie beside each other. */
#ifndef BC_CHANNEL_TAPS_H
#define BC_CHANNEL_TAPS_H

#include <stdbool.h>
#include <stdint.h>

/* Rows, or columns: result j and tap i meet source j * stride + first + i * apart, which is zero
 * outside of [0, sources). */
typedef struct bc_channel_axis {
  int64_t results, sources;
  int64_t first, stride, apart;
  int64_t taps;   /* at least one */
  int64_t weight; /* elements from a tap's weight to the next one's */
} bc_channel_axis;

typedef struct bc_channel_taps {
  bc_channel_axis height, width;
  int64_t channels;                 /* a vector of them or more */
  int64_t row_step, pixel_step;     /* elements from a row, or pixel, of results to the next */
  int64_t source_row, source_pixel; /* the same of the source */
  bool accumulate;                  /* adds to the result instead of overwriting it */
} bc_channel_taps;

/* result[channel] (+)= sum over the taps of weight[channel] * source[channel]. */
typedef void bc_channel_sums(const bc_channel_taps *taps, const float *source, const float *weights,
                             float *result);

bc_channel_sums bc_sum_channels_generic, bc_sum_channels_avx2; /* in channel_taps.c */

#endif
