/*
 * Laws that hold between problems: shifted images, turned filters, swapped roles, other layouts,
 * and axes of one pixel.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "law.h"
#include "shapes.h"

/* ---------------------------------------------------------------------------------------------
 * Shift-equivariance: an input shifted by one stride gives an output shifted by one pixel,
 * transposed an input shifted by one pixel an output shifted by one stride
 * ------------------------------------------------------------------------------------------ */

/* The pixel that lies `steps` behind another along every axis, -1 if that is outside of the map. */
static int64_t moved(int32_t rank, const int64_t *extents, const int64_t *steps, int64_t pixel)
{
  int64_t target = pixel, rest = pixel, stride = 1;
  for (int axis = rank - 1; axis >= 0; --axis) {
    if (rest % extents[axis] + steps[axis] >= extents[axis])
      return -1;
    rest /= extents[axis];
    target += steps[axis] * stride;
    stride *= extents[axis];
  }
  return target;
}

/* A stack of maps that is shifted. */
typedef struct shifting {
  blasconv_layout layout;
  int32_t rank;
  int64_t channels, pixels;
  int64_t extents[BLASCONV_MAX_RANK], steps[BLASCONV_MAX_RANK];
} shifting;

static shifting shifting_of(const blasconv_problem *problem, bool output)
{
  shifting made = {.layout = problem->layout, .rank = problem->rank};
  made.channels = output ? problem->out_channels : problem->in_channels;
  made.pixels = output ? oracle_output_pixels(problem) : oracle_input_pixels(problem);
  if (output)
    oracle_output(problem, made.extents);
  const bool by_strides = (problem->direction == BLASCONV_TRANSPOSED) == output;
  for (int axis = 0; axis < problem->rank; ++axis) {
    if (!output)
      made.extents[axis] = problem->input[axis];
    made.steps[axis] = by_strides ? problem->strides[axis] : 1;
  }
  return made;
}

/* Shifts every map of `original` into `shifted`, zeros at its beginning; `original` loses the
 * pixels that are shifted out of the image, so that the two hold the same numbers. */
static void shift(const shifting *how, support_tensor *original, support_tensor *shifted)
{
  for (int64_t i = 0; i < shifted->count; ++i)
    shifted->data[i] = 0;
  const int64_t images = original->count / how->channels / how->pixels;
  for (int64_t n = 0; n < images; ++n)
    for (int64_t c = 0; c < how->channels; ++c)
      for (int64_t pixel = 0; pixel < how->pixels; ++pixel) {
        const int64_t target = moved(how->rank, how->extents, how->steps, pixel);
        float *from =
            &original->data[oracle_element(how->layout, how->channels, how->pixels, n, c, pixel)];
        if (target >= 0)
          shifted->data[oracle_element(how->layout, how->channels, how->pixels, n, c, target)] =
              *from;
        else
          *from = 0;
      }
}

/* @return comparisons of numbers other than zero */
static int64_t check_shifted(const blasconv_problem *problem, const char *algorithm,
                             const support_tensor *before, const support_tensor *after)
{
  const shifting how = shifting_of(problem, true);
  int64_t comparisons = 0;
  for (int64_t n = 0; n < problem->batch; ++n)
    for (int64_t k = 0; k < how.channels; ++k)
      for (int64_t pixel = 0; pixel < how.pixels; ++pixel) {
        const int64_t target = moved(how.rank, how.extents, how.steps, pixel);
        if (target < 0)
          continue;
        const int64_t from = oracle_element(how.layout, how.channels, how.pixels, n, k, pixel);
        const int64_t to = oracle_element(how.layout, how.channels, how.pixels, n, k, target);
        law_equal((double)before->data[from], (double)after->data[to], problem, BLASCONV_FORWARD,
                  algorithm, "shift-equivariance");
        comparisons += before->data[from] != 0;
      }
  return comparisons;
}

static void copy(const support_tensor *from, support_tensor *to)
{
  ck_assert_int_eq(from->count, to->count);
  for (int64_t i = 0; i < from->count; ++i)
    to->data[i] = from->data[i];
}

