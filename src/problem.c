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

static blasconv_status check_axis(const blasconv_problem *problem, int index, bc_axis *axis,
                                  const char **reason)
{
  *axis = (bc_axis){.input = problem->input[index],
                    .kernel = problem->kernel[index],
                    .stride = problem->strides[index],
                    .dilation = problem->dilations[index],
                    .pad_begin = problem->pads_begin[index],
                    .pad_end = problem->pads_end[index]};
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
  int64_t padded, span;
  if (!add(axis->input, axis->pad_begin, &padded) || !add(padded, axis->pad_end, &padded))
    return refuse(BLASCONV_OVERFLOW, "a padded extent overflows", reason);
  if (!multiply(axis->kernel - 1, axis->dilation, &span) || !add(span, 1, &span))
    return refuse(BLASCONV_OVERFLOW, "a dilated kernel extent overflows", reason);
  if (span > padded)
    return refuse(BLASCONV_KERNEL_TOO_LARGE, "the dilated kernel is larger than the padded input",
                  reason);
  axis->output = (padded - span) / axis->stride + 1;
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
  if (problem->layout == BLASCONV_NHWC)
    return refuse(BLASCONV_UNSUPPORTED, "the layout NHWC is not offered yet: use NCHW", reason);
  if (problem->layout != BLASCONV_NCHW)
    return refuse(BLASCONV_BAD_ARGUMENT, "layout is no value of blasconv_layout", reason);
  if (problem->rank < 1 || problem->rank > BLASCONV_MAX_RANK)
    return refuse(BLASCONV_BAD_SIZE, "rank is not 1, 2 or 3", reason);
  if (problem->rank != 2)
    return refuse(BLASCONV_UNSUPPORTED, "ranks 1 and 3 are not offered yet: use rank 2", reason);
  return BLASCONV_SUCCESS;
}

static blasconv_status fill_products(const blasconv_problem *problem, bc_geometry *geometry,
                                     const char **reason)
{
  const bc_axis *h = &geometry->height, *w = &geometry->width;
  geometry->batch = problem->batch;
  geometry->groups = problem->groups;
  geometry->in_channels = problem->in_channels / problem->groups;
  geometry->out_channels = problem->out_channels / problem->groups;
  if (!multiply(h->input, w->input, &geometry->in_pixels) ||
      !tensor_fits(problem->batch, problem->in_channels, geometry->in_pixels))
    return refuse(BLASCONV_OVERFLOW, "the bytes of the input overflow", reason);
  if (!multiply(h->output, w->output, &geometry->out_pixels) ||
      !tensor_fits(problem->batch, problem->out_channels, geometry->out_pixels))
    return refuse(BLASCONV_OVERFLOW, "the bytes of the output overflow", reason);
  if (!multiply(h->kernel, w->kernel, &geometry->taps) ||
      !multiply(geometry->in_channels, geometry->taps, &geometry->patch_rows) ||
      !tensor_fits(1, problem->out_channels, geometry->patch_rows))
    return refuse(BLASCONV_OVERFLOW, "the bytes of the weights overflow", reason);
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
    status = check_axis(problem, 0, &geometry->height, reason);
  if (status == BLASCONV_SUCCESS)
    status = check_axis(problem, 1, &geometry->width, reason);
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
  output[0] = geometry.height.output;
  output[1] = geometry.width.output;
  output[2] = 1;
  return BLASCONV_SUCCESS;
}

/* A window must not lie in pads alone, as far as its extent goes. */
static bool pads_below_kernel(const bc_axis *axis)
{
  const int64_t span = (axis->kernel - 1) * axis->dilation + 1;
  return axis->pad_begin < span && axis->pad_end < span;
}

blasconv_status bc_pooling_check(const blasconv_problem *problem, bc_geometry *geometry)
{
  const char *reason;
  const blasconv_status status = bc_problem_check(problem, geometry, &reason);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (geometry->in_channels != 1 || geometry->out_channels != 1)
    return BLASCONV_BAD_GROUPS;
  return pads_below_kernel(&geometry->height) && pads_below_kernel(&geometry->width)
             ? BLASCONV_SUCCESS
             : BLASCONV_BAD_SIZE;
}

blasconv_status bc_maps_check(const blasconv_maps *maps, bc_layouts layouts)
{
  if (maps == NULL)
    return BLASCONV_NULL_POINTER;
  if (maps->struct_size != sizeof *maps)
    return BLASCONV_VERSION_MISMATCH;
  if (maps->layout != BLASCONV_NCHW && maps->layout != BLASCONV_NHWC)
    return BLASCONV_BAD_ARGUMENT;
  if (maps->layout == BLASCONV_NHWC && layouts == BC_NCHW_ONLY)
    return BLASCONV_UNSUPPORTED;
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

bc_range bc_axis_inside(const bc_axis *axis, int64_t tap)
{
  /* Input position 0 is met at output position -offset / stride, position input - 1 is the last. */
  const int64_t offset = tap * axis->dilation - axis->pad_begin;
  const int64_t last = axis->input - 1 - offset;
  const int64_t begin = offset >= 0 ? 0 : bc_count_blocks(-offset, axis->stride);
  const int64_t end = last < 0 ? 0 : last / axis->stride + 1;
  const int64_t clamped = bc_min(end, axis->output);
  return (bc_range){bc_min(begin, clamped), clamped};
}
