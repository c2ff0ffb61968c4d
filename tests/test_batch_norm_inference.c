/*
 * Batch normalisation in inference and folded into a convolution, and what all of its functions
 * refuse.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "norm_layer.h"

#include <math.h>

/* ---------------------------------------------------------------------------------------------
 * Inference and folding
 * ------------------------------------------------------------------------------------------ */

START_TEST(inference_follows_the_formula)
{
  support_random random = support_random_start(9);
  for (int i = 0; i < 2 * norm_shape_count; ++i) {
    norm_layer l = norm_layer_of_shape(i / 2, 0.0f, &random);
    l.running_variance.data[0] = 0.0f;
    if (i % 2)
      l.norm.scale = l.norm.shift = NULL;
    l.norm.mean = l.norm.inverse = NULL;
    norm_layer_infer(&l, 2);
    for (int64_t j = 0; j < l.input.count; ++j) {
      const int64_t c = norm_channel_at(&l.maps, j);
      const double variance = (double)l.running_variance.data[c];
      const norm_channel e = {.mean = (double)l.running_mean.data[c],
                              .inverse = 1.0 / sqrt(variance + (double)l.norm.epsilon),
                              .scale = l.norm.scale ? (double)l.norm.scale[c] : 1.0,
                              .shift = l.norm.shift ? (double)l.norm.shift[c] : 0.0};
      norm_check_normalised((double)l.output.data[j], (double)l.input.data[j], &e);
    }
    ck_assert_int_eq(blasconv_batch_norm_inference(&l.maps, &l.norm, l.input.data, 1, l.input.data),
                     BLASCONV_SUCCESS);
    ck_assert(support_tensor_same(&l.input, &l.output));
    ck_assert(support_tensor_same(&l.running_mean, &l.old_mean));
    norm_layer_free(&l);
  }
}
END_TEST

START_TEST(no_images_need_no_tensors)
{
  float statistics[2] = {0.0f, 1.0f};
  blasconv_batch_norm norm = blasconv_batch_norm_default();
  norm.running_mean = norm.running_variance = statistics;
  const blasconv_maps maps = blasconv_maps_nchw(0, 2, 3);
  ck_assert_int_eq(blasconv_batch_norm_inference(&maps, &norm, NULL, 1, NULL), BLASCONV_SUCCESS);
}
END_TEST

static void convolve(const blasconv_problem *problem, const float *input, const float *weights,
                     const float *bias, float *output)
{
  blasconv_plan *plan = NULL;
  blasconv_arguments tensors = blasconv_arguments_none();
  tensors.input = input;
  tensors.weights = weights;
  tensors.bias = bias;
  tensors.output = output;
  ck_assert_int_eq(blasconv_plan_create(problem, BLASCONV_FORWARD, NULL, &plan), BLASCONV_SUCCESS);
  ck_assert_int_eq(blasconv_plan_execute(plan, &tensors, NULL, 0), BLASCONV_SUCCESS);
  blasconv_plan_destroy(plan);
}

static void make_absolute(support_tensor *tensor)
{
  for (int64_t i = 0; i < tensor->count; ++i)
    tensor->data[i] = fabsf(tensor->data[i]);
}

static int64_t filter_size(const blasconv_problem *p)
{
  return p->in_channels / p->groups * p->kernel[0] * p->kernel[1];
}

/* The layer is what the convolution gives: its output is the input of the normalisation. The bounds
 * are in units of the sums of the products' absolute values. */
