/*
 * Random problems, small enough that a thousand of them take seconds at most.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "shapes.h"

#include "oracle.h"

/* Most products of a random problem, but for those of many channels. */
enum { most_products = 150000 };

int64_t shapes_products(const blasconv_problem *problem)
{
  const int64_t pixels = problem->direction == BLASCONV_TRANSPOSED ? oracle_input_pixels(problem)
                                                                   : oracle_output_pixels(problem);
  return problem->batch * pixels * oracle_weights_count(problem);
}

/* An input that is at least `least` and mostly not much more; axes share what a problem may have.
 */
static int64_t random_extent(const blasconv_problem *problem, int64_t least, support_random *random)
{
  static const int64_t most[BLASCONV_MAX_RANK] = {70, 20, 8};
  const int64_t low = least > 1 ? least : 1;
  const int64_t high = low + most[problem->rank - 1];
  return support_random_between(random, low, support_random_between(random, low, high));
}

/* Pads, or cuts, of an axis: none, or up to four at each end. */
static void randomise_pads(blasconv_problem *problem, int axis, support_random *random)
{
  const bool none = support_random_between(random, 0, 3) == 0;
  problem->pads_begin[axis] = none ? 0 : support_random_between(random, 0, 4);
  problem->pads_end[axis] = none ? 0 : support_random_between(random, 0, 4);
}

/* The least input of an axis for which the problem has an output. */
static int64_t least_input(const blasconv_problem *problem, int axis)
{
  const int64_t reach = problem->dilations[axis] * (problem->kernel[axis] - 1);
  const int64_t pads = problem->pads_begin[axis] + problem->pads_end[axis];
  if (problem->direction == BLASCONV_CONVOLUTION)
    return reach + 1 - pads;
  const int64_t short_of = pads - reach - problem->output_padding[axis];
  return short_of <= 0 ? 1 : (short_of + problem->strides[axis] - 1) / problem->strides[axis] + 1;
}

static void randomise_output_padding(blasconv_problem *problem, int axis, support_random *random)
{
  const int64_t stride = problem->strides[axis], dilation = problem->dilations[axis];
  const int64_t most = (stride > dilation ? stride : dilation) - 1;
  if (problem->direction == BLASCONV_TRANSPOSED)
    problem->output_padding[axis] = support_random_between(random, 0, most);
}

/* One axis: kernel, stride, dilation and pads, then an input for which there is an output. */
static void randomise_axis(blasconv_problem *problem, int axis, support_random *random)
{
  problem->kernel[axis] = support_random_between(random, 1, problem->rank == 3 ? 4 : 5);
  problem->strides[axis] = support_random_between(random, 1, support_random_between(random, 1, 4));
  problem->dilations[axis] =
      support_random_between(random, 1, support_random_between(random, 1, 3));
  randomise_pads(problem, axis, random);
  randomise_output_padding(problem, axis, random);
  problem->input[axis] = random_extent(problem, least_input(problem, axis), random);
}

/* Kernel 1, stride 1, no pads. */
static void make_axis_pointwise(blasconv_problem *problem, int axis)
{
  problem->kernel[axis] = 1;
  problem->strides[axis] = 1;
  problem->pads_begin[axis] = problem->pads_end[axis] = 0;
  problem->output_padding[axis] = 0;
}

/* A kernel that covers all pixels of the larger side, the smaller side has but one; no pads. */
static void make_axis_dense(blasconv_problem *problem, int axis)
{
  if (problem->direction == BLASCONV_TRANSPOSED)
    problem->input[axis] = 1;
  else
    problem->kernel[axis] = problem->input[axis];
  problem->dilations[axis] = 1;
  problem->pads_begin[axis] = problem->pads_end[axis] = 0;
  problem->output_padding[axis] = 0;
}

/* One pixel, which a transposed convolution of several taps would give several of. */
static void make_axis_one_pixel(blasconv_problem *problem, int axis)
{
  problem->input[axis] = problem->kernel[axis] = 1;
}

/* Pads that would keep the extent at stride 1, shared out to both ends at random. */
static void make_axis_same(blasconv_problem *problem, int axis, support_random *random)
{
  const int64_t pads = problem->dilations[axis] * (problem->kernel[axis] - 1);
  problem->pads_begin[axis] = support_random_between(random, 0, pads);
  problem->pads_end[axis] = pads - problem->pads_begin[axis];
  problem->output_padding[axis] = 0;
}

