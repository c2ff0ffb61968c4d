/*
 * Pooling's gradient: where it goes, the adjoint identity, finite differences, foreign winners; and
 * what both passes refuse.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "pooling_layer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { problems = 1500 };

/* ---------------------------------------------------------------------------------------------
 * Gradients
 * ------------------------------------------------------------------------------------------ */

/* Each output's gradient to its winner, or in equal parts, window after window, in float. */
static void check_gradient(pooling_layer *l, blasconv_pooling_kind kind)
{
  support_tensor expected = support_tensor_poisoned(l->input_gradient.count);
  for (int64_t i = 0; i < expected.count; ++i)
    expected.data[i] = 0.0f;
  for (int64_t i = 0; i < l->maps * l->out_pixels; ++i) {
    const int64_t map = i / l->out_pixels * l->in_pixels;
    const float gradient = l->output_gradient.data[i];
    pooling_window w =
        pooling_window_create(&l->problem, i % l->out_pixels / l->columns, i % l->columns);
    const int64_t winner = pooling_window_winner(&w, l->input.data + map);
    for (int64_t j = 0; j < w.count; ++j)
      if (kind != BLASCONV_POOLING_MAX)
        expected.data[map + w.pixels[j]] += gradient / (float)pooling_window_divisor(&w, kind);
      else if (w.pixels[j] == winner)
        expected.data[map + winner] += gradient;
    free(w.pixels);
  }
  for (int64_t i = 0; i < expected.count; ++i)
    support_assert(l->input_gradient.data[i] == expected.data[i],
                   "pixel %" PRId64 ": %g instead of %g", i, (double)l->input_gradient.data[i],
                   (double)expected.data[i]);
  support_tensor_free(&expected);
}

START_TEST(gradients_go_where_the_output_came_from)
{
  support_random random = support_random_start(6);
  for (int i = 0; i < problems; ++i) {
    const blasconv_problem problem = pooling_problem_random(40, &random);
    pooling_layer l = pooling_layer_create(&problem, &random);
    const blasconv_pooling_kind kind = (blasconv_pooling_kind)(i % 3);
    pooling_layer_forward(&l, kind, 1, kind == BLASCONV_POOLING_MAX);
    pooling_layer_backward(&l, kind, 1);
    check_gradient(&l, kind);
    pooling_layer_free(&l);
  }
}
END_TEST

START_TEST(rows_may_be_long)
{
  support_random random = support_random_start(13);
  for (int i = 0; i < pooling_row_count; ++i)
    for (int j = 0; j < 6; ++j) {
      const blasconv_pooling_kind kind = (blasconv_pooling_kind)(j % 3);
      const blasconv_problem p = pooling_problem_of_rows(i, 1 + j / 3);
      pooling_layer l = pooling_layer_create(&p, &random);
      pooling_layer_forward(&l, kind, 1, kind == BLASCONV_POOLING_MAX);
      pooling_layer_backward(&l, kind, 1);
      check_gradient(&l, kind);
      pooling_layer_free(&l);
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
    const blasconv_problem problem = pooling_problem_random(24, &random);
    pooling_layer l = pooling_layer_create(&problem, &random);
    const blasconv_pooling_kind kind = (blasconv_pooling_kind)(i % 3);
    pooling_layer_forward(&l, kind, 1, kind == BLASCONV_POOLING_MAX);
    for (int64_t j = 0; j < l.output.count; ++j)
      if (isinf(l.output.data[j])) /* a window in pads alone is constant */
        l.output.data[j] = 0.0f;
    pooling_layer_backward(&l, kind, 1);
    const double bound = 1e-6 * (double)(l.output.count + l.input.count) * 4.0;
    ck_assert(fabs(dot(&l.output, &l.output_gradient) - dot(&l.input, &l.input_gradient)) <= bound);
    pooling_layer_free(&l);
  }
}
END_TEST

