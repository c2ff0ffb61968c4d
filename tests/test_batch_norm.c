/*
 * Batch normalisation against its formulae in double precision: training, its gradient, inference
 * and folding into a convolution.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "isa_tables.h"
#include "kernels/normalization.h"
#include "support.h"

#include <blasconv/train.h>
#include <math.h>
#include <string.h>

static const double ulp = 0x1p-24; /* half of one of 1, the error of a rounding */

/* ---------------------------------------------------------------------------------------------
 * A layer
 * ------------------------------------------------------------------------------------------ */

typedef struct layer {
  blasconv_maps maps;
  blasconv_batch_norm norm;                      /* its pointers are the tensors' */
  support_tensor input, gradient;                /* [batch][channels][pixels], read */
  support_tensor output, input_gradient;         /* the same, written */
  support_tensor scale, shift;                   /* [channels], read */
  support_tensor mean, inverse;                  /* [channels], written */
  support_tensor running_mean, running_variance; /* [channels], changed */
  support_tensor old_mean, old_variance;         /* what they were */
  support_tensor scale_gradient, shift_gradient; /* [channels], written */
} layer;

/* Elements around `offset`, which the floats there can tell apart. */
static layer create_layer(int64_t batch, int64_t channels, int64_t pixels, float offset,
                          support_random *random)
{
  const int64_t elements = batch * channels * pixels;
  layer l = {.maps = blasconv_maps_nchw(batch, channels, pixels),
             .norm = blasconv_batch_norm_default(),
             .input = support_tensor_random(elements, random),
             .gradient = support_tensor_random(elements, random),
             .output = support_tensor_poisoned(elements),
             .input_gradient = support_tensor_poisoned(elements),
             .scale = support_tensor_random(channels, random),
             .shift = support_tensor_random(channels, random),
             .mean = support_tensor_poisoned(channels),
             .inverse = support_tensor_poisoned(channels),
             .running_mean = support_tensor_random(channels, random),
             .running_variance = support_tensor_random(channels, random),
             .scale_gradient = support_tensor_poisoned(channels),
             .shift_gradient = support_tensor_poisoned(channels)};
  for (int64_t i = 0; i < elements; ++i)
    l.input.data[i] += offset;
  for (int64_t c = 0; c < channels; ++c)
    l.running_variance.data[c] = fabsf(l.running_variance.data[c]);
  l.old_mean = support_tensor_copy(&l.running_mean);
  l.old_variance = support_tensor_copy(&l.running_variance);
  l.norm.scale = l.scale.data;
  l.norm.shift = l.shift.data;
  l.norm.mean = l.mean.data;
  l.norm.inverse = l.inverse.data;
  l.norm.running_mean = l.running_mean.data;
  l.norm.running_variance = l.running_variance.data;
  return l;
}

static void free_layer(layer *l)
{
  support_tensor *tensors[] = {
      &l->input,    &l->gradient,     &l->output,         &l->input_gradient, &l->scale,
      &l->shift,    &l->mean,         &l->inverse,        &l->running_mean,   &l->running_variance,
      &l->old_mean, &l->old_variance, &l->scale_gradient, &l->shift_gradient};
  for (size_t i = 0; i < sizeof tensors / sizeof *tensors; ++i) {
    support_tensor_check(tensors[i], "a tensor of the layer");
    support_tensor_free(tensors[i]);
  }
}

static void forward(const layer *l, int32_t threads)
{
  ck_assert_int_eq(
      blasconv_batch_norm_forward(&l->maps, &l->norm, l->input.data, threads, l->output.data),
      BLASCONV_SUCCESS);
}

static void backward(const layer *l, int32_t threads)
{
  ck_assert_int_eq(blasconv_batch_norm_backward(&l->maps, &l->norm, l->input.data, l->gradient.data,
                                                threads, l->input_gradient.data,
                                                l->scale_gradient.data, l->shift_gradient.data),
                   BLASCONV_SUCCESS);
}

static void infer(const layer *l, int32_t threads)
{
  ck_assert_int_eq(
      blasconv_batch_norm_inference(&l->maps, &l->norm, l->input.data, threads, l->output.data),
      BLASCONV_SUCCESS);
}

/* ---------------------------------------------------------------------------------------------
 * The formulae, one channel at a time
 * ------------------------------------------------------------------------------------------ */

