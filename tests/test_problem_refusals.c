/*
 * Sizes of transposed convolutions, and of both directions on one to three axes, that are out of
 * range or overflow, with the largest ones that do not.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "refusal.h"
#include "support.h"

#include <blasconv/blasconv.h>

static const int64_t most_elements = PTRDIFF_MAX / (int64_t)sizeof(float);

/* Kernel 3 on 5 pixels of each axis, in two groups. */
static blasconv_problem plain_problem(blasconv_layout layout, blasconv_direction direction,
                                      int32_t rank)
{
  blasconv_problem problem = blasconv_problem_3d(2, 4, 5, 5, 5, 6, 3, 3, 3);
  problem.layout = layout;
  problem.direction = direction;
  problem.rank = rank;
  problem.groups = 2;
  return problem;
}

/* Calls `check` with each axis of a problem of each layout and rank. */
static void for_each_axis(blasconv_direction direction,
                          void (*check)(blasconv_problem problem, int axis))
{
  for (int layout = BLASCONV_NCHW; layout <= BLASCONV_NHWC; ++layout)
    for (int32_t rank = 1; rank <= BLASCONV_MAX_RANK; ++rank)
      for (int axis = 0; axis < rank; ++axis)
        check(plain_problem((blasconv_layout)layout, direction, rank), axis);
}

/* ---------------------------------------------------------------------------------------------
 * Outputs
 * ------------------------------------------------------------------------------------------ */

/* One more than the last output pixel that an input pixel reaches, with what is added and cut. */
static int64_t reach_of(const blasconv_problem *problem, int axis)
{
  int64_t last = 0;
  for (int64_t pixel = 0; pixel < problem->input[axis]; ++pixel)
    for (int64_t tap = 0; tap < problem->kernel[axis]; ++tap) {
      const int64_t at = pixel * problem->strides[axis] + tap * problem->dilations[axis];
      last = at > last ? at : last;
    }
  return last + 1 + problem->output_padding[axis] - problem->pads_begin[axis] -
         problem->pads_end[axis];
}

static void randomise_axis(blasconv_problem *problem, int axis, support_random *random)
{
  problem->input[axis] = support_random_between(random, 1, 6);
  problem->kernel[axis] = support_random_between(random, 1, 4);
  problem->strides[axis] = support_random_between(random, 1, 4);
  problem->dilations[axis] = support_random_between(random, 1, 4);
  problem->pads_begin[axis] = support_random_between(random, 0, 4);
  problem->pads_end[axis] = support_random_between(random, 0, 4);
  const bool wide = problem->dilations[axis] > problem->strides[axis];
  const int64_t most = wide ? problem->dilations[axis] : problem->strides[axis];
  problem->output_padding[axis] = support_random_between(random, 0, most - 1);
}

START_TEST(transposed_outputs_follow_the_definition)
{
  support_random random = support_random_start(1);
  int refused = 0;
  for (int i = 0; i < 20000; ++i) {
    blasconv_problem problem =
        plain_problem((blasconv_layout)(i % 2), BLASCONV_TRANSPOSED, 1 + i % BLASCONV_MAX_RANK);
    int64_t reach[BLASCONV_MAX_RANK] = {1, 1, 1}, output[BLASCONV_MAX_RANK] = {-7, -8, -9};
    bool allowed = true;
    for (int axis = 0; axis < problem.rank; ++axis) {
      randomise_axis(&problem, axis, &random);
      reach[axis] = reach_of(&problem, axis);
      allowed = allowed && reach[axis] >= 1;
    }
    const blasconv_status status = blasconv_problem_output(&problem, output);
    ck_assert_int_eq(status, allowed ? BLASCONV_SUCCESS : BLASCONV_BAD_SIZE);
    for (int axis = 0; axis < BLASCONV_MAX_RANK; ++axis)
      ck_assert_int_eq(output[axis], allowed ? reach[axis] : -7 - axis);
    refused += !allowed;
  }
  ck_assert_int_gt(refused, 1000);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Ranges
 * ------------------------------------------------------------------------------------------ */

static void check_numbers(blasconv_problem plain, int axis)
{
  static const int64_t bad[] = {0, -1, INT64_MIN};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    blasconv_problem problem = plain;
    problem.input[axis] = bad[i];
    refusal_check_problem(&problem, BLASCONV_BAD_SIZE, "input", "input");
    problem = plain;
    problem.kernel[axis] = bad[i];
    refusal_check_problem(&problem, BLASCONV_BAD_SIZE, "kernel", "kernel");
    problem = plain;
    problem.strides[axis] = bad[i];
    refusal_check_problem(&problem, BLASCONV_BAD_SIZE, "stride", "stride");
    problem = plain;
    problem.dilations[axis] = bad[i];
    refusal_check_problem(&problem, BLASCONV_BAD_SIZE, "dilation", "dilation");
    if (bad[i] == 0)
      continue;
    problem = plain;
    problem.pads_begin[axis] = bad[i];
    refusal_check_problem(&problem, BLASCONV_BAD_SIZE, "pad", "pad");
    problem = plain;
    problem.pads_end[axis] = bad[i];
    refusal_check_problem(&problem, BLASCONV_BAD_SIZE, "pad", "pad");
  }
}

