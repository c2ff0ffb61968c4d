/* Problem -> checked geometry. Every overflow check of the library is here and in axes.c: what
 * passes may be multiplied in int64_t and counted in bytes without a second thought. */
#include "axes.h"

/* The bytes of no tensor pass PTRDIFF_MAX, so pointer differences within one are defined. */
static bool tensor_fits(int64_t images, int64_t channels, int64_t pixels)
{
  int64_t elements;
  ptrdiff_t bytes;
  return bc_multiply(channels, pixels, &elements) &&
         bc_multiply(bc_max(images, 1), elements, &elements) &&
         !__builtin_mul_overflow(elements, (int64_t)sizeof(float), &bytes);
}

static blasconv_status check_axes(const blasconv_problem *problem, bc_geometry *geometry,
                                  const char **reason)
{
  const int absent = BLASCONV_MAX_RANK - problem->rank;
  for (int i = 0; i < absent; ++i)
    geometry->axes[i] = (bc_axis){.input = 1, .kernel = 1, .stride = 1, .dilation = 1, .output = 1};
  for (int i = absent; i < BLASCONV_MAX_RANK; ++i) {
    const blasconv_status status = bc_axis_check(problem, i - absent, &geometry->axes[i], reason);
    if (status != BLASCONV_SUCCESS)
      return status;
  }
  return BLASCONV_SUCCESS;
}

static blasconv_status check_channels(const blasconv_problem *problem, const char **reason)
{
  if (problem->batch < 0)
    return bc_refuse(BLASCONV_BAD_SIZE, "batch is negative", reason);
  if (problem->in_channels < 1 || problem->out_channels < 1)
    return bc_refuse(BLASCONV_BAD_SIZE, "in_channels or out_channels is below 1", reason);
  if (problem->groups < 1)
    return bc_refuse(BLASCONV_BAD_SIZE, "groups is below 1", reason);
  if (problem->in_channels % problem->groups != 0)
    return bc_refuse(BLASCONV_BAD_GROUPS, "in_channels is not divisible by groups", reason);
  if (problem->out_channels % problem->groups != 0)
    return bc_refuse(BLASCONV_BAD_GROUPS, "out_channels is not divisible by groups", reason);
  return BLASCONV_SUCCESS;
}

/* The product of one of an axis's extents over all axes. */
static bool multiply_axes(const bc_geometry *geometry, int64_t (*extent)(const bc_axis *axis),
                          int64_t *product)
{
  *product = 1;
  for (int i = 0; i < BLASCONV_MAX_RANK; ++i)
    if (!bc_multiply(*product, extent(&geometry->axes[i]), product))
      return false;
  return true;
}

static int64_t input_extent(const bc_axis *axis)
{
  return axis->input;
}

static int64_t kernel_extent(const bc_axis *axis)
{
  return axis->kernel;
}

static int64_t output_extent(const bc_axis *axis)
{
  return axis->output;
}

static bc_steps steps_of(const bc_geometry *geometry, int64_t channels, int64_t pixels)
{
  const int64_t image = geometry->groups * channels * pixels;
  if (geometry->layout == BLASCONV_NHWC)
    return (bc_steps){image, channels, 1, geometry->groups * channels};
  return (bc_steps){image, channels * pixels, pixels, 1};
}

/* Of the convolution: the problem's channels in and out change places if it is transposed. */
static blasconv_status fill_products(const blasconv_problem *problem, bc_geometry *geometry,
                                     const char **reason)
{
  const bool transposed = problem->direction == BLASCONV_TRANSPOSED;
  const int64_t in = transposed ? problem->out_channels : problem->in_channels;
  const int64_t out = transposed ? problem->in_channels : problem->out_channels;
  geometry->layout = problem->layout;
  geometry->batch = problem->batch;
  geometry->groups = problem->groups;
  geometry->in_channels = in / problem->groups;
  geometry->out_channels = out / problem->groups;
  if (!multiply_axes(geometry, input_extent, &geometry->in_pixels) ||
      !tensor_fits(problem->batch, in, geometry->in_pixels))
    return bc_refuse(BLASCONV_OVERFLOW,
                     transposed ? "the bytes of the output overflow"
                                : "the bytes of the input overflow",
                     reason);
  if (!multiply_axes(geometry, output_extent, &geometry->out_pixels) ||
      !tensor_fits(problem->batch, out, geometry->out_pixels))
    return bc_refuse(BLASCONV_OVERFLOW,
                     transposed ? "the bytes of the input overflow"
                                : "the bytes of the output overflow",
                     reason);
  if (!multiply_axes(geometry, kernel_extent, &geometry->taps) ||
      !bc_multiply(geometry->in_channels, geometry->taps, &geometry->patch_rows) ||
      !tensor_fits(1, out, geometry->patch_rows))
    return bc_refuse(BLASCONV_OVERFLOW, "the bytes of the weights overflow", reason);
  const bool last = geometry->layout == BLASCONV_NHWC;
  geometry->row_of_channel = last ? 1 : geometry->taps;
  geometry->row_of_tap = last ? geometry->in_channels : 1;
  geometry->input = steps_of(geometry, geometry->in_channels, geometry->in_pixels);
  geometry->output = steps_of(geometry, geometry->out_channels, geometry->out_pixels);
  return BLASCONV_SUCCESS;
}