static int64_t equivariance(const blasconv_problem *problem, const char *algorithm,
                            support_random *random)
{
  fixture_case original = fixture_create(problem, support_tensor_integers, random);
  fixture_case shifted = fixture_create(problem, support_tensor_integers, random);
  const shifting how = shifting_of(problem, false);
  copy(&original.weights, &shifted.weights);
  copy(&original.bias, &shifted.bias);
  shift(&how, &original.input, &shifted.input);
  fixture_seal(&original);
  fixture_seal(&shifted);
  fixture_result before, after;
  bool served = law_compute(&original, BLASCONV_FORWARD, algorithm, &before);
  served = law_compute(&shifted, BLASCONV_FORWARD, algorithm, &after) && served;
  const int64_t comparisons =
      served ? check_shifted(problem, algorithm, &before.values, &after.values) : 0;
  fixture_result_free(&before);
  fixture_result_free(&after);
  fixture_free(&original);
  fixture_free(&shifted);
  return comparisons;
}

/* gemv has one pixel of the output: nothing moves. */
START_TEST(forward_is_shift_equivariant)
{
  law_check_but(equivariance, "gemv");
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * What scatters, backward data and the transposed forward, is at stride 1 the full convolution with
 * the filters turned by 180 degrees
 * ------------------------------------------------------------------------------------------ */

/* The convolution from the scattered tensor to the result.
 * @return false if it would need negative pads, or the stride is not 1 */
static bool turned_problem(const blasconv_problem *problem, blasconv_problem *turned)
{
  *turned = *problem;
  turned->direction = BLASCONV_CONVOLUTION;
  if (problem->direction == BLASCONV_CONVOLUTION) {
    turned->in_channels = problem->out_channels;
    turned->out_channels = problem->in_channels;
    oracle_output(problem, turned->input);
  }
  bool possible = true;
  for (int axis = 0; axis < problem->rank; ++axis) {
    const int64_t full = problem->dilations[axis] * (problem->kernel[axis] - 1);
    turned->pads_begin[axis] = full - problem->pads_begin[axis];
    turned->pads_end[axis] = full - problem->pads_end[axis] + problem->output_padding[axis];
    turned->output_padding[axis] = 0;
    possible = possible && problem->strides[axis] == 1 && turned->pads_begin[axis] >= 0 &&
               turned->pads_end[axis] >= 0;
  }
  return possible;
}

/* The weights [A][B/G][R] that scatter from A channels to B as those [B][A/G][R] that gather. */
static void turn_filters(const blasconv_problem *turned, const support_tensor *weights,
                         support_tensor *gathering)
{
  const int64_t taps = oracle_taps(turned);
  const int64_t from = turned->in_channels / turned->groups;
  const int64_t to = turned->out_channels / turned->groups;
  for (int64_t a = 0; a < turned->in_channels; ++a)
    for (int64_t b = 0; b < to; ++b)
      for (int64_t tap = 0; tap < taps; ++tap) {
        const int64_t target = a / from * to + b;
        gathering
            ->data[oracle_element(turned->layout, from, taps, target, a % from, taps - 1 - tap)] =
            weights->data[oracle_element(turned->layout, to, taps, a, b, tap)];
      }
}

static int64_t turning(const blasconv_problem *problem, const char *algorithm,
                       support_random *random)
{
  blasconv_problem full;
  if (!turned_problem(problem, &full))
    return 0;
  const bool transposed = problem->direction == BLASCONV_TRANSPOSED;
  const blasconv_pass pass = transposed ? BLASCONV_FORWARD : BLASCONV_BACKWARD_DATA;
  fixture_case fixture = fixture_create(problem, support_tensor_integers, random);
  fixture_case turned = fixture_create(&full, support_tensor_integers, random);
  turn_filters(&full, &fixture.weights, &turned.weights);
  copy(transposed ? &fixture.input : &fixture.output_gradient, &turned.input);
  law_clear_bias(&fixture);
  law_clear_bias(&turned);
  fixture_result scattered, gathered;
  bool served = law_compute(&fixture, pass, algorithm, &scattered);
  served = law_compute(&turned, BLASCONV_FORWARD, algorithm, &gathered) && served;
  const int64_t comparisons =
      law_equal_results(served, &scattered, &gathered, problem, pass, algorithm, "turned filters");
  fixture_free(&fixture);
  fixture_free(&turned);
  return comparisons;
}

START_TEST(scattering_turns_the_filters)
{
  law_check(turning);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * A transposed convolution is the backward data pass of a convolution with the roles swapped
 * ------------------------------------------------------------------------------------------ */

/* @return false if there is none: output padding beyond the stride gives it more outputs than the
 * transposed convolution has inputs */
static bool adjoint_problem(const blasconv_problem *transposed, blasconv_problem *adjoint)
{
  *adjoint = *transposed;
  adjoint->direction = BLASCONV_CONVOLUTION;
  adjoint->in_channels = transposed->out_channels;
  adjoint->out_channels = transposed->in_channels;
  oracle_output(transposed, adjoint->input);
  for (int axis = 0; axis < BLASCONV_MAX_RANK; ++axis)
    adjoint->output_padding[axis] = 0;
  return transposed->direction == BLASCONV_TRANSPOSED &&
         oracle_output_count(adjoint) == oracle_input_count(transposed);
}

static int64_t swapping(const blasconv_problem *problem, const char *algorithm,
                        support_random *random)
{
  static const blasconv_pass swapped[] = {BLASCONV_BACKWARD_DATA, BLASCONV_FORWARD,
                                          BLASCONV_BACKWARD_WEIGHTS};
  blasconv_problem other;
  if (!adjoint_problem(problem, &other))
    return 0;
  fixture_case transposed = fixture_create(problem, support_tensor_integers, random);
  fixture_case adjoint = fixture_create(&other, support_tensor_integers, random);
  copy(&transposed.weights, &adjoint.weights);
  copy(&transposed.input, &adjoint.output_gradient);
  copy(&transposed.output_gradient, &adjoint.input);
  law_clear_bias(&transposed);
  law_clear_bias(&adjoint);
  int64_t comparisons = 0;
  for (int i = 0; i < 3; ++i) {
    const blasconv_pass pass = (blasconv_pass)i;
    fixture_result one, two;
    bool served = law_compute(&transposed, pass, algorithm, &one);
    served = law_compute(&adjoint, swapped[i], algorithm, &two) && served;
    comparisons += law_equal_results(served, &one, &two, problem, pass, algorithm, "swapped roles");
  }
  fixture_free(&transposed);
  fixture_free(&adjoint);
  return comparisons;
}

START_TEST(transposed_is_backward_data)
{
  law_check_direction(swapping, BLASCONV_TRANSPOSED);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * The other layout, and one axis more
 * ------------------------------------------------------------------------------------------ */

/* [outer][channels][pixels] in one layout to the same numbers in the other. */
static void reorder(blasconv_layout layout, int64_t channels, int64_t pixels,
                    const support_tensor *from, support_tensor *to)
{
  const blasconv_layout other = layout == BLASCONV_NCHW ? BLASCONV_NHWC : BLASCONV_NCHW;
  ck_assert_int_eq(from->count, to->count);
  for (int64_t outer = 0; outer < from->count / channels / pixels; ++outer)
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t pixel = 0; pixel < pixels; ++pixel)
        to->data[oracle_element(other, channels, pixels, outer, c, pixel)] =
            from->data[oracle_element(layout, channels, pixels, outer, c, pixel)];
}

/* Channels that lie together in the weights. */
static int64_t weight_channels(const blasconv_problem *problem)
{
  return (problem->direction == BLASCONV_TRANSPOSED ? problem->out_channels
                                                    : problem->in_channels) /
         problem->groups;
}

/* The result of a pass, from the layout of `problem` to the other. */
static void reorder_result(const blasconv_problem *problem, blasconv_pass pass,
                           const fixture_result *from, fixture_result *to)
{
  int64_t channels = weight_channels(problem), pixels = oracle_taps(problem);
  if (pass == BLASCONV_FORWARD) {
    channels = problem->out_channels;
    pixels = oracle_output_pixels(problem);
  } else if (pass == BLASCONV_BACKWARD_DATA) {
    channels = problem->in_channels;
    pixels = oracle_input_pixels(problem);
  }
  reorder(problem->layout, channels, pixels, &from->values, &to->values);
}

static int64_t relaying(const blasconv_problem *problem, const char *algorithm,
                        support_random *random)
{
  blasconv_problem other = *problem;
  other.layout = problem->layout == BLASCONV_NCHW ? BLASCONV_NHWC : BLASCONV_NCHW;
  fixture_case here = fixture_create(problem, support_tensor_integers, random);
  fixture_case there = fixture_create(&other, support_tensor_integers, random);
  reorder(problem->layout, problem->in_channels, oracle_input_pixels(problem), &here.input,
          &there.input);
  reorder(problem->layout, weight_channels(problem), oracle_taps(problem), &here.weights,
          &there.weights);
  reorder(problem->layout, problem->out_channels, oracle_output_pixels(problem),
          &here.output_gradient, &there.output_gradient);
  copy(&here.bias, &there.bias);
  fixture_seal(&there);
  int64_t comparisons = 0;
  for (int i = 0; i < 3; ++i) {
    const blasconv_pass pass = (blasconv_pass)i;
    fixture_result one, two;
    const bool served =
        law_compute(&here, pass, algorithm, &one) && law_compute(&there, pass, NULL, &two);
    if (!served)
      two = fixture_result_create(&other, pass, NULL, NULL);
    fixture_result reordered = fixture_result_copy(&two);
    reorder_result(problem, pass, &one, &reordered);
    comparisons +=
        law_equal_results(served, &reordered, &two, problem, pass, algorithm, "the other layout");
    fixture_result_free(&one);
  }
  fixture_free(&here);
  fixture_free(&there);
  return comparisons;
}

START_TEST(layouts_agree)
{
  law_check(relaying);
}
END_TEST

/* The same problem with one more axis, of one pixel, in front. */
static blasconv_problem lifted_problem(const blasconv_problem *problem)
{
  blasconv_problem lifted = blasconv_problem_3d(0, 1, 1, 1, 1, 1, 1, 1, 1);
  lifted.rank = problem->rank + 1;
  lifted.layout = problem->layout;
  lifted.direction = problem->direction;
  lifted.batch = problem->batch;
  lifted.in_channels = problem->in_channels;
  lifted.out_channels = problem->out_channels;
  lifted.groups = problem->groups;
  for (int axis = 0; axis < problem->rank; ++axis) {
    lifted.input[axis + 1] = problem->input[axis];
    lifted.kernel[axis + 1] = problem->kernel[axis];
    lifted.strides[axis + 1] = problem->strides[axis];
    lifted.dilations[axis + 1] = problem->dilations[axis];
    lifted.pads_begin[axis + 1] = problem->pads_begin[axis];
    lifted.pads_end[axis + 1] = problem->pads_end[axis];
    lifted.output_padding[axis + 1] = problem->output_padding[axis];
  }
  return lifted;
}

static void check_lifted(const blasconv_problem *problem, support_random *random)
{
  fixture_case flat = fixture_create(problem, support_tensor_integers, random);
  fixture_case lifted = flat; /* the same tensors */
  lifted.problem = lifted_problem(problem);
  for (int i = 0; i < 3; ++i) {
    const blasconv_pass pass = (blasconv_pass)i;
    fixture_result one, two;
    ck_assert(law_compute(&flat, pass, NULL, &one) && law_compute(&lifted, pass, NULL, &two));
    law_equal_results(true, &one, &two, problem, pass, NULL, "one axis more");
  }
  fixture_free(&flat);
}

START_TEST(an_axis_of_one_pixel_changes_nothing)
{
  support_random random = support_random_start(3);
  blasconv_problem problem;
  int lifted = 0;
  for (size_t i = 0; shapes_small_corner(i, &problem); ++i)
    if (problem.rank < BLASCONV_MAX_RANK) {
      check_lifted(&problem, &random);
      ++lifted;
    }
  ck_assert_int_gt(lifted, 200);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("symmetries");
  support_add(suite, forward_is_shift_equivariant);
  support_add(suite, scattering_turns_the_filters);
  support_add(suite, transposed_is_backward_data);
  support_add(suite, layouts_agree);
  support_add(suite, an_axis_of_one_pixel_changes_nothing);
  return support_run(suite);
}
