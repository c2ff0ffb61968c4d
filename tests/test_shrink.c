/*
 * The parts of the differential test: what it draws, that children report whatever happens to them,
 * and that a case is shrunk to the smallest that fails.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "children.h"
#include "shrink.h"

#include "fixture.h"
#include "shapes.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---------------------------------------------------------------------------------------------
 * Drawing
 * ------------------------------------------------------------------------------------------ */

static bool same_axes(const int64_t one[BLASCONV_MAX_RANK], const int64_t other[BLASCONV_MAX_RANK])
{
  return memcmp(one, other, BLASCONV_MAX_RANK * sizeof *one) == 0;
}

static bool same_problem(const blasconv_problem *one, const blasconv_problem *other)
{
  return one->layout == other->layout && one->direction == other->direction &&
         one->rank == other->rank && one->batch == other->batch && one->groups == other->groups &&
         one->in_channels == other->in_channels && one->out_channels == other->out_channels &&
         same_axes(one->input, other->input) && same_axes(one->kernel, other->kernel) &&
         same_axes(one->strides, other->strides) && same_axes(one->dilations, other->dilations) &&
         same_axes(one->pads_begin, other->pads_begin) &&
         same_axes(one->pads_end, other->pads_end) &&
         same_axes(one->output_padding, other->output_padding);
}

START_TEST(lines_say_everything)
{
  for (uint64_t i = 0; i < 5000; ++i) {
    char line[DIFFERENTIAL_LINE], again[DIFFERENTIAL_LINE];
    const differential_case drawn = differential_draw(i);
    differential_case parsed = drawn;
    bench_notation_error error;
    differential_line(&drawn, line);
    ck_assert_uint_lt(strlen(line), DIFFERENTIAL_LINE - 1);
    support_assert(bench_notation_parse(line, &parsed.notation, &error), "%s: %s", line,
                   error.reason);
    ck_assert_str_eq(line, differential_line(&parsed, again));
    const bench_notation *one = &drawn.notation, *other = &parsed.notation;
    ck_assert(same_problem(&one->problem, &other->problem));
    ck_assert(one->pass == other->pass && one->threads == other->threads);
    ck_assert(one->exact == other->exact && one->accumulate == other->accumulate);
    ck_assert(one->bias == other->bias && one->scale_shift == other->scale_shift);
    ck_assert(one->residual == other->residual && one->packed == other->packed);
    ck_assert(one->activation.kind == other->activation.kind);
    ck_assert(one->activation.alpha == other->activation.alpha);
    ck_assert(one->workspace_limit == other->workspace_limit && one->offset == other->offset);
    ck_assert(one->library_workspace == other->library_workspace);
    ck_assert_str_eq(one->algorithm, other->algorithm);
  }
}
END_TEST

/* Something that a case may have. */
typedef bool trait(const bench_notation *notation);

static bool is_empty(const bench_notation *notation)
{
  return notation->problem.batch == 0;
}

static bool is_depthwise(const bench_notation *notation)
{
  return notation->problem.groups > 4 && notation->problem.groups == notation->problem.in_channels;
}

static bool has_many_channels(const bench_notation *notation)
{
  return notation->problem.in_channels > 16 * notation->problem.groups;
}

static bool has_uneven_pads(const bench_notation *notation)
{
  return notation->problem.pads_begin[0] != notation->problem.pads_end[0];
}

static bool has_kernel_beyond_input(const bench_notation *notation)
{
  return notation->problem.kernel[0] > notation->problem.input[0];
}

static bool has_output_padding_beyond_stride(const bench_notation *notation)
{
  return notation->problem.output_padding[0] >= notation->problem.strides[0];
}

static bool has_no_workspace(const bench_notation *notation)
{
  return notation->workspace_limit == 0;
}

static bool has_little_workspace(const bench_notation *notation)
{
  return notation->workspace_limit > 0 && notation->workspace_limit < 65536;
}

static bool has_whole_epilogue(const bench_notation *notation)
{
  return notation->bias && notation->scale_shift && notation->residual != BLASCONV_RESIDUAL_NONE &&
         notation->activation.kind != BLASCONV_IDENTITY;
}

static bool is_packed_and_accumulated(const bench_notation *notation)
{
  return notation->packed && notation->accumulate;
}

