#include "kernels.h"

#include "activations.h"
#include "depthwise.h"
#include "descent.h"
#include "gemv.h"
#include "nine_taps.h"
#include "normalization.h"
#include "pooling.h"
#include "product.h"
#include "winograd.h"

/* ---- rows ---- */

/* From the number of one element to that of the next: a row of pixels has one, a row of channels
 * has one for each. */
enum { SAME = 0, NEXT = 1 };

/* Function pointers and steps are constants where these are inlined, so each use is a loop of its
 * own. */
INLINE void map(float (*function)(float, float), float alpha, const float *input,
                const float *scale, int64_t scale_step, const float *shift, int64_t shift_step,
                float *output, int64_t n)
{
#pragma omp simd
  for (int64_t i = 0; i < n; ++i)
    output[i] = function(input[i] * scale[i * scale_step] + shift[i * shift_step], alpha);
}

INLINE void map_slope(float (*slope)(float, float), float alpha, const float *saved,
                      const float *bias, int64_t bias_step, const float *output_gradient,
                      float *input_gradient, int64_t n)
{
#pragma omp simd
  for (int64_t i = 0; i < n; ++i)
    input_gradient[i] = output_gradient[i] * slope(saved[i] + bias[i * bias_step], alpha);
}

INLINE void activate_row(blasconv_activation activation, const float *input, const float *scale,
                         int64_t scale_step, const float *shift, int64_t shift_step, float *output,
                         int64_t n)
{
  const float alpha = activation.alpha;
  switch (activation.kind) {
  case BLASCONV_IDENTITY:
    map(identity, alpha, input, scale, scale_step, shift, shift_step, output, n);
    break;
  case BLASCONV_RELU:
    map(relu, alpha, input, scale, scale_step, shift, shift_step, output, n);
    break;
  case BLASCONV_LEAKY_RELU:
    map(leaky_relu, alpha, input, scale, scale_step, shift, shift_step, output, n);
    break;
  case BLASCONV_CLIPPED_RELU:
    map(clipped_relu, alpha, input, scale, scale_step, shift, shift_step, output, n);
    break;
  case BLASCONV_ELU:
    map(elu, alpha, input, scale, scale_step, shift, shift_step, output, n);
    break;
  case BLASCONV_SIGMOID:
    map(sigmoid, alpha, input, scale, scale_step, shift, shift_step, output, n);
    break;
  case BLASCONV_TANH:
    map(hyperbolic_tangent, alpha, input, scale, scale_step, shift, shift_step, output, n);
    break;
  case BLASCONV_SILU:
    map(silu, alpha, input, scale, scale_step, shift, shift_step, output, n);
    break;
  case BLASCONV_GELU_ERF:
    map(gelu_erf, alpha, input, scale, scale_step, shift, shift_step, output, n);
    break;
  case BLASCONV_GELU_TANH:
    map(gelu_tanh, alpha, input, scale, scale_step, shift, shift_step, output, n);
    break;
  }
}

INLINE void differentiate_row(blasconv_activation activation, const float *saved, const float *bias,
                              int64_t bias_step, const float *output_gradient,
                              float *input_gradient, int64_t n)
{
  const float alpha = activation.alpha;
  switch (activation.kind) {
  case BLASCONV_IDENTITY:
    map_slope(identity_slope, alpha, saved, bias, bias_step, output_gradient, input_gradient, n);
    break;
  case BLASCONV_RELU:
    map_slope(relu_slope, alpha, saved, bias, bias_step, output_gradient, input_gradient, n);
    break;
  case BLASCONV_LEAKY_RELU:
    map_slope(leaky_relu_slope, alpha, saved, bias, bias_step, output_gradient, input_gradient, n);
    break;
  case BLASCONV_CLIPPED_RELU:
    map_slope(clipped_relu_slope, alpha, saved, bias, bias_step, output_gradient, input_gradient,
              n);
    break;
  case BLASCONV_ELU:
    map_slope(elu_slope, alpha, saved, bias, bias_step, output_gradient, input_gradient, n);
    break;
  case BLASCONV_SIGMOID:
    map_slope(sigmoid_slope, alpha, saved, bias, bias_step, output_gradient, input_gradient, n);
    break;
  case BLASCONV_TANH:
    map_slope(tanh_slope, alpha, saved, bias, bias_step, output_gradient, input_gradient, n);
    break;
  case BLASCONV_SILU:
    map_slope(silu_slope, alpha, saved, bias, bias_step, output_gradient, input_gradient, n);
    break;
  case BLASCONV_GELU_ERF:
    map_slope(gelu_erf_slope, alpha, saved, bias, bias_step, output_gradient, input_gradient, n);
    break;
  case BLASCONV_GELU_TANH:
    map_slope(gelu_tanh_slope, alpha, saved, bias, bias_step, output_gradient, input_gradient, n);
    break;
  }
}