blasconv_status bc_problem_check(const blasconv_problem *problem, bc_geometry *geometry,
                                 const char **reason)
{
  blasconv_status status = bc_kind_check(problem, reason);
  if (status == BLASCONV_SUCCESS)
    status = check_channels(problem, reason);
  if (status == BLASCONV_SUCCESS)
    status = check_axes(problem, geometry, reason);
  if (status == BLASCONV_SUCCESS)
    status = fill_products(problem, geometry, reason);
  return status;
}

blasconv_status blasconv_problem_output(const blasconv_problem *problem,
                                        int64_t output[BLASCONV_MAX_RANK])
{
  bc_geometry geometry;
  const char *reason;
  const blasconv_status status = bc_problem_check(problem, &geometry, &reason);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (output == NULL)
    return BLASCONV_NULL_POINTER;
  const bool transposed = problem->direction == BLASCONV_TRANSPOSED;
  for (int i = 0; i < BLASCONV_MAX_RANK; ++i) {
    const bc_axis *axis =
        &geometry.axes[(i + BLASCONV_MAX_RANK - problem->rank) % BLASCONV_MAX_RANK];
    output[i] = transposed ? axis->input : axis->output; /* those past the rank are 1 */
  }
  return BLASCONV_SUCCESS;
}

/* A window must not lie in pads alone, as far as its extent goes. */
static bool pads_below_kernel(const bc_axis *axis)
{
  const int64_t span = (axis->kernel - 1) * axis->dilation + 1;
  return axis->pad_begin < span && axis->pad_end < span;
}

blasconv_status bc_problem_check_convolution(const blasconv_problem *problem, bc_geometry *geometry)
{
  const char *reason;
  const blasconv_status status = bc_problem_check(problem, geometry, &reason);
  if (status != BLASCONV_SUCCESS)
    return status;
  return problem->direction == BLASCONV_CONVOLUTION ? BLASCONV_SUCCESS : BLASCONV_UNSUPPORTED;
}

blasconv_status bc_pooling_check(const blasconv_problem *problem, bc_geometry *geometry)
{
  const blasconv_status status = bc_problem_check_convolution(problem, geometry);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (problem->rank > 2)
    return BLASCONV_UNSUPPORTED;
  if (geometry->in_channels != 1 || geometry->out_channels != 1)
    return BLASCONV_BAD_GROUPS;
  return pads_below_kernel(&geometry->axes[BC_HEIGHT]) &&
                 pads_below_kernel(&geometry->axes[BC_WIDTH])
             ? BLASCONV_SUCCESS
             : BLASCONV_BAD_SIZE;
}

blasconv_status bc_maps_check(const blasconv_maps *maps)
{
  if (maps == NULL)
    return BLASCONV_NULL_POINTER;
  if (maps->struct_size != sizeof *maps)
    return BLASCONV_VERSION_MISMATCH;
  if (maps->layout != BLASCONV_NCHW && maps->layout != BLASCONV_NHWC)
    return BLASCONV_BAD_ARGUMENT;
  if (maps->batch < 0 || maps->channels < 1 || maps->pixels < 1)
    return BLASCONV_BAD_SIZE;
  return tensor_fits(maps->batch, maps->channels, maps->pixels) ? BLASCONV_SUCCESS
                                                                : BLASCONV_OVERFLOW;
}

blasconv_status bc_matrix_check(int64_t rows, int64_t columns)
{
  if (rows < 0 || columns < 1)
    return BLASCONV_BAD_SIZE;
  return tensor_fits(rows, columns, 1) ? BLASCONV_SUCCESS : BLASCONV_OVERFLOW;
}

bool bc_count_add(int64_t count, int64_t *total)
{
  return bc_add(*total, count, total);
}