/* Three taps (or five) around each pixel with stride 1 or 2, as depthwise layers have them. */
static void make_axis_usual(blasconv_problem *problem, int axis, int64_t taps, int64_t stride)
{
  problem->kernel[axis] = taps;
  problem->strides[axis] = stride;
  problem->dilations[axis] = 1;
  problem->pads_begin[axis] = problem->pads_end[axis] = taps / 2;
  problem->output_padding[axis] = problem->direction == BLASCONV_TRANSPOSED ? stride - 1 : 0;
}

/* Maps that a stride halves or doubles, wide enough for vectors in the last axis. */
static void make_extents_usual(blasconv_problem *problem, int64_t stride, support_random *random)
{
  const int64_t times = problem->direction == BLASCONV_TRANSPOSED ? 1 : stride;
  for (int axis = 0; axis < problem->rank; ++axis)
    problem->input[axis] = times * support_random_between(random, 2, 5);
  if (problem->rank < BLASCONV_MAX_RANK)
    problem->input[problem->rank - 1] = times * support_random_between(random, 8, 13);
}

/* One filter a channel mostly, and in half of the cases extents that a stride divides. */
static void make_usual(blasconv_problem *problem, support_random *random)
{
  const int64_t taps = support_random_between(random, 0, 3) > 0 ? 3 : 5;
  const int64_t stride = support_random_between(random, 1, 2);
  for (int axis = 0; axis < problem->rank; ++axis)
    make_axis_usual(problem, axis, taps, stride);
  if (support_random_between(random, 0, 1) == 0)
    make_extents_usual(problem, stride, random);
  if (support_random_between(random, 0, 3) > 0)
    problem->out_channels = problem->groups;
}

/* An axis of kernel 1 whose pixels may lie elsewhere in the result, or on pads. */
static void make_planes(blasconv_problem *problem, int axis, support_random *random)
{
  if (support_random_between(random, 0, 1) == 0)
    return;
  problem->dilations[axis] = 2;
  problem->pads_begin[axis] = support_random_between(random, 0, 1);
  problem->pads_end[axis] = support_random_between(random, 0, 1);
  randomise_output_padding(problem, axis, random);
  problem->input[axis] = random_extent(problem, least_input(problem, axis), random);
}

/* Filters that have transforms: three or seven taps along height or width, or three or five along
 * both; any pads. */
static void make_tiled(blasconv_problem *problem, support_random *random)
{
  static const int64_t along_one[] = {3, 7}, along_both[] = {3, 3, 5};
  const int64_t alone = support_random_between(random, 0, 3);
  const bool one = problem->rank == 1 || alone < 2;
  const int64_t taps = one ? along_one[support_random_between(random, 0, 1)]
                           : along_both[support_random_between(random, 0, 2)];
  for (int axis = 0; axis < problem->rank; ++axis) {
    const int from_last = problem->rank - 1 - axis;
    make_axis_pointwise(problem, axis);
    problem->dilations[axis] = 1;
    if (from_last == BLASCONV_MAX_RANK - 1) {
      make_planes(problem, axis, random);
      continue;
    }
    problem->kernel[axis] = problem->rank > 1 && alone == from_last ? 1 : taps;
    randomise_pads(problem, axis, random);
    problem->input[axis] = random_extent(problem, least_input(problem, axis), random);
  }
}

/* Up to three taps, and an image of up to 11 pixels along each of two axes, as the last layers of
 * networks have them. */
static void make_axis_deep(blasconv_problem *problem, int axis, support_random *random)
{
  static const int64_t most[BLASCONV_MAX_RANK] = {90, 11, 4};
  problem->kernel[axis] = support_random_between(random, 1, 3);
  problem->strides[axis] = support_random_between(random, 0, 3) > 0 ? 1 : 2;
  problem->dilations[axis] = support_random_between(random, 0, 7) > 0 ? 1 : 2;
  problem->pads_begin[axis] = support_random_between(random, 0, 2);
  problem->pads_end[axis] = support_random_between(random, 0, 2);
  randomise_output_padding(problem, axis, random);
  const int64_t least = least_input(problem, axis);
  problem->input[axis] =
      support_random_between(random, least > 1 ? least : 1, least + most[problem->rank - 1]);
}

/* All axes of one kind, but that every other problem that keeps its extents does so in all axes but
 * one: what reads shifted maps has to notice each. */
