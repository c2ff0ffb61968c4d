/*
 * Many parameters at once: each as alone, threads, instruction sets, clipping.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "cpu.h"
#include "descent_parameters.h"
#include "kernels/descent.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int32_t thread_counts[] = {1, 2, 3, 5, 16, 0};
enum { thread_kinds = sizeof thread_counts / sizeof *thread_counts };

/* ---------------------------------------------------------------------------------------------
 * Many parameters, threads, instruction sets
 * ------------------------------------------------------------------------------------------ */

/* All tensors in one call as each of them alone, for any number of threads. */
START_TEST(many_parameters_move_as_each_alone)
{
  for (int kind = 0; kind < descent_kinds; ++kind) {
    const blasconv_optimizer optimizer = descent_rule(kind, 0.01f, 0.1f);
    const int32_t states = blasconv_optimizer_states(optimizer.kind);
    support_random random = support_random_start(3);
    descent_network *alone = descent_network_create(states, &random);
    for (int64_t t = 1; t <= 3; ++t)
      for (int i = 0; i < descent_tensors; ++i)
        for (int64_t j = 0; j < descent_sizes[i];
             j += 5000) /* in pieces with states of their own */
          if (states < 2)
            descent_step(
                &optimizer, t,
                &(blasconv_parameter){descent_sizes[i] - j < 5000 ? descent_sizes[i] - j : 5000,
                                      alone->values[i].data + j, alone->gradient[i].data + j,
                                      states ? alone->state[i].data + j : NULL, i % 2},
                1, 1);
          else if (j == 0)
            descent_step(&optimizer, t, &alone->parameters[i], 1, 1);
    for (int k = 0; k < thread_kinds; ++k) {
      random = support_random_start(3);
      descent_network *net = descent_network_create(states, &random);
      for (int64_t t = 1; t <= 3; ++t)
        descent_step(&optimizer, t, net->parameters, descent_tensors, thread_counts[k]);
      ck_assert(descent_network_same(alone, net));
      descent_network_free(net);
    }
    descent_network_free(alone);
  }
}
END_TEST

static const bc_descent_kernels *const tables[] = {
    &bc_descent_kernels_generic,
#ifdef BC_X86_KERNELS
    &bc_descent_kernels_avx2,
    &bc_descent_kernels_avx512,
#endif
};

static bool same_bits(const void *one, const void *other, size_t bytes)
{
  return memcmp(one, other, bytes) == 0;
}

enum { row = 5000, rows_written = 12 };

/* Everything that a table computes of rows of n: sums, and written rows one after the other. */
typedef struct table_results {
  double sums[6];
  float written[rows_written][row];
} table_results;

static void use_table(const bc_descent_kernels *k, const float *x, const float *t, int64_t n,
                      table_results *r)
{
  memset(r, 0, sizeof *r);
  r->sums[0] = (double)k->largest(x, n);
  r->sums[1] = (double)k->within(t, 0.0f, 1.0f, n);
  r->sums[2] = k->squares(x, n);
  r->sums[3] = k->below_top(t, k->largest(x, n), x, n);
  r->sums[4] = k->squared_error(x, t, n);
  r->sums[5] = k->binary(x, t, n);
  k->exponentials(x, 1.5f, r->written[0], n);
  k->scale(1.0 / 3.0, x, r->written[1], n);
  for (int64_t i = 0; i < n; ++i)
    r->written[2][i] = x[i];
  k->subtract_targets(t, 1.0 / 3.0, 7.0, r->written[2], n);
  k->squared_error_gradient(x, t, 1.0 / 3.0, r->written[3], n);
  k->binary_gradient(x, t, 1.0 / 3.0, r->written[4], n);
  for (int kind = 0; kind < descent_kinds; ++kind) {
    const bc_descent_rule rule = {.kind = (blasconv_optimizer_kind)kind,
                                  .rate = 0.1f,
                                  .decay = 0.01f,
                                  .shrink = 0.02f,
                                  .momentum = 0.9f,
                                  .beta1 = 0.9f,
                                  .rest1 = 0.1f,
                                  .beta2 = 0.999f,
                                  .rest2 = 0.001f,
                                  .square_scale = 1.7f,
                                  .epsilon = 1e-8f};
    for (int i = 0; i < 3; ++i)
      k->step(&rule, x, r->written[10], r->written[11], r->written[5 + kind], n);
  }
}

