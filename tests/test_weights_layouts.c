/*
 * First values of weights in both layouts, both directions and on one to three axes; and the
 * functions for training that serve convolutions in NCHW alone, which refuse the others.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "oracle.h"
#include "support.h"

#include <blasconv/train.h>
#include <math.h>

/* Calls `check` for each layout, direction and rank. */
static void for_each_kind(void (*check)(blasconv_layout layout, blasconv_direction direction,
                                        int32_t rank))
{
  for (int layout = BLASCONV_NCHW; layout <= BLASCONV_NHWC; ++layout)
    for (int direction = BLASCONV_CONVOLUTION; direction <= BLASCONV_TRANSPOSED; ++direction)
      for (int32_t rank = 1; rank <= BLASCONV_MAX_RANK; ++rank)
        check((blasconv_layout)layout, (blasconv_direction)direction, rank);
}

static blasconv_problem problem_of(blasconv_layout layout, blasconv_direction direction,
                                   int32_t rank, int64_t groups, int64_t group_in,
                                   int64_t group_out)
{
  blasconv_problem problem =
      blasconv_problem_3d(2, groups * group_in, 6, 5, 7, groups * group_out, 3, 4, 5);
  problem.layout = layout;
  problem.direction = direction;
  problem.rank = rank;
  problem.groups = groups;
  return problem;
}

static support_tensor initialize(const blasconv_problem *problem, blasconv_initializer_kind kind,
                                 float gain)
{
  support_tensor weights = support_tensor_poisoned(oracle_weights_count(problem));
  blasconv_initializer initializer = blasconv_initializer_of(kind);
  blasconv_random random = blasconv_random_start(31, 32);
  initializer.gain = gain;
  ck_assert_int_eq(blasconv_weights_initialize(problem, &initializer, &random, weights.data),
                   BLASCONV_SUCCESS);
  support_tensor_check(&weights, "weights");
  return weights;
}

/* ---------------------------------------------------------------------------------------------
 * Identity
 * ------------------------------------------------------------------------------------------ */

/* Pads that put the middle tap on the pixel itself. */
static void centre(blasconv_problem *problem)
{
  for (int axis = 0; axis < problem->rank; ++axis) {
    const int64_t middle = problem->kernel[axis] / 2, dilation = axis == 1 ? 2 : 1;
    problem->dilations[axis] = dilation;
    problem->pads_begin[axis] = middle * dilation;
    problem->pads_end[axis] = (problem->kernel[axis] - 1 - middle) * dilation;
  }
}

/* Map i of a group of the output is gain times that of the input, or zero if there is none. */
static void check_maps(const blasconv_problem *problem, const support_tensor *input,
                       const support_tensor *output, float gain)
{
  const int64_t pixels = oracle_input_pixels(problem);
  const int64_t group_in = problem->in_channels / problem->groups;
  const int64_t group_out = problem->out_channels / problem->groups;
  for (int64_t image = 0; image < problem->batch; ++image)
    for (int64_t k = 0; k < problem->out_channels; ++k)
      for (int64_t pixel = 0; pixel < pixels; ++pixel) {
        const int64_t c = k / group_out * group_in + k % group_out;
        const int64_t from =
            oracle_element(problem->layout, problem->in_channels, pixels, image, c, pixel);
        const int64_t to =
            oracle_element(problem->layout, problem->out_channels, pixels, image, k, pixel);
        const float wanted = k % group_out < group_in ? gain * input->data[from] : 0.0f;
        ck_assert(output->data[to] == wanted);
      }
}

static void run_forward(const blasconv_problem *problem, const char *algorithm,
                        const support_tensor *input, const support_tensor *weights,
                        support_tensor *output)
{
  blasconv_options options = blasconv_options_default();
  options.algorithm = algorithm;
  options.exact = 1;
  blasconv_plan *plan = NULL;
  ck_assert_int_eq(blasconv_plan_create(problem, BLASCONV_FORWARD, &options, &plan),
                   BLASCONV_SUCCESS);
  blasconv_arguments arguments = blasconv_arguments_none();
  arguments.input = input->data;
  arguments.weights = weights->data;
  arguments.output = output->data;
  ck_assert_int_eq(blasconv_plan_execute(plan, &arguments, NULL, 0), BLASCONV_SUCCESS);
  support_tensor_check(output, "output");
  blasconv_plan_destroy(plan);
}

