/* Problem -> checked geometry. Every overflow check of the library is here: what passes may be
 * multiplied in int64_t and counted in bytes without a second thought. */
#include "geometry.h"

/* The bytes of no tensor pass PTRDIFF_MAX, so pointer differences within one are defined. */
static bool multiply(int64_t a, int64_t b, int64_t *product)
{
  return !__builtin_mul_overflow(a, b, product);
}

static bool add(int64_t a, int64_t b, int64_t *sum)
{
  return !__builtin_add_overflow(a, b, sum);
}

static bool tensor_fits(int64_t images, int64_t channels, int64_t pixels)
{
  int64_t elements;
  ptrdiff_t bytes;
  return multiply(channels, pixels, &elements) &&
         multiply(bc_max(images, 1), elements, &elements) &&
         !__builtin_mul_overflow(elements, (int64_t)sizeof(float), &bytes);
}

static blasconv_status refuse(blasconv_status status, const char *text, const char **reason)
{
  *reason = text;
  return status;
}

static blasconv_status check_numbers(const bc_axis *axis, const char **reason)
{
  if (axis->input < 1)
    return refuse(BLASCONV_BAD_SIZE, "an input extent is below 1", reason);
  if (axis->kernel < 1)
    return refuse(BLASCONV_BAD_SIZE, "a kernel extent is below 1", reason);
  if (axis->stride < 1)
    return refuse(BLASCONV_BAD_SIZE, "a stride is below 1", reason);
  if (axis->dilation < 1)
    return refuse(BLASCONV_BAD_SIZE, "a dilation is below 1 (1 means dense)", reason);
  if (axis->pad_begin < 0 || axis->pad_end < 0)
    return refuse(BLASCONV_BAD_SIZE, "a pad is negative", reason);
  return BLASCONV_SUCCESS;
}

/* The output of a convolution, whose input is checked. */
static blasconv_status gather_axis(bc_axis *axis, int64_t span, int64_t output_padding,
                                   const char **reason)
{
  int64_t padded;
  if (output_padding != 0)
    return refuse(BLASCONV_BAD_SIZE, "output_padding is for transposed convolutions", reason);
  if (!add(axis->input, axis->pad_begin, &padded) || !add(padded, axis->pad_end, &padded))
    return refuse(BLASCONV_OVERFLOW, "a padded extent overflows", reason);
  if (span > padded)
    return refuse(BLASCONV_KERNEL_TOO_LARGE, "the dilated kernel is larger than the padded input",
                  reason);
  axis->output = (padded - span) / axis->stride + 1;
  return BLASCONV_SUCCESS;
}

/* A transposed convolution's axis, turned round: its input is the output of the convolution, and
 * its output the input. */
static blasconv_status scatter_axis(bc_axis *axis, int64_t span, int64_t output_padding,
                                    const char **reason)
{
  int64_t extent, pads;
  if (output_padding < 0 || output_padding >= bc_max(axis->stride, axis->dilation))
    return refuse(BLASCONV_BAD_SIZE,
                  "output_padding is not between 0 and max(stride, dilation) - 1", reason);
  if (!multiply(axis->input - 1, axis->stride, &extent) || !add(extent, span, &extent) ||
      !add(extent, output_padding, &extent) || !add(axis->pad_begin, axis->pad_end, &pads))
    return refuse(BLASCONV_OVERFLOW, "an output extent overflows", reason);
  if (pads >= extent)
    return refuse(BLASCONV_BAD_SIZE, "the pads leave nothing of the output", reason);
  axis->output = axis->input;
  axis->input = extent - pads;
  return BLASCONV_SUCCESS;
}

static blasconv_status check_axis(const blasconv_problem *problem, int index, bc_axis *axis,
                                  const char **reason)
{
  *axis = (bc_axis){.input = problem->input[index],
                    .kernel = problem->kernel[index],
                    .stride = problem->strides[index],
                    .dilation = problem->dilations[index],
                    .pad_begin = problem->pads_begin[index],
                    .pad_end = problem->pads_end[index]};
  const blasconv_status status = check_numbers(axis, reason);
  if (status != BLASCONV_SUCCESS)
    return status;
  int64_t span;
  if (!multiply(axis->kernel - 1, axis->dilation, &span) || !add(span, 1, &span))
    return refuse(BLASCONV_OVERFLOW, "a dilated kernel extent overflows", reason);
  return problem->direction == BLASCONV_TRANSPOSED
             ? scatter_axis(axis, span, problem->output_padding[index], reason)
             : gather_axis(axis, span, problem->output_padding[index], reason);
}