/* Where element i of a channel, counted over images and pixels, is. */
static int64_t place(const blasconv_maps *maps, int64_t channel, int64_t i)
{
  return (i / maps->pixels * maps->channels + channel) * maps->pixels + i % maps->pixels;
}

static int64_t count(const blasconv_maps *maps)
{
  return maps->batch * maps->pixels;
}

/* A channel as the formulae have it. */
typedef struct channel {
  double mean, squares, inverse, scale, shift;
  double gradient, product; /* sums of g and of g times the normalised input */
  double absolute, crossed; /* the same sums of absolute values */
} channel;

static channel exact_channel(const layer *l, int64_t c)
{
  const int64_t n = count(&l->maps);
  channel e = {.scale = l->norm.scale ? (double)l->norm.scale[c] : 1.0,
               .shift = l->norm.shift ? (double)l->norm.shift[c] : 0.0};
  for (int64_t i = 0; i < n; ++i)
    e.mean += (double)l->input.data[place(&l->maps, c, i)] / (double)n;
  for (int64_t i = 0; i < n; ++i)
    e.squares += pow((double)l->input.data[place(&l->maps, c, i)] - e.mean, 2.0);
  e.inverse = 1.0 / sqrt(e.squares / (double)n + (double)l->norm.epsilon);
  for (int64_t i = 0; i < n; ++i) {
    const int64_t at = place(&l->maps, c, i);
    const double g = (double)l->gradient.data[at];
    const double normalised = ((double)l->input.data[at] - e.mean) * e.inverse;
    e.gradient += g;
    e.product += g * normalised;
    e.absolute += fabs(g);
    e.crossed += fabs(g * normalised);
  }
  return e;
}

static void check_near(double value, double exact, double bound)
{
  ck_assert_msg(fabs(value - exact) <= bound, "%.9g instead of %.9g: off by %.3g, bound %.3g",
                value, exact, fabs(value - exact), bound);
}

/* Roundings of the difference, the factor and the product; the mean's in the last term. */
static void check_normalised(double output, double input, const channel *e)
{
  const double part = (input - e->mean) * e->inverse * e->scale;
  check_near(output, part + e->shift,
             ulp * (5.0 * fabs(part) + fabs(part + e->shift)) +
                 0x1p-44 * fabs(e->mean * e->inverse * e->scale));
}

static void check_running(const layer *l, int64_t c, const channel *e)
{
  const int64_t n = count(&l->maps);
  const double momentum = (double)l->norm.momentum,
               variance = e->squares / (double)(n > 1 ? n - 1 : 1);
  const double mean = (double)l->old_mean.data[c], old = (double)l->old_variance.data[c];
  const double moved_mean = mean + momentum * (e->mean - mean);
  const double moved = old + momentum * (variance - old);
  check_near((double)l->running_mean.data[c], moved_mean,
             1.001 * ulp * fabs(moved_mean) + 0x1p-45 * fabs(e->mean));
  check_near((double)l->running_variance.data[c], moved, 1.001 * ulp * moved + 0x1p-45);
}

static void check_forward(const layer *l)
{
  for (int64_t c = 0; c < l->maps.channels; ++c) {
    const channel e = exact_channel(l, c);
    for (int64_t i = 0; i < count(&l->maps); ++i) {
      const int64_t at = place(&l->maps, c, i);
      check_normalised((double)l->output.data[at], (double)l->input.data[at], &e);
    }
    check_near((double)l->mean.data[c], e.mean, 1.001 * ulp * fabs(e.mean) + 0x1p-45);
    check_near((double)l->inverse.data[c], e.inverse, 1.001 * ulp * e.inverse);
    if (l->norm.running_mean != NULL)
      check_running(l, c, &e);
  }
}

