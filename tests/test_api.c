/*
 * Status texts, version, output sizes, and every way in which blasconv_problem_output() and
 * blasconv_plan_create() refuse. A refusal leaves everything but the message as it was.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "refusal.h"
#include "support.h"

#include <blasconv/blasconv.h>
#include <stdio.h>
#include <string.h>

/* tests/header_cxx.cc */
extern blasconv_status header_cxx_output(int64_t output[BLASCONV_MAX_RANK]);
extern blasconv_status header_cxx_training(double *rate);

enum { last_status = BLASCONV_BAD_CHOICES };

/* Two groups of two channels and three filters, 3x2 on 9x8 pixels. */
static blasconv_problem plain_problem(void)
{
  blasconv_problem problem = blasconv_problem_2d(2, 4, 9, 8, 6, 3, 2);
  problem.groups = 2;
  return problem;
}

/* ---------------------------------------------------------------------------------------------
 * Texts and header
 * ------------------------------------------------------------------------------------------ */

START_TEST(status_texts_differ)
{
  for (int i = 0; i <= last_status; ++i) {
    const char *text = blasconv_status_string((blasconv_status)i);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_gt(strlen(text), 0);
    for (int j = 0; j < i; ++j)
      ck_assert_str_ne(text, blasconv_status_string((blasconv_status)j));
  }
  static const int unknown[] = {-1, last_status + 1, 1 << 20};
  for (size_t i = 0; i < sizeof unknown / sizeof *unknown; ++i)
    for (int j = 0; j <= last_status; ++j)
      ck_assert_str_ne(blasconv_status_string((blasconv_status)unknown[i]),
                       blasconv_status_string((blasconv_status)j));
}
END_TEST

START_TEST(version_is_one_line)
{
  char version[32];
  snprintf(version, sizeof version, "%d.%d.%d", BLASCONV_VERSION_MAJOR, BLASCONV_VERSION_MINOR,
           BLASCONV_VERSION_PATCH);
  const char *text = blasconv_version_string();
  ck_assert_ptr_nonnull(strstr(text, version));
  ck_assert_ptr_null(strchr(text, '\n'));
  ck_assert_ptr_eq(text, blasconv_version_string());
  const char *advice = blasconv_blas_coretype_advice();
  if (advice != NULL)
    ck_assert_ptr_nonnull(strstr(text, advice));
  ck_assert_int_eq(advice != NULL, strstr(text, "OPENBLAS_CORETYPE") != NULL);
}
END_TEST

