/*
 * Pooling and its gradient against sums and maxima in double, written from the header alone; the
 * kernels of every instruction set; threads, special values and refusals.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "cpu.h"
#include "kernels/kernels.h"
#include "kernels/pooling.h"
#include "support.h"

#include <blasconv/train.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { problems = 1500 };

/* ---------------------------------------------------------------------------------------------
 * What pooling is
 * ------------------------------------------------------------------------------------------ */

/* The pixels of one window that lie in the image, in row-major order: [count] elements of the map.
 */
typedef struct window {
  int64_t *pixels;
  int64_t count, taps;
} window;

static window create_window(const blasconv_problem *p, int64_t row, int64_t column)
{
  window w = {NULL, 0, p->kernel[0] * p->kernel[1]};
  w.pixels = malloc((size_t)w.taps * sizeof *w.pixels);
  for (int64_t r = 0; r < p->kernel[0]; ++r)
    for (int64_t s = 0; s < p->kernel[1]; ++s) {
      const int64_t y = row * p->strides[0] + r * p->dilations[0] - p->pads_begin[0];
      const int64_t x = column * p->strides[1] + s * p->dilations[1] - p->pads_begin[1];
      if (y >= 0 && y < p->input[0] && x >= 0 && x < p->input[1])
        w.pixels[w.count++] = y * p->input[1] + x;
    }
  return w;
}

/* The pixel that is the maximum, -1 if the window is empty. */
static int64_t winner_of(const window *w, const float *map)
{
  for (int64_t i = 0; i < w->count; ++i)
    if (isnan(map[w->pixels[i]]))
      return w->pixels[i];
  int64_t best = w->count > 0 ? w->pixels[0] : -1;
  for (int64_t i = 1; i < w->count; ++i)
    if (map[w->pixels[i]] > map[best])
      best = w->pixels[i];
  return best;
}

static int64_t divisor_of(const window *w, blasconv_pooling_kind kind)
{
  return kind == BLASCONV_POOLING_AVERAGE ? w->count : w->taps;
}

/* ---------------------------------------------------------------------------------------------
 * Problems with their tensors
 * ------------------------------------------------------------------------------------------ */

typedef struct layer {
  blasconv_problem problem;
  int64_t maps, in_pixels, rows, columns, out_pixels;
  support_tensor input, output_gradient; /* read */
  support_tensor output, input_gradient; /* written */
  support_tensor winners;                /* written; its floats are the bits of int32_t */
} layer;

static int32_t *winners_of(layer *l)
{
  return (int32_t *)(void *)l->winners.data;
}

static layer create_layer(const blasconv_problem *problem, support_random *random)
{
  int64_t output[BLASCONV_MAX_RANK];
  ck_assert_int_eq(blasconv_problem_output(problem, output), BLASCONV_SUCCESS);
  layer l = {.problem = *problem,
             .maps = problem->batch * problem->in_channels,
             .in_pixels = problem->input[0] * problem->input[1],
             .rows = output[0],
             .columns = output[1],
             .out_pixels = output[0] * output[1]};
  l.input = support_random_between(random, 0, 1)
                ? support_tensor_integers(l.maps * l.in_pixels, random)
                : support_tensor_random(l.maps * l.in_pixels, random);
  l.output_gradient = support_tensor_random(l.maps * l.out_pixels, random);
  l.output = support_tensor_poisoned(l.maps * l.out_pixels);
  l.winners = support_tensor_poisoned(l.maps * l.out_pixels);
  l.input_gradient = support_tensor_poisoned(l.maps * l.in_pixels);
  return l;
}

static void free_layer(layer *l)
{
  support_tensor_check(&l->output, "output");
  support_tensor_check(&l->winners, "winners");
  support_tensor_check(&l->input_gradient, "input gradient");
  support_tensor_free(&l->input);
  support_tensor_free(&l->output_gradient);
  support_tensor_free(&l->output);
  support_tensor_free(&l->winners);
  support_tensor_free(&l->input_gradient);
}

static void forward(layer *l, blasconv_pooling_kind kind, int32_t threads, bool winners)
{
  ck_assert_int_eq(blasconv_pooling_forward(&l->problem, kind, l->input.data, threads,
                                            l->output.data, winners ? winners_of(l) : NULL),
                   BLASCONV_SUCCESS);
}

