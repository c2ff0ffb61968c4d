/* Element-wise kernels on rows of floats. kernels.c is compiled once for each instruction set, into
 * tables that give the same bits; cpu.c picks one. */
#ifndef BC_KERNELS_H
#define BC_KERNELS_H

#include <blasconv/blasconv.h>
#include <stdint.h>

/* The name of a table as it is compiled for this instruction set: BC_FOR_ISA(bc_kernels) is
 * bc_kernels_avx2 where the build defines BC_ISA_SUFFIX as _avx2. */
#define BC_JOIN_TOKENS(name, suffix) name##suffix
#define BC_JOIN(name, suffix) BC_JOIN_TOKENS(name, suffix)
#define BC_FOR_ISA(name) BC_JOIN(name, BC_ISA_SUFFIX)

/* The same for kernels of vectors of eight floats, which AVX-512 takes from AVX2. */
#define BC_FOR_VECTOR_ISA(name) BC_JOIN(name, BC_VECTOR_ISA_SUFFIX)

/* Whether these kernels are to be small rather than fast, as the generic ones on x86, which few
 * CPUs run: they have no loops of their own for common extents. */
#ifdef BC_SMALL_KERNELS
enum { BC_IS_SMALL = 1 };
#else
enum { BC_IS_SMALL = 0 };
#endif

/* Pixels of an image on a regular grid, and where they stand when packed. */
typedef struct bc_grid {
  int64_t planes, rows, columns;              /* how many */
  int64_t plane_step, row_step, column_step;  /* elements of the image from one to the next */
  int64_t packed_plane_step, packed_row_step; /* packed columns are neighbours */
  int64_t next; /* elements of the image to the grid that is copied after it, if any is */
} bc_grid;

typedef struct bc_kernels {
  /* output[i] = activation(input[i] * scale[i * step] + shift[i * step]) for i in [0, n), where
   * step is 0 (one number each) or 1 (both [n]). A NULL scale is 1, a NULL shift none, and then the
   * scale is NULL too. Output may be the input or the shift. */
  void (*activate)(blasconv_activation activation, const float *input, const float *scale,
                   const float *shift, int64_t step, float *output, int64_t n);
  /* input_gradient[i] = output_gradient[i] * activation'(...), from the output, or the input with
   * bias[i * step] added, of the forward pass as blasconv_activation_saves() says; a NULL bias is
   * none; the two gradients may be the same. */
  void (*differentiate)(blasconv_activation activation, const float *saved, const float *bias,
                        int64_t step, const float *output_gradient, float *input_gradient,
                        int64_t n);
  /* Sum of n floats, in an order that depends on n alone. */
  double (*sum)(const float *x, int64_t n);
  /* sums[i] += x[i] for i in [0, n). */
  void (*add_to_sums)(double *sums, const float *x, int64_t n);
  /* to[i] += from[i] for i in [0, n). */
  void (*add)(float *to, const float *from, int64_t n);
  /* Copies the grid of the image into packed. */
  void (*gather)(const bc_grid *grid, const float *image, float *packed);
  /* Adds what is packed to the grid of the image. */
  void (*scatter_add)(const bc_grid *grid, const float *packed, float *image);
  /* columns[j][i] = rows[i][j] for rows [m][n], whose rows are `stride` apart. */
  void (*transpose)(const float *rows, int64_t stride, int64_t m, int64_t n, float *columns,
                    int64_t columns_stride);
  /* Those with files of their own. */
  const struct bc_max_pooling_kernels *max_pooling, *max_halving; /* see pooling.h */
  const struct bc_average_pooling_kernels *average_pooling, *average_halving;
  const struct bc_channel_pooling_kernels *channel_pooling;
  const struct bc_normalization_kernels *normalization;
  const struct bc_descent_kernels *descent;
  const struct bc_depthwise_kernels *depthwise;
  const struct bc_correlation_kernels *correlation; /* see depthwise.h */
  const struct bc_nine_tap_kernels *nine_taps;
  const struct bc_product_kernels *product;
  const struct bc_gemv_kernels *gemv;
  const struct bc_winograd_kernels *winograd;
} bc_kernels;

extern const bc_kernels bc_kernels_generic, bc_kernels_avx2, bc_kernels_avx512;

#endif