START_TEST(everything_is_drawn)
{
  static trait *const traits[] = {is_empty,
                                  is_depthwise,
                                  has_many_channels,
                                  has_uneven_pads,
                                  has_kernel_beyond_input,
                                  has_output_padding_beyond_stride,
                                  has_no_workspace,
                                  has_little_workspace,
                                  has_whole_epilogue,
                                  is_packed_and_accumulated};
  enum { traits_count = sizeof traits / sizeof *traits, drawn = 2000, few = 20 };
  int seen[traits_count] = {0}, kinds[BLASCONV_GELU_TANH + 1] = {0}, offsets[16] = {0};
  for (uint64_t i = 0; i < drawn; ++i) {
    const bench_notation notation = differential_draw(i).notation;
    ck_assert(oracle_allows(&notation.problem));
    ck_assert_int_le(shapes_products(&notation.problem), SHAPES_MOST_PRODUCTS);
    ++kinds[notation.activation.kind];
    ++offsets[notation.offset];
    for (int j = 0; j < traits_count; ++j)
      seen[j] += traits[j](&notation);
  }
  for (int j = 0; j < traits_count; ++j)
    support_assert(seen[j] >= few, "trait %d: %d of %d cases", j, seen[j], drawn);
  for (int kind = 0; kind <= BLASCONV_GELU_TANH; ++kind)
    ck_assert_int_ge(kinds[kind], few);
  for (int offset = 0; offset < 16; ++offset)
    ck_assert_int_ge(offsets[offset], few);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Children
 * ------------------------------------------------------------------------------------------ */

static int prove_nothing(const differential_case *which)
{
  return (int)(which->stream % 3);
}

static int assert_on_three(const differential_case *which)
{
  support_assert(which->stream != 3, "three it is");
  return 0;
}

static int abort_on_three(const differential_case *which)
{
  if (which->stream == 3)
    abort();
  return 0;
}

static int exit_on_three(const differential_case *which)
{
  if (which->stream == 3)
    _Exit(7);
  return 0;
}

START_TEST(children_report_what_happens)
{
  static const struct {
    differential_prover *prover;
    const char *says;
  } rows[] = {{assert_on_three, "three it is"},
              {abort_on_three, "signal 6"},
              {exit_on_three, "exit status 7"}};
  char message[DIFFERENTIAL_MESSAGE];
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i)
    for (uint64_t stream = 2; stream <= 4; ++stream) {
      const differential_case which = differential_draw(stream);
      ck_assert_int_eq(differential_fails(&which, rows[i].prover, message), stream == 3);
      support_assert(stream != 3 || strstr(message, rows[i].says), "%s", message);
    }
}
END_TEST

static int hang_on_three(const differential_case *which)
{
  while (which->stream == 3)
    pause();
  return 0;
}

/* Runs the cases from 0 on. @return what differential_batch_end() says */
static bool run_batch(differential_batch *batch, int count)
{
  for (batch->count = 0; batch->count < count; ++batch->count)
    batch->cases[batch->count] = differential_draw((uint64_t)batch->count);
  differential_batch_start(batch);
  return differential_batch_wait(batch);
}

