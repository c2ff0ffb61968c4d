/*
 * Pooling forward against sums and maxima in double; the kernels of every instruction set, both
 * passes; threads.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "cpu.h"
#include "kernels/kernels.h"
#include "kernels/pooling.h"
#include "pooling_layer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { problems = 1500 };

/* ---------------------------------------------------------------------------------------------
 * Maximum
 * ------------------------------------------------------------------------------------------ */

/* Every output's bits are those of its winner. */
static void check_maxima(pooling_layer *l)
{
  const float none = -INFINITY;
  for (int64_t i = 0; i < l->maps * l->out_pixels; ++i) {
    const float *map = l->input.data + i / l->out_pixels * l->in_pixels;
    pooling_window w =
        pooling_window_create(&l->problem, i % l->out_pixels / l->columns, i % l->columns);
    const int64_t winner = pooling_window_winner(&w, map);
    const float *value = winner < 0 ? &none : &map[winner];
    support_assert(pooling_layer_winners(l)[i] == winner, "output %" PRId64 ": another winner", i);
    support_assert(memcmp(value, &l->output.data[i], sizeof *value) == 0,
                   "output %" PRId64 ": not its winner's bits", i);
    free(w.pixels);
  }
}

START_TEST(maximum_is_the_first_largest_pixel)
{
  support_random random = support_random_start(1);
  for (int i = 0; i < problems; ++i) {
    const blasconv_problem problem = pooling_problem_random(40, &random);
    pooling_layer l = pooling_layer_create(&problem, &random);
    if (i % 3 == 0)
      pooling_special_values(&l.input, &random);
    pooling_layer_forward(&l, BLASCONV_POOLING_MAX, 1, true);
    check_maxima(&l);
    support_tensor with_winners = support_tensor_copy(&l.output);
    pooling_layer_forward(&l, BLASCONV_POOLING_MAX, 2, false);
    ck_assert(support_tensor_same(&with_winners, &l.output));
    support_tensor_free(&with_winners);
    pooling_layer_free(&l);
  }
}
END_TEST

/* An image of -infinity alone: pads are no maximum even there, and the first pixel wins. */
START_TEST(pads_never_win)
{
  support_random random = support_random_start(2);
  for (int i = 0; i < 200; ++i) {
    const blasconv_problem problem = pooling_problem_random(20, &random);
    pooling_layer l = pooling_layer_create(&problem, &random);
    for (int64_t j = 0; j < l.input.count; ++j)
      l.input.data[j] = -INFINITY;
    pooling_layer_forward(&l, BLASCONV_POOLING_MAX, 1, true);
    check_maxima(&l);
    pooling_layer_free(&l);
  }
}
END_TEST