START_TEST(numbers_of_each_axis_are_checked)
{
  for_each_axis(BLASCONV_CONVOLUTION, check_numbers);
  for_each_axis(BLASCONV_TRANSPOSED, check_numbers);
}
END_TEST

static void check_forbidden_padding(blasconv_problem problem, int axis)
{
  static const int64_t bad[] = {INT64_MIN, -1, 1, INT64_MAX};
  problem.strides[axis] = problem.dilations[axis] = 2;
  refusal_check_accepted(&problem, "no output_padding");
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    problem.output_padding[axis] = bad[i];
    refusal_check_problem(&problem, BLASCONV_BAD_SIZE, "output_padding", "of a convolution");
  }
}

static void check_padding_range(blasconv_problem problem, int axis)
{
  static const int64_t sizes[][2] = {{1, 1}, {2, 1}, {1, 3}, {3, 2}, {2, 4}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    const int64_t limit = sizes[i][0] > sizes[i][1] ? sizes[i][0] : sizes[i][1];
    const int64_t bad[] = {INT64_MIN, -1, limit, INT64_MAX};
    problem.strides[axis] = sizes[i][0];
    problem.dilations[axis] = sizes[i][1];
    for (problem.output_padding[axis] = 0; problem.output_padding[axis] < limit;
         ++problem.output_padding[axis])
      refusal_check_accepted(&problem, "output_padding in range");
    for (size_t j = 0; j < sizeof bad / sizeof *bad; ++j) {
      problem.output_padding[axis] = bad[j];
      refusal_check_problem(&problem, BLASCONV_BAD_SIZE, "output_padding", "out of range");
    }
  }
}

START_TEST(output_padding_has_a_range)
{
  for_each_axis(BLASCONV_CONVOLUTION, check_forbidden_padding);
  for_each_axis(BLASCONV_TRANSPOSED, check_padding_range);
}
END_TEST

/* Kernel 3 on 5 pixels gives 7: pads of 6 leave one. */
static void check_cuts(blasconv_problem problem, int axis)
{
  static const int64_t good[][2] = {{6, 0}, {0, 6}, {2, 4}};
  static const int64_t bad[][2] = {{7, 0}, {0, 7}, {3, 4}, {INT64_MAX, 0}, {0, INT64_MAX}};
  for (size_t i = 0; i < sizeof good / sizeof *good; ++i) {
    problem.pads_begin[axis] = good[i][0];
    problem.pads_end[axis] = good[i][1];
    refusal_check_accepted(&problem, "one pixel left");
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    problem.pads_begin[axis] = bad[i][0];
    problem.pads_end[axis] = bad[i][1];
    refusal_check_problem(&problem, BLASCONV_BAD_SIZE, "pads", "nothing left");
  }
  problem.strides[axis] = 2; /* 11, and another one added */
  problem.output_padding[axis] = 1;
  problem.pads_begin[axis] = 5;
  problem.pads_end[axis] = 6;
  refusal_check_accepted(&problem, "the added pixel left");
  problem.pads_end[axis] = 7;
  refusal_check_problem(&problem, BLASCONV_BAD_SIZE, "pads", "the added pixel cut");
}

