#include "axes.h"

blasconv_status bc_kind_check(const blasconv_problem *problem, const char **reason)
{
  if (problem == NULL)
    return bc_refuse(BLASCONV_NULL_POINTER, "problem is NULL", reason);
  if (problem->struct_size != sizeof *problem)
    return bc_refuse(BLASCONV_VERSION_MISMATCH, "problem.struct_size is not that of this library",
                     reason);
  if (problem->layout != BLASCONV_NCHW && problem->layout != BLASCONV_NHWC)
    return bc_refuse(BLASCONV_BAD_ARGUMENT, "layout is no value of blasconv_layout", reason);
  if (problem->direction != BLASCONV_CONVOLUTION && problem->direction != BLASCONV_TRANSPOSED)
    return bc_refuse(BLASCONV_BAD_ARGUMENT, "direction is no value of blasconv_direction", reason);
  if (problem->rank < 1 || problem->rank > BLASCONV_MAX_RANK)
    return bc_refuse(BLASCONV_BAD_SIZE, "rank is not 1, 2 or 3", reason);
  return BLASCONV_SUCCESS;
}

static blasconv_status check_numbers(const bc_axis *axis, const char **reason)
{
  if (axis->input < 1)
    return bc_refuse(BLASCONV_BAD_SIZE, "an input extent is below 1", reason);
  if (axis->kernel < 1)
    return bc_refuse(BLASCONV_BAD_SIZE, "a kernel extent is below 1", reason);
  if (axis->stride < 1)
    return bc_refuse(BLASCONV_BAD_SIZE, "a stride is below 1", reason);
  if (axis->dilation < 1)
    return bc_refuse(BLASCONV_BAD_SIZE, "a dilation is below 1 (1 means dense)", reason);
  if (axis->pad_begin < 0 || axis->pad_end < 0)
    return bc_refuse(BLASCONV_BAD_SIZE, "a pad is negative", reason);
  return BLASCONV_SUCCESS;
}

/* Input positions from the first tap's to the last's. */
static bool span_of(const bc_axis *axis, int64_t *span)
{
  return bc_multiply(axis->kernel - 1, axis->dilation, span) && bc_add(*span, 1, span);
}

/* The output of a convolution, whose input is checked. */
static blasconv_status gather_axis(bc_axis *axis, int64_t span, int64_t output_padding,
                                   const char **reason)
{
  int64_t padded;
  if (output_padding != 0)
    return bc_refuse(BLASCONV_BAD_SIZE, "output_padding is for transposed convolutions", reason);
  if (!bc_add(axis->input, axis->pad_begin, &padded) || !bc_add(padded, axis->pad_end, &padded))
    return bc_refuse(BLASCONV_OVERFLOW, "a padded extent overflows", reason);
  if (span > padded)
    return bc_refuse(BLASCONV_KERNEL_TOO_LARGE,
                     "the dilated kernel is larger than the padded input", reason);
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
    return bc_refuse(BLASCONV_BAD_SIZE,
                     "output_padding is not between 0 and max(stride, dilation) - 1", reason);
  if (!bc_multiply(axis->input - 1, axis->stride, &extent) || !bc_add(extent, span, &extent) ||
      !bc_add(extent, output_padding, &extent) || !bc_add(axis->pad_begin, axis->pad_end, &pads))
    return bc_refuse(BLASCONV_OVERFLOW, "an output extent overflows", reason);
  if (pads >= extent)
    return bc_refuse(BLASCONV_BAD_SIZE, "the pads leave nothing of the output", reason);
  axis->output = axis->input;
  axis->input = extent - pads;
  return BLASCONV_SUCCESS;
}

blasconv_status bc_axis_check(const blasconv_problem *problem, int index, bc_axis *axis,
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
  if (!span_of(axis, &span))
    return bc_refuse(BLASCONV_OVERFLOW, "a dilated kernel extent overflows", reason);
  return problem->direction == BLASCONV_TRANSPOSED
             ? scatter_axis(axis, span, problem->output_padding[index], reason)
             : gather_axis(axis, span, problem->output_padding[index], reason);
}

/* ---- pads ---- */

/* Pads of an axis, both ends together, and what a transposed convolution adds to its output. */
typedef struct pad_sum {
  int64_t total, output_padding;
} pad_sum;

/* As many pads as make the output ceil(input / stride). */
static bool same_of_convolution(const bc_axis *axis, int64_t span, pad_sum *pads)
{
  int64_t reach; /* from the first pixel that is read to the last */
  const int64_t output = bc_count_blocks(axis->input, axis->stride);
  if (!bc_add((output - 1) * axis->stride, span, &reach))
    return false;
  pads->total = bc_max(0, reach - axis->input);
  return true;
}

/* As many as make the output input * stride, or what is missing for that. */
static bool same_of_transposed(const bc_axis *axis, int64_t span, pad_sum *pads)
{
  int64_t natural, wanted;
  if (!bc_multiply(axis->input, axis->stride, &wanted) ||
      !bc_add(wanted - axis->stride, span, &natural) ||
      !bc_add(natural, pads->output_padding, &natural))
    return false;
  pads->total = bc_max(0, natural - wanted);
  pads->output_padding += bc_max(0, wanted - natural);
  return true;
}

static blasconv_status pad_axis(blasconv_problem *problem, int index, blasconv_padding kind)
{
  const bool transposed = problem->direction == BLASCONV_TRANSPOSED;
  const bc_axis axis = {.input = problem->input[index],
                        .kernel = problem->kernel[index],
                        .stride = problem->strides[index],
                        .dilation = problem->dilations[index]};
  pad_sum pads = {0, problem->output_padding[index]};
  int64_t span;
  const char *reason;
  const blasconv_status status = check_numbers(&axis, &reason);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (pads.output_padding < 0)
    return BLASCONV_BAD_SIZE;
  if (!span_of(&axis, &span) ||
      (kind != BLASCONV_PADDING_VALID && !(transposed ? same_of_transposed(&axis, span, &pads)
                                                      : same_of_convolution(&axis, span, &pads))))
    return BLASCONV_OVERFLOW;
  const int64_t smaller = pads.total / 2, larger = pads.total - smaller;
  problem->pads_begin[index] = kind == BLASCONV_PADDING_SAME_LOWER ? larger : smaller;
  problem->pads_end[index] = kind == BLASCONV_PADDING_SAME_LOWER ? smaller : larger;
  problem->output_padding[index] = pads.output_padding;
  return BLASCONV_SUCCESS;
}

blasconv_status blasconv_problem_pad(blasconv_problem *problem, blasconv_padding padding)
{
  const char *reason;
  blasconv_status status = bc_kind_check(problem, &reason);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (padding != BLASCONV_PADDING_VALID && padding != BLASCONV_PADDING_SAME_UPPER &&
      padding != BLASCONV_PADDING_SAME_LOWER)
    return BLASCONV_BAD_ARGUMENT;
  blasconv_problem padded = *problem;
  for (int i = 0; i < padded.rank && status == BLASCONV_SUCCESS; ++i)
    status = pad_axis(&padded, i, padding);
  if (status == BLASCONV_SUCCESS)
    *problem = padded;
  return status;
}
