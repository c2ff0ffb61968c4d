/*
 * Points in four clusters, two of each class crosswise: no straight line separates the classes, and
 * no network without an activation can do better than a line.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "lesson.h"

#include <cnn.h>
#include <math.h>
#include <stdlib.h>

enum { POINTS = 400, HIDDEN = 8, STEPS = 400, REGION = 160, SCALE = 3, MARGIN = 28, TOP = 74 };

static const float reach = 2; /* the pictures show x and y from -reach to reach */

/* ---- a network made by hand ---- */

/* h1 = ReLU(x + y), h2 = ReLU(x + y - 1), output = h1 - 2 h2: 1 if one of x and y is 1, else 0. */
static void teach_by_hand(void)
{
  const float inputs[8] = {0, 0, 0, 1, 1, 0, 1, 1};
  const float first[4] = {1, 1, 1, 1}, first_bias[2] = {0, -1}, second[2] = {1, -2};
  const blasconv_problem hidden = blasconv_problem_dense(4, 2, 2);
  const blasconv_problem top = blasconv_problem_dense(4, 2, 1);
  float with_relu[8], linear[8], output[4], linear_output[4];
  lesson_forward(&hidden, BLASCONV_RELU, inputs, first, first_bias, with_relu);
  lesson_forward(&top, BLASCONV_IDENTITY, with_relu, second, NULL, output);
  lesson_forward(&hidden, BLASCONV_IDENTITY, inputs, first, first_bias, linear);
  lesson_forward(&top, BLASCONV_IDENTITY, linear, second, NULL, linear_output);
  puts("  x  y    h1  h2  h1 - 2 h2    without ReLU");
  for (int i = 0; i < 4; ++i)
    printf("%3d%3d%6d%4d%11d%16d\n", (int)inputs[2 * i], (int)inputs[2 * i + 1],
           (int)with_relu[2 * i], (int)with_relu[2 * i + 1], (int)output[i], (int)linear_output[i]);
}

/* ---- networks that learn ---- */

/* Points [POINTS][2] around (+-1, +-1); class 1 where the signs differ. */
static void draw_points(float *points, int32_t *labels)
{
  blasconv_random random = blasconv_random_start(1, 0);
  for (int i = 0; i < POINTS; ++i) {
    const float x = i & 1 ? 1 : -1, y = i & 2 ? 1 : -1;
    points[2 * i] = x + 0.22f * (float)blasconv_random_normal(&random);
    points[2 * i + 1] = y + 0.22f * (float)blasconv_random_normal(&random);
    labels[i] = x * y < 0;
  }
}

/* 2 inputs, HIDDEN outputs with the activation, 2 logits. */
static bool create_network(blasconv_activation_kind activation, cnn **network)
{
  const cnn_layer layers[2] = {
      {.kind = CNN_DENSE, .outputs = HIDDEN, .activation = {activation, 0}},
      {.kind = CNN_DENSE, .outputs = 2}};
  const cnn_design design = {.batch = POINTS,
                             .channels = 2,
                             .height = 1,
                             .width = 1,
                             .layers = layers,
                             .count = 2,
                             .threads = 1,
                             .seed = 1};
  return cnn_create(&design, network);
}

static double train(cnn *network, const float *points, const int32_t *labels)
{
  const blasconv_optimizer rule = blasconv_optimizer_of(BLASCONV_MOMENTUM, 0.05f);
  double loss = 0;
  for (int step = 0; step < STEPS; ++step)
    cnn_step(network, points, labels, &rule, INFINITY, &loss);
  return loss;
}

/* The probability of class 1 at each point of the plane, a batch of points at a time. */
static void map_plane(cnn *network, float *plane)
{
  static float points[2 * POINTS];
  for (int start = 0; start < REGION * REGION; start += POINTS) {
    for (int i = 0; i < POINTS; ++i) {
      const int column = (start + i) % REGION, row = (start + i) / REGION;
      points[2 * i] = reach * (2 * ((float)column + 0.5f) / REGION - 1);
      points[2 * i + 1] = reach * (1 - 2 * ((float)row + 0.5f) / REGION);
    }
    const float *logits = cnn_forward(network, points, false);
    for (int i = 0; i < POINTS; ++i)
      plane[start + i] = 1 / (1 + expf(logits[2 * i] - logits[2 * i + 1]));
  }
}

static void draw_panel(sheet *paper, int64_t x, const char *title, const float *plane,
                       const float *points, const int32_t *labels)
{
  static const colour inks[2] = {{0, 40, 110}, {120, 0, 10}};
  const image picture = {1, REGION, REGION, plane};
  const float half = REGION * SCALE / 2.0f;
  sheet_text(paper, x, TOP - 26, 2, sheet_bright, title);
  sheet_image(paper, x, TOP, SCALE, &picture, (range){0, 1}, palette_signed);
  for (int i = 0; i < POINTS; ++i) {
    const float right = half * (1 + points[2 * i] / reach);
    const float down = half * (1 - points[2 * i + 1] / reach);
    sheet_rectangle(paper, x + (int64_t)right - 2, TOP + (int64_t)down - 2, 5, 5, inks[labels[i]]);
  }
}

/* Trains with one activation, says how it went, and draws what was learnt. */
static bool teach_network(blasconv_activation_kind activation, const char *name, sheet *paper,
                          int64_t x)
{
  static float points[2 * POINTS], plane[REGION * REGION];
  static int32_t labels[POINTS];
  char title[64];
  cnn *network = NULL;
  draw_points(points, labels);
  if (!create_network(activation, &network))
    return false;
  const double loss = train(network, points, labels);
  const double right = cnn_accuracy(POINTS, 2, cnn_forward(network, points, false), labels);
  printf("2 - %d - 2, %-8s after %d steps: loss %.3f, %.0f %% of the points right\n", HIDDEN, name,
         STEPS, loss, 100 * right);
  snprintf(title, sizeof title, "%s: %.0f%% right", name, 100 * right);
  map_plane(network, plane);
  draw_panel(paper, x, title, plane, points, labels);
  cnn_destroy(network);
  return true;
}

bool lesson_xor(const lesson *here)
{
  const int64_t panel = REGION * SCALE;
  sheet paper;
  teach_by_hand();
  if (!sheet_create(&paper, 2 * panel + 3 * MARGIN, panel + TOP + MARGIN))
    return false;
  sheet_text(&paper, MARGIN, 18, 2, sheet_dim, "probability of the red class, and the points");
  const bool good = teach_network(BLASCONV_IDENTITY, "identity", &paper, MARGIN) &&
                    teach_network(BLASCONV_RELU, "ReLU", &paper, panel + 2 * MARGIN);
  if (!good)
    sheet_destroy(&paper);
  return good && lesson_save(here, "xor.png", &paper);
}
