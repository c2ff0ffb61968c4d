/* Convolutions of single maps, without a patch matrix: vectors of neighbouring pixels of a map, or
 * of neighbouring channels of a pixel, are multiplied by a tap's weights and summed in registers.
 */
#ifndef BC_DEPTHWISE_H
#define BC_DEPTHWISE_H

#include "channel_taps.h"
#include "kernels.h"

#include <stdbool.h>
#include <stdint.h>

enum {
  BC_DEPTHWISE_LANES = 8,    /* elements of a vector */
  BC_DEPTHWISE_MOST_TAPS = 9 /* of a correlation */
};

/* Elements of the source, or weights, from one of the summed items to the next. */
typedef struct bc_tap_steps {
  int64_t channel, plane, across, along;
} bc_tap_steps;

/* Maps of lines of results: result[line][x] = sum over channels, planes and taps across and along
 * of weight * source[line * line_step + channel * channel_step + plane * plane_step
 *                   + across[tap] + along * along_step + x]. */
typedef struct bc_stencil {
  int64_t lines, elements; /* of the result */
  int64_t result_step;     /* elements of the result from line to line */
  int64_t line_step;       /* elements of the source from line to line */
  int64_t channels, planes, taps_across, taps_along;
  int64_t channel_step, plane_step, along_step; /* of the source */
  const int64_t *across;                        /* [taps_across], of the source */
  bc_tap_steps weight;
  int64_t maps;                               /* at least one */
  int64_t source_map, weight_map, result_map; /* elements from one map to the next */
  int64_t sources;                            /* of sum_same alone: elements that may be read */
  bool accumulate;                            /* adds to the result instead of overwriting it */
} bc_stencil;

/* Lines of products of maps: sums[tap][lane] += sum over lines and x of gradient[line][x] *
 * source[line * line_step + offsets[tap] + x]. */
typedef struct bc_correlation {
  int64_t lines, elements;
  int64_t gradient_step, line_step; /* elements from line to line */
  int64_t taps;
  int64_t offsets[BC_DEPTHWISE_MOST_TAPS]; /* all valid, also those behind the last tap */
  int64_t sums_step;                       /* floats from one tap's sums to the next */
  int64_t next_gradient;                   /* elements to the lines that are read later */
  int64_t maps;
  int64_t source_map, gradient_map, sums_map; /* elements from one map to the next */
} bc_correlation;

/* A line of products: sums[tap][lane] += sum over the results j of gradient[j][lane] times what is
 * under tap in source[j * stride + first + tap * apart][lane], or zero where that is outside. */
typedef struct bc_line_correlation {
  int64_t results, sources;           /* of the line */
  int64_t elements;                   /* lanes: a vector of them or more */
  int64_t gradient_step, source_step; /* elements from one to the next */
  int64_t stride, first, apart, taps;
  int64_t sums_step;   /* floats from one tap's sums to the next */
  int64_t next_source; /* elements to the line of the source that is read later */
} bc_line_correlation;

typedef struct bc_depthwise_kernels {
  /* One weight for all elements of a line. May read a vector at the last element of a source line.
   */
  void (*sum_pixels)(const bc_stencil *stencil, const float *source, const float *weights,
                     float *result);
  bc_channel_sums *sum_channels;
  /* Maps under three by three taps, zeros around them: lines and elements, at least 4 lines, are
   * those of the source too, rows follow each other in both, and `sources` elements of the source
   * may be read. Of the steps only those of the weights, and of maps, count. */
  void (*sum_same)(const bc_stencil *stencil, const float *source, const float *weights,
                   float *result);
  /* The gradient of the input under three by three taps with stride 2 and a pad before the first:
   * lines and elements, at least a vector, are those of the source; the result has twice as many of
   * both. The weights are those of the forward pass. */
  void (*spread_twice)(const bc_stencil *stencil, const float *source, const float *weights,
                       float *result);
  /* Copies a grid into packed; column_step is 1. */
  void (*copy)(const bc_grid *grid, const float *image, float *packed);
  /* The same with even[i] = image[2 i] and odd[i] = image[2 i + 1] of each row. */
  void (*divide)(const bc_grid *grid, const float *image, float *even, float *odd);
  /* The way back: to is the image. */
  void (*interleave)(const bc_grid *grid, const float *even, const float *odd, float *to);
} bc_depthwise_kernels;

extern const bc_depthwise_kernels bc_depthwise_kernels_generic, bc_depthwise_kernels_avx2;

typedef struct bc_correlation_kernels {
  /* Lanes have elements x modulo their number, in any order; reads as sum_pixels. */
  void (*correlate_pixels)(const bc_correlation *correlation, const float *source,
                           const float *gradient, float *sums);
  void (*correlate_channels)(const bc_line_correlation *correlation, const float *source,
                             const float *gradient, float *sums);
  /* totals[i] += sums[i][0] + ... + sums[i][LANES - 1], which become 0, for i in [0, n). */
  void (*empty_lanes)(float *sums, int64_t n, double *totals);
} bc_correlation_kernels;

extern const bc_correlation_kernels bc_correlation_kernels_generic, bc_correlation_kernels_avx2;

#endif
