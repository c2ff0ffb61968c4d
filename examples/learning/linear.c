/*
 * Two linear layers one after the other are one linear layer, and what a ReLU between them changes.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "lesson.h"

#include <math.h>
#include <stdlib.h>

/** Two convolutions of square images, one after the other, stride 1, no pads. */
typedef struct pair {
  int64_t image, channels;     /**< side of the image, its channels */
  int64_t middle, outputs;     /**< filters of the first and of the second layer */
  int64_t first, second;       /**< sides of their kernels */
  const float *first_weights;  /**< [middle][channels][first][first] */
  const float *second_weights; /**< [outputs][middle][second][second] */
} pair;

static int64_t composed_side(const pair *layers)
{
  return layers->first + layers->second - 1;
}

/* The filter k, c of the composed layer [outputs][channels][side][side]. Tap u of the second layer
 * looks at pixel p + u of the middle, which looked with tap t at pixel p + u + t of the input. So
 * tap u + t of the composed filter collects second[u] first[t]. */
static void compose_filter(const pair *layers, int64_t k, int64_t c, float *filter)
{
  const int64_t a = layers->first, b = layers->second, side = composed_side(layers);
  for (int64_t m = 0; m < layers->middle; ++m) {
    const float *first = layers->first_weights + (m * layers->channels + c) * a * a;
    const float *second = layers->second_weights + (k * layers->middle + m) * b * b;
    for (int64_t u = 0; u < b * b; ++u)
      for (int64_t t = 0; t < a * a; ++t)
        filter[(u / b + t / a) * side + u % b + t % a] += second[u] * first[t];
  }
}

static float *compose(const pair *layers)
{
  const int64_t side = composed_side(layers);
  float *weights = lesson_floats(layers->outputs * layers->channels * side * side);
  for (int64_t k = 0; k < layers->outputs; ++k)
    for (int64_t c = 0; c < layers->channels; ++c)
      compose_filter(layers, k, c, weights + (k * layers->channels + c) * side * side);
  return weights;
}

/* Both layers, with an activation between them. */
static void run_both(const pair *layers, blasconv_activation_kind between, const float *input,
                     float *output)
{
  const int64_t side = layers->image - layers->first + 1;
  const blasconv_problem first =
      blasconv_problem_2d(1, layers->channels, layers->image, layers->image, layers->middle,
                          layers->first, layers->first);
  const blasconv_problem second = blasconv_problem_2d(
      1, layers->middle, side, side, layers->outputs, layers->second, layers->second);
  float *middle = lesson_floats(layers->middle * side * side);
  lesson_forward(&first, between, input, layers->first_weights, NULL, middle);
  lesson_forward(&second, BLASCONV_IDENTITY, middle, layers->second_weights, NULL, output);
  free(middle);
}

static void run_composed(const pair *layers, const float *input, const float *weights,
                         float *output)
{
  const int64_t side = composed_side(layers);
  const blasconv_problem problem = blasconv_problem_2d(1, layers->channels, layers->image,
                                                       layers->image, layers->outputs, side, side);
  lesson_forward(&problem, BLASCONV_IDENTITY, input, weights, NULL, output);
}

/* ---- numbers to follow by hand ---- */

static void teach_small(void)
{
  const float picture[16] = {1, 0, 2, 1, 0, 3, 1, 0, 2, 1, 0, 1, 1, 0, 1, 2};
  const float first[4] = {1, 2, 0, -1}, second[4] = {1, -1, 2, 0};
  const pair layers = {4, 1, 1, 1, 2, 2, first, second};
  float both[4], one[4], with_relu[4];
  float *composed = compose(&layers);
  run_both(&layers, BLASCONV_IDENTITY, picture, both);
  run_both(&layers, BLASCONV_RELU, picture, with_relu);
  run_composed(&layers, picture, composed, one);
  lesson_print("image", 4, 4, picture);
  lesson_print("first filter", 2, 2, first);
  lesson_print("second filter", 2, 2, second);
  lesson_print("one after the other", 2, 2, both);
  lesson_print("composed filter", 3, 3, composed);
  lesson_print("composed filter alone", 2, 2, one);
  lesson_print("one after the other, ReLU between them", 2, 2, with_relu);
  free(composed);
}

/* The product of two dense layers' matrices, and their biases carried through. */
static void teach_dense(void)
{
  const float input[3] = {1, 2, 3}, first[6] = {1, 0, 2, -1, 1, 1}, first_bias[2] = {1, -2};
  const float second[4] = {2, 1, 1, -1}, second_bias[2] = {0, 3};
  const blasconv_problem problem_1 = blasconv_problem_dense(1, 3, 2);
  const blasconv_problem problem_2 = blasconv_problem_dense(1, 2, 2);
  float middle[2], both[2], one[2], product[6], bias[2];
  for (int i = 0; i < 2; ++i) {
    bias[i] = second_bias[i] + second[2 * i] * first_bias[0] + second[2 * i + 1] * first_bias[1];
    for (int j = 0; j < 3; ++j)
      product[3 * i + j] = second[2 * i] * first[j] + second[2 * i + 1] * first[3 + j];
  }
  lesson_forward(&problem_1, BLASCONV_IDENTITY, input, first, first_bias, middle);
  lesson_forward(&problem_2, BLASCONV_IDENTITY, middle, second, second_bias, both);
  lesson_forward(&problem_1, BLASCONV_IDENTITY, input, product, bias, one);
  lesson_print("two dense layers", 1, 2, both);
  lesson_print("product of their matrices", 2, 3, product);
  lesson_print("one dense layer with it", 1, 2, one);
}

/* ---- random numbers: equal to rounding ---- */

enum { IMAGE = 32, CHANNELS = 3, MIDDLE = 8, FILTERS = 4, SIDE = 3, MAP = IMAGE - 2 * (SIDE - 1) };

static double largest_of_both(const float *values)
{
  return (double)largest_of(values, FILTERS * MAP * MAP);
}

static void teach_random(void)
{
  static float picture[CHANNELS * IMAGE * IMAGE], first[MIDDLE * CHANNELS * SIDE * SIDE],
      second[FILTERS * MIDDLE * SIDE * SIDE];
  static float both[FILTERS * MAP * MAP], with_relu[FILTERS * MAP * MAP], one[FILTERS * MAP * MAP];
  blasconv_random random = blasconv_random_start(1, 0);
  lesson_normal(&random, sizeof picture / sizeof picture[0], picture);
  lesson_normal(&random, sizeof first / sizeof first[0], first);
  lesson_normal(&random, sizeof second / sizeof second[0], second);
  const pair layers = {IMAGE, CHANNELS, MIDDLE, FILTERS, SIDE, SIDE, first, second};
  float *composed = compose(&layers);
  run_both(&layers, BLASCONV_IDENTITY, picture, both);
  run_both(&layers, BLASCONV_RELU, picture, with_relu);
  run_composed(&layers, picture, composed, one);
  const double scale = largest_of_both(one);
  const double linear = lesson_difference(FILTERS * MAP * MAP, both, one) / scale;
  const double relu = lesson_difference(FILTERS * MAP * MAP, with_relu, one) / scale;
  printf("%d -> %d -> %d maps by 3x3 filters, against %d -> %d by 5x5 filters;\n", CHANNELS, MIDDLE,
         FILTERS, CHANNELS, FILTERS);
  printf("largest difference, as a share of the largest output:\n");
  printf("  linear layers      %.1e\n", linear);
  printf("  ReLU between them  %.1e\n", relu);
  free(composed);
}

bool lesson_linear(const lesson *here)
{
  (void)here;
  teach_small();
  teach_dense();
  teach_random();
  return true;
}
