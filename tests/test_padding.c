/*
 * blasconv_problem_pad(): the pads that it sets, against formulas written from the header, and what
 * it refuses. A refusal leaves the problem as it was.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <blasconv/blasconv.h>
#include <string.h>

enum { problems = 20000 };

static const blasconv_padding paddings[] = {BLASCONV_PADDING_VALID, BLASCONV_PADDING_SAME_UPPER,
                                            BLASCONV_PADDING_SAME_LOWER};
enum { padding_count = sizeof paddings / sizeof *paddings };

/* A problem with any old pads, some of them nonsense; all entries of all axes are set. */
static blasconv_problem random_problem(support_random *random)
{
  blasconv_problem problem = blasconv_problem_3d(2, 3, 1, 1, 1, 4, 1, 1, 1);
  problem.layout = (blasconv_layout)support_random_between(random, 0, 1);
  problem.direction = (blasconv_direction)support_random_between(random, 0, 1);
  problem.rank = (int32_t)support_random_between(random, 1, BLASCONV_MAX_RANK);
  for (int axis = 0; axis < BLASCONV_MAX_RANK; ++axis) {
    problem.input[axis] = support_random_between(random, 1, 40);
    problem.kernel[axis] = support_random_between(random, 1, 7);
    problem.strides[axis] = support_random_between(random, 1, 6);
    problem.dilations[axis] = support_random_between(random, 1, 4);
    problem.pads_begin[axis] = support_random_between(random, -9, 9);
    problem.pads_end[axis] = support_random_between(random, -9, 9);
  }
  return problem;
}

/* Random pixels that a transposed convolution adds, within their range. */
static void randomise_output_padding(blasconv_problem *problem, support_random *random)
{
  for (int axis = 0; axis < problem->rank; ++axis) {
    const int64_t stride = problem->strides[axis], dilation = problem->dilations[axis];
    problem->output_padding[axis] =
        support_random_between(random, 0, (stride > dilation ? stride : dilation) - 1);
  }
}

/* What the axis should have. */
typedef struct axis_pads {
  int64_t begin, end, output_padding;
} axis_pads;

/* The output that `same` wants less the one without pads; the other way round if that is what has
 * to be cut. */
static int64_t missing_along(const blasconv_problem *problem, int axis)
{
  const int64_t input = problem->input[axis], stride = problem->strides[axis];
  const int64_t span = problem->dilations[axis] * (problem->kernel[axis] - 1) + 1;
  if (problem->direction == BLASCONV_TRANSPOSED)
    return input * stride - ((input - 1) * stride + span + problem->output_padding[axis]);
  const int64_t outputs = input / stride + (input % stride > 0);
  return input - ((outputs - 1) * stride + span);
}

static axis_pads expected_pads(const blasconv_problem *problem, blasconv_padding padding, int axis)
{
  axis_pads expected = {0, 0, problem->output_padding[axis]};
  if (padding == BLASCONV_PADDING_VALID)
    return expected;
  const int64_t missing = missing_along(problem, axis);
  for (int64_t pad = 0; pad < -missing; ++pad) /* in turn, the last one where it is to go */
    ++*(((-missing - pad) % 2 == 1) == (padding == BLASCONV_PADDING_SAME_UPPER) ? &expected.end
                                                                                : &expected.begin);
  if (problem->direction == BLASCONV_TRANSPOSED && missing > 0)
    expected.output_padding += missing;
  return expected;
}

/* The padded problem has the expected pads and is `given` in everything else. */
static void check_pads(const blasconv_problem *given, const blasconv_problem *padded,
                       blasconv_padding padding)
{
  blasconv_problem expected = *given;
  for (int axis = 0; axis < given->rank; ++axis) {
    const axis_pads pads = expected_pads(given, padding, axis);
    expected.pads_begin[axis] = pads.begin;
    expected.pads_end[axis] = pads.end;
    expected.output_padding[axis] = pads.output_padding;
  }
  for (int axis = 0; axis < BLASCONV_MAX_RANK; ++axis)
    support_assert(
        padded->pads_begin[axis] == expected.pads_begin[axis] &&
            padded->pads_end[axis] == expected.pads_end[axis] &&
            padded->output_padding[axis] == expected.output_padding[axis],
        "padding %d, direction %d, rank %d, axis %d: input %ld kernel %ld stride %ld dilation %ld "
        "output_padding %ld: pads %ld and %ld",
        (int)padding, (int)given->direction, (int)given->rank, axis, (long)given->input[axis],
        (long)given->kernel[axis], (long)given->strides[axis], (long)given->dilations[axis],
        (long)given->output_padding[axis], (long)padded->pads_begin[axis],
        (long)padded->pads_end[axis]);
  support_assert(memcmp(padded, &expected, sizeof expected) == 0, "more than the pads was changed");
}