static void check_backward(const layer *l)
{
  const double n = (double)count(&l->maps);
  for (int64_t c = 0; c < l->maps.channels; ++c) {
    const channel e = exact_channel(l, c);
    const double lost = 0x1p-44 * (1.0 + fabs(e.mean)) * e.inverse; /* of the mean's last digits */
    check_near((double)l->shift_gradient.data[c], e.gradient,
               1.001 * ulp * fabs(e.gradient) + 0x1p-45 * e.absolute);
    check_near((double)l->scale_gradient.data[c], e.product,
               2.001 * ulp * fabs(e.product) + 0x1p-45 * e.crossed + lost * e.absolute);
    for (int64_t i = 0; i < count(&l->maps); ++i) {
      const int64_t at = place(&l->maps, c, i);
      const double normalised = ((double)l->input.data[at] - e.mean) * e.inverse;
      const double g = (double)l->gradient.data[at], along = normalised * e.product / n;
      const double factor = e.scale * e.inverse;
      check_near((double)l->input_gradient.data[at], factor * (g - e.gradient / n - along),
                 fabs(factor) *
                     (ulp * (5.0 * fabs(g) + 5.0 * fabs(e.gradient) / n + 8.0 * fabs(along)) +
                      lost * (e.absolute + e.crossed) / n));
    }
  }
}

static const struct shape {
  int64_t batch, channels, pixels;
} shapes[] = {{1, 1, 1},    {1, 3, 1},    {1, 40, 1},  {2, 1, 1},  {64, 10, 1}, {7, 130, 1},
              {5, 16, 1},   {300, 17, 1}, {1, 2, 2},   {3, 5, 4},  {2, 70, 3},  {4, 3, 15},
              {4, 3, 16},   {4, 3, 17},   {1, 4, 33},  {3, 2, 49}, {2, 9, 225}, {2, 3, 1024},
              {1, 1, 5000}, {9, 200, 2},  {2, 3, 9000}};
enum { shape_count = sizeof shapes / sizeof *shapes };

static layer create_shape(int i, float offset, support_random *random)
{
  return create_layer(shapes[i].batch, shapes[i].channels, shapes[i].pixels, offset, random);
}

/* ---------------------------------------------------------------------------------------------
 * Training
 * ------------------------------------------------------------------------------------------ */

START_TEST(training_follows_the_formulae)
{
  support_random random = support_random_start(1);
  for (int i = 0; i < shape_count; ++i)
    for (int kind = 0; kind < 4; ++kind) {
      layer l = create_shape(i, 0.0f, &random);
      l.norm.epsilon = kind == 1 ? 0.5f : 1e-5f;
      if (kind == 2)
        l.norm.scale = NULL;
      if (kind == 3)
        l.norm.shift = NULL, l.norm.running_mean = l.norm.running_variance = NULL;
      forward(&l, 2);
      check_forward(&l);
      backward(&l, 2);
      check_backward(&l);
      free_layer(&l);
    }
}
END_TEST

START_TEST(random_shapes_follow_the_formulae)
{
  support_random random = support_random_start(2);
  for (int i = 0; i < 60; ++i) {
    layer l = create_layer(
        support_random_between(&random, 1, 9), support_random_between(&random, 1, 90),
        support_random_between(&random, 1, i % 3 ? 70 : 1), support_random_float(&random), &random);
    l.norm.momentum = fabsf(support_random_float(&random));
    forward(&l, 1);
    check_forward(&l);
    backward(&l, 1);
    check_backward(&l);
    free_layer(&l);
  }
}
END_TEST

/* A float near 10000 is 2^-10 from the next, so that its rounding would be seen in every result. */
START_TEST(large_means_lose_no_digits)
{
  support_random random = support_random_start(3);
  for (int i = 0; i < shape_count; ++i) {
    layer l = create_shape(i, 1e4f, &random);
    forward(&l, 1);
    check_forward(&l);
    backward(&l, 1);
    check_backward(&l);
    free_layer(&l);
  }
}
END_TEST

START_TEST(constant_channels_give_the_shift)
{
  support_random random = support_random_start(4);
  for (int i = 0; i < shape_count; ++i) {
    layer l = create_shape(i, 0.0f, &random);
    for (int64_t j = 0; j < l.input.count; ++j)
      l.input.data[j] = 0.1f * (float)(j / l.maps.pixels % l.maps.channels);
    forward(&l, 1);
    for (int64_t j = 0; j < l.input.count; ++j)
      ck_assert(l.output.data[j] == l.shift.data[j / l.maps.pixels % l.maps.channels]);
    check_forward(&l);
    backward(&l, 1);
    check_backward(&l);
    free_layer(&l);
  }
}
END_TEST

