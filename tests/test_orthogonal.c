/*
 * First values whose elements depend on each other: orthogonal matrices, and identity maps through
 * a real convolution.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"
#include "train/orthogonal.h"

#include <blasconv/train.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static support_tensor initialize(const blasconv_problem *p, blasconv_initializer_kind kind,
                                 float gain)
{
  support_tensor weights = support_tensor_poisoned(p->out_channels * (p->in_channels / p->groups) *
                                                   p->kernel[0] * p->kernel[1]);
  blasconv_initializer initializer = blasconv_initializer_of(kind);
  blasconv_random random = blasconv_random_start(31, 32);
  initializer.gain = gain;
  ck_assert_int_eq(blasconv_weights_initialize(p, &initializer, &random, weights.data),
                   BLASCONV_SUCCESS);
  support_tensor_check(&weights, "weights");
  return weights;
}

/* ---------------------------------------------------------------------------------------------
 * Orthogonal
 * ------------------------------------------------------------------------------------------ */

/* The vectors of a matrix [rows][columns]: its rows, or its columns if these are fewer. */
static double component(const float *matrix, int64_t rows, int64_t columns, int64_t vector,
                        int64_t c)
{
  return (double)(rows <= columns ? matrix[vector * columns + c] : matrix[c * columns + vector]);
}

/* Products of any two vectors: length squared with itself, 0 with others. */
static void check_orthogonal(const float *matrix, int64_t rows, int64_t columns, double length)
{
  const int64_t count = rows < columns ? rows : columns, components = rows + columns - count;
  for (int64_t i = 0; i < count; ++i)
    for (int64_t j = 0; j <= i; ++j) {
      double sum = 0.0;
      for (int64_t c = 0; c < components; ++c)
        sum += component(matrix, rows, columns, i, c) * component(matrix, rows, columns, j, c);
      const double error = fabs(sum / (length * length) - (i == j ? 1.0 : 0.0));
      support_assert(error <= 2e-7, "[%d][%d], vectors %d and %d: %g", (int)rows, (int)columns,
                     (int)i, (int)j, error);
    }
}

static void check_problem(int64_t groups, int64_t group_in, int64_t group_out, int64_t height,
                          int64_t width, float gain)
{
  blasconv_problem problem =
      blasconv_problem_2d(1, groups * group_in, height, width, groups * group_out, height, width);
  problem.groups = groups;
  const int64_t columns = group_in * height * width;
  support_tensor weights = initialize(&problem, BLASCONV_INIT_ORTHOGONAL, gain);
  for (int64_t group = 0; group < groups; ++group)
    check_orthogonal(weights.data + group * group_out * columns, group_out, columns, (double)gain);
  support_tensor_free(&weights);
}

/* Fewer and more filters than their elements, square, depthwise, and more than a block of vectors
 * or components. */
START_TEST(filters_are_orthogonal)
{
  check_problem(1, 3, 8, 3, 3, 1.0f);
  check_problem(1, 2, 64, 3, 3, 1.0f);
  check_problem(1, 8, 8, 1, 1, 1.5f);
  check_problem(3, 4, 7, 3, 5, 2.0f);
  check_problem(4, 1, 1, 3, 3, 0.25f);
  check_problem(200, 1, 1, 1, 1, 1.0f);
  check_problem(2, 5, 30, 1, 1, 1.0f);
  check_problem(1, 1, 1, 1, 1, 3.0f);
  check_problem(1, 64, 300, 3, 1, 1.0f);
  check_problem(1, 520, 260, 1, 1, 1.0f);
  check_problem(1, 260, 520, 1, 1, 1.0f);
}
END_TEST

/* Gram and Schmidt's vectors are the only ones whose span grows as that of the drawn ones does and
 * which point the same way: compared with those made in double of the same normal numbers. */
static void check_against_double(int64_t rows, int64_t columns)
{
  const blasconv_problem problem = blasconv_problem_dense(1, columns, rows);
  const int64_t count = rows < columns ? rows : columns, length = rows + columns - count;
  support_tensor weights = initialize(&problem, BLASCONV_INIT_ORTHOGONAL, 1.0f);
  support_tensor drawn = initialize(&problem, BLASCONV_INIT_NORMAL, 1.0f);
  double *basis = malloc((size_t)(count * length) * sizeof *basis);
  ck_assert_ptr_nonnull(basis);
  for (int64_t i = 0; i < count; ++i) {
    double *vector = basis + i * length, square = 0.0;
    for (int64_t c = 0; c < length; ++c)
      vector[c] = component(drawn.data, rows, columns, i, c);
    for (int64_t j = 0; j < i; ++j) {
      double along = 0.0;
      for (int64_t c = 0; c < length; ++c)
        along += vector[c] * basis[j * length + c];
      for (int64_t c = 0; c < length; ++c)
        vector[c] -= along * basis[j * length + c];
    }
    for (int64_t c = 0; c < length; ++c)
      square += vector[c] * vector[c];
    for (int64_t c = 0; c < length; ++c) {
      vector[c] /= sqrt(square);
      ck_assert(fabs(vector[c] - component(weights.data, rows, columns, i, c)) <= 1e-6);
    }
  }
  free(basis);
  support_tensor_free(&drawn);
  support_tensor_free(&weights);
}

