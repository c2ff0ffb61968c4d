/*
 * Channels, and stacks of maps: a filter reads all channels of its input and makes one map; 20
 * filters make 20. Then what bias and activation do to a map.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "lesson.h"

#include <math.h>
#include <scene.h>
#include <stdlib.h>

/* ---- three channels, one filter, by hand ---- */

enum { CHANNELS = 3, SIDE = 3, AREA = SIDE * SIDE, TAPS = 4, MAP = 4 };

static void teach_channels(void)
{
  static const char *const names[CHANNELS] = {"red", "green", "blue"};
  const float picture[CHANNELS * AREA] = {1, 2, 0, 0, 1, 3, 2, 1, 1,          /* red */
                                          0, 1, 1, 2, 0, 1, 1, 3, 0,          /* green */
                                          2, 0, 1, 1, 1, 0, 0, 2, 1};         /* blue */
  const float filter[CHANNELS * TAPS] = {1, 0, 0,  1, /* red */ -1, 1, 1, -1, /* green */
                                         0, 2, -1, 0 /* blue */};
  const float bias = -3;
  const blasconv_problem one = blasconv_problem_2d(1, 1, SIDE, SIDE, 1, 2, 2);
  const blasconv_problem all = blasconv_problem_2d(1, CHANNELS, SIDE, SIDE, 1, 2, 2);
  float part[MAP], sum[MAP];
  char title[64];
  for (int c = 0; c < CHANNELS; ++c) {
    lesson_forward(&one, BLASCONV_IDENTITY, picture + c * AREA, filter + c * TAPS, NULL, part);
    snprintf(title, sizeof title, "%s channel", names[c]);
    lesson_print(title, SIDE, SIDE, picture + c * AREA);
    snprintf(title, sizeof title, "the filter's %s taps", names[c]);
    lesson_print(title, 2, 2, filter + c * TAPS);
    snprintf(title, sizeof title, "their part of the map");
    lesson_print(title, 2, 2, part);
  }
  lesson_forward(&all, BLASCONV_IDENTITY, picture, filter, NULL, sum);
  lesson_print("all three channels in one call: the parts added", 2, 2, sum);
  lesson_forward(&all, BLASCONV_IDENTITY, picture, filter, &bias, sum);
  lesson_print("bias -3 added to every pixel", 2, 2, sum);
  lesson_forward(&all, BLASCONV_RELU, picture, filter, &bias, sum);
  lesson_print("ReLU on top", 2, 2, sum);
}

/* ---- 20 filters on a colour picture ---- */

enum {
  FILTERS = 20,
  SIZE = 7,
  FILTER_TAPS = CHANNELS * SIZE * SIZE,
  MAP_HEIGHT = SCENE_HEIGHT - SIZE + 1,
  MAP_WIDTH = SCENE_WIDTH - SIZE + 1,
  MAP_AREA = MAP_HEIGHT * MAP_WIDTH
};

/** Some filters of one pattern, each turned further, with a weight for each channel. */
typedef struct family {
  blasconv_filter_kind kind;
  int count;
  float phase; /**< of Gabor's: 0 is a bar, a quarter turn an edge */
  float mix[CHANNELS];
} family;

static const float quarter_turn = 1.57079633f;

/* Edges and bars of light, edges from green to red, blobs of four colours. */
static void fill_bank(float *weights)
{
  const family families[] = {{BLASCONV_FILTER_GABOR, 6, quarter_turn, {1, 1, 1}},
                             {BLASCONV_FILTER_GABOR, 6, 0, {1, 1, 1}},
                             {BLASCONV_FILTER_GABOR, 4, quarter_turn, {2, -2, 0}},
                             {BLASCONV_FILTER_GAUSSIAN, 1, 0, {2, -1, -1}},
                             {BLASCONV_FILTER_GAUSSIAN, 1, 0, {-1, 2, -1}},
                             {BLASCONV_FILTER_GAUSSIAN, 1, 0, {-1, -1, 2}},
                             {BLASCONV_FILTER_GAUSSIAN, 1, 0, {1, 1, -2}}};
  for (size_t i = 0; i < sizeof families / sizeof families[0]; ++i) {
    const family *these = &families[i];
    blasconv_filter bank[FILTERS], filter = blasconv_filter_of(these->kind);
    filter.sigma = 1.8f;
    filter.wavelength = 4;
    filter.phase = these->phase;
    bank[0] = filter;
    if (these->kind == BLASCONV_FILTER_GABOR)
      lesson_require(blasconv_filter_bank(&filter, these->count, bank), "a bank of filters");
    const blasconv_problem part =
        blasconv_problem_2d(1, CHANNELS, SCENE_HEIGHT, SCENE_WIDTH, these->count, SIZE, SIZE);
    lesson_require(blasconv_weights_fixed(&part, bank, these->count, these->mix, weights),
                   "fixed filters");
    weights += these->count * FILTER_TAPS;
  }
}

/* Greys in 16 steps: enough for a small map, and half the file. */
static colour palette_steps(const float *levels)
{
  const float level = roundf(15 * levels[0]) / 15;
  return palette_grey(&level);
}