START_TEST(headers_serve_cxx)
{
  double rate = 0.0;
  int64_t output[BLASCONV_MAX_RANK] = {0, 0, 0};
  ck_assert_int_eq(header_cxx_output(output), BLASCONV_SUCCESS);
  ck_assert_int_eq(output[0], 8);
  ck_assert_int_eq(output[1], 7);
  ck_assert_int_eq(output[2], 1);
  ck_assert_int_eq(header_cxx_training(&rate), BLASCONV_SUCCESS);
  ck_assert_double_eq(rate, 0.5);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Output sizes
 * ------------------------------------------------------------------------------------------ */

/* Counts the positions at which the dilated kernel lies within the padded input. */
static int64_t count_positions(const blasconv_problem *problem, int axis)
{
  const int64_t padded = problem->pads_begin[axis] + problem->input[axis] + problem->pads_end[axis];
  const int64_t reach = problem->dilations[axis] * (problem->kernel[axis] - 1);
  int64_t count = 0;
  for (int64_t first = 0; first + reach < padded; first += problem->strides[axis])
    ++count;
  return count;
}

START_TEST(output_sizes_follow_the_definition)
{
  support_random random = support_random_start(1);
  int refused = 0;
  for (int i = 0; i < 20000; ++i) {
    blasconv_problem problem = plain_problem();
    for (int axis = 0; axis < 2; ++axis) {
      problem.input[axis] = support_random_between(&random, 1, 20);
      problem.kernel[axis] = support_random_between(&random, 1, 6);
      problem.strides[axis] = support_random_between(&random, 1, 5);
      problem.dilations[axis] = support_random_between(&random, 1, 4);
      problem.pads_begin[axis] = support_random_between(&random, 0, 4);
      problem.pads_end[axis] = support_random_between(&random, 0, 4);
    }
    const int64_t height = count_positions(&problem, 0), width = count_positions(&problem, 1);
    int64_t output[BLASCONV_MAX_RANK] = {-7, -8, -9};
    const blasconv_status status = blasconv_problem_output(&problem, output);
    if (height == 0 || width == 0) {
      ck_assert_int_eq(status, BLASCONV_KERNEL_TOO_LARGE);
      ++refused;
    } else {
      ck_assert_int_eq(status, BLASCONV_SUCCESS);
      ck_assert(output[0] == height && output[1] == width && output[2] == 1);
    }
  }
  ck_assert_int_gt(refused, 100);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Bad problems
 * ------------------------------------------------------------------------------------------ */

/* One field of plain_problem() changed. */
typedef struct changed_field {
  const char *name;
  size_t offset;
  int64_t value;
  blasconv_status status;
} changed_field;

static const changed_field changed_fields[] = {
    {"batch", offsetof(blasconv_problem, batch), -1, BLASCONV_BAD_SIZE},
    {"batch", offsetof(blasconv_problem, batch), INT64_MIN, BLASCONV_BAD_SIZE},
    {"batch", offsetof(blasconv_problem, batch), INT64_MAX, BLASCONV_OVERFLOW},
    {"in_channels", offsetof(blasconv_problem, in_channels), 0, BLASCONV_BAD_SIZE},
    {"in_channels", offsetof(blasconv_problem, in_channels), -2, BLASCONV_BAD_SIZE},
    {"in_channels", offsetof(blasconv_problem, in_channels), 5, BLASCONV_BAD_GROUPS},
    {"in_channels", offsetof(blasconv_problem, in_channels), INT64_MAX - 1, BLASCONV_OVERFLOW},
    {"out_channels", offsetof(blasconv_problem, out_channels), 0, BLASCONV_BAD_SIZE},
    {"out_channels", offsetof(blasconv_problem, out_channels), -2, BLASCONV_BAD_SIZE},
    {"out_channels", offsetof(blasconv_problem, out_channels), 1, BLASCONV_BAD_GROUPS},
    {"out_channels", offsetof(blasconv_problem, out_channels), INT64_MAX - 1, BLASCONV_OVERFLOW},
    {"groups", offsetof(blasconv_problem, groups), 0, BLASCONV_BAD_SIZE},
    {"groups", offsetof(blasconv_problem, groups), -1, BLASCONV_BAD_SIZE},
    {"groups", offsetof(blasconv_problem, groups), 3, BLASCONV_BAD_GROUPS},
    {"groups", offsetof(blasconv_problem, groups), INT64_MAX, BLASCONV_BAD_GROUPS},
    {"height", offsetof(blasconv_problem, input[0]), 0, BLASCONV_BAD_SIZE},
    {"height", offsetof(blasconv_problem, input[0]), 2, BLASCONV_KERNEL_TOO_LARGE},
    {"height", offsetof(blasconv_problem, input[0]), INT64_MAX, BLASCONV_OVERFLOW},
    {"width", offsetof(blasconv_problem, input[1]), -3, BLASCONV_BAD_SIZE},
    {"width", offsetof(blasconv_problem, input[1]), 1, BLASCONV_KERNEL_TOO_LARGE},
    {"width", offsetof(blasconv_problem, input[1]), INT64_MAX, BLASCONV_OVERFLOW},
    {"kernel height", offsetof(blasconv_problem, kernel[0]), 0, BLASCONV_BAD_SIZE},
    {"kernel height", offsetof(blasconv_problem, kernel[0]), 10, BLASCONV_KERNEL_TOO_LARGE},
    {"kernel height", offsetof(blasconv_problem, kernel[0]), INT64_MAX, BLASCONV_KERNEL_TOO_LARGE},
    {"kernel width", offsetof(blasconv_problem, kernel[1]), -1, BLASCONV_BAD_SIZE},
    {"kernel width", offsetof(blasconv_problem, kernel[1]), 9, BLASCONV_KERNEL_TOO_LARGE},
    {"stride_h", offsetof(blasconv_problem, strides[0]), 0, BLASCONV_BAD_SIZE},
    {"stride_w", offsetof(blasconv_problem, strides[1]), INT64_MIN, BLASCONV_BAD_SIZE},
    {"dilation_h", offsetof(blasconv_problem, dilations[0]), 0, BLASCONV_BAD_SIZE},
    {"dilation_h", offsetof(blasconv_problem, dilations[0]), 5, BLASCONV_KERNEL_TOO_LARGE},
    {"dilation_h", offsetof(blasconv_problem, dilations[0]), INT64_MAX, BLASCONV_OVERFLOW},
    {"dilation_w", offsetof(blasconv_problem, dilations[1]), -1, BLASCONV_BAD_SIZE},
    {"dilation_w", offsetof(blasconv_problem, dilations[1]), 8, BLASCONV_KERNEL_TOO_LARGE},
    {"dilation_w", offsetof(blasconv_problem, dilations[1]), INT64_MAX, BLASCONV_OVERFLOW},
    {"pad top", offsetof(blasconv_problem, pads_begin[0]), -1, BLASCONV_BAD_SIZE},
    {"pad top", offsetof(blasconv_problem, pads_begin[0]), INT64_MAX, BLASCONV_OVERFLOW},
    {"pad left", offsetof(blasconv_problem, pads_begin[1]), -1, BLASCONV_BAD_SIZE},
    {"pad left", offsetof(blasconv_problem, pads_begin[1]), INT64_MAX - 8, BLASCONV_OVERFLOW},
    {"pad bottom", offsetof(blasconv_problem, pads_end[0]), INT64_MIN, BLASCONV_BAD_SIZE},
    {"pad bottom", offsetof(blasconv_problem, pads_end[0]), INT64_MAX, BLASCONV_OVERFLOW},
    {"pad right", offsetof(blasconv_problem, pads_end[1]), -1, BLASCONV_BAD_SIZE},
    {"pad right", offsetof(blasconv_problem, pads_end[1]), INT64_MAX - 7, BLASCONV_OVERFLOW},
    {"output padding", offsetof(blasconv_problem, output_padding[0]), 1, BLASCONV_BAD_SIZE},
    {"output padding", offsetof(blasconv_problem, output_padding[1]), -1, BLASCONV_BAD_SIZE},
};

/* The same of a transposed convolution of strides 3 and 2, whose output has 27 x 16 pixels. */
static const changed_field transposed_fields[] = {
    {"groups", offsetof(blasconv_problem, groups), 3, BLASCONV_BAD_GROUPS},
    {"height", offsetof(blasconv_problem, input[0]), 0, BLASCONV_BAD_SIZE},
    {"height", offsetof(blasconv_problem, input[0]), INT64_MAX / 3 + 2, BLASCONV_OVERFLOW},
    {"kernel height", offsetof(blasconv_problem, kernel[0]), INT64_MAX, BLASCONV_OVERFLOW},
    {"kernel width", offsetof(blasconv_problem, kernel[1]), 0, BLASCONV_BAD_SIZE},
    {"stride_h", offsetof(blasconv_problem, strides[0]), INT64_MAX, BLASCONV_OVERFLOW},
    {"stride_w", offsetof(blasconv_problem, strides[1]), 0, BLASCONV_BAD_SIZE},
    {"dilation_h", offsetof(blasconv_problem, dilations[0]), INT64_MAX, BLASCONV_OVERFLOW},
    {"pad top", offsetof(blasconv_problem, pads_begin[0]), -1, BLASCONV_BAD_SIZE},
    {"pad top", offsetof(blasconv_problem, pads_begin[0]), 27, BLASCONV_BAD_SIZE},
    {"pad right", offsetof(blasconv_problem, pads_end[1]), 16, BLASCONV_BAD_SIZE},
    {"pad right", offsetof(blasconv_problem, pads_end[1]), INT64_MAX, BLASCONV_BAD_SIZE},
    {"output padding", offsetof(blasconv_problem, output_padding[0]), -1, BLASCONV_BAD_SIZE},
    {"output padding", offsetof(blasconv_problem, output_padding[0]), 3, BLASCONV_BAD_SIZE},
    {"output padding", offsetof(blasconv_problem, output_padding[1]), 2, BLASCONV_BAD_SIZE},
    {"output padding", offsetof(blasconv_problem, output_padding[1]), INT64_MAX, BLASCONV_BAD_SIZE},
};

/* Each field alone. [count] */
static void check_changed_fields(const blasconv_problem *plain, const changed_field *fields,
                                 size_t count)
{
  for (size_t i = 0; i < count; ++i) {
    blasconv_problem problem = *plain;
    memcpy((char *)&problem + fields[i].offset, &fields[i].value, sizeof fields[i].value);
    refusal_check_problem(&problem, fields[i].status, NULL, fields[i].name);
  }
}

START_TEST(bad_fields_are_refused)
{
  const blasconv_problem plain = plain_problem();
  refusal_check_accepted(&plain, "the plain problem");
  check_changed_fields(&plain, changed_fields, sizeof changed_fields / sizeof *changed_fields);
}
END_TEST

START_TEST(bad_transposed_fields_are_refused)
{
  blasconv_problem plain = plain_problem();
  plain.direction = BLASCONV_TRANSPOSED;
  plain.strides[0] = 3;
  plain.strides[1] = 2;
  refusal_check_accepted(&plain, "the plain transposed problem");
  int64_t output[BLASCONV_MAX_RANK];
  ck_assert_int_eq(blasconv_problem_output(&plain, output), BLASCONV_SUCCESS);
  ck_assert(output[0] == 27 && output[1] == 16 && output[2] == 1);
  check_changed_fields(&plain, transposed_fields,
                       sizeof transposed_fields / sizeof *transposed_fields);
  plain.pads_begin[0] = 26;
  plain.output_padding[1] = 1;
  refusal_check_accepted(&plain, "one row left");
}
END_TEST

START_TEST(struct_layout_direction_and_rank_are_checked)
{
  static const int ranks[] = {INT32_MIN, -1, 0, 4, INT32_MAX};
  static const int no_values[] = {-1, 2, 7, INT32_MAX};
  blasconv_problem problem = plain_problem();
  for (size_t i = 0; i < sizeof no_values / sizeof *no_values; ++i) {
    problem.layout = (blasconv_layout)no_values[i];
    refusal_check_problem(&problem, BLASCONV_BAD_ARGUMENT, "layout", "unknown layout");
    problem = plain_problem();
    problem.direction = (blasconv_direction)no_values[i];
    refusal_check_problem(&problem, BLASCONV_BAD_ARGUMENT, "direction", "unknown direction");
    problem = plain_problem();
  }
  for (size_t i = 0; i < sizeof ranks / sizeof *ranks; ++i) {
    problem.rank = ranks[i];
    refusal_check_problem(&problem, BLASCONV_BAD_SIZE, "rank", "no rank");
  }
  problem = plain_problem();
  problem.struct_size = 0;
  refusal_check_problem(&problem, BLASCONV_VERSION_MISMATCH, "struct_size", "size 0");
  problem.struct_size = sizeof problem - 1;
  refusal_check_problem(&problem, BLASCONV_VERSION_MISMATCH, "struct_size", "size - 1");
  problem.struct_size = SIZE_MAX;
  refusal_check_problem(&problem, BLASCONV_VERSION_MISMATCH, "struct_size", "SIZE_MAX");
  refusal_check_problem(NULL, BLASCONV_NULL_POINTER, "NULL", "no problem");
  problem = plain_problem();
  ck_assert_int_eq(blasconv_problem_output(&problem, NULL), BLASCONV_NULL_POINTER);
}
END_TEST

/* The spatial arrays' entries beyond the rank do not matter. */
START_TEST(entries_beyond_the_rank_are_ignored)
{
  for (int layout = BLASCONV_NCHW; layout <= BLASCONV_NHWC; ++layout)
    for (int direction = BLASCONV_CONVOLUTION; direction <= BLASCONV_TRANSPOSED; ++direction)
      for (int32_t rank = 1; rank <= BLASCONV_MAX_RANK; ++rank) {
        blasconv_problem problem = plain_problem();
        problem.layout = (blasconv_layout)layout;
        problem.direction = (blasconv_direction)direction;
        problem.rank = rank;
        for (int i = rank; i < BLASCONV_MAX_RANK; ++i) {
          problem.input[i] = problem.kernel[i] = problem.strides[i] = INT64_MIN;
          problem.dilations[i] = problem.pads_begin[i] = problem.pads_end[i] = INT64_MIN;
          problem.output_padding[i] = INT64_MIN;
        }
        refusal_check_accepted(&problem, "entries beyond the rank");
      }
}
END_TEST

/* Each tensor alone at the largest size that fits, and just beyond. */
START_TEST(each_tensor_overflows_by_itself)
{
  const int64_t most = PTRDIFF_MAX / (int64_t)sizeof(float), side = INT64_C(1) << 31;
  blasconv_problem problem = blasconv_problem_2d(most, 1, 1, 1, 1, 1, 1);
  refusal_check_accepted(&problem, "largest batch");
  problem.batch = most + 1;
  refusal_check_problem(&problem, BLASCONV_OVERFLOW, NULL, "batch + 1");

  problem = blasconv_problem_2d(1, most, 1, 1, 1, 1, 1);
  refusal_check_accepted(&problem, "most channels");
  problem.in_channels = most + 1;
  refusal_check_problem(&problem, BLASCONV_OVERFLOW, NULL, "channels + 1");

  problem = blasconv_problem_2d(1, 1, 1, 1, most, 1, 1);
  refusal_check_accepted(&problem, "most filters");
  problem.out_channels = most + 1;
  refusal_check_problem(&problem, BLASCONV_OVERFLOW, NULL, "filters + 1");

  /* Only pads: the output has 2^61 elements, 2^63 bytes. */
  problem = blasconv_problem_2d(1, 1, 1, 1, 1, 1, 1);
  problem.pads_begin[0] = side - 1;
  problem.pads_end[1] = side / 2 - 1;
  refusal_check_problem(&problem, BLASCONV_OVERFLOW, "output", "output");
  problem.pads_end[1] = side / 4 - 1;
  refusal_check_accepted(&problem, "half that output");

  /* A kernel as large as input and pads: the weights have 2^61 elements. */
  problem.kernel[0] = side;
  problem.kernel[1] = side / 4;
  problem.out_channels = 2;
  refusal_check_problem(&problem, BLASCONV_OVERFLOW, "weights", "weights");
  problem.out_channels = 1;
  refusal_check_accepted(&problem, "half those weights");

  for (size_t i = 0; i < 2; ++i)
    problem.input[i] = problem.kernel[i] = problem.strides[i] = problem.dilations[i] =
        problem.pads_begin[i] = problem.pads_end[i] = INT64_MAX;
  problem.batch = problem.in_channels = problem.out_channels = problem.groups = INT64_MAX;
  refusal_check_problem(&problem, BLASCONV_OVERFLOW, NULL, "all INT64_MAX");
}
END_TEST

START_TEST(huge_strides_and_dilations_are_fine)
{
  blasconv_problem problem = blasconv_problem_2d(0, 4, 9, 1, 6, 3, 1);
  problem.strides[0] = problem.strides[1] = INT64_MAX;
  problem.dilations[1] = INT64_MAX;
  refusal_check_accepted(&problem, "one position, one tap, no image");
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("api");
  support_add(suite, status_texts_differ);
  support_add(suite, version_is_one_line);
  support_add(suite, headers_serve_cxx);
  support_add(suite, output_sizes_follow_the_definition);
  support_add(suite, bad_fields_are_refused);
  support_add(suite, bad_transposed_fields_are_refused);
  support_add(suite, struct_layout_direction_and_rank_are_checked);
  support_add(suite, entries_beyond_the_rank_are_ignored);
  support_add(suite, each_tensor_overflows_by_itself);
  support_add(suite, huge_strides_and_dilations_are_fine);
  return support_run(suite);
}