START_TEST(pads_leave_an_output)
{
  for_each_axis(BLASCONV_TRANSPOSED, check_cuts);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Extents that overflow
 * ------------------------------------------------------------------------------------------ */

static void check_kernel_overflow(blasconv_problem problem, int axis)
{
  problem.dilations[axis] = INT64_MAX / 2 + 1;
  refusal_check_problem(&problem, BLASCONV_OVERFLOW, "kernel", "2 dilations");
  problem.kernel[axis] = 2;
  problem.dilations[axis] = INT64_MAX;
  refusal_check_problem(&problem, BLASCONV_OVERFLOW, "kernel", "a dilation and 1");
  problem.kernel[axis] = INT64_MAX;
  problem.dilations[axis] = 2;
  refusal_check_problem(&problem, BLASCONV_OVERFLOW, "kernel", "2 kernels");
}

START_TEST(dilated_kernels_may_overflow)
{
  for_each_axis(BLASCONV_CONVOLUTION, check_kernel_overflow);
  for_each_axis(BLASCONV_TRANSPOSED, check_kernel_overflow);
}
END_TEST

static void check_padded_overflow(blasconv_problem plain, int axis)
{
  static const int64_t pads[][2] = {{INT64_MAX, 0},         {0, INT64_MAX},
                                    {INT64_MAX - 4, 0},     {INT64_MAX - 5, 1},
                                    {INT64_MAX, INT64_MAX}, {INT64_MAX / 2, INT64_MAX / 2}};
  for (size_t i = 0; i < sizeof pads / sizeof *pads; ++i) {
    blasconv_problem problem = plain;
    problem.pads_begin[axis] = pads[i][0];
    problem.pads_end[axis] = pads[i][1];
    refusal_check_problem(&problem, BLASCONV_OVERFLOW, "padded", "pads");
  }
  /* The largest padded extent is fine where a stride leaves few pixels. */
  blasconv_problem problem = plain;
  problem.pads_begin[axis] = INT64_MAX - 5;
  problem.strides[axis] = INT64_MAX / 2;
  refusal_check_accepted(&problem, "the largest padded extent");
}

START_TEST(padded_extents_may_overflow)
{
  for_each_axis(BLASCONV_CONVOLUTION, check_padded_overflow);
}
END_TEST

static void check_scattered_overflow(blasconv_problem plain, int axis)
{
  blasconv_problem problem = plain;
  problem.strides[axis] = INT64_MAX / 4 + 1; /* 4 strides */
  refusal_check_problem(&problem, BLASCONV_OVERFLOW, "output extent", "strides");
  problem.strides[axis] = INT64_MAX / 4; /* 3 less than INT64_MAX, and the kernel */
  problem.kernel[axis] = 4;
  refusal_check_problem(&problem, BLASCONV_OVERFLOW, "output extent", "strides and kernel");
  problem.kernel[axis] = 3;
  problem.output_padding[axis] = 1;
  refusal_check_problem(&problem, BLASCONV_OVERFLOW, "output extent", "output_padding");
  problem.output_padding[axis] = 0; /* now cut to a few pixels */
  problem.pads_begin[axis] = problem.pads_end[axis] = INT64_MAX / 2;
  refusal_check_accepted(&problem, "the largest extent");
  problem.pads_end[axis] = INT64_MAX / 2 + 2;
  refusal_check_problem(&problem, BLASCONV_OVERFLOW, "output extent", "pads");
  problem = plain;
  problem.input[axis] = INT64_MAX;
  refusal_check_problem(&problem, BLASCONV_OVERFLOW, NULL, "input");
  problem = plain;
  problem.kernel[axis] = INT64_MAX;
  refusal_check_problem(&problem, BLASCONV_OVERFLOW, NULL, "kernel");
  problem = plain;
  problem.input[axis] = 1;
  problem.strides[axis] = INT64_MAX;
  refusal_check_accepted(&problem, "a stride that nothing takes");
  problem.output_padding[axis] = INT64_MAX - 1;
  refusal_check_problem(&problem, BLASCONV_OVERFLOW, "output extent", "output_padding");
}

START_TEST(scattered_extents_may_overflow)
{
  for_each_axis(BLASCONV_TRANSPOSED, check_scattered_overflow);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Bytes that overflow
 * ------------------------------------------------------------------------------------------ */

/* One channel, one pixel, one tap. */
static blasconv_problem single_problem(int layout, int direction)
{
  blasconv_problem problem = blasconv_problem_3d(1, 1, 1, 1, 1, 1, 1, 1, 1);
  problem.layout = (blasconv_layout)layout;
  problem.direction = (blasconv_direction)direction;
  return problem;
}

/* Batch and channels, which mean the same in both directions. */
static void check_channel_bytes(int layout, int direction)
{
  blasconv_problem problem = single_problem(layout, direction);
  problem.batch = most_elements;
  refusal_check_accepted(&problem, "largest batch");
  problem.batch = most_elements + 1;
  refusal_check_problem(&problem, BLASCONV_OVERFLOW, NULL, "batch");
  problem = single_problem(layout, direction);
  problem.in_channels = most_elements;
  refusal_check_accepted(&problem, "most channels");
  problem.in_channels = most_elements + 1;
  refusal_check_problem(&problem, BLASCONV_OVERFLOW, "input", "channels");
  problem = single_problem(layout, direction);
  problem.out_channels = most_elements;
  refusal_check_accepted(&problem, "most filters");
  problem.out_channels = most_elements + 1;
  refusal_check_problem(&problem, BLASCONV_OVERFLOW, "output", "filters");
  /* No tensor of images is large, the weights are. */
  problem.out_channels = INT64_C(1) << 31;
  problem.in_channels = INT64_C(1) << 30;
  refusal_check_problem(&problem, BLASCONV_OVERFLOW, "weights", "weights");
  problem.in_channels /= 2;
  refusal_check_accepted(&problem, "half those weights");
  problem.batch = 0; /* one image must fit all the same */
  problem.in_channels = most_elements + 1;
  refusal_check_problem(&problem, BLASCONV_OVERFLOW, "input", "no images");
}

/* 2^61 pixels of what is gathered from or scattered to, then 2^61 taps. */
static void check_pixel_bytes(int layout, int direction)
{
  static const int64_t sides[BLASCONV_MAX_RANK] = {INT64_C(1) << 21, INT64_C(1) << 20,
                                                   INT64_C(1) << 20};
  const bool transposed = direction == BLASCONV_TRANSPOSED;
  blasconv_problem problem = single_problem(layout, direction);
  for (int axis = 0; axis < BLASCONV_MAX_RANK; ++axis)
    problem.input[axis] = sides[axis];
  refusal_check_problem(&problem, BLASCONV_OVERFLOW, transposed ? "output" : "input", "pixels");
  problem.input[0] /= 2;
  refusal_check_accepted(&problem, "half those pixels");
  problem.input[0] = INT64_MAX;
  refusal_check_problem(&problem, BLASCONV_OVERFLOW, NULL, "more pixels than numbers");
  problem = single_problem(layout, direction);
  for (int axis = 0; axis < BLASCONV_MAX_RANK; ++axis) {
    problem.kernel[axis] = sides[axis];
    problem.input[axis] = transposed ? 1 : sides[axis] / 2;
    problem.pads_end[axis] = transposed ? sides[axis] / 4 : sides[axis] / 2;
  }
  refusal_check_problem(&problem, BLASCONV_OVERFLOW, "weights", "taps");
  problem.kernel[0] /= 2;
  refusal_check_accepted(&problem, "half those taps");
}

/* The output alone, by pads of a convolution and strides of a transposed one. */
static void check_output_bytes(int layout, int direction)
{
  const bool transposed = direction == BLASCONV_TRANSPOSED;
  blasconv_problem problem = single_problem(layout, direction);
  for (int axis = 0; axis < BLASCONV_MAX_RANK; ++axis) {
    problem.input[axis] = transposed ? 2 : 1;
    problem.strides[axis] = transposed ? (INT64_C(1) << 20) - 1 : 1;
    problem.pads_begin[axis] = transposed ? 0 : (INT64_C(1) << 20) - 1;
  }
  refusal_check_accepted(&problem, "2^60 pixels");
  problem.out_channels = 2;
  refusal_check_problem(&problem, BLASCONV_OVERFLOW, "output", "2^61 elements");
  problem.out_channels = 1;
  problem.batch = 2;
  refusal_check_problem(&problem, BLASCONV_OVERFLOW, "output", "two images");
}

START_TEST(each_tensor_overflows_by_itself)
{
  for (int layout = BLASCONV_NCHW; layout <= BLASCONV_NHWC; ++layout)
    for (int direction = BLASCONV_CONVOLUTION; direction <= BLASCONV_TRANSPOSED; ++direction) {
      check_channel_bytes(layout, direction);
      check_pixel_bytes(layout, direction);
      check_output_bytes(layout, direction);
    }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("problem_refusals");
  support_add(suite, transposed_outputs_follow_the_definition);
  support_add(suite, numbers_of_each_axis_are_checked);
  support_add(suite, output_padding_has_a_range);
  support_add(suite, pads_leave_an_output);
  support_add(suite, dilated_kernels_may_overflow);
  support_add(suite, padded_extents_may_overflow);
  support_add(suite, scattered_extents_may_overflow);
  support_add(suite, each_tensor_overflows_by_itself);
  return support_run(suite);
}