START_TEST(momentum_0_keeps_and_1_replaces)
{
  support_random random = support_random_start(5);
  for (int i = 0; i < shape_count; ++i) {
    layer l = create_shape(i, 0.0f, &random);
    l.norm.momentum = 0.0f;
    forward(&l, 1);
    ck_assert(support_tensor_same(&l.running_mean, &l.old_mean));
    ck_assert(support_tensor_same(&l.running_variance, &l.old_variance));
    l.norm.momentum = 1.0f;
    l.running_mean.data[0] = 1e30f;
    forward(&l, 1);
    check_forward(&l);
    ck_assert(support_tensor_same(&l.running_mean, &l.mean));
    free_layer(&l);
  }
}
END_TEST

/* What a value of the input, the scale or the shift does to sum of gradient times output. */
static double exact_loss(const layer *l, int64_t c, const double *input, double scale, double shift)
{
  const int64_t n = count(&l->maps);
  double mean = 0.0, variance = 0.0, loss = 0.0;
  for (int64_t i = 0; i < n; ++i)
    mean += input[i] / (double)n;
  for (int64_t i = 0; i < n; ++i)
    variance += (input[i] - mean) * (input[i] - mean) / (double)n;
  for (int64_t i = 0; i < n; ++i)
    loss += (double)l->gradient.data[place(&l->maps, c, i)] *
            (scale * (input[i] - mean) / sqrt(variance + (double)l->norm.epsilon) + shift);
  return loss;
}

enum { most_elements = 32 };

static void check_differences(const layer *l, int64_t c)
{
  const double h = 1e-5, bound = 2e-6;
  const double scale = (double)l->scale.data[c], shift = (double)l->shift.data[c];
  double input[most_elements];
  for (int64_t i = 0; i < count(&l->maps); ++i)
    input[i] = (double)l->input.data[place(&l->maps, c, i)];
  for (int64_t i = 0; i < count(&l->maps); ++i) {
    const double kept = input[i];
    input[i] = kept + h;
    const double above = exact_loss(l, c, input, scale, shift);
    input[i] = kept - h;
    const double below = exact_loss(l, c, input, scale, shift);
    input[i] = kept;
    check_near((double)l->input_gradient.data[place(&l->maps, c, i)], (above - below) / (2.0 * h),
               bound);
  }
  check_near(
      (double)l->scale_gradient.data[c],
      (exact_loss(l, c, input, scale + h, shift) - exact_loss(l, c, input, scale - h, shift)) /
          (2.0 * h),
      bound);
  check_near(
      (double)l->shift_gradient.data[c],
      (exact_loss(l, c, input, scale, shift + h) - exact_loss(l, c, input, scale, shift - h)) /
          (2.0 * h),
      bound);
}

START_TEST(gradients_are_those_of_finite_differences)
{
  static const struct shape small[] = {{12, 5, 1}, {3, 4, 5}, {1, 3, 17}, {16, 20, 2}, {32, 33, 1}};
  support_random random = support_random_start(6);
  for (size_t i = 0; i < sizeof small / sizeof *small; ++i) {
    layer l = create_layer(small[i].batch, small[i].channels, small[i].pixels, 0.5f, &random);
    forward(&l, 1);
    backward(&l, 1);
    for (int64_t c = 0; c < l.maps.channels; ++c)
      check_differences(&l, c);
    free_layer(&l);
  }
}
END_TEST

START_TEST(backward_in_place_and_without_the_small_gradients)
{
  support_random random = support_random_start(7);
  for (int i = 0; i < shape_count; ++i) {
    layer l = create_shape(i, 0.0f, &random);
    support_tensor in_place = support_tensor_copy(&l.gradient);
    forward(&l, 1);
    backward(&l, 1);
    ck_assert_int_eq(blasconv_batch_norm_backward(&l.maps, &l.norm, l.input.data, in_place.data, 1,
                                                  in_place.data, NULL, NULL),
                     BLASCONV_SUCCESS);
    ck_assert(support_tensor_same(&l.input_gradient, &in_place));
    support_tensor_free(&in_place);
    free_layer(&l);
  }
}
END_TEST

static layer create_copy(const layer *l)
{
  support_random unused = support_random_start(0);
  layer copy = create_layer(l->maps.batch, l->maps.channels, l->maps.pixels, 0.0f, &unused);
  memcpy(copy.input.data, l->input.data, (size_t)l->input.count * sizeof(float));
  memcpy(copy.gradient.data, l->gradient.data, (size_t)l->input.count * sizeof(float));
  const size_t bytes = (size_t)l->maps.channels * sizeof(float);
  memcpy(copy.scale.data, l->scale.data, bytes);
  memcpy(copy.shift.data, l->shift.data, bytes);
  memcpy(copy.running_mean.data, l->old_mean.data, bytes);
  memcpy(copy.running_variance.data, l->old_variance.data, bytes);
  return copy;
}