static blasconv_status check_axes(const blasconv_problem *problem, bc_geometry *geometry,
                                  const char **reason)
{
  const int absent = BLASCONV_MAX_RANK - problem->rank;
  for (int i = 0; i < absent; ++i)
    geometry->axes[i] = (bc_axis){.input = 1, .kernel = 1, .stride = 1, .dilation = 1, .output = 1};
  for (int i = absent; i < BLASCONV_MAX_RANK; ++i) {
    const blasconv_status status = check_axis(problem, i - absent, &geometry->axes[i], reason);
    if (status != BLASCONV_SUCCESS)
      return status;
  }
  return BLASCONV_SUCCESS;
}

static blasconv_status check_channels(const blasconv_problem *problem, const char **reason)
{
  if (problem->batch < 0)
    return refuse(BLASCONV_BAD_SIZE, "batch is negative", reason);
  if (problem->in_channels < 1 || problem->out_channels < 1)
    return refuse(BLASCONV_BAD_SIZE, "in_channels or out_channels is below 1", reason);
  if (problem->groups < 1)
    return refuse(BLASCONV_BAD_SIZE, "groups is below 1", reason);
  if (problem->in_channels % problem->groups != 0)
    return refuse(BLASCONV_BAD_GROUPS, "in_channels is not divisible by groups", reason);
  if (problem->out_channels % problem->groups != 0)
    return refuse(BLASCONV_BAD_GROUPS, "out_channels is not divisible by groups", reason);
  return BLASCONV_SUCCESS;
}

static blasconv_status check_kind(const blasconv_problem *problem, const char **reason)
{
  if (problem->layout != BLASCONV_NCHW && problem->layout != BLASCONV_NHWC)
    return refuse(BLASCONV_BAD_ARGUMENT, "layout is no value of blasconv_layout", reason);
  if (problem->direction != BLASCONV_CONVOLUTION && problem->direction != BLASCONV_TRANSPOSED)
    return refuse(BLASCONV_BAD_ARGUMENT, "direction is no value of blasconv_direction", reason);
  if (problem->rank < 1 || problem->rank > BLASCONV_MAX_RANK)
    return refuse(BLASCONV_BAD_SIZE, "rank is not 1, 2 or 3", reason);
  return BLASCONV_SUCCESS;
}

/* The product of one of an axis's extents over all axes. */
static bool multiply_axes(const bc_geometry *geometry, int64_t (*extent)(const bc_axis *axis),
                          int64_t *product)
{
  *product = 1;
  for (int i = 0; i < BLASCONV_MAX_RANK; ++i)
    if (!multiply(*product, extent(&geometry->axes[i]), product))
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
    return refuse(BLASCONV_OVERFLOW,
                  transposed ? "the bytes of the output overflow"
                             : "the bytes of the input overflow",
                  reason);
  if (!multiply_axes(geometry, output_extent, &geometry->out_pixels) ||
      !tensor_fits(problem->batch, out, geometry->out_pixels))
    return refuse(BLASCONV_OVERFLOW,
                  transposed ? "the bytes of the input overflow"
                             : "the bytes of the output overflow",
                  reason);
  if (!multiply_axes(geometry, kernel_extent, &geometry->taps) ||
      !multiply(geometry->in_channels, geometry->taps, &geometry->patch_rows) ||
      !tensor_fits(1, out, geometry->patch_rows))
    return refuse(BLASCONV_OVERFLOW, "the bytes of the weights overflow", reason);
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
  if (problem == NULL)
    return refuse(BLASCONV_NULL_POINTER, "problem is NULL", reason);
  if (problem->struct_size != sizeof *problem)
    return refuse(BLASCONV_VERSION_MISMATCH, "problem.struct_size is not that of this library",
                  reason);
  blasconv_status status = check_kind(problem, reason);
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

blasconv_status bc_problem_check_plain(const blasconv_problem *problem, bc_geometry *geometry)
{
  const char *reason;
  const blasconv_status status = bc_problem_check(problem, geometry, &reason);
  if (status != BLASCONV_SUCCESS)
    return status;
  return problem->layout == BLASCONV_NCHW && problem->direction == BLASCONV_CONVOLUTION
             ? BLASCONV_SUCCESS
             : BLASCONV_UNSUPPORTED;
}

blasconv_status bc_pooling_check(const blasconv_problem *problem, bc_geometry *geometry)
{
  const blasconv_status status = bc_problem_check_plain(problem, geometry);
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
  if (maps->layout == BLASCONV_NHWC)
    return BLASCONV_UNSUPPORTED;
  if (maps->layout != BLASCONV_NCHW)
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
  return add(*total, count, total);
}