/* Adding -0 changes no float, adding +0 would change -0. */
static const float NO_SHIFT = -0.0f;

/* A copy of what a row has once cannot be what is written, so it stays in a register. */

static void activate(blasconv_activation activation, const float *input, const float *scale,
                     const float *shift, int64_t step, float *output, int64_t n)
{
  const float own_scale = scale ? *scale : 1.0f, own_shift = shift ? *shift : NO_SHIFT;
  if (step == SAME || shift == NULL)
    activate_row(activation, input, &own_scale, SAME, &own_shift, SAME, output, n);
  else if (scale == NULL)
    activate_row(activation, input, &(const float){1.0f}, SAME, shift, NEXT, output, n);
  else
    activate_row(activation, input, scale, NEXT, shift, NEXT, output, n);
}

static void differentiate(blasconv_activation activation, const float *saved, const float *bias,
                          int64_t step, const float *output_gradient, float *input_gradient,
                          int64_t n)
{
  const float own = bias ? *bias : NO_SHIFT;
  if (step == SAME || bias == NULL)
    differentiate_row(activation, saved, &own, SAME, output_gradient, input_gradient, n);
  else
    differentiate_row(activation, saved, bias, NEXT, output_gradient, input_gradient, n);
}

/* Partial sums in lanes of fixed number, so that the order is the same on every instruction set;
 * in double, so that a batch of large maps loses nothing. */
static double sum(const float *x, int64_t n)
{
  enum { LANES = 16 };
  double lanes[LANES] = {0};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int lane = 0; lane < LANES; ++lane)
      lanes[lane] += (double)x[i + lane];
  for (int lane = 0; i < n; ++i, ++lane)
    lanes[lane] += (double)x[i];
  double total = 0.0;
  for (int lane = 0; lane < LANES; ++lane)
    total += lanes[lane];
  return total;
}

static void add_to_sums(double *sums, const float *x, int64_t n)
{
#pragma omp simd
  for (int64_t i = 0; i < n; ++i)
    sums[i] += (double)x[i];
}

static void add(float *to, const float *from, int64_t n)
{
#pragma omp simd
  for (int64_t i = 0; i < n; ++i)
    to[i] += from[i];
}

/* One row of a grid; a step that is a constant where this is inlined makes a loop of shuffles. */
INLINE void gather_row(const float *image, int64_t step, float *packed, int64_t n)
{
#pragma omp simd
  for (int64_t j = 0; j < n; ++j)
    packed[j] = image[j * step];
}

INLINE void scatter_row(const float *packed, int64_t step, float *image, int64_t n)
{
#pragma omp simd
  for (int64_t j = 0; j < n; ++j)
    image[j * step] += packed[j];
}

INLINE void gather_grid(const bc_grid *grid, int64_t column_step, const float *image, float *packed)
{
  for (int64_t plane = 0; plane < grid->planes; ++plane)
    for (int64_t row = 0; row < grid->rows; ++row)
      gather_row(image + plane * grid->plane_step + row * grid->row_step, column_step,
                 packed + plane * grid->packed_plane_step + row * grid->packed_row_step,
                 grid->columns);
}

INLINE void scatter_grid(const bc_grid *grid, int64_t column_step, const float *packed,
                         float *image)
{
  for (int64_t plane = 0; plane < grid->planes; ++plane)
    for (int64_t row = 0; row < grid->rows; ++row)
      scatter_row(packed + plane * grid->packed_plane_step + row * grid->packed_row_step,
                  column_step, image + plane * grid->plane_step + row * grid->row_step,
                  grid->columns);
}

static void gather(const bc_grid *grid, const float *image, float *packed)
{
  if (grid->column_step == 1)
    gather_grid(grid, 1, image, packed);
  else if (grid->column_step == 2)
    gather_grid(grid, 2, image, packed);
  else
    gather_grid(grid, grid->column_step, image, packed);
}