static void backward(layer *l, blasconv_pooling_kind kind, int32_t threads)
{
  const int32_t *winners = kind == BLASCONV_POOLING_MAX ? winners_of(l) : NULL;
  ck_assert_int_eq(blasconv_pooling_backward(&l->problem, kind, l->output_gradient.data, winners,
                                             threads, l->input_gradient.data),
                   BLASCONV_SUCCESS);
}

static void random_axis(blasconv_problem *p, int axis, int64_t most_pixels, support_random *random)
{
  p->kernel[axis] = support_random_between(random, 1, 5);
  p->strides[axis] = support_random_between(random, 1, 4);
  p->dilations[axis] =
      support_random_between(random, 0, 3) ? 1 : support_random_between(random, 2, 4);
  const int64_t span = (p->kernel[axis] - 1) * p->dilations[axis] + 1;
  if (support_random_between(random, 0, 2)) {
    p->pads_begin[axis] = support_random_between(random, 0, span - 1);
    p->pads_end[axis] = support_random_between(random, 0, span - 1);
  }
  const int64_t unpadded = span - p->pads_begin[axis] - p->pads_end[axis];
  const int64_t least = unpadded > 1 ? unpadded : 1;
  p->input[axis] = support_random_between(random, least, least + most_pixels - 1);
}

/* A quarter are the halving that most networks use, and one in nine are global. */
static blasconv_problem random_problem(int64_t most_pixels, support_random *random)
{
  const int64_t batch = support_random_between(random, 1, 2);
  const int64_t channels = support_random_between(random, 1, 3);
  const int64_t height = support_random_between(random, 2, most_pixels);
  const int64_t width = support_random_between(random, 2, most_pixels);
  if (support_random_between(random, 0, 3) == 0)
    return blasconv_problem_pooling(batch, channels, height, width, 2, 2);
  if (support_random_between(random, 0, 8) == 0)
    return blasconv_problem_pooling_global(batch, channels, height, width);
  blasconv_problem p = blasconv_problem_pooling(batch, channels, 1, 1, 1, 1);
  random_axis(&p, 0, most_pixels, random);
  random_axis(&p, 1, most_pixels, random);
  return p;
}

/* A few NaNs and infinities, and zeros of both signs. */
static void add_special_values(support_tensor *tensor, support_random *random)
{
  static const float values[] = {NAN, -INFINITY, -INFINITY, INFINITY, 0.0f, -0.0f};
  for (int64_t i = support_random_between(random, 0, 1 + tensor->count / 8); i > 0; --i)
    tensor->data[support_random_between(random, 0, tensor->count - 1)] =
        values[support_random_between(random, 0, sizeof values / sizeof *values - 1)];
}

/* ---------------------------------------------------------------------------------------------
 * Maximum
 * ------------------------------------------------------------------------------------------ */

/* Every output's bits are those of its winner. */
static void check_maxima(layer *l)
{
  const float none = -INFINITY;
  for (int64_t i = 0; i < l->maps * l->out_pixels; ++i) {
    const float *map = l->input.data + i / l->out_pixels * l->in_pixels;
    window w = create_window(&l->problem, i % l->out_pixels / l->columns, i % l->columns);
    const int64_t winner = winner_of(&w, map);
    const float *value = winner < 0 ? &none : &map[winner];
    ck_assert_int_eq(winners_of(l)[i], winner);
    ck_assert(memcmp(value, &l->output.data[i], sizeof *value) == 0);
    free(w.pixels);
  }
}

START_TEST(maximum_is_the_first_largest_pixel)
{
  support_random random = support_random_start(1);
  for (int i = 0; i < problems; ++i) {
    const blasconv_problem problem = random_problem(40, &random);
    layer l = create_layer(&problem, &random);
    if (i % 3 == 0)
      add_special_values(&l.input, &random);
    forward(&l, BLASCONV_POOLING_MAX, 1, true);
    check_maxima(&l);
    support_tensor with_winners = support_tensor_copy(&l.output);
    forward(&l, BLASCONV_POOLING_MAX, 2, false);
    ck_assert(support_tensor_same(&with_winners, &l.output));
    support_tensor_free(&with_winners);
    free_layer(&l);
  }
}
END_TEST