/* sum of output_gradient times pooled map 0, in double, with `step` added to one pixel. */
static double weighted(const pooling_layer *l, blasconv_pooling_kind kind, int64_t pixel,
                       double step)
{
  double total = 0.0;
  for (int64_t i = 0; i < l->out_pixels; ++i) {
    pooling_window w = pooling_window_create(&l->problem, i / l->columns, i % l->columns);
    double sum = 0.0, largest = -HUGE_VAL;
    for (int64_t j = 0; j < w.count; ++j) {
      const double x = (double)l->input.data[w.pixels[j]] + (w.pixels[j] == pixel ? step : 0.0);
      sum += x;
      largest = fmax(largest, x);
    }
    const double pooled =
        kind == BLASCONV_POOLING_MAX ? largest : sum / (double)pooling_window_divisor(&w, kind);
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
    const blasconv_problem problem = pooling_problem_random(12, &random);
    pooling_layer l = pooling_layer_create(&problem, &random);
    for (int64_t j = 0; j < l.input.count; ++j) /* all different, 2^-8 or more apart */
      l.input.data[j] = (float)(j * 7919 % 10007) * 0x1p-8f;
    pooling_layer_forward(&l, kind, 1, kind == BLASCONV_POOLING_MAX);
    pooling_layer_backward(&l, kind, 1);
    const double step = 0x1p-10;
    for (int64_t j = 0; j < l.in_pixels; ++j) {
      const double slope =
          (weighted(&l, kind, j, step) - weighted(&l, kind, j, -step)) / (2.0 * step);
      ck_assert(fabs((double)l.input_gradient.data[j] - slope) <= 1e-5);
    }
    pooling_layer_free(&l);
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
    const blasconv_problem problem = pooling_problem_random(20, &random);
    pooling_layer l = pooling_layer_create(&problem, &random);
    for (int64_t j = 0; j < l.winners.count; ++j) {
      const int64_t k = support_random_between(&random, 0, 5);
      pooling_layer_winners(&l)[j] = k < 5 ? foreign[k] : (int32_t)l.in_pixels;
    }
    pooling_layer_backward(&l, BLASCONV_POOLING_MAX, 1);
    for (int64_t j = 0; j < l.input_gradient.count; ++j)
      ck_assert(l.input_gradient.data[j] == 0.0f);
    for (int64_t j = 0; j < l.winners.count; ++j)
      pooling_layer_winners(&l)[j] = (int32_t)support_random_between(&random, -3, l.in_pixels + 3);
    pooling_layer_backward(&l, BLASCONV_POOLING_MAX, 1);
    for (int64_t j = 0; j < l.input_gradient.count; ++j)
      ck_assert(isfinite(l.input_gradient.data[j]));
    pooling_layer_free(&l);
  }
}
END_TEST

/* A winner just past the map, and what stands there: a number, since adding to a guard's NaN would
 * leave no trace. */
START_TEST(winners_just_past_the_map_are_ignored)
{
  const blasconv_problem shapes[] = {blasconv_problem_pooling(1, 1, 8, 8, 2, 2),
                                     blasconv_problem_pooling(1, 1, 9, 9, 3, 2),
                                     blasconv_problem_pooling(1, 1, 10, 10, 3, 2)};
  for (int i = 0; i < 3; ++i) {
    const int64_t pixels = shapes[i].input[0] * shapes[i].input[1];
    float gradient[16], image[101] = {0.0f};
    int32_t winners[16];
    for (int j = 0; j < 16; ++j) {
      gradient[j] = 1.0f;
      winners[j] = (int32_t)pixels;
    }
    image[pixels] = 5.0f;
    ck_assert_int_eq(
        blasconv_pooling_backward(&shapes[i], BLASCONV_POOLING_MAX, gradient, winners, 1, image),
        BLASCONV_SUCCESS);
    ck_assert(image[pixels] == 5.0f);
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
    support_assert(blasconv_pooling_forward(problem, c->kind, in, c->threads, out, places) ==
                       status,
                   "%s: forward", what);
  support_assert(blasconv_pooling_backward(problem, c->kind, in, places, c->threads, out) == status,
                 "%s: backward", what);
  support_assert(support_tensor_same(&written, &poison), "%s: written", what);
  support_assert(support_tensor_same(&winners, &poison), "%s: winners written", what);
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
  Suite *suite = suite_create("pooling_backward");
  support_add(suite, gradients_go_where_the_output_came_from);
  support_add(suite, rows_may_be_long);
  support_add(suite, backward_is_the_adjoint);
  support_add(suite, gradients_are_slopes);
  support_add(suite, winners_outside_of_the_map_are_ignored);
  support_add(suite, winners_just_past_the_map_are_ignored);
  support_add(suite, no_images_need_no_tensors);
  support_add(suite, problems_are_checked);
  support_add(suite, kinds_threads_and_tensors_are_checked);
  return support_run(suite);
}