START_TEST(instruction_sets_give_the_same_bits)
{
  support_random random = support_random_start(4);
  table_results *first = malloc(sizeof *first), *other = malloc(sizeof *other);
  for (int64_t n = 0; n <= row; n = n < 70 ? n + 1 : n * 4 + 31) {
    support_tensor x = support_tensor_random(n, &random), t = support_tensor_random(n, &random);
    for (int64_t i = 0; i < n; ++i) {
      x.data[i] *= i % 3 == 0 ? 100.0f : 3.0f;
      t.data[i] = fabsf(t.data[i]);
    }
    use_table(tables[0], x.data, t.data, n, first);
    for (int isa = 1; isa <= (int)bc_cpu_isa(); ++isa) {
      use_table(tables[isa], x.data, t.data, n, other);
      support_assert(same_bits(first, other, sizeof *first), "%d elements, instruction set %d",
                     (int)n, isa);
    }
    support_tensor_free(&t);
    support_tensor_free(&x);
  }
  free(other);
  free(first);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Clipping
 * ------------------------------------------------------------------------------------------ */

static double clip(const descent_network *net, double limit, int32_t threads)
{
  double norm = NAN;
  ck_assert_int_eq(blasconv_gradient_clip(net->parameters, descent_tensors, limit, threads, &norm),
                   BLASCONV_SUCCESS);
  return norm;
}

START_TEST(clipping_scales_to_the_limit)
{
  for (int k = 0; k < thread_kinds; ++k) {
    support_random random = support_random_start(5);
    descent_network *net = descent_network_create(0, &random);
    random = support_random_start(5);
    descent_network *before = descent_network_create(0, &random);
    long double squares = 0.0L;
    for (int i = 0; i < descent_tensors; ++i)
      for (int64_t j = 0; j < descent_sizes[i]; ++j)
        squares += (long double)net->gradient[i].data[j] * (long double)net->gradient[i].data[j];
    const double exact = (double)sqrtl(squares), norm = clip(net, 2.0, thread_counts[k]);
    ck_assert(fabs(norm - exact) <= 1e-13 * exact);
    for (int i = 0; i < descent_tensors; ++i) {
      ck_assert(support_tensor_same(&before->values[i], &net->values[i]));
      for (int64_t j = 0; j < descent_sizes[i]; ++j) {
        const float expected = (float)((double)before->gradient[i].data[j] * (2.0 / norm));
        ck_assert(net->gradient[i].data[j] == expected);
      }
    }
    ck_assert(fabs(clip(net, 1e9, 2) - 2.0) <= 1e-6);
    descent_network_free(before);
    descent_network_free(net);
  }
}
END_TEST

START_TEST(gradients_within_the_limit_or_not_finite_are_left_alone)
{
  static const float odd[] = {1.0f, INFINITY, -INFINITY, NAN};
  for (size_t i = 0; i < sizeof odd / sizeof *odd; ++i) {
    support_random random = support_random_start(6);
    descent_network *net = descent_network_create(0, &random);
    random = support_random_start(6);
    descent_network *before = descent_network_create(0, &random);
    net->gradient[6].data[77777] = before->gradient[6].data[77777] = odd[i];
    const double norm = clip(net, INFINITY, 2), limit = isfinite(norm) ? norm : 1.0;
    ck_assert(isnan(odd[i]) ? isnan(norm) : isinf(odd[i]) ? isinf(norm) : norm > 100.0);
    clip(net, limit, 2);
    clip(net, 1.5 * limit, 2);
    ck_assert(descent_network_same(net, before));
    descent_network_free(before);
    descent_network_free(net);
  }
}
END_TEST

START_TEST(norms_of_large_and_small_floats_are_exact)
{
  static const struct {
    float gradient[2];
    double norm;
  } cases[] = {{{3e38f, 0.0f}, 3e38},
               {{3.0f, 4.0f}, 5.0},
               {{3e-38f, -4e-38f}, 5e-38},
               {{0x1p-149f, 0.0f}, 0x1p-149},
               {{0.0f, 0.0f}, 0.0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    float gradient[2] = {cases[i].gradient[0], cases[i].gradient[1]};
    const blasconv_parameter parameter = {2, NULL, gradient, NULL, 7};
    double norm = NAN;
    ck_assert_int_eq(blasconv_gradient_clip(&parameter, 1, 1e-3, 1, &norm), BLASCONV_SUCCESS);
    ck_assert(fabs(norm - cases[i].norm) <= 1e-7 * cases[i].norm);
    if (norm > 1e-3)
      ck_assert(fabs(hypot((double)gradient[0], (double)gradient[1]) - 1e-3) <= 1e-9);
    else
      ck_assert(memcmp(gradient, cases[i].gradient, sizeof gradient) == 0);
  }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("descent_parameters");
  support_add(suite, many_parameters_move_as_each_alone);
  support_add(suite, instruction_sets_give_the_same_bits);
  support_add(suite, clipping_scales_to_the_limit);
  support_add(suite, gradients_within_the_limit_or_not_finite_are_left_alone);
  support_add(suite, norms_of_large_and_small_floats_are_exact);
  return support_run(suite);
}