START_TEST(pads_follow_the_formulas)
{
  support_random random = support_random_start(1);
  int odd = 0, made_up = 0;
  for (int i = 0; i < problems; ++i) {
    blasconv_problem given = random_problem(&random);
    if (given.direction == BLASCONV_TRANSPOSED && i % 4 == 0)
      randomise_output_padding(&given, &random);
    for (int j = 0; j < padding_count; ++j) {
      blasconv_problem padded = given;
      ck_assert_int_eq(blasconv_problem_pad(&padded, paddings[j]), BLASCONV_SUCCESS);
      check_pads(&given, &padded, paddings[j]);
      odd += padded.pads_begin[0] != padded.pads_end[0];
      made_up += padded.output_padding[0] > given.output_padding[0];
    }
  }
  ck_assert_int_gt(odd, 1000);
  ck_assert_int_gt(made_up, 1000);
}
END_TEST

/* What `same` means: the output is the input divided, or multiplied, by the stride. */
START_TEST(same_outputs_have_their_extents)
{
  support_random random = support_random_start(2);
  for (int i = 0; i < problems; ++i) {
    blasconv_problem problem = random_problem(&random);
    int64_t output[BLASCONV_MAX_RANK];
    ck_assert_int_eq(blasconv_problem_pad(&problem, paddings[1 + i % 2]), BLASCONV_SUCCESS);
    ck_assert_int_eq(blasconv_problem_output(&problem, output), BLASCONV_SUCCESS);
    for (int axis = 0; axis < problem.rank; ++axis) {
      const int64_t input = problem.input[axis], stride = problem.strides[axis];
      ck_assert_int_eq(output[axis], problem.direction == BLASCONV_TRANSPOSED
                                         ? input * stride
                                         : (input + stride - 1) / stride);
    }
    blasconv_problem again = problem;
    ck_assert_int_eq(blasconv_problem_pad(&again, paddings[1 + i % 2]), BLASCONV_SUCCESS);
    support_assert(memcmp(&again, &problem, sizeof again) == 0,
                   "padding twice is not padding once");
  }
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Refusals
 * ------------------------------------------------------------------------------------------ */

static void check_refused(const blasconv_problem *problem, blasconv_padding padding,
                          blasconv_status status, const char *what)
{
  blasconv_problem copy = *problem;
  const blasconv_status got = blasconv_problem_pad(&copy, padding);
  support_assert(got == status, "%s: status %d, not %d", what, (int)got, (int)status);
  support_assert(memcmp(&copy, problem, sizeof copy) == 0, "%s: the problem was changed", what);
}

static void check_refused_always(const blasconv_problem *problem, blasconv_status status,
                                 const char *what)
{
  for (int i = 0; i < padding_count; ++i)
    check_refused(problem, paddings[i], status, what);
}

/* Kernel 3, stride 2: each axis gets a pad. */
static blasconv_problem plain_problem(blasconv_direction direction, int32_t rank)
{
  blasconv_problem problem = blasconv_problem_3d(2, 3, 9, 8, 7, 4, 3, 3, 3);
  problem.direction = direction;
  problem.rank = rank;
  for (int axis = 0; axis < rank; ++axis)
    problem.strides[axis] = 2;
  return problem;
}

START_TEST(kinds_are_checked)
{
  static const int32_t ranks[] = {INT32_MIN, -1, 0, 4, INT32_MAX};
  const blasconv_problem plain = plain_problem(BLASCONV_TRANSPOSED, 2);
  blasconv_problem problem = plain;
  check_refused(&plain, (blasconv_padding)-1, BLASCONV_BAD_ARGUMENT, "padding -1");
  check_refused(&plain, (blasconv_padding)3, BLASCONV_BAD_ARGUMENT, "padding 3");
  problem.struct_size -= 8;
  check_refused_always(&problem, BLASCONV_VERSION_MISMATCH, "struct_size");
  problem = plain;
  problem.layout = (blasconv_layout)2;
  check_refused_always(&problem, BLASCONV_BAD_ARGUMENT, "layout 2");
  problem = plain;
  problem.direction = (blasconv_direction)2;
  check_refused_always(&problem, BLASCONV_BAD_ARGUMENT, "direction 2");
  problem.direction = (blasconv_direction)-1;
  check_refused_always(&problem, BLASCONV_BAD_ARGUMENT, "direction -1");
  problem = plain;
  for (size_t i = 0; i < sizeof ranks / sizeof *ranks; ++i) {
    problem.rank = ranks[i];
    check_refused_always(&problem, BLASCONV_BAD_SIZE, "rank");
  }
  for (int i = 0; i < padding_count; ++i)
    ck_assert_int_eq(blasconv_problem_pad(NULL, paddings[i]), BLASCONV_NULL_POINTER);
}
END_TEST

/* A bad last axis leaves the pads of those before it alone too. */
static void check_bad_axis(blasconv_direction direction, int32_t rank)
{
  static const int64_t bad[] = {0, -1, INT64_MIN};
  const blasconv_problem plain = plain_problem(direction, rank);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    blasconv_problem problem = plain;
    problem.input[rank - 1] = bad[i];
    check_refused_always(&problem, BLASCONV_BAD_SIZE, "input");
    problem = plain;
    problem.kernel[rank - 1] = bad[i];
    check_refused_always(&problem, BLASCONV_BAD_SIZE, "kernel");
    problem = plain;
    problem.strides[rank - 1] = bad[i];
    check_refused_always(&problem, BLASCONV_BAD_SIZE, "stride");
    problem = plain;
    problem.dilations[rank - 1] = bad[i];
    check_refused_always(&problem, BLASCONV_BAD_SIZE, "dilation");
    problem = plain;
    problem.output_padding[rank - 1] = bad[i];
    if (bad[i] < 0)
      check_refused_always(&problem, BLASCONV_BAD_SIZE, "output_padding");
  }
}

