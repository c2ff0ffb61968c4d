/* Depthwise convolutions under three by three taps with vectors of neighbouring channels: several
 * neighbouring results at once, each of which meets most of what the others meet. nine_taps.c is
 * compiled once for each instruction set; tables differ in the rows, in the order of the sums and,
 * as only some have fused multiply-adds, in the last bits. */
#ifndef BC_NINE_TAPS_H
#define BC_NINE_TAPS_H

#include <stdbool.h>
#include <stdint.h>

/* Rows of results, or of the output's gradient: those of an image, or some of them. Result (0, 0)
 * meets pixel (first_row, first_column) of the source with its first tap; what is outside of the
 * source is zero. */
typedef struct bc_nine_taps {
  int64_t rows, columns, channels;
  int64_t row_step, pixel_step;        /* elements from a row, or pixel, of results to the next */
  int64_t source_row, source_pixel;    /* the same of the source */
  int64_t source_rows, source_columns; /* how many */
  int64_t first_row, first_column;
  int64_t stride;        /* 1 or 2, of rows and columns */
  int64_t across, along; /* elements from the weight of a tap to that in the next row, or column */
  /* Of spread() alone: results come in pairs, in both directions, the first of which meets pixel
   * (first_row, first_column) with its first tap and the pixel before with its last, the second
   * with its middle one. Whether the first row, and column, is the second of its pair. */
  bool half_row, half_column;
  /* Of sum() and spread(): what lies behind the last rows of source and results, with all channels,
   * meanwhile. For tensors that no cache keeps: where one does, the results behind a thread's last
   * row are another's, and their lines would go back and forth. */
  bool fetches;
  bool accumulate; /* adds to the result instead of overwriting it */
} bc_nine_taps;

typedef struct bc_nine_tap_kernels {
  int64_t rows;  /* most at once; half as many with stride 2 */
  int64_t lanes; /* least channels */
  /* So many that sum() is faster with them than with one at a time; one if there are none. */
  int64_t (*rows_at_once)(const bc_nine_taps *taps);
  /* result[channel] (+)= sum over the taps of weight[channel] * source[channel]. */
  void (*sum)(const bc_nine_taps *taps, const float *source, const float *weights, float *result);
  /* The gradient of the input with stride 2: result[channel] (+)= the same sum over the taps that
   * meet the source, which is the gradient of the output; one row or two, of one pair. */
  void (*spread)(const bc_nine_taps *taps, const float *source, const float *weights,
                 float *result);
  /* sums[tap][channel] += sum over the results of source[channel] * gradient[channel]. Those
   * of the taps are as far from each other as weights. Fetches what lies behind the last rows. */
  void (*correlate)(const bc_nine_taps *taps, const float *source, const float *gradient,
                    float *sums);
} bc_nine_tap_kernels;

extern const bc_nine_tap_kernels bc_nine_tap_kernels_generic, bc_nine_tap_kernels_avx2,
    bc_nine_tap_kernels_avx512;

#endif
