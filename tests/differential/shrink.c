/*
 * The smallest case that still fails: steps, each of which makes a case simpler or smaller, are
 * tried until none is left after which the case fails.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "shrink.h"

#include "oracle.h"

#include <stddef.h>
#include <string.h>

/* A case on its way down. */
typedef struct shrinking {
  differential_case *which;
  differential_judge *judge;
  void *context;
} shrinking;

/* Takes the step to `smaller` if that is another case, is allowed, and fails. @return whether */
static bool take(shrinking *state, const bench_notation *smaller)
{
  char before[DIFFERENTIAL_LINE], after[DIFFERENTIAL_LINE];
  const differential_case candidate = {*smaller, state->which->stream};
  if (strcmp(differential_line(state->which, before), differential_line(&candidate, after)) == 0)
    return false;
  if (!oracle_allows(&smaller->problem) || !state->judge(&candidate, state->context))
    return false;
  *state->which = candidate;
  return true;
}

/* ---------------------------------------------------------------------------------------------
 * Parts and options
 * ------------------------------------------------------------------------------------------ */

/* Changes something to what it is if it is left out. */
typedef void part_dropper(bench_notation *notation);

static void drop_bias(bench_notation *notation)
{
  notation->bias = false;
}

static void drop_scale_shift(bench_notation *notation)
{
  notation->scale_shift = false;
}

static void drop_residual(bench_notation *notation)
{
  notation->residual = BLASCONV_RESIDUAL_NONE;
}

static void drop_activation(bench_notation *notation)
{
  notation->activation = (blasconv_activation){BLASCONV_IDENTITY, 0.0f};
}

static void drop_accumulate(bench_notation *notation)
{
  notation->accumulate = false;
}

static void drop_exact(bench_notation *notation)
{
  notation->exact = false;
}

static void drop_packed(bench_notation *notation)
{
  notation->packed = false;
}

static void drop_limit(bench_notation *notation)
{
  notation->workspace_limit = BLASCONV_NO_LIMIT;
}

static void drop_library_workspace(bench_notation *notation)
{
  notation->library_workspace = false;
}

static void drop_layout(bench_notation *notation)
{
  notation->problem.layout = BLASCONV_NCHW;
}

/* The input of a convolution has to hold the kernel. */
static void drop_direction(bench_notation *notation)
{
  blasconv_problem *problem = &notation->problem;
  if (problem->direction == BLASCONV_CONVOLUTION)
    return;
  problem->direction = BLASCONV_CONVOLUTION;
  for (int axis = 0; axis < problem->rank; ++axis) {
    problem->input[axis] += problem->dilations[axis] * (problem->kernel[axis] - 1);
    problem->output_padding[axis] = 0;
  }
}

/* No image is a case of its own, one image the plain one. */
static void drop_emptiness(bench_notation *notation)
{
  if (notation->problem.batch == 0)
    notation->problem.batch = 1;
}

static void drop_groups(bench_notation *notation)
{
  notation->problem.groups = 1;
}

static void drop_groups_but_one(bench_notation *notation)
{
  blasconv_problem *problem = &notation->problem;
  problem->in_channels /= problem->groups;
  problem->out_channels /= problem->groups;
  problem->groups = 1;
}

static bool drop_parts(shrinking *state)
{
  static part_dropper *const droppers[] = {drop_groups_but_one,
                                           drop_direction,
                                           drop_layout,
                                           drop_bias,
                                           drop_scale_shift,
                                           drop_residual,
                                           drop_activation,
                                           drop_accumulate,
                                           drop_exact,
                                           drop_packed,
                                           drop_limit,
                                           drop_groups,
                                           drop_library_workspace,
                                           drop_emptiness};
  bool taken = false;
  for (size_t i = 0; i < sizeof droppers / sizeof *droppers; ++i) {
    bench_notation smaller = state->which->notation;
    droppers[i](&smaller);
    taken = take(state, &smaller) || taken;
  }
  return taken;
}

/* ---------------------------------------------------------------------------------------------
 * Numbers
 * ------------------------------------------------------------------------------------------ */

/* The numbers of a case: these, then some for each axis. Channels and filters are those of one
 * group, so that each number may change alone. */
enum { batch, groups, channels, filters, threads, offset, of_axes };
enum { pad_begin, pad_end, output_padding, dilation, stride, kernel, input, of_one_axis };
enum { all_numbers = of_axes + BLASCONV_MAX_RANK * of_one_axis };

/* Each number's least value. */
static const int64_t least[of_axes] = {1, 1, 1, 1, 1, 0};
static const int64_t least_of_axis[of_one_axis] = {0, 0, 0, 1, 1, 1, 1};

static int64_t least_of(int number)
{
  return number < of_axes ? least[number] : least_of_axis[(number - of_axes) % of_one_axis];
}

/* Where the problem has the number of an axis. */
static int64_t *axis_number(blasconv_problem *problem, int axis, int number)
{
  int64_t *const arrays[of_one_axis] = {
      problem->pads_begin, problem->pads_end, problem->output_padding, problem->dilations,
      problem->strides,    problem->kernel,   problem->input};
  return &arrays[number][axis];
}