/* Extents that overflow int64_t on the last axis. */
static void check_overflow(blasconv_direction direction, int32_t rank)
{
  const blasconv_problem plain = plain_problem(direction, rank);
  const int last = rank - 1;
  blasconv_problem problem = plain;
  problem.dilations[last] = INT64_MAX / 2 + 1;
  check_refused_always(&problem, BLASCONV_OVERFLOW, "kernel times dilation");
  problem.kernel[last] = 2;
  problem.dilations[last] = INT64_MAX;
  check_refused_always(&problem, BLASCONV_OVERFLOW, "dilated kernel and 1");
  for (int i = 1; i < padding_count; ++i) {
    problem = plain;
    problem.input[last] = INT64_MAX;
    check_refused(&problem, paddings[i], BLASCONV_OVERFLOW, "input");
    problem.strides[last] = 1;
    check_refused(&problem, paddings[i], BLASCONV_OVERFLOW, "input, stride 1");
    problem = plain;
    problem.kernel[last] = INT64_MAX;
    check_refused(&problem, paddings[i], BLASCONV_OVERFLOW, "kernel");
    problem = plain;
    problem.strides[last] = INT64_MAX;
    if (direction == BLASCONV_TRANSPOSED)
      check_refused(&problem, paddings[i], BLASCONV_OVERFLOW, "stride");
  }
}

START_TEST(axes_are_checked)
{
  for (int32_t rank = 1; rank <= BLASCONV_MAX_RANK; ++rank)
    for (int direction = BLASCONV_CONVOLUTION; direction <= BLASCONV_TRANSPOSED; ++direction) {
      check_bad_axis((blasconv_direction)direction, rank);
      check_overflow((blasconv_direction)direction, rank);
    }
}
END_TEST

/* The largest numbers that do not overflow. */
START_TEST(the_largest_extents_are_padded)
{
  blasconv_problem problem = blasconv_problem_1d(1, 1, INT64_MAX - 2, 1, 3);
  ck_assert_int_eq(blasconv_problem_pad(&problem, BLASCONV_PADDING_SAME_UPPER), BLASCONV_SUCCESS);
  ck_assert(problem.pads_begin[0] == 1 && problem.pads_end[0] == 1);
  problem.input[0] = 5;
  problem.strides[0] = INT64_MAX;
  ck_assert_int_eq(blasconv_problem_pad(&problem, BLASCONV_PADDING_SAME_LOWER), BLASCONV_SUCCESS);
  ck_assert(problem.pads_begin[0] == 0 && problem.pads_end[0] == 0);
  problem.direction = BLASCONV_TRANSPOSED;
  problem.input[0] = 1;
  ck_assert_int_eq(blasconv_problem_pad(&problem, BLASCONV_PADDING_SAME_LOWER), BLASCONV_SUCCESS);
  ck_assert_int_eq(problem.output_padding[0], INT64_MAX - 3);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("padding");
  support_add(suite, pads_follow_the_formulas);
  support_add(suite, same_outputs_have_their_extents);
  support_add(suite, kinds_are_checked);
  support_add(suite, axes_are_checked);
  support_add(suite, the_largest_extents_are_padded);
  return support_run(suite);
}