START_TEST(same_bits_for_any_number_of_threads)
{
  static const struct shape large[] = {{3, 70, 300}, {40, 1100, 1}, {2, 5, 20000}, {300, 40, 7}};
  static const int32_t threads[] = {2, 3, 5, 16, 0};
  support_random random = support_random_start(8);
  for (size_t i = 0; i < sizeof large / sizeof *large; ++i) {
    layer first = create_layer(large[i].batch, large[i].channels, large[i].pixels, 1.0f, &random);
    forward(&first, 1);
    backward(&first, 1);
    check_forward(&first);
    check_backward(&first);
    for (size_t j = 0; j < sizeof threads / sizeof *threads; ++j) {
      layer l = create_copy(&first);
      forward(&l, threads[j]);
      backward(&l, threads[j]);
      ck_assert(support_tensor_same(&first.output, &l.output));
      ck_assert(support_tensor_same(&first.mean, &l.mean));
      ck_assert(support_tensor_same(&first.inverse, &l.inverse));
      ck_assert(support_tensor_same(&first.running_mean, &l.running_mean));
      ck_assert(support_tensor_same(&first.running_variance, &l.running_variance));
      ck_assert(support_tensor_same(&first.input_gradient, &l.input_gradient));
      ck_assert(support_tensor_same(&first.scale_gradient, &l.scale_gradient));
      ck_assert(support_tensor_same(&first.shift_gradient, &l.shift_gradient));
      infer(&l, threads[j]);
      support_tensor again = support_tensor_copy(&l.output);
      infer(&l, 1);
      ck_assert(support_tensor_same(&again, &l.output));
      support_tensor_free(&again);
      free_layer(&l);
    }
    free_layer(&first);
  }
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Inference and folding
 * ------------------------------------------------------------------------------------------ */

START_TEST(inference_follows_the_formula)
{
  support_random random = support_random_start(9);
  for (int i = 0; i < 2 * shape_count; ++i) {
    layer l = create_shape(i / 2, 0.0f, &random);
    l.running_variance.data[0] = 0.0f;
    if (i % 2)
      l.norm.scale = l.norm.shift = NULL;
    l.norm.mean = l.norm.inverse = NULL;
    infer(&l, 2);
    for (int64_t j = 0; j < l.input.count; ++j) {
      const int64_t c = j / l.maps.pixels % l.maps.channels;
      channel e = exact_channel(&l, c);
      e.mean = (double)l.running_mean.data[c];
      e.inverse = 1.0 / sqrt((double)l.running_variance.data[c] + (double)l.norm.epsilon);
      check_normalised((double)l.output.data[j], (double)l.input.data[j], &e);
      j += l.input.count > 4000 ? 37 : 0;
    }
    ck_assert_int_eq(blasconv_batch_norm_inference(&l.maps, &l.norm, l.input.data, 1, l.input.data),
                     BLASCONV_SUCCESS);
    ck_assert(support_tensor_same(&l.input, &l.output));
    ck_assert(support_tensor_same(&l.running_mean, &l.old_mean));
    free_layer(&l);
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
  layer l = create_layer(problem->batch, channels, extents[0] * extents[1], 0.0f, random);
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

  convolve(problem, input.data, weights.data, biased ? bias.data : NULL, l.input.data);
  infer(&l, 1);
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
    check_near((double)folded.data[i], exact, 1.001 * ulp * fabs(exact));
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
    const int64_t c = i / l.maps.pixels % channels;
    const double scale = l.norm.scale ? fabs((double)l.norm.scale[c]) : 1.0;
    const double factor = scale / sqrt((double)l.running_variance.data[c] + (double)l.norm.epsilon);
    const double size =
        factor * ((double)magnitudes.data[i] + fabs((double)l.running_mean.data[c]));
    check_near((double)folded_output.data[i], (double)l.output.data[i],
               ulp * ((double)(2 * depth + 10) * size + 4.0));
  }

  support_tensor *tensors[] = {&input,         &weights,    &bias,      &folded,   &folded_bias,
                               &folded_output, &magnitudes, &places[0], &places[1]};
  for (size_t i = 0; i < sizeof tensors / sizeof *tensors; ++i) {
    support_tensor_check(tensors[i], "a tensor of the folding");
    support_tensor_free(tensors[i]);
  }
  free_layer(&l);
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
    for (int kind = 0; kind < 4; ++kind)
      check_fold(&problems[i], kind % 2 == 0, kind / 2 == 0, &random);
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
 * Instruction sets
 * ------------------------------------------------------------------------------------------ */

START_TEST(same_bits_on_every_instruction_set)
{
  const bc_kernels *tables[isa_tables_most];
  const int n = isa_tables_runnable(tables);
  support_random random = support_random_start(11);
  for (int i = 0; i < shape_count; ++i) {
    const struct shape *s = &shapes[i];
    const bc_slab slab = {s->batch, s->channels * s->pixels, s->channels < 64 ? s->channels : 64,
                          s->pixels};
    layer l = create_shape(i, 3.0f, &random), other = create_copy(&l);
    const float *numbers = l.scale.data, *more = l.shift.data;
    const bc_normalizer normalizer = {numbers, more, more, numbers};
    const bc_normalizer_slope slope = {numbers, more, more, numbers, more};
    double means[64];
    bc_sums sums[2][64], squares[2][64];
    for (int64_t c = 0; c < slab.channels; ++c)
      means[c] = (double)numbers[c] + 3.0;
    for (int t = 0; t < n; ++t) {
      const bc_normalization_kernels *kernels = tables[t]->normalization;
      layer *to = t == 0 ? &l : &other;
      const int which = t != 0;
      kernels->sum(&slab, l.input.data, means, l.gradient.data, sums[which]);
      kernels->sum(&slab, l.input.data, means, NULL, squares[which]);
      kernels->normalize(&slab, &normalizer, l.input.data, to->output.data);
      kernels->differentiate(&slab, &slope, l.input.data, l.gradient.data, to->input_gradient.data);
      const size_t bytes = (size_t)slab.channels * sizeof(bc_sums);
      ck_assert(t == 0 || memcmp(sums[0], sums[1], bytes) == 0);
      ck_assert(t == 0 || memcmp(squares[0], squares[1], bytes) == 0);
      ck_assert(t == 0 || support_tensor_same(&l.output, &other.output));
      ck_assert(t == 0 || support_tensor_same(&l.input_gradient, &other.input_gradient));
    }
    free_layer(&l);
    free_layer(&other);
  }
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
    ck_assert_msg(blasconv_batch_norm_forward(maps, norm, read, c->threads, written) == status,
                  "%s: forward", what);
  if (functions & derivative)
    ck_assert_msg(blasconv_batch_norm_backward(maps, norm, read, gradient, c->threads, written,
                                               small, small + 3) == status,
                  "%s: backward", what);
  if (functions & inference)
    ck_assert_msg(blasconv_batch_norm_inference(maps, norm, read, c->threads, written) == status,
                  "%s: inference", what);
  if (functions & folding)
    ck_assert_msg(blasconv_batch_norm_fold(problem, norm, read, NULL, written, small) == status,
                  "%s: fold", what);
  for (int i = 0; i < 8; ++i) {
    ck_assert_msg(support_tensor_same(&m->tensors[i], &copies[i]), "%s: written", what);
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
  Suite *suite = suite_create("batch_norm");
  support_add(suite, training_follows_the_formulae);
  support_add(suite, random_shapes_follow_the_formulae);
  support_add(suite, large_means_lose_no_digits);
  support_add(suite, constant_channels_give_the_shift);
  support_add(suite, momentum_0_keeps_and_1_replaces);
  support_add(suite, gradients_are_those_of_finite_differences);
  support_add(suite, backward_in_place_and_without_the_small_gradients);
  support_add(suite, same_bits_for_any_number_of_threads);
  support_add(suite, inference_follows_the_formula);
  support_add(suite, no_images_need_no_tensors);
  support_add(suite, folded_convolutions_give_what_inference_does);
  support_add(suite, folded_bias_is_the_formula);
  support_add(suite, same_bits_on_every_instruction_set);
  support_add(suite, pointers_are_checked);
  support_add(suite, sizes_and_numbers_are_checked);
  support_add(suite, folding_needs_a_place_for_the_bias);
  return support_run(suite);
}