static void scatter_add(const bc_grid *grid, const float *packed, float *image)
{
  if (grid->column_step == 1)
    scatter_grid(grid, 1, packed, image);
  else
    scatter_grid(grid, grid->column_step, packed, image);
}

/* ---- transpose ---- */

enum { TILE = 8 };
typedef float vector __attribute__((vector_size(TILE * sizeof(float))));

/* The three steps of a transpose: blocks of 1, 2 and 4 elements of two vectors in turn, their first
 * halves and their second halves. */
INLINE void interleave(vector *a, vector *b, int step)
{
  const vector x = *a, y = *b;
  if (step == 1) {
    *a = __builtin_shufflevector(x, y, 0, 8, 1, 9, 4, 12, 5, 13);
    *b = __builtin_shufflevector(x, y, 2, 10, 3, 11, 6, 14, 7, 15);
  } else if (step == 2) {
    *a = __builtin_shufflevector(x, y, 0, 1, 8, 9, 4, 5, 12, 13);
    *b = __builtin_shufflevector(x, y, 2, 3, 10, 11, 6, 7, 14, 15);
  } else {
    *a = __builtin_shufflevector(x, y, 0, 1, 2, 3, 8, 9, 10, 11);
    *b = __builtin_shufflevector(x, y, 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

/* Within a block of four, the second step leaves columns 0, 2, 1, 3. */
INLINE void transpose_tile(const float *rows, int64_t stride, float *columns,
                           int64_t columns_stride)
{
  static const int order[TILE] = {0, 2, 1, 3, 4, 6, 5, 7};
  vector v[TILE];
  UNROLL for (int i = 0; i < TILE; ++i) memcpy(&v[i], rows + i * stride, sizeof v[i]);
  UNROLL for (int i = 0; i < TILE; i += 2) interleave(&v[i], &v[i + 1], 1);
  UNROLL for (int i = 0; i < TILE; ++i) if (i % 4 < 2) interleave(&v[i], &v[i + 2], 2);
  UNROLL for (int i = 0; i < TILE / 2; ++i) interleave(&v[i], &v[i + 4], 4);
  UNROLL for (int i = 0; i < TILE; ++i)
      memcpy(columns + order[i] * columns_stride, &v[i], sizeof v[i]);
}

/* The last tiles begin earlier where they would reach over the end. Along the columns, so that what
 * is written is contiguous and what is read stays in the cache. */
static void transpose(const float *rows, int64_t stride, int64_t m, int64_t n, float *columns,
                      int64_t columns_stride)
{
  if (m < TILE || n < TILE) {
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < n; ++j)
        columns[j * columns_stride + i] = rows[i * stride + j];
    return;
  }
  for (int64_t j = 0; j < n; j += TILE) {
    const int64_t column = j < n - TILE ? j : n - TILE;
    for (int64_t i = 0; i < m; i += TILE) {
      const int64_t row = i < m - TILE ? i : m - TILE;
      transpose_tile(rows + row * stride + column, stride, columns + column * columns_stride + row,
                     columns_stride);
    }
  }
}

const bc_kernels BC_FOR_ISA(bc_kernels) = {
    .activate = activate,
    .differentiate = differentiate,
    .sum = sum,
    .add_to_sums = add_to_sums,
    .add = add,
    .gather = gather,
    .scatter_add = scatter_add,
    .transpose = transpose,
    .max_pooling = &BC_FOR_VECTOR_ISA(bc_max_pooling_kernels),
    .max_halving = &BC_FOR_VECTOR_ISA(bc_max_halving_kernels),
    .average_pooling = &BC_FOR_VECTOR_ISA(bc_average_pooling_kernels),
    .average_halving = &BC_FOR_VECTOR_ISA(bc_average_halving_kernels),
    .channel_pooling = &BC_FOR_VECTOR_ISA(bc_channel_pooling_kernels),
    .normalization = &BC_FOR_ISA(bc_normalization_kernels),
    .descent = &BC_FOR_ISA(bc_descent_kernels),
    .depthwise = &BC_FOR_VECTOR_ISA(bc_depthwise_kernels),
    .correlation = &BC_FOR_VECTOR_ISA(bc_correlation_kernels),
    .nine_taps = &BC_FOR_ISA(bc_nine_tap_kernels),
    .product = &BC_FOR_ISA(bc_product_kernels),
    .gemv = &BC_FOR_VECTOR_ISA(bc_gemv_kernels),
    .winograd = &BC_FOR_ISA(bc_winograd_kernels)};