START_TEST(batches_say_how_far_they_got)
{
  differential_batch *batch = differential_batch_create(prove_nothing);
  ck_assert(run_batch(batch, 6));
  ck_assert_int_eq(batch->outcomes->finished, 6);
  for (int i = 0; i < 6; ++i)
    ck_assert_int_eq(batch->outcomes->served[i], i % 3);
  differential_prover *const failing[] = {assert_on_three, abort_on_three, exit_on_three};
  for (int i = 0; i < 3; ++i) {
    batch->prover = failing[i];
    ck_assert(!run_batch(batch, 6));
    ck_assert_int_eq(batch->outcomes->finished, 3);
    ck_assert(!batch->outcomes->hung);
    ck_assert(run_batch(batch, 3));
  }
  batch->prover = hang_on_three;
  batch->seconds = 1;
  ck_assert(!run_batch(batch, 6));
  ck_assert(batch->outcomes->finished == 3 && batch->outcomes->hung);
  ck_assert(strstr(batch->outcomes->message, "1 s"));
  differential_batch_destroy(batch);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Shrinking
 * ------------------------------------------------------------------------------------------ */

static int last_axis(const bench_notation *notation)
{
  return notation->problem.rank - 1;
}

static bool fails_always(const bench_notation *notation)
{
  (void)notation;
  return true;
}

static bool fails_at_wide_kernels(const bench_notation *notation)
{
  return notation->problem.layout == BLASCONV_NHWC && notation->bias && notation->threads >= 3 &&
         notation->problem.kernel[last_axis(notation)] >= 3;
}

static bool fails_at_output_padding(const bench_notation *notation)
{
  const int axis = last_axis(notation);
  return notation->problem.output_padding[axis] >= 1 && notation->problem.strides[axis] >= 2 &&
         notation->problem.dilations[axis] == 1 && notation->problem.batch >= 2;
}

static bool fails_in_groups(const bench_notation *notation)
{
  return notation->problem.groups >= 2 && notation->problem.batch >= 1 &&
         notation->problem.in_channels >= 3 * notation->problem.groups && notation->packed &&
         notation->workspace_limit == 0 && notation->accumulate;
}

static bool fails_at_pads(const bench_notation *notation)
{
  return notation->problem.rank == 3 && notation->problem.pads_end[0] >= 1 &&
         notation->problem.kernel[0] >= 2 && notation->problem.kernel[1] >= 2 &&
         notation->problem.direction == BLASCONV_CONVOLUTION && notation->offset >= 5;
}

static bool fails_at_seven(const bench_notation *notation)
{
  return notation->problem.input[last_axis(notation)] == 7 &&
         notation->residual == BLASCONV_RESIDUAL_AFTER_ACTIVATION;
}

static bool fails_when_kernel_covers_input(const bench_notation *notation)
{
  const int axis = last_axis(notation);
  return notation->problem.input[axis] == notation->problem.kernel[axis] &&
         notation->problem.pads_begin[axis] == 0 && notation->scale_shift &&
         notation->activation.kind == BLASCONV_TANH;
}

/* What fails, and the smallest that does. */
typedef struct shrinking_row {
  trait *fails;
  const char *smallest;
} shrinking_row;

static const shrinking_row shrinking_rows[] = {
    {fails_always, "in1"},
    {fails_at_wide_kernels, "in3 f3 nhwc bias threads=3"},
    {fails_at_output_padding, "n2 in1 s2 op1 transposed"},
    {fails_in_groups, "c6 k2 g2 in1 backward-data accumulate limit=0 packed"},
    {fails_at_pads, "in1x2x1 f2x2x1 p0:1x0x0 offset=5"},
    {fails_at_seven, "in7 residual=after"},
    {fails_when_kernel_covers_input, "in1 scale tanh"},
};

static bool judge(const differential_case *which, void *context)
{
  const shrinking_row *row = context;
  return row->fails(&which->notation);
}

/* Without what no step changes: the algorithm and, where it matters not, the pass; and with the
 * words of the row in the order in which lines are printed. */
static void check_smallest(const differential_case *shrunk, const shrinking_row *row)
{
  char line[DIFFERENTIAL_LINE], wanted[DIFFERENTIAL_LINE];
  differential_case bare = *shrunk, smallest = *shrunk;
  bench_notation_error error;
  ck_assert(bench_notation_parse(row->smallest, &smallest.notation, &error));
  bare.notation.algorithm[0] = '\0';
  bare.notation.pass = smallest.notation.pass;
  if (smallest.notation.threads == 0)
    smallest.notation.threads = 1;
  ck_assert_str_eq(differential_line(&bare, line), differential_line(&smallest, wanted));
}

START_TEST(cases_shrink_to_the_smallest)
{
  for (size_t i = 0; i < sizeof shrinking_rows / sizeof *shrinking_rows; ++i) {
    shrinking_row row = shrinking_rows[i];
    int shrunk = 0;
    for (uint64_t index = 0; index < 20000 && shrunk < 50; ++index) {
      differential_case which = differential_draw(index);
      if (!judge(&which, &row))
        continue;
      differential_shrink(&which, judge, &row);
      check_smallest(&which, &row);
      ck_assert_uint_eq(which.stream, index);
      ++shrunk;
    }
    support_assert(shrunk >= 10, "%s: only %d cases", row.smallest, shrunk);
  }
}
END_TEST

static int crash_at_wide_kernels(const differential_case *which)
{
  if (fails_at_wide_kernels(&which->notation))
    abort();
  return 0;
}

static bool crashes(const differential_case *which, void *context)
{
  (void)context;
  char message[DIFFERENTIAL_MESSAGE];
  return differential_fails(which, crash_at_wide_kernels, message);
}

START_TEST(crashes_shrink_as_well)
{
  differential_case which = differential_draw(0);
  while (!fails_at_wide_kernels(&which.notation))
    which = differential_draw(which.stream + 1);
  differential_shrink(&which, crashes, NULL);
  check_smallest(&which, &shrinking_rows[1]);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("shrink");
  support_add(suite, lines_say_everything);
  support_add(suite, everything_is_drawn);
  support_add(suite, children_report_what_happens);
  support_add(suite, batches_say_how_far_they_got);
  support_add(suite, cases_shrink_to_the_smallest);
  support_add(suite, crashes_shrink_as_well);
  return support_run(suite);
}