static void check_identity(blasconv_layout layout, blasconv_direction direction, int32_t rank)
{
  static const int64_t channels[][3] = {{1, 4, 4}, {2, 3, 3}, {5, 1, 1}, {2, 2, 5}, {3, 5, 2}};
  static const char *const algorithms[] = {"reference", NULL};
  support_random random = support_random_start(1);
  for (size_t i = 0; i < sizeof channels / sizeof *channels; ++i)
    for (int j = 0; j < 2; ++j) {
      const float gain = 0.5f + (float)i;
      blasconv_problem problem =
          problem_of(layout, direction, rank, channels[i][0], channels[i][1], channels[i][2]);
      centre(&problem);
      support_tensor weights = initialize(&problem, BLASCONV_INIT_IDENTITY, gain);
      support_tensor input = support_tensor_random(oracle_input_count(&problem), &random);
      support_tensor output = support_tensor_poisoned(oracle_output_count(&problem));
      run_forward(&problem, algorithms[j], &input, &weights, &output);
      check_maps(&problem, &input, &output, gain);
      support_tensor_free(&output);
      support_tensor_free(&input);
      support_tensor_free(&weights);
    }
}

START_TEST(identity_passes_maps_unchanged)
{
  for_each_kind(check_identity);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Random kinds
 * ------------------------------------------------------------------------------------------ */

/* Uniform numbers fill their interval: the largest tells the fan that was taken. */
static void check_end(const blasconv_problem *problem, blasconv_initializer_kind kind, double end)
{
  double largest = 0.0;
  support_tensor weights = initialize(problem, kind, 1.0f);
  for (int64_t i = 0; i < weights.count; ++i)
    largest = fmax(largest, fabs((double)weights.data[i]));
  ck_assert_int_gt(weights.count, 1000);
  support_assert(largest <= end * 1.000001 && largest >= 0.97 * end,
                 "kind %d, direction %d: %g, not %g", (int)kind, (int)problem->direction, largest,
                 end);
  support_tensor_free(&weights);
}

static void check_fans(blasconv_layout layout, blasconv_direction direction, int32_t rank)
{
  const blasconv_problem problem = problem_of(layout, direction, rank, 3, 8, 20);
  const double taps = (double)oracle_taps(&problem), in = 8.0 * taps, out = 20.0 * taps;
  check_end(&problem, BLASCONV_INIT_LECUN_UNIFORM, sqrt(3.0 / in));
  check_end(&problem, BLASCONV_INIT_HE_UNIFORM, sqrt(6.0 / in));
  check_end(&problem, BLASCONV_INIT_GLOROT_UNIFORM, sqrt(6.0 / (in + out)));
}

START_TEST(fans_are_those_of_the_direction)
{
  for_each_kind(check_fans);
}
END_TEST

/* One word an element in the order of the elements, whatever they are. */
static void check_order(blasconv_layout layout, blasconv_direction direction, int32_t rank)
{
  const blasconv_problem problem = problem_of(layout, direction, rank, 2, 3, 4);
  const blasconv_problem plain = problem_of(BLASCONV_NCHW, BLASCONV_CONVOLUTION, rank, 2, 3, 4);
  support_tensor weights = initialize(&problem, BLASCONV_INIT_HE_NORMAL, 1.5f);
  support_tensor same = initialize(&plain, BLASCONV_INIT_HE_NORMAL, 1.5f);
  ck_assert(support_tensor_same(&weights, &same));
  support_tensor_free(&same);
  support_tensor_free(&weights);
}

START_TEST(elements_are_drawn_in_their_order)
{
  for_each_kind(check_order);
}
END_TEST

/* Rows [count][columns] of a group are orthogonal and 2 long. */
static void check_rows(const float *rows, int64_t count, int64_t columns)
{
  for (int64_t i = 0; i < count; ++i)
    for (int64_t j = 0; j <= i; ++j) {
      double sum = 0.0;
      for (int64_t c = 0; c < columns; ++c)
        sum += (double)rows[i * columns + c] * (double)rows[j * columns + c];
      ck_assert_double_eq_tol(sum, i == j ? 4.0 : 0.0, 1e-6);
    }
}

static void check_orthogonal(blasconv_layout layout, blasconv_direction direction, int32_t rank)
{
  const bool transposed = direction == BLASCONV_TRANSPOSED;
  const int64_t groups = 3, in = transposed ? 4 : 6, out = transposed ? 6 : 4;
  const blasconv_problem problem = problem_of(layout, direction, rank, groups, in, out);
  const int64_t rows = 4, columns = 6 * oracle_taps(&problem);
  support_tensor weights = initialize(&problem, BLASCONV_INIT_ORTHOGONAL, 2.0f);
  for (int64_t group = 0; group < groups; ++group)
    check_rows(weights.data + group * rows * columns, rows, columns);
  support_tensor_free(&weights);
}

START_TEST(orthogonal_filters_are_orthogonal)
{
  for_each_kind(check_orthogonal);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * What is served in NCHW alone
 * ------------------------------------------------------------------------------------------ */

enum { values = 4000 };

/* Tensors large enough for every call below, poisoned where they are written. */
typedef struct tensors {
  support_tensor read, written, numbers;
  blasconv_batch_norm norm;
} tensors;

static tensors create_tensors(void)
{
  support_random random = support_random_start(2);
  tensors made = {.read = support_tensor_random(values, &random),
                  .written = support_tensor_poisoned(values),
                  .numbers = support_tensor_poisoned(values),
                  .norm = blasconv_batch_norm_default()};
  for (int64_t i = 0; i < made.numbers.count; ++i)
    made.numbers.data[i] = 1.0f;
  made.norm.running_mean = made.norm.running_variance = made.numbers.data;
  made.norm.mean = made.norm.inverse = made.written.data;
  return made;
}

static void free_tensors(tensors *made)
{
  support_tensor_check(&made->written, "written");
  support_tensor_free(&made->numbers);
  support_tensor_free(&made->written);
  support_tensor_free(&made->read);
}

static void check_untouched(const tensors *made)
{
  support_tensor poison = support_tensor_poisoned(values);
  ck_assert(support_tensor_same(&made->written, &poison));
  support_tensor_free(&poison);
}

static void check_fixed(const blasconv_problem *problem, tensors *t, blasconv_status status)
{
  const blasconv_filter box = blasconv_filter_of(BLASCONV_FILTER_BOX);
  ck_assert_int_eq(blasconv_weights_fixed(problem, &box, 1, NULL, t->written.data), status);
}

static void check_fold(const blasconv_problem *problem, tensors *t, blasconv_status status)
{
  ck_assert_int_eq(blasconv_batch_norm_fold(problem, &t->norm, t->read.data, NULL, t->written.data,
                                            t->written.data + values / 2),
                   status);
}

static void check_pooling(const blasconv_problem *problem, tensors *t, blasconv_status status)
{
  ck_assert_int_eq(blasconv_pooling_forward(problem, BLASCONV_POOLING_AVERAGE, t->read.data, 1,
                                            t->written.data, NULL),
                   status);
  ck_assert_int_eq(blasconv_pooling_backward(problem, BLASCONV_POOLING_AVERAGE, t->read.data, NULL,
                                             1, t->written.data),
                   status);
}

/* Filters and pooling have at most two axes, folding any; none is for transposed convolutions. */
static void check_kind(blasconv_layout layout, blasconv_direction direction, int32_t rank)
{
  const bool plain = direction == BLASCONV_CONVOLUTION;
  const blasconv_status folds = plain ? BLASCONV_SUCCESS : BLASCONV_UNSUPPORTED;
  const blasconv_status flat = plain && rank <= 2 ? BLASCONV_SUCCESS : BLASCONV_UNSUPPORTED;
  const blasconv_problem problem = problem_of(layout, direction, rank, 1, 2, 3);
  const blasconv_problem pooling = problem_of(layout, direction, rank, 2, 1, 1);
  tensors t = create_tensors();
  check_fixed(&problem, &t, flat);
  check_pooling(&pooling, &t, flat);
  check_fold(&problem, &t, folds);
  if (!plain)
    check_untouched(&t);
  free_tensors(&t);
}

START_TEST(other_kinds_are_not_supported)
{
  for_each_kind(check_kind);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("weights_layouts");
  support_add(suite, identity_passes_maps_unchanged);
  support_add(suite, fans_are_those_of_the_direction);
  support_add(suite, elements_are_drawn_in_their_order);
  support_add(suite, orthogonal_filters_are_orthogonal);
  support_add(suite, other_kinds_are_not_supported);
  return support_run(suite);
}