static void check_fold(const blasconv_problem *problem, bool biased, bool shifted,
                       support_random *random)
{
  int64_t extents[BLASCONV_MAX_RANK];
  ck_assert_int_eq(blasconv_problem_output(problem, extents), BLASCONV_SUCCESS);
  const int64_t channels = problem->out_channels, depth = filter_size(problem);
  norm_layer l = norm_layer_create(problem->batch, channels, extents[0] * extents[1], 0.0f, random);
  support_tensor input = support_tensor_random(
      problem->batch * problem->in_channels * problem->input[0] * problem->input[1], random);
  support_tensor weights = support_tensor_random(channels * depth, random);
  support_tensor bias = support_tensor_random(channels, random);
  support_tensor folded = support_tensor_poisoned(weights.count);
  support_tensor folded_bias = support_tensor_poisoned(channels);
  support_tensor folded_output = support_tensor_poisoned(l.output.count);
  support_tensor magnitudes = support_tensor_poisoned(l.output.count);
  if (!shifted)
    l.norm.scale = l.norm.shift = NULL;
  l.maps.layout = problem->layout;

  convolve(problem, input.data, weights.data, biased ? bias.data : NULL, l.input.data);
  norm_layer_infer(&l, 1);
  ck_assert_int_eq(blasconv_batch_norm_fold(problem, &l.norm, weights.data,
                                            biased ? bias.data : NULL, folded.data,
                                            folded_bias.data),
                   BLASCONV_SUCCESS);
  convolve(problem, input.data, folded.data, folded_bias.data, folded_output.data);

  for (int64_t i = 0; i < weights.count; ++i) {
    const int64_t c = i / depth;
    const double scale = l.norm.scale ? (double)l.norm.scale[c] : 1.0;
    const double exact = (double)weights.data[i] * scale /
                         sqrt((double)l.running_variance.data[c] + (double)l.norm.epsilon);
    norm_check_near((double)folded.data[i], exact, 1.001 * norm_rounding * fabs(exact));
  }

  support_tensor places[] = {support_tensor_copy(&weights), support_tensor_copy(&bias)};
  if (biased) {
    ck_assert_int_eq(blasconv_batch_norm_fold(problem, &l.norm, places[0].data, places[1].data,
                                              places[0].data, places[1].data),
                     BLASCONV_SUCCESS);
    ck_assert(support_tensor_same(&places[0], &folded));
    ck_assert(support_tensor_same(&places[1], &folded_bias));
  }

  make_absolute(&input);
  make_absolute(&weights);
  make_absolute(&bias);
  convolve(problem, input.data, weights.data, bias.data, magnitudes.data);
  for (int64_t i = 0; i < l.output.count; ++i) {
    const int64_t c = norm_channel_at(&l.maps, i);
    const double scale = l.norm.scale ? fabs((double)l.norm.scale[c]) : 1.0;
    const double factor = scale / sqrt((double)l.running_variance.data[c] + (double)l.norm.epsilon);
    const double size =
        factor * ((double)magnitudes.data[i] + fabs((double)l.running_mean.data[c]));
    norm_check_near((double)folded_output.data[i], (double)l.output.data[i],
                    norm_rounding * ((double)(2 * depth + 10) * size + 4.0));
  }

  support_tensor *tensors[] = {&input,         &weights,    &bias,      &folded,   &folded_bias,
                               &folded_output, &magnitudes, &places[0], &places[1]};
  for (size_t i = 0; i < sizeof tensors / sizeof *tensors; ++i) {
    support_tensor_check(tensors[i], "a tensor of the folding");
    support_tensor_free(tensors[i]);
  }
  norm_layer_free(&l);
}

START_TEST(folded_convolutions_give_what_inference_does)
{
  support_random random = support_random_start(10);
  blasconv_problem problems[] = {
      blasconv_problem_2d(2, 3, 9, 8, 5, 3, 3), blasconv_problem_2d(1, 8, 7, 7, 12, 3, 2),
      blasconv_problem_2d(2, 6, 6, 6, 6, 3, 3), blasconv_problem_2d(2, 7, 5, 5, 9, 1, 1),
      blasconv_problem_dense(9, 20, 33),        blasconv_problem_dense(1, 1, 1)};
  problems[1].groups = 4;
  problems[1].pads_begin[0] = problems[1].pads_end[1] = 1;
  problems[2].groups = 6;
  problems[2].strides[0] = 2;
  for (size_t i = 0; i < sizeof problems / sizeof *problems; ++i)
    for (int kind = 0; kind < 8; ++kind) {
      problems[i].layout = kind < 4 ? BLASCONV_NCHW : BLASCONV_NHWC;
      check_fold(&problems[i], kind % 2 == 0, kind / 2 % 2 == 0, &random);
    }
}
END_TEST