/* An image of -infinity alone: pads are no maximum even there, and the first pixel wins. */
START_TEST(pads_never_win)
{
  support_random random = support_random_start(2);
  for (int i = 0; i < 200; ++i) {
    const blasconv_problem problem = random_problem(20, &random);
    layer l = create_layer(&problem, &random);
    for (int64_t j = 0; j < l.input.count; ++j)
      l.input.data[j] = -INFINITY;
    forward(&l, BLASCONV_POOLING_MAX, 1, true);
    check_maxima(&l);
    free_layer(&l);
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
  layer l = create_layer(&p, &random);
  forward(&l, BLASCONV_POOLING_MAX, 1, true);
  for (int64_t i = 0; i < l.out_pixels; ++i)
    ck_assert(l.output.data[i] == -INFINITY && winners_of(&l)[i] == -1);
  backward(&l, BLASCONV_POOLING_MAX, 1);
  for (int64_t i = 0; i < l.in_pixels; ++i)
    ck_assert(l.input_gradient.data[i] == 0.0f);
  for (int kind = BLASCONV_POOLING_AVERAGE; kind <= BLASCONV_POOLING_AVERAGE_ALL_TAPS; ++kind) {
    forward(&l, (blasconv_pooling_kind)kind, 1, false);
    for (int64_t i = 0; i < l.out_pixels; ++i)
      ck_assert(l.output.data[i] == 0.0f);
    backward(&l, (blasconv_pooling_kind)kind, 1);
    for (int64_t i = 0; i < l.in_pixels; ++i)
      ck_assert(l.input_gradient.data[i] == 0.0f);
  }
  free_layer(&l);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Average
 * ------------------------------------------------------------------------------------------ */

static void check_means(layer *l, blasconv_pooling_kind kind)
{
  for (int64_t i = 0; i < l->maps * l->out_pixels; ++i) {
    const float *map = l->input.data + i / l->out_pixels * l->in_pixels;
    window w = create_window(&l->problem, i % l->out_pixels / l->columns, i % l->columns);
    double sum = 0.0, size = 0.0;
    for (int64_t j = 0; j < w.count; ++j) {
      sum += (double)map[w.pixels[j]];
      size += fabs((double)map[w.pixels[j]]);
    }
    const double n = w.count > 0 ? (double)divisor_of(&w, kind) : 1.0;
    const double roundings = w.taps <= 32 ? (double)w.taps + 1.0 : 2.0;
    ck_assert(fabs((double)l->output.data[i] - sum / n) <= roundings * 0x1p-24 * size / n);
    free(w.pixels);
  }
}

START_TEST(average_is_the_mean)
{
  support_random random = support_random_start(4);
  for (int i = 0; i < problems; ++i) {
    const blasconv_problem problem = random_problem(40, &random);
    layer l = create_layer(&problem, &random);
    const blasconv_pooling_kind kind =
        i % 2 ? BLASCONV_POOLING_AVERAGE : BLASCONV_POOLING_AVERAGE_ALL_TAPS;
    forward(&l, kind, 1, false);
    check_means(&l, kind);
    free_layer(&l);
  }
}
END_TEST

START_TEST(windows_may_be_large)
{
  support_random random = support_random_start(5);
  for (int i = 0; i < 60; ++i) {
    blasconv_problem p = random_problem(40, &random);
    for (int axis = 0; axis < 2; ++axis) {
      p.kernel[axis] = support_random_between(&random, 6, 20);
      p.dilations[axis] = support_random_between(&random, 0, 3) ? 1 : 2;
      p.pads_begin[axis] = support_random_between(&random, 0, p.kernel[axis] - 1);
      p.pads_end[axis] = support_random_between(&random, 0, 5);
      p.input[axis] = support_random_between(&random, 40, 60);
    }
    layer l = create_layer(&p, &random);
    if (i % 3 == 0)
      for (int64_t j = 0; j < l.input.count; ++j)
        l.input.data[j] += 4096.0f; /* sums in float would lose digits */
    forward(&l, BLASCONV_POOLING_AVERAGE, 1, false);
    check_means(&l, BLASCONV_POOLING_AVERAGE);
    forward(&l, BLASCONV_POOLING_AVERAGE_ALL_TAPS, 1, false);
    check_means(&l, BLASCONV_POOLING_AVERAGE_ALL_TAPS);
    if (i % 3 == 1)
      add_special_values(&l.input, &random);
    forward(&l, BLASCONV_POOLING_MAX, 1, true);
    check_maxima(&l);
    free_layer(&l);
  }
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Gradients
 * ------------------------------------------------------------------------------------------ */

/* Each output's gradient to its winner, or in equal parts, window after window, in float. */
static void check_gradient(layer *l, blasconv_pooling_kind kind)
{
  support_tensor expected = support_tensor_poisoned(l->input_gradient.count);
  for (int64_t i = 0; i < expected.count; ++i)
    expected.data[i] = 0.0f;
  for (int64_t i = 0; i < l->maps * l->out_pixels; ++i) {
    const int64_t map = i / l->out_pixels * l->in_pixels;
    const float gradient = l->output_gradient.data[i];
    window w = create_window(&l->problem, i % l->out_pixels / l->columns, i % l->columns);
    const int64_t winner = winner_of(&w, l->input.data + map);
    for (int64_t j = 0; j < w.count; ++j)
      if (kind != BLASCONV_POOLING_MAX)
        expected.data[map + w.pixels[j]] += gradient / (float)divisor_of(&w, kind);
      else if (w.pixels[j] == winner)
        expected.data[map + winner] += gradient;
    free(w.pixels);
  }
  for (int64_t i = 0; i < expected.count; ++i)
    ck_assert(l->input_gradient.data[i] == expected.data[i]);
  support_tensor_free(&expected);
}

START_TEST(gradients_go_where_the_output_came_from)
{
  support_random random = support_random_start(6);
  for (int i = 0; i < problems; ++i) {
    const blasconv_problem problem = random_problem(40, &random);
    layer l = create_layer(&problem, &random);
    const blasconv_pooling_kind kind = (blasconv_pooling_kind)(i % 3);
    forward(&l, kind, 1, kind == BLASCONV_POOLING_MAX);
    backward(&l, kind, 1);
    check_gradient(&l, kind);
    free_layer(&l);
  }
}
END_TEST

static double dot(const support_tensor *a, const support_tensor *b)
{
  double sum = 0.0;
  for (int64_t i = 0; i < a->count; ++i)
    sum += (double)a->data[i] * (double)b->data[i];
  return sum;
}

/* <pool(x), dy> = <x, backward(dy)>: for averages always, for the maximum with its own winners. */
START_TEST(backward_is_the_adjoint)
{
  support_random random = support_random_start(7);
  for (int i = 0; i < 600; ++i) {
    const blasconv_problem problem = random_problem(24, &random);
    layer l = create_layer(&problem, &random);
    const blasconv_pooling_kind kind = (blasconv_pooling_kind)(i % 3);
    forward(&l, kind, 1, kind == BLASCONV_POOLING_MAX);
    for (int64_t j = 0; j < l.output.count; ++j)
      if (isinf(l.output.data[j])) /* a window in pads alone is constant */
        l.output.data[j] = 0.0f;
    backward(&l, kind, 1);
    const double bound = 1e-6 * (double)(l.output.count + l.input.count) * 4.0;
    ck_assert(fabs(dot(&l.output, &l.output_gradient) - dot(&l.input, &l.input_gradient)) <= bound);
    free_layer(&l);
  }
}
END_TEST

/* sum of output_gradient times pooled map 0, in double, with `step` added to one pixel. */
static double weighted(const layer *l, blasconv_pooling_kind kind, int64_t pixel, double step)
{
  double total = 0.0;
  for (int64_t i = 0; i < l->out_pixels; ++i) {
    window w = create_window(&l->problem, i / l->columns, i % l->columns);
    double sum = 0.0, largest = -HUGE_VAL;
    for (int64_t j = 0; j < w.count; ++j) {
      const double x = (double)l->input.data[w.pixels[j]] + (w.pixels[j] == pixel ? step : 0.0);
      sum += x;
      largest = fmax(largest, x);
    }
    const double pooled =
        kind == BLASCONV_POOLING_MAX ? largest : sum / (double)divisor_of(&w, kind);
    total += w.count > 0 ? pooled * (double)l->output_gradient.data[i] : 0.0;
    free(w.pixels);
  }
  return total;
}

START_TEST(gradients_are_slopes)
{
  support_random random = support_random_start(8);
  for (int i = 0; i < 120; ++i) {
    const blasconv_pooling_kind kind = (blasconv_pooling_kind)(i % 3);
    const blasconv_problem problem = random_problem(12, &random);
    layer l = create_layer(&problem, &random);
    for (int64_t j = 0; j < l.input.count; ++j) /* all different, 2^-8 or more apart */
      l.input.data[j] = (float)(j * 7919 % 10007) * 0x1p-8f;
    forward(&l, kind, 1, kind == BLASCONV_POOLING_MAX);
    backward(&l, kind, 1);
    const double step = 0x1p-10;
    for (int64_t j = 0; j < l.in_pixels; ++j) {
      const double slope =
          (weighted(&l, kind, j, step) - weighted(&l, kind, j, -step)) / (2.0 * step);
      ck_assert(fabs((double)l.input_gradient.data[j] - slope) <= 1e-5);
    }
    free_layer(&l);
  }
}
END_TEST

/* Foreign winners may be any numbers: nothing outside of the map is touched, and what is outside
 * of it is dropped. */
START_TEST(winners_outside_of_the_map_are_ignored)
{
  static const int32_t foreign[] = {-1, -2, INT32_MIN, INT32_MAX, INT32_MAX - 1};
  support_random random = support_random_start(9);
  for (int i = 0; i < 300; ++i) {
    const blasconv_problem problem = random_problem(20, &random);
    layer l = create_layer(&problem, &random);
    for (int64_t j = 0; j < l.winners.count; ++j) {
      const int64_t k = support_random_between(&random, 0, 5);
      winners_of(&l)[j] = k < 5 ? foreign[k] : (int32_t)l.in_pixels;
    }
    backward(&l, BLASCONV_POOLING_MAX, 1);
    for (int64_t j = 0; j < l.input_gradient.count; ++j)
      ck_assert(l.input_gradient.data[j] == 0.0f);
    for (int64_t j = 0; j < l.winners.count; ++j)
      winners_of(&l)[j] = (int32_t)support_random_between(&random, -3, l.in_pixels + 3);
    backward(&l, BLASCONV_POOLING_MAX, 1);
    for (int64_t j = 0; j < l.input_gradient.count; ++j)
      ck_assert(isfinite(l.input_gradient.data[j]));
    free_layer(&l);
  }
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Threads and instruction sets
 * ------------------------------------------------------------------------------------------ */

/* Enough maps for several tasks, large ones and small ones. */
START_TEST(same_bits_for_any_number_of_threads)
{
  static const int32_t threads[] = {1, 2, 3, 5, 16, 0};
  const blasconv_problem shapes[] = {blasconv_problem_pooling(3, 5, 131, 129, 3, 2),
                                     blasconv_problem_pooling(9, 37, 14, 15, 2, 2),
                                     blasconv_problem_pooling_global(30, 40, 7, 7)};
  support_random random = support_random_start(10);
  for (int i = 0; i < 9; ++i) {
    const blasconv_pooling_kind kind = (blasconv_pooling_kind)(i % 3);
    layer l = create_layer(&shapes[i / 3], &random);
    forward(&l, kind, 1, kind == BLASCONV_POOLING_MAX);
    backward(&l, kind, 1);
    support_tensor output = support_tensor_copy(&l.output);
    support_tensor winners = support_tensor_copy(&l.winners);
    support_tensor gradient = support_tensor_copy(&l.input_gradient);
    for (size_t j = 0; j < sizeof threads / sizeof *threads; ++j) {
      forward(&l, kind, threads[j], kind == BLASCONV_POOLING_MAX);
      backward(&l, kind, threads[j]);
      ck_assert(support_tensor_same(&output, &l.output));
      ck_assert(support_tensor_same(&winners, &l.winners));
      ck_assert(support_tensor_same(&gradient, &l.input_gradient));
    }
    support_tensor_free(&gradient);
    support_tensor_free(&winners);
    support_tensor_free(&output);
    free_layer(&l);
  }
}
END_TEST

static bc_axis axis_of(const layer *l, int axis)
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
static void check_kernels(layer *l, const bc_pooling_kernels *kernels)
{
  bc_pooling pooling = {.height = axis_of(l, 0), .width = axis_of(l, 1)};
  pooling.inside = (bc_range){bc_axis_inside(&pooling.width, 0).begin,
                              bc_axis_inside(&pooling.width, pooling.width.kernel - 1).end};
  if (bc_range_length(pooling.inside) < BC_POOLING_LEAST_RUN)
    pooling.inside = (bc_range){0, 0};
  support_tensor output = support_tensor_copy(&l->output);
  support_tensor winners = support_tensor_copy(&l->winners);
  support_tensor gradient = support_tensor_copy(&l->input_gradient);
  forward(l, BLASCONV_POOLING_MAX, 1, true);
  backward(l, BLASCONV_POOLING_MAX, 1);
  kernels->max_winners(&pooling, l->input.data, output.data, (int32_t *)(void *)winners.data);
  kernels->scatter(&pooling, l->output_gradient.data, winners_of(l), gradient.data);
  ck_assert(support_tensor_same(&output, &l->output));
  ck_assert(support_tensor_same(&winners, &l->winners));
  ck_assert(support_tensor_same(&gradient, &l->input_gradient));
  kernels->max(&pooling, l->input.data, output.data);
  ck_assert(support_tensor_same(&output, &l->output));
  forward(l, BLASCONV_POOLING_AVERAGE, 1, false);
  backward(l, BLASCONV_POOLING_AVERAGE, 1);
  kernels->average(&pooling, l->input.data, output.data);
  kernels->spread(&pooling, l->output_gradient.data, gradient.data);
  ck_assert(support_tensor_same(&output, &l->output));
  ck_assert(support_tensor_same(&gradient, &l->input_gradient));
  support_tensor_free(&gradient);
  support_tensor_free(&winners);
  support_tensor_free(&output);
}

static bool halves(const layer *l)
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
    blasconv_problem problem = random_problem(40, &random);
    problem.batch = problem.in_channels = problem.out_channels = problem.groups = 1;
    layer l = create_layer(&problem, &random);
    for (int j = 0; j < count; ++j)
      check_kernels(&l, halves(&l) ? tables[j]->halving : tables[j]->pooling);
    free_layer(&l);
  }
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Refusals
 * ------------------------------------------------------------------------------------------ */

START_TEST(no_images_need_no_tensors)
{
  const blasconv_problem p = blasconv_problem_pooling(0, 3, 8, 8, 2, 2);
  ck_assert_int_eq(blasconv_pooling_forward(&p, BLASCONV_POOLING_MAX, NULL, 1, NULL, NULL),
                   BLASCONV_SUCCESS);
  ck_assert_int_eq(blasconv_pooling_backward(&p, BLASCONV_POOLING_MAX, NULL, NULL, 1, NULL),
                   BLASCONV_SUCCESS);
}
END_TEST

/* A forward and a backward call of which `what` is wrong; tensors of too large problems are never
 * looked at. */
typedef struct call {
  blasconv_problem problem;
  bool no_problem, no_input, no_output, no_winners;
  blasconv_pooling_kind kind;
  int32_t threads;
} call;

static call plain_call(void)
{
  return (call){.problem = blasconv_problem_pooling(1, 2, 6, 10, 2, 2), .threads = 1};
}

static void check_refused(const call *c, blasconv_status status, const char *what)
{
  support_tensor read = support_tensor_poisoned(120), written = support_tensor_poisoned(120);
  support_tensor winners = support_tensor_poisoned(120), poison = support_tensor_poisoned(120);
  const blasconv_problem *problem = c->no_problem ? NULL : &c->problem;
  const float *in = c->no_input ? NULL : read.data;
  float *out = c->no_output ? NULL : written.data;
  int32_t *places = c->no_winners ? NULL : (int32_t *)(void *)winners.data;
  if (status != BLASCONV_NULL_POINTER || !c->no_winners)
    ck_assert_msg(blasconv_pooling_forward(problem, c->kind, in, c->threads, out, places) == status,
                  "%s: forward", what);
  ck_assert_msg(blasconv_pooling_backward(problem, c->kind, in, places, c->threads, out) == status,
                "%s: backward", what);
  ck_assert_msg(support_tensor_same(&written, &poison), "%s: written", what);
  ck_assert_msg(support_tensor_same(&winners, &poison), "%s: winners written", what);
  support_tensor_free(&poison);
  support_tensor_free(&winners);
  support_tensor_free(&written);
  support_tensor_free(&read);
}

START_TEST(problems_are_checked)
{
  call c = plain_call();
  c.no_problem = true;
  check_refused(&c, BLASCONV_NULL_POINTER, "no problem");
  c = plain_call();
  c.problem.struct_size += 1;
  check_refused(&c, BLASCONV_VERSION_MISMATCH, "struct size");
  c = plain_call();
  c.problem.groups = 1;
  check_refused(&c, BLASCONV_BAD_GROUPS, "one group");
  c = plain_call();
  c.problem.out_channels = 4;
  check_refused(&c, BLASCONV_BAD_GROUPS, "more maps out than in");
  for (int axis = 0; axis < 2; ++axis) {
    c = plain_call();
    c.problem.pads_begin[axis] = 2;
    check_refused(&c, BLASCONV_BAD_SIZE, "a pad before as large as the window");
    c = plain_call();
    c.problem.pads_end[axis] = 3;
    c.problem.dilations[axis] = 2;
    check_refused(&c, BLASCONV_BAD_SIZE, "a pad after as large as the dilated window");
    c = plain_call();
    c.problem.kernel[axis] = 11;
    check_refused(&c, BLASCONV_KERNEL_TOO_LARGE, "a window larger than the image");
  }
  c = plain_call();
  c.problem.input[0] = INT64_MAX;
  check_refused(&c, BLASCONV_OVERFLOW, "bytes");
}
END_TEST

START_TEST(kinds_threads_and_tensors_are_checked)
{
  call c = plain_call();
  c.kind = (blasconv_pooling_kind)3;
  check_refused(&c, BLASCONV_BAD_ARGUMENT, "kind 3");
  c.kind = (blasconv_pooling_kind)-1;
  check_refused(&c, BLASCONV_BAD_ARGUMENT, "kind -1");
  c = plain_call();
  c.threads = -1;
  check_refused(&c, BLASCONV_BAD_SIZE, "threads -1");
  c.threads = 4097;
  check_refused(&c, BLASCONV_BAD_SIZE, "threads 4097");
  c = plain_call();
  c.kind = BLASCONV_POOLING_AVERAGE;
  check_refused(&c, BLASCONV_WRONG_TENSORS, "winners of an average");
  c.kind = BLASCONV_POOLING_AVERAGE_ALL_TAPS;
  check_refused(&c, BLASCONV_WRONG_TENSORS, "winners of an average of all taps");
  c = plain_call();
  c.problem.input[0] = INT64_C(1) << 17;
  c.problem.input[1] = INT64_C(1) << 14;
  check_refused(&c, BLASCONV_BAD_SIZE, "winners past 2^31 - 1");
  c = plain_call();
  c.no_input = true;
  check_refused(&c, BLASCONV_NULL_POINTER, "no input");
  c = plain_call();
  c.no_output = true;
  check_refused(&c, BLASCONV_NULL_POINTER, "no output");
  c = plain_call();
  c.no_winners = true;
  check_refused(&c, BLASCONV_NULL_POINTER, "no winners");
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
  support_add(suite, gradients_go_where_the_output_came_from);
  support_add(suite, backward_is_the_adjoint);
  support_add(suite, gradients_are_slopes);
  support_add(suite, winners_outside_of_the_map_are_ignored);
  support_add(suite, same_bits_for_any_number_of_threads);
  support_add(suite, every_instruction_set_gives_the_same_bits);
  support_add(suite, no_images_need_no_tensors);
  support_add(suite, problems_are_checked);
  support_add(suite, kinds_threads_and_tensors_are_checked);
  return support_run(suite);
}