static void make_axes(blasconv_problem *problem, shapes_kind kind, support_random *random)
{
  const int64_t strided = support_random_between(random, 0, 2 * problem->rank - 1);
  if (kind == SHAPES_TILED)
    make_tiled(problem, random);
  if (kind == SHAPES_DEPTHWISE && strided % 2 == 0)
    make_usual(problem, random);
  for (int axis = 0; axis < problem->rank; ++axis) {
    if (kind == SHAPES_POINTWISE)
      make_axis_pointwise(problem, axis);
    if (kind == SHAPES_VECTOR && strided % 2 == 0)
      make_axis_one_pixel(problem, axis);
    if (kind == SHAPES_DENSE || kind == SHAPES_VECTOR)
      make_axis_dense(problem, axis);
    if (kind == SHAPES_DEEP)
      make_axis_deep(problem, axis, random);
    if (kind != SHAPES_SAME)
      continue;
    make_axis_same(problem, axis, random);
    if (axis != strided)
      problem->strides[axis] = 1;
  }
}

/* Channels or filters of one group: few, or now and then enough for vectors and a rest. */
static int64_t random_channels(support_random *random)
{
  const bool many = support_random_between(random, 0, 5) == 0;
  return support_random_between(random, 1, many ? 40 : 6);
}

static void randomise_channels(blasconv_problem *problem, shapes_kind kind, support_random *random)
{
  const bool grouped = support_random_between(random, 0, 1) == 1;
  problem->groups = grouped ? support_random_between(random, 1, 4) : 1;
  problem->in_channels = problem->groups * random_channels(random);
  problem->out_channels = problem->groups * random_channels(random);
  if (kind == SHAPES_DEPTHWISE) {
    problem->groups = problem->in_channels;
    problem->out_channels = problem->groups * support_random_between(random, 1, 3);
  }
  if (kind == SHAPES_VECTOR) {
    problem->groups = support_random_between(random, 0, 3) > 0 ? 1 : 2;
    problem->in_channels = problem->groups * support_random_between(random, 1, 60);
    problem->out_channels = problem->groups * support_random_between(random, 1, 60);
  }
  if (kind == SHAPES_DEEP) {
    problem->groups = support_random_between(random, 0, 3) > 0 ? 1 : 2;
    problem->in_channels = problem->groups * support_random_between(random, 16, 140);
    problem->out_channels = problem->groups * support_random_between(random, 60, 140);
  }
}

/* Drops images, then filters, then channels until the problem is small. */
static void make_small(blasconv_problem *problem, int64_t most)
{
  while (shapes_products(problem) > most) {
    const int64_t channels = problem->in_channels / problem->groups;
    const int64_t filters = problem->out_channels / problem->groups;
    if (problem->batch > 1)
      --problem->batch;
    else if (filters > 1)
      problem->out_channels = problem->groups * ((filters + 1) / 2);
    else if (channels > 1)
      problem->in_channels = problem->groups * ((channels + 1) / 2);
    else if (problem->groups > 1)
      problem->in_channels = problem->out_channels = problem->groups = (problem->groups + 1) / 2;
    else
      return;
  }
}

blasconv_problem shapes_random_of(shapes_kind kind, blasconv_layout layout,
                                  blasconv_direction direction, int32_t rank,
                                  support_random *random)
{
  blasconv_problem problem = blasconv_problem_3d(0, 1, 1, 1, 1, 1, 1, 1, 1);
  problem.layout = layout;
  problem.direction = direction;
  problem.rank = rank;
  const bool empty = support_random_between(random, 0, 19) == 0;
  problem.batch = empty ? 0 : kind == SHAPES_VECTOR ? 1 : support_random_between(random, 1, 3);
  randomise_channels(&problem, kind, random);
  for (int axis = 0; axis < rank; ++axis)
    randomise_axis(&problem, axis, random);
  make_axes(&problem, kind, random);
  make_small(&problem, kind == SHAPES_DEEP ? SHAPES_MOST_PRODUCTS : most_products);
  return problem;
}

blasconv_problem shapes_random(support_random *random)
{
  const shapes_kind kind = (shapes_kind)support_random_between(random, 0, SHAPES_KINDS - 1);
  const blasconv_layout layout = (blasconv_layout)support_random_between(random, 0, 1);
  const blasconv_direction direction = (blasconv_direction)support_random_between(random, 0, 1);
  const int32_t rank = (int32_t)support_random_between(random, 1, BLASCONV_MAX_RANK);
  return shapes_random_of(kind, layout, direction, rank, random);
}