static void get_numbers(const bench_notation *notation, int64_t numbers[all_numbers])
{
  blasconv_problem problem = notation->problem;
  numbers[batch] = problem.batch;
  numbers[groups] = problem.groups;
  numbers[channels] = problem.in_channels / problem.groups;
  numbers[filters] = problem.out_channels / problem.groups;
  numbers[threads] = notation->threads;
  numbers[offset] = notation->offset;
  for (int i = 0; i < all_numbers - of_axes; ++i)
    numbers[of_axes + i] = *axis_number(&problem, i / of_one_axis, i % of_one_axis);
}

static void set_numbers(const int64_t numbers[all_numbers], bench_notation *notation)
{
  blasconv_problem *problem = &notation->problem;
  problem->batch = numbers[batch];
  problem->groups = numbers[groups];
  problem->in_channels = numbers[groups] * numbers[channels];
  problem->out_channels = numbers[groups] * numbers[filters];
  notation->threads = (int32_t)numbers[threads];
  notation->offset = (int32_t)numbers[offset];
  for (int i = 0; i < all_numbers - of_axes; ++i)
    *axis_number(problem, i / of_one_axis, i % of_one_axis) = numbers[of_axes + i];
}

/* Takes `less` from the number, and from `partner` unless that is -1. */
static bool take_from(shrinking *state, int number, int partner, int64_t less)
{
  bench_notation smaller = state->which->notation;
  int64_t numbers[all_numbers];
  get_numbers(&smaller, numbers);
  if (less <= 0 || numbers[number] - less < least_of(number))
    return false;
  numbers[number] -= less;
  if (partner >= 0) {
    if (numbers[partner] - less < least_of(partner))
      return false;
    numbers[partner] -= less;
  }
  set_numbers(numbers, &smaller);
  return take(state, &smaller);
}

/* Makes a number as small as it goes: its least value, half the way there, or one less, again and
 * again. */
static bool lower(shrinking *state, int number, int partner)
{
  bool taken = false, again = true;
  while (again) {
    int64_t numbers[all_numbers];
    get_numbers(&state->which->notation, numbers);
    const int64_t most = numbers[number] - least_of(number);
    again = take_from(state, number, partner, most) ||
            take_from(state, number, partner, most / 2) || take_from(state, number, partner, 1);
    taken = taken || again;
  }
  return taken;
}

static bool lower_numbers(shrinking *state)
{
  bool taken = false;
  for (int number = 0; number < all_numbers; ++number)
    taken = lower(state, number, -1) || taken;
  return taken;
}

/* Numbers of an axis that hold each other: an input and a kernel that covers it, a kernel and the
 * pads that keep the extents. */
static bool lower_pairs(shrinking *state)
{
  static const int pairs[][2] = {
      {input, kernel},       {kernel, pad_begin},  {kernel, pad_end},       {input, pad_begin},
      {input, pad_end},      {pad_begin, pad_end}, {stride, dilation},      {stride, kernel},
      {dilation, pad_begin}, {dilation, pad_end},  {stride, output_padding}};
  bool taken = false;
  for (int axis = 0; axis < state->which->notation.problem.rank; ++axis)
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; ++i) {
      const int first = of_axes + axis * of_one_axis;
      taken = lower(state, first + pairs[i][0], first + pairs[i][1]) || taken;
    }
  return taken;
}

/* Pixels for pads: those are simpler, and there is no other way to be rid of pads that the kernel
 * needs. */
static bool fill_pads(shrinking *state)
{
  bool taken = false;
  for (int axis = 0; axis < state->which->notation.problem.rank; ++axis)
    for (int number = pad_begin; number <= pad_end; ++number) {
      bench_notation smaller = state->which->notation;
      int64_t *pad = axis_number(&smaller.problem, axis, number);
      smaller.problem.input[axis] += *pad;
      *pad = 0;
      taken = take(state, &smaller) || taken;
    }
  return taken;
}

/* ---------------------------------------------------------------------------------------------
 * Axes
 * ------------------------------------------------------------------------------------------ */

static void drop_axis(blasconv_problem *problem, int dropped)
{
  --problem->rank;
  for (int number = 0; number < of_one_axis; ++number) {
    for (int axis = dropped; axis + 1 < BLASCONV_MAX_RANK; ++axis)
      *axis_number(problem, axis, number) = *axis_number(problem, axis + 1, number);
    *axis_number(problem, BLASCONV_MAX_RANK - 1, number) = least_of_axis[number];
  }
}

static bool drop_axes(shrinking *state)
{
  bool taken = false;
  for (int axis = BLASCONV_MAX_RANK - 1; axis >= 0; --axis) {
    bench_notation smaller = state->which->notation;
    if (axis >= smaller.problem.rank || smaller.problem.rank == 1)
      continue;
    drop_axis(&smaller.problem, axis);
    taken = take(state, &smaller) || taken;
  }
  return taken;
}

void differential_shrink(differential_case *which, differential_judge *judge, void *context)
{
  shrinking state = {which, judge, context};
  bool taken = true;
  while (taken) {
    taken = drop_axes(&state);
    taken = drop_parts(&state) || taken;
    taken = fill_pads(&state) || taken;
    taken = lower_numbers(&state) || taken;
    taken = lower_pairs(&state) || taken;
  }
}