/* Taps at -1 and 3 of three pixels: the first window sees pads alone. */
START_TEST(a_dilated_window_may_lie_in_pads_alone)
{
  blasconv_problem p = blasconv_problem_pooling(1, 1, 3, 9, 2, 1);
  p.dilations[0] = 4;
  p.pads_begin[0] = p.pads_end[0] = 1;
  support_random random = support_random_start(3);
  pooling_layer l = pooling_layer_create(&p, &random);
  pooling_layer_forward(&l, BLASCONV_POOLING_MAX, 1, true);
  for (int64_t i = 0; i < l.out_pixels; ++i)
    ck_assert(l.output.data[i] == -INFINITY && pooling_layer_winners(&l)[i] == -1);
  pooling_layer_backward(&l, BLASCONV_POOLING_MAX, 1);
  for (int64_t i = 0; i < l.in_pixels; ++i)
    ck_assert(l.input_gradient.data[i] == 0.0f);
  for (int kind = BLASCONV_POOLING_AVERAGE; kind <= BLASCONV_POOLING_AVERAGE_ALL_TAPS; ++kind) {
    pooling_layer_forward(&l, (blasconv_pooling_kind)kind, 1, false);
    for (int64_t i = 0; i < l.out_pixels; ++i)
      ck_assert(l.output.data[i] == 0.0f);
    pooling_layer_backward(&l, (blasconv_pooling_kind)kind, 1);
    for (int64_t i = 0; i < l.in_pixels; ++i)
      ck_assert(l.input_gradient.data[i] == 0.0f);
  }
  pooling_layer_free(&l);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Average
 * ------------------------------------------------------------------------------------------ */

static void check_means(pooling_layer *l, blasconv_pooling_kind kind)
{
  for (int64_t i = 0; i < l->maps * l->out_pixels; ++i) {
    const float *map = l->input.data + i / l->out_pixels * l->in_pixels;
    pooling_window w =
        pooling_window_create(&l->problem, i % l->out_pixels / l->columns, i % l->columns);
    double sum = 0.0, size = 0.0;
    for (int64_t j = 0; j < w.count; ++j) {
      sum += (double)map[w.pixels[j]];
      size += fabs((double)map[w.pixels[j]]);
    }
    const double n = w.count > 0 ? (double)pooling_window_divisor(&w, kind) : 1.0;
    const double roundings = w.taps <= 32 ? (double)w.taps + 1.0 : 2.0;
    support_assert(fabs((double)l->output.data[i] - sum / n) <= roundings * 0x1p-24 * size / n,
                   "output %" PRId64 ": %g instead of %g", i, (double)l->output.data[i], sum / n);
    free(w.pixels);
  }
}

START_TEST(average_is_the_mean)
{
  support_random random = support_random_start(4);
  for (int i = 0; i < problems; ++i) {
    const blasconv_problem problem = pooling_problem_random(40, &random);
    pooling_layer l = pooling_layer_create(&problem, &random);
    const blasconv_pooling_kind kind =
        i % 2 ? BLASCONV_POOLING_AVERAGE : BLASCONV_POOLING_AVERAGE_ALL_TAPS;
    pooling_layer_forward(&l, kind, 1, false);
    check_means(&l, kind);
    pooling_layer_free(&l);
  }
}
END_TEST

START_TEST(windows_may_be_large)
{
  support_random random = support_random_start(5);
  for (int i = 0; i < 60; ++i) {
    blasconv_problem p = pooling_problem_random(40, &random);
    for (int axis = 0; axis < 2; ++axis) {
      p.kernel[axis] = support_random_between(&random, 6, 20);
      p.dilations[axis] = support_random_between(&random, 0, 3) ? 1 : 2;
      p.pads_begin[axis] = support_random_between(&random, 0, p.kernel[axis] - 1);
      p.pads_end[axis] = support_random_between(&random, 0, 5);
      p.input[axis] = support_random_between(&random, 40, 60);
    }
    pooling_layer l = pooling_layer_create(&p, &random);
    if (i % 3 == 0)
      for (int64_t j = 0; j < l.input.count; ++j)
        l.input.data[j] += 4096.0f; /* sums in float would lose digits */
    pooling_layer_forward(&l, BLASCONV_POOLING_AVERAGE, 1, false);
    check_means(&l, BLASCONV_POOLING_AVERAGE);
    pooling_layer_forward(&l, BLASCONV_POOLING_AVERAGE_ALL_TAPS, 1, false);
    check_means(&l, BLASCONV_POOLING_AVERAGE_ALL_TAPS);
    if (i % 3 == 1)
      pooling_special_values(&l.input, &random);
    pooling_layer_forward(&l, BLASCONV_POOLING_MAX, 1, true);
    check_maxima(&l);
    pooling_layer_free(&l);
  }
}
END_TEST

START_TEST(rows_may_be_long)
{
  support_random random = support_random_start(12);
  for (int i = 0; i < pooling_row_count; ++i)
    for (int64_t stride = 1; stride <= 2; ++stride) {
      const blasconv_problem p = pooling_problem_of_rows(i, stride);
      pooling_layer l = pooling_layer_create(&p, &random);
      pooling_layer_forward(&l, BLASCONV_POOLING_AVERAGE, 1, false);
      check_means(&l, BLASCONV_POOLING_AVERAGE);
      pooling_special_values(&l.input, &random);
      pooling_layer_forward(&l, BLASCONV_POOLING_MAX, 1, true);
      check_maxima(&l);
      pooling_layer_free(&l);
    }
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Threads and instruction sets
 * ------------------------------------------------------------------------------------------ */

/* But for windows of so many taps that sums are taken in double. */
START_TEST(both_layouts_give_the_same_bits)
{
  support_random random = support_random_start(13);
  for (int i = 0; i < 600; ++i) {
    const blasconv_pooling_kind kind = (blasconv_pooling_kind)(i % 3);
    const bool marks = kind == BLASCONV_POOLING_MAX;
    const blasconv_problem problem = pooling_problem_random(30, &random);
    if (!marks && problem.kernel[0] * problem.kernel[1] > 32)
      continue;
    pooling_layer l = pooling_layer_create(&problem, &random);
    l.problem.layout = BLASCONV_NCHW;
    pooling_layer_forward(&l, kind, 1, marks);
    pooling_layer_backward(&l, kind, 1);
    pooling_results planar = pooling_results_copy(&l);
    l.problem.layout = BLASCONV_NHWC;
    pooling_layer_forward(&l, kind, 1, marks);
    pooling_layer_backward(&l, kind, 1);
    ck_assert(pooling_results_same(&planar, &l));
    pooling_results_free(&planar);
    pooling_layer_free(&l);
  }
}
END_TEST

/* Enough maps for several tasks, large ones and small ones. */
START_TEST(same_bits_for_any_number_of_threads)
{
  static const int32_t threads[] = {1, 2, 3, 5, 16, 0};
  const blasconv_problem shapes[] = {blasconv_problem_pooling(3, 5, 131, 129, 3, 2),
                                     blasconv_problem_pooling(9, 37, 14, 15, 2, 2),
                                     blasconv_problem_pooling_global(30, 40, 7, 7)};
  support_random random = support_random_start(10);
  for (int i = 0; i < 18; ++i) {
    const blasconv_pooling_kind kind = (blasconv_pooling_kind)(i % 3);
    pooling_layer l = pooling_layer_create(&shapes[i / 3 % 3], &random);
    l.problem.layout = i < 9 ? BLASCONV_NCHW : BLASCONV_NHWC;
    pooling_layer_forward(&l, kind, 1, kind == BLASCONV_POOLING_MAX);
    pooling_layer_backward(&l, kind, 1);
    pooling_results alone = pooling_results_copy(&l);
    for (size_t j = 0; j < sizeof threads / sizeof *threads; ++j) {
      pooling_layer_forward(&l, kind, threads[j], kind == BLASCONV_POOLING_MAX);
      pooling_layer_backward(&l, kind, threads[j]);
      ck_assert(pooling_results_same(&alone, &l));
    }
    pooling_results_free(&alone);
    pooling_layer_free(&l);
  }
}
END_TEST

static bc_axis axis_of(const pooling_layer *l, int axis)
{
  const blasconv_problem *p = &l->problem;
  return (bc_axis){.input = p->input[axis],
                   .kernel = p->kernel[axis],
                   .stride = p->strides[axis],
                   .dilation = p->dilations[axis],
                   .pad_begin = p->pads_begin[axis],
                   .pad_end = p->pads_end[axis],
                   .output = axis == 0 ? l->rows : l->columns};
}

/* What the library writes for the layer's first map, these kernels write too. */
static void check_kernels(pooling_layer *l, const bc_max_pooling_kernels *max,
                          const bc_average_pooling_kernels *average)
{
  bc_pooling pooling = {.height = axis_of(l, 0), .width = axis_of(l, 1)};
  pooling.inside = (bc_range){bc_axis_inside(&pooling.width, 0).begin,
                              bc_axis_inside(&pooling.width, pooling.width.kernel - 1).end};
  if (bc_range_length(pooling.inside) < BC_POOLING_LEAST_RUN)
    pooling.inside = (bc_range){0, 0};
  support_tensor output = support_tensor_copy(&l->output);
  support_tensor winners = support_tensor_copy(&l->winners);
  support_tensor gradient = support_tensor_copy(&l->input_gradient);
  pooling_layer_forward(l, BLASCONV_POOLING_MAX, 1, true);
  pooling_layer_backward(l, BLASCONV_POOLING_MAX, 1);
  max->max_winners(&pooling, l->input.data, output.data, (int32_t *)(void *)winners.data);
  max->scatter(&pooling, l->output_gradient.data, pooling_layer_winners(l), gradient.data);
  ck_assert(support_tensor_same(&output, &l->output));
  ck_assert(support_tensor_same(&winners, &l->winners));
  ck_assert(support_tensor_same(&gradient, &l->input_gradient));
  max->max(&pooling, l->input.data, output.data);
  ck_assert(support_tensor_same(&output, &l->output));
  pooling_layer_forward(l, BLASCONV_POOLING_AVERAGE, 1, false);
  pooling_layer_backward(l, BLASCONV_POOLING_AVERAGE, 1);
  average->average(&pooling, l->input.data, output.data);
  average->spread(&pooling, l->output_gradient.data, gradient.data);
  ck_assert(support_tensor_same(&output, &l->output));
  ck_assert(support_tensor_same(&gradient, &l->input_gradient));
  support_tensor_free(&gradient);
  support_tensor_free(&winners);
  support_tensor_free(&output);
}

/* The same in NHWC, of a whole image. */
static void check_channel_kernels(pooling_layer *l, const bc_channel_pooling_kernels *kernels)
{
  const bc_pooling pooling = {.height = axis_of(l, 0), .width = axis_of(l, 1)};
  const int64_t channels = l->problem.in_channels;
  const bc_range outputs = {0, l->rows}, inputs = {0, pooling.height.input};
  float *output = l->output.data, *gradient = l->input_gradient.data;
  const float *input = l->input.data, *output_gradient = l->output_gradient.data;
  int32_t *winners = pooling_layer_winners(l);
  for (int kind = BLASCONV_POOLING_MAX; kind <= BLASCONV_POOLING_AVERAGE; ++kind) {
    const bool marks = kind == BLASCONV_POOLING_MAX;
    ck_assert_int_eq(blasconv_pooling_forward(&l->problem, (blasconv_pooling_kind)kind, input, 1,
                                              output, marks ? winners : NULL),
                     BLASCONV_SUCCESS);
    ck_assert_int_eq(blasconv_pooling_backward(&l->problem, (blasconv_pooling_kind)kind,
                                               output_gradient, marks ? winners : NULL, 1,
                                               gradient),
                     BLASCONV_SUCCESS);
    pooling_results chosen = pooling_results_copy(l);
    if (marks) {
      kernels->max(&pooling, channels, outputs, input, output, winners);
      kernels->scatter(&pooling, channels, inputs, output_gradient, winners, gradient);
    } else {
      kernels->average(&pooling, channels, outputs, input, output);
      kernels->spread(&pooling, channels, inputs, output_gradient, gradient);
    }
    ck_assert(pooling_results_same(&chosen, l));
    pooling_results_free(&chosen);
  }
}

static bool halves(const pooling_layer *l)
{
  const blasconv_problem *p = &l->problem;
  bool both = l->columns >= BC_POOLING_LEAST_RUN;
  for (int axis = 0; axis < 2; ++axis)
    both = both && p->kernel[axis] == 2 && p->strides[axis] == 2 && p->dilations[axis] == 1 &&
           p->pads_begin[axis] == 0 && p->pads_end[axis] == 0;
  return both;
}

START_TEST(every_instruction_set_gives_the_same_bits)
{
  const bc_kernels *tables[3] = {&bc_kernels_generic};
  int count = 1;
#ifdef __x86_64__
  if (bc_cpu_isa() >= BC_ISA_AVX2)
    tables[count++] = &bc_kernels_avx2;
  if (bc_cpu_isa() >= BC_ISA_AVX512)
    tables[count++] = &bc_kernels_avx512;
#endif
  support_random random = support_random_start(11);
  for (int i = 0; i < 500; ++i) {
    blasconv_problem problem = pooling_problem_random(40, &random);
    problem.batch = 1;
    if (problem.layout == BLASCONV_NCHW)
      problem.in_channels = problem.out_channels = problem.groups = 1;
    pooling_layer l = pooling_layer_create(&problem, &random);
    for (int j = 0; j < count; ++j)
      if (problem.layout == BLASCONV_NHWC)
        check_channel_kernels(&l, tables[j]->channel_pooling);
      else if (halves(&l))
        check_kernels(&l, tables[j]->max_halving, tables[j]->average_halving);
      else
        check_kernels(&l, tables[j]->max_pooling, tables[j]->average_pooling);
    pooling_layer_free(&l);
  }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("pooling");
  support_add(suite, maximum_is_the_first_largest_pixel);
  support_add(suite, pads_never_win);
  support_add(suite, a_dilated_window_may_lie_in_pads_alone);
  support_add(suite, average_is_the_mean);
  support_add(suite, windows_may_be_large);
  support_add(suite, rows_may_be_long);
  support_add(suite, both_layouts_give_the_same_bits);
  support_add(suite, same_bits_for_any_number_of_threads);
  support_add(suite, every_instruction_set_gives_the_same_bits);
  return support_run(suite);
}
