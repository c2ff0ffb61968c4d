/*
 * Gradient descent: four rules that roll down the same bowl, a rate that is too large, and a filter
 * that is learnt from its answers.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "lesson.h"

#include <math.h>
#include <stdlib.h>

/* ---- the bowl f(x, y) = (x^2 + 20 y^2) / 2: long in x, steep in y ---- */

static const float steepness = 20;

enum { BOWL_STEPS = 100 };

static double bowl(const float *at)
{
  return ((double)at[0] * (double)at[0] + (double)steepness * (double)at[1] * (double)at[1]) / 2;
}

static void bowl_gradient(const float *at, float *gradient)
{
  gradient[0] = at[0];
  gradient[1] = steepness * at[1];
}

/* Rolls from (-9, 2.5), writes each place as a line of the CSV file, and prints some. */
static void roll(FILE *csv, const char *name, const blasconv_optimizer *rule)
{
  float at[2] = {-9, 2.5f}, gradient[2], state[4] = {0};
  const blasconv_parameter parameter = {2, at, gradient, state, 0};
  printf("%-22s", name);
  for (int step = 0; step <= BOWL_STEPS; ++step) {
    fprintf(csv, "%s,%d,%.6g,%.6g,%.6g\n", name, step, (double)at[0], (double)at[1], bowl(at));
    if (step == 0 || step == 5 || step == 20 || step == BOWL_STEPS)
      printf(" %10.3g", bowl(at));
    bowl_gradient(at, gradient);
    lesson_require(blasconv_optimizer_step(rule, step + 1, &parameter, 1, 1), "a step");
  }
  puts("");
}

static bool teach_bowl(const lesson *here)
{
  const struct {
    const char *name;
    blasconv_optimizer_kind kind;
    float rate;
  } rules[] = {{"SGD rate 0.02", BLASCONV_SGD, 0.02f},
               {"SGD rate 0.09", BLASCONV_SGD, 0.09f},
               {"SGD rate 0.102", BLASCONV_SGD, 0.102f},
               {"momentum rate 0.02", BLASCONV_MOMENTUM, 0.02f},
               {"Nesterov rate 0.02", BLASCONV_NESTEROV, 0.02f},
               {"Adam rate 0.5", BLASCONV_ADAM, 0.5f}};
  FILE *csv = lesson_open(here, "descent.csv");
  if (csv == NULL)
    return false;
  fputs("rule,step,x,y,f\n", csv);
  printf("f after steps         %11d%11d%11d%11d\n", 0, 5, 20, BOWL_STEPS);
  for (size_t i = 0; i < sizeof rules / sizeof rules[0]; ++i) {
    const blasconv_optimizer rule = blasconv_optimizer_of(rules[i].kind, rules[i].rate);
    roll(csv, rules[i].name, &rule);
  }
  if (!lesson_close(here, "descent.csv", csv))
    return false;
  lesson_advise_plot(here, "descent.gp");
  return true;
}

/* ---- a filter that learns ---- */

enum { SIDE = 32, MAP = SIDE - 2, IMAGE_AREA = SIDE * SIDE, MAP_AREA = MAP * MAP, TAPS = 9 };

/** A convolution with one filter, what it reads, and what it should answer. */
typedef struct pupil {
  blasconv_problem problem;
  float image[IMAGE_AREA];
  float wanted[MAP_AREA];
  float answer[MAP_AREA];
  float answer_gradient[MAP_AREA];
  float weights[TAPS];
  float weights_gradient[TAPS];
} pupil;

/* The image is noise, the answers wanted are those of Sobel's filter, the first weights are He's.
 */
static void prepare(pupil *one)
{
  float sobel[TAPS];
  const blasconv_filter filter = blasconv_filter_of(BLASCONV_FILTER_SOBEL_X);
  const blasconv_initializer he = blasconv_initializer_of(BLASCONV_INIT_HE_NORMAL);
  blasconv_random noise = blasconv_random_start(1, 0), first = blasconv_random_start(1, 1);
  one->problem = blasconv_problem_2d(1, 1, SIDE, SIDE, 1, 3, 3);
  lesson_normal(&noise, IMAGE_AREA, one->image);
  lesson_require(blasconv_filter_write(&filter, 3, 3, sobel), "Sobel's filter");
  lesson_forward(&one->problem, BLASCONV_IDENTITY, one->image, sobel, NULL, one->wanted);
  lesson_require(blasconv_weights_initialize(&one->problem, &he, &first, one->weights),
                 "first values");
}

/* The loss of the filter as it is, and the gradient of its taps. */
static double look_back(pupil *one)
{
  double loss = 0;
  lesson_forward(&one->problem, BLASCONV_IDENTITY, one->image, one->weights, NULL, one->answer);
  lesson_require(blasconv_mean_squared_error(MAP_AREA, one->answer, one->wanted, 0, &loss,
                                             one->answer_gradient),
                 "the loss");
  blasconv_arguments tensors = blasconv_arguments_none();
  tensors.input = one->image;
  tensors.output_gradient = one->answer_gradient;
  tensors.weights_gradient = one->weights_gradient;
  lesson_run(&one->problem, BLASCONV_BACKWARD_WEIGHTS, NULL, &tensors);
  return loss;
}

/* To two digits, and never "-0.00". */
static double rounded(float value)
{
  return round(100 * (double)value) / 100 + 0.0;
}

static void print_filter(int step, double loss, const float *taps)
{
  printf("step %d, loss %.2f\n", step, loss);
  for (int row = 0; row < 3; ++row)
    printf("  %6.2f %6.2f %6.2f\n", rounded(taps[3 * row]), rounded(taps[3 * row + 1]),
           rounded(taps[3 * row + 2]));
}

static void draw_filter(sheet *paper, int column, int step, const float *taps)
{
  char title[32];
  const int64_t x = 24 + 160 * column;
  const image filter = {1, 3, 3, taps};
  snprintf(title, sizeof title, "step %d", step);
  sheet_text(paper, x, 20, 2, sheet_bright, title);
  sheet_image(paper, x, 48, 45, &filter, (range){-2, 2}, palette_signed);
}

static bool teach_filter(const lesson *here)
{
  static const int shown[] = {0, 5, 20, 100};
  static pupil one;
  sheet paper;
  int column = 0;
  if (!sheet_create(&paper, 4 * 160 + 23, 48 + 135 + 24))
    return false;
  prepare(&one);
  const blasconv_optimizer rule = blasconv_optimizer_of(BLASCONV_SGD, 0.1f);
  const blasconv_parameter parameter = {TAPS, one.weights, one.weights_gradient, NULL, 0};
  for (int step = 0; column < 4; ++step) {
    const double loss = look_back(&one);
    if (step == shown[column]) {
      print_filter(step, loss, one.weights);
      draw_filter(&paper, column++, step, one.weights);
    }
    lesson_require(blasconv_optimizer_step(&rule, step + 1, &parameter, 1, 0), "a step");
  }
  return lesson_save(here, "learnt_filter.png", &paper);
}

bool lesson_descent(const lesson *here)
{
  return teach_bowl(here) && teach_filter(here);
}