START_TEST(vectors_are_those_of_gram_and_schmidt)
{
  check_against_double(9, 9); /* square: rows */
  check_against_double(20, 50);
  check_against_double(50, 20);
  check_against_double(270, 600);
  check_against_double(600, 270);
}
END_TEST

/* Vectors that depend on others are replaced: zeros, equal ones, and multiples, by rows and by
 * columns. */
START_TEST(degenerate_vectors_are_replaced)
{
  static const float patterns[][6] = {{0, 0, 0, 0, 0, 0},
                                      {1, 1, 1, 1, 1, 1},
                                      {1, 2, 0, -2, 0, 0},
                                      {1, 1e-5f, 0, 0, 3, 0},
                                      {0, 0, 0, 0, 1e-5f, 0}};
  static const int64_t shapes[][2] = {{6, 6}, {4, 9}, {9, 4}, {1, 5}, {5, 1}, {30, 30}};
  for (size_t p = 0; p < sizeof patterns / sizeof *patterns; ++p)
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; ++s) {
      const int64_t rows = shapes[s][0], columns = shapes[s][1];
      support_tensor matrix = support_tensor_poisoned(rows * columns);
      for (int64_t i = 0; i < matrix.count; ++i) /* of rank one */
        matrix.data[i] = patterns[p][i / columns % 6] * patterns[p][i % columns % 6];
      support_tensor again = support_tensor_copy(&matrix);
      bc_orthonormalize(rows, columns, matrix.data);
      bc_orthonormalize(rows, columns, again.data);
      check_orthogonal(matrix.data, rows, columns, 1.0);
      ck_assert(support_tensor_same(&matrix, &again));
      support_tensor_check(&matrix, "matrix");
      support_tensor_free(&again);
      support_tensor_free(&matrix);
    }
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Identity
 * ------------------------------------------------------------------------------------------ */

/* Runs a convolution with identity weights: map i of a group must be gain times its map i, and the
 * maps that have no counterpart zero. */
static void check_identity(int64_t group_in, int64_t group_out, int64_t groups, float gain)
{
  support_random random = support_random_start(1);
  blasconv_problem problem =
      blasconv_problem_2d(2, groups * group_in, 6, 7, groups * group_out, 3, 5);
  problem.groups = groups;
  problem.pads_begin[0] = problem.pads_end[0] = 1;
  problem.pads_begin[1] = problem.pads_end[1] = 2;
  support_tensor weights = initialize(&problem, BLASCONV_INIT_IDENTITY, gain);
  support_tensor input = support_tensor_random(2 * problem.in_channels * 42, &random);
  support_tensor output = support_tensor_poisoned(2 * problem.out_channels * 42);
  blasconv_options options = blasconv_options_default();
  options.algorithm = "reference";
  blasconv_plan *plan = NULL;
  ck_assert_int_eq(blasconv_plan_create(&problem, BLASCONV_FORWARD, &options, &plan),
                   BLASCONV_SUCCESS);
  support_memory workspace = support_memory_workspace(blasconv_plan_workspace_size(plan));
  blasconv_arguments tensors = blasconv_arguments_none();
  tensors.input = input.data;
  tensors.weights = weights.data;
  tensors.output = output.data;
  ck_assert_int_eq(blasconv_plan_execute(plan, &tensors, workspace.data, workspace.bytes),
                   BLASCONV_SUCCESS);
  for (int64_t i = 0; i < output.count; ++i) {
    const int64_t map = i / 42 % group_out, stack = i / 42 / group_out;
    const float expected =
        map < group_in ? gain * input.data[(stack * group_in + map) * 42 + i % 42] : 0.0f;
    ck_assert(output.data[i] == expected);
  }
  blasconv_plan_destroy(plan);
  support_memory_free(&workspace);
  support_tensor_free(&output);
  support_tensor_free(&input);
  support_tensor_free(&weights);
}

START_TEST(identity_passes_maps_unchanged)
{
  check_identity(4, 4, 1, 1.0f);
  check_identity(3, 3, 2, 1.0f);
  check_identity(1, 1, 5, 2.5f);
  check_identity(2, 5, 2, 0.5f);
  check_identity(5, 2, 3, 3.0f);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("orthogonal");
  support_add(suite, filters_are_orthogonal);
  support_add(suite, vectors_are_those_of_gram_and_schmidt);
  support_add(suite, degenerate_vectors_are_replaced);
  support_add(suite, identity_passes_maps_unchanged);
  return support_run(suite);
}