/* The bias that comes of a fold is the formula, rounded once. */
START_TEST(folded_bias_is_the_formula)
{
  const blasconv_problem problem = blasconv_problem_dense(1, 1, 2);
  blasconv_batch_norm norm = blasconv_batch_norm_default();
  const float scale[] = {3.0f, 0.5f}, shift[] = {10.0f, -1.0f}, bias[] = {7.0f, 1e4f};
  float mean[] = {5.0f, 9999.0f}, variance[] = {3.75f, 0.0f}, weights[] = {1.0f, 2.0f};
  float folded[2], folded_bias[2];
  norm.epsilon = 0.25f;
  norm.scale = scale;
  norm.shift = shift;
  norm.running_mean = mean;
  norm.running_variance = variance;
  ck_assert_int_eq(blasconv_batch_norm_fold(&problem, &norm, weights, bias, folded, folded_bias),
                   BLASCONV_SUCCESS);
  ck_assert(folded[0] == 1.5f && folded[1] == 2.0f);
  ck_assert(folded_bias[0] == 13.0f && folded_bias[1] == 0.0f);
  ck_assert_int_eq(blasconv_batch_norm_fold(&problem, &norm, weights, NULL, folded, folded_bias),
                   BLASCONV_SUCCESS);
  ck_assert(folded_bias[0] == 2.5f && folded_bias[1] == -10000.0f);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Refusals
 * ------------------------------------------------------------------------------------------ */

enum { training = 1, derivative = 2, inference = 4, folding = 8 };

/* Arguments of the four functions, as they are refused. */
typedef struct call {
  blasconv_maps maps;
  blasconv_problem problem;
  blasconv_batch_norm norm;
  bool no_maps, no_norm, no_read, no_written, no_gradient;
  int32_t threads;
} call;

/* Eight tensors of 24 floats, which must stay as they are: input or weights, gradient, output,
 * small results, mean, inverse, running mean and running variance. */
typedef struct memory {
  support_tensor tensors[8];
} memory;

static call plain_call(const memory *m)
{
  call c = {.maps = blasconv_maps_nchw(2, 3, 4),
            .problem = blasconv_problem_2d(1, 2, 3, 3, 3, 2, 2),
            .norm = blasconv_batch_norm_default(),
            .threads = 1};
  c.norm.mean = m->tensors[4].data;
  c.norm.inverse = m->tensors[5].data;
  c.norm.running_mean = m->tensors[6].data;
  c.norm.running_variance = m->tensors[7].data;
  return c;
}

static memory create_memory(void)
{
  memory m;
  for (int i = 0; i < 8; ++i)
    m.tensors[i] = support_tensor_poisoned(24);
  for (int i = 0; i < 3; ++i)
    m.tensors[7].data[i] = 1.0f;
  return m;
}

static void check_refused(const call *c, const memory *m, int functions, blasconv_status status,
                          const char *what)
{
  const blasconv_maps *maps = c->no_maps ? NULL : &c->maps;
  const blasconv_problem *problem = c->no_maps ? NULL : &c->problem;
  const blasconv_batch_norm *norm = c->no_norm ? NULL : &c->norm;
  const float *read = c->no_read ? NULL : m->tensors[0].data;
  const float *gradient = c->no_gradient ? NULL : m->tensors[1].data;
  float *written = c->no_written ? NULL : m->tensors[2].data, *small = m->tensors[3].data;
  support_tensor copies[8];
  for (int i = 0; i < 8; ++i)
    copies[i] = support_tensor_copy(&m->tensors[i]);
  if (functions & training)
    support_assert(blasconv_batch_norm_forward(maps, norm, read, c->threads, written) == status,
                   "%s: forward", what);
  if (functions & derivative)
    support_assert(blasconv_batch_norm_backward(maps, norm, read, gradient, c->threads, written,
                                                small, small + 3) == status,
                   "%s: backward", what);
  if (functions & inference)
    support_assert(blasconv_batch_norm_inference(maps, norm, read, c->threads, written) == status,
                   "%s: inference", what);
  if (functions & folding)
    support_assert(blasconv_batch_norm_fold(problem, norm, read, NULL, written, small) == status,
                   "%s: fold", what);
  for (int i = 0; i < 8; ++i) {
    support_assert(support_tensor_same(&m->tensors[i], &copies[i]), "%s: written", what);
    support_tensor_free(&copies[i]);
  }
}

static void free_memory(memory *m)
{
  for (int i = 0; i < 8; ++i) {
    support_tensor_check(&m->tensors[i], "memory");
    support_tensor_free(&m->tensors[i]);
  }
}

START_TEST(pointers_are_checked)
{
  memory m = create_memory();
  const int all = training | derivative | inference | folding;
  call c = plain_call(&m);
  c.no_maps = true;
  check_refused(&c, &m, all, BLASCONV_NULL_POINTER, "no maps");
  c = plain_call(&m);
  c.no_norm = true;
  check_refused(&c, &m, all, BLASCONV_NULL_POINTER, "no norm");
  c = plain_call(&m);
  c.no_read = true;
  check_refused(&c, &m, all, BLASCONV_NULL_POINTER, "nothing to read");
  c = plain_call(&m);
  c.no_written = true;
  check_refused(&c, &m, all, BLASCONV_NULL_POINTER, "nothing to write");
  c = plain_call(&m);
  c.no_gradient = true;
  check_refused(&c, &m, derivative, BLASCONV_NULL_POINTER, "no gradient");
  c = plain_call(&m);
  c.norm.mean = NULL;
  check_refused(&c, &m, training | derivative, BLASCONV_NULL_POINTER, "no mean");
  c = plain_call(&m);
  c.norm.inverse = NULL;
  check_refused(&c, &m, training | derivative, BLASCONV_NULL_POINTER, "no inverse");
  c = plain_call(&m);
  c.norm.running_mean = NULL;
  check_refused(&c, &m, training | inference | folding, BLASCONV_NULL_POINTER, "no running mean");
  c = plain_call(&m);
  c.norm.running_variance = NULL;
  check_refused(&c, &m, training | inference | folding, BLASCONV_NULL_POINTER, "no variance");
  free_memory(&m);
}
END_TEST

START_TEST(sizes_and_numbers_are_checked)
{
  static const struct {
    const char *what;
    float epsilon, momentum;
  } bad[] = {{"epsilon 0", 0.0f, 0.1f},          {"epsilon below 0", -1e-5f, 0.1f},
             {"epsilon NaN", NAN, 0.1f},         {"epsilon infinite", INFINITY, 0.1f},
             {"momentum below 0", 1e-5f, -0.1f}, {"momentum above 1", 1e-5f, 1.1f},
             {"momentum NaN", 1e-5f, NAN}};
  memory m = create_memory();
  const int of_maps = training | derivative | inference, all = of_maps | folding;
  call c;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    c = plain_call(&m);
    c.norm.epsilon = bad[i].epsilon;
    c.norm.momentum = bad[i].momentum;
    check_refused(&c, &m, all, BLASCONV_BAD_ARGUMENT, bad[i].what);
  }
  c = plain_call(&m);
  c.norm.struct_size -= 1;
  check_refused(&c, &m, all, BLASCONV_VERSION_MISMATCH, "size of norm");
  c = plain_call(&m);
  c.maps.struct_size = c.problem.struct_size = 0;
  check_refused(&c, &m, all, BLASCONV_VERSION_MISMATCH, "size of maps");
  c = plain_call(&m);
  c.maps.batch = 0;
  check_refused(&c, &m, training | derivative, BLASCONV_BAD_SIZE, "batch 0");
  c.maps.batch = c.problem.batch = -1;
  check_refused(&c, &m, all, BLASCONV_BAD_SIZE, "batch -1");
  c = plain_call(&m);
  c.maps.pixels = INT64_MAX;
  check_refused(&c, &m, of_maps, BLASCONV_OVERFLOW, "pixels");
  c = plain_call(&m);
  c.threads = 4097;
  check_refused(&c, &m, of_maps, BLASCONV_BAD_SIZE, "threads 4097");
  c.threads = -1;
  check_refused(&c, &m, of_maps, BLASCONV_BAD_SIZE, "threads -1");
  c = plain_call(&m);
  c.problem.groups = 2;
  check_refused(&c, &m, folding, BLASCONV_BAD_GROUPS, "groups");
  c = plain_call(&m);
  m.tensors[7].data[2] = -1e-30f;
  check_refused(&c, &m, inference | folding, BLASCONV_BAD_ARGUMENT, "variance below 0");
  m.tensors[7].data[2] = NAN;
  check_refused(&c, &m, inference | folding, BLASCONV_BAD_ARGUMENT, "variance NaN");
  free_memory(&m);
}
END_TEST

START_TEST(folding_needs_a_place_for_the_bias)
{
  memory m = create_memory();
  const call c = plain_call(&m);
  support_tensor poison = support_tensor_copy(&m.tensors[2]);
  ck_assert_int_eq(blasconv_batch_norm_fold(&c.problem, &c.norm, m.tensors[0].data, NULL,
                                            m.tensors[2].data, NULL),
                   BLASCONV_NULL_POINTER);
  ck_assert(support_tensor_same(&m.tensors[2], &poison));
  support_tensor_free(&poison);
  free_memory(&m);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("batch_norm_inference");
  support_add(suite, inference_follows_the_formula);
  support_add(suite, no_images_need_no_tensors);
  support_add(suite, folded_convolutions_give_what_inference_does);
  support_add(suite, folded_bias_is_the_formula);
  support_add(suite, pointers_are_checked);
  support_add(suite, sizes_and_numbers_are_checked);
  support_add(suite, folding_needs_a_place_for_the_bias);
  return support_run(suite);
}