static void draw_stack(sheet *paper, const float *picture, const float *weights, const float *maps)
{
  const image whole = {CHANNELS, SCENE_HEIGHT, SCENE_WIDTH, picture};
  sheet_text(paper, 20, 16, 2, sheet_bright, "3 channels");
  sheet_image(paper, 20, 44, 1, &whole, (range){0, 1}, palette_of_rgb);
  const palette palettes[CHANNELS] = {palette_of_red, palette_of_green, palette_of_blue};
  for (int c = 0; c < CHANNELS; ++c) {
    const image channel = {1, SCENE_HEIGHT, SCENE_WIDTH, picture + c * SCENE_HEIGHT * SCENE_WIDTH};
    sheet_image(paper, 20, 44 + (c + 1) * (SCENE_HEIGHT + 10), 1, &channel, (range){0, 1},
                palettes[c]);
  }
  sheet_text(paper, 220, 16, 2, sheet_bright, "20 filters of 3 channels, and their 20 maps");
  for (int k = 0; k < FILTERS; ++k) {
    const image filter = {CHANNELS, SIZE, SIZE, weights + k * FILTER_TAPS};
    const image map = {1, MAP_HEIGHT, MAP_WIDTH, maps + k * MAP_AREA};
    const float most = largest_of(filter.values, FILTER_TAPS);
    const int64_t x = 220 + k % 5 * (MAP_WIDTH + 10), y = 44 + k / 5 * (SCENE_HEIGHT + 10);
    sheet_image(paper, x, y, 1, &map, (range){0, largest_of(map.values, MAP_AREA)}, palette_steps);
    sheet_image(paper, x, y, 4, &filter, (range){-most, most}, palette_of_rgb);
  }
}

static bool teach_stack(const lesson *here, const float *picture, const float *weights)
{
  static float maps[FILTERS * MAP_AREA], bias[FILTERS];
  sheet paper;
  const blasconv_problem problem =
      blasconv_problem_2d(1, CHANNELS, SCENE_HEIGHT, SCENE_WIDTH, FILTERS, SIZE, SIZE);
  lesson_forward(&problem, BLASCONV_RELU, picture, weights, bias, maps);
  printf("input   [%d channels][%d][%d]\n", CHANNELS, SCENE_HEIGHT, SCENE_WIDTH);
  printf("weights [%d filters][%d channels][%d][%d]\n", FILTERS, CHANNELS, SIZE, SIZE);
  printf("output  [%d maps][%d][%d]\n", FILTERS, MAP_HEIGHT, MAP_WIDTH);
  printf("numbers to learn: %d (%d x %d + 1) = %d\n", FILTERS, CHANNELS, SIZE * SIZE,
         FILTERS * (FILTER_TAPS + 1));
  printf("a pixel of a map: %d multiplications; all %d pixels: %d\n", FILTER_TAPS,
         FILTERS * MAP_AREA, FILTERS * MAP_AREA * FILTER_TAPS);
  if (!sheet_create(&paper, 220 + 5 * (MAP_WIDTH + 10) + 10, 44 + 4 * (SCENE_HEIGHT + 10) + 10))
    return false;
  draw_stack(&paper, picture, weights, maps);
  return lesson_save(here, "stack.png", &paper);
}

/* ---- bias and activation on one map ---- */

static double share_above_zero(const float *map)
{
  int64_t count = 0;
  for (int64_t i = 0; i < MAP_AREA; ++i)
    count += map[i] > 0;
  return (double)count / MAP_AREA;
}

static void draw_map(sheet *paper, int column, const char *title, const float *map, range shown,
                     palette colours)
{
  const image picture = {1, MAP_HEIGHT, MAP_WIDTH, map};
  const int64_t x = 20 + column * (MAP_WIDTH + 40);
  sheet_text(paper, x, 16, 2, sheet_bright, title);
  sheet_image(paper, x, 44, 1, &picture, shown, colours);
}

static bool teach_bias(const lesson *here, const float *picture, const float *filter)
{
  static const float biases[] = {0, -0.2f, -1};
  static float map[MAP_AREA];
  sheet paper;
  const blasconv_problem problem =
      blasconv_problem_2d(1, CHANNELS, SCENE_HEIGHT, SCENE_WIDTH, 1, SIZE, SIZE);
  if (!sheet_create(&paper, 20 + 4 * (MAP_WIDTH + 40), 44 + MAP_HEIGHT + 20))
    return false;
  lesson_forward(&problem, BLASCONV_IDENTITY, picture, filter, NULL, map);
  const float peak = largest_of(map, MAP_AREA);
  draw_map(&paper, 0, "map", map, (range){-peak, peak}, palette_signed);
  for (int i = 0; i < 3; ++i) {
    char title[32];
    lesson_forward(&problem, BLASCONV_RELU, picture, filter, &biases[i], map);
    printf("bias %4.1f, then ReLU: %.0f %% of the pixels above 0\n", (double)biases[i],
           100 * share_above_zero(map));
    snprintf(title, sizeof title, "bias %.1f, ReLU", (double)biases[i]);
    draw_map(&paper, i + 1, title, map, (range){0, peak}, palette_grey);
  }
  return lesson_save(here, "bias.png", &paper);
}

bool lesson_stack(const lesson *here)
{
  static float picture[CHANNELS * SCENE_HEIGHT * SCENE_WIDTH], weights[FILTERS * FILTER_TAPS];
  teach_channels();
  scene_render(picture);
  fill_bank(weights);
  return teach_stack(here, picture, weights) && teach_bias(here, picture, weights);
}
