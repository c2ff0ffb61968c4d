/*
 * A filter is a template. Its map says how well the template fits at each place of the picture.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "lesson.h"

#include <fashion.h>
#include <math.h>
#include <stdlib.h>

/* ---- a picture made of letters: a cross, a square, two bars ---- */

enum { ROWS = 9, COLUMNS = 13, SIZE = 3, MAP_ROWS = ROWS - 2, MAP_COLUMNS = COLUMNS - 2 };

static const char *const shapes[ROWS] = {"             ",  /* row 0 */
                                         "  #      ### ",  /* row 1 */
                                         " ###     ### ",  /* row 2 */
                                         "  #      ### ",  /* row 3 */
                                         "             ",  /* row 4 */
                                         "  #          ",  /* row 5 */
                                         "  #    ####  ",  /* row 6 */
                                         "  #          ",  /* row 7 */
                                         "             "}; /* row 8 */

static const float plain_cross[9] = {0, 1, 0, 1, 1, 1, 0, 1, 0};
static const float signed_cross[9] = {-1, 1, -1, 1, 1, 1, -1, 1, -1};

static void print_largest(const float *map)
{
  float largest = map[0];
  for (int i = 1; i < MAP_ROWS * MAP_COLUMNS; ++i)
    largest = fmaxf(largest, map[i]);
  printf("largest answer %d, with the template's middle at", (int)largest);
  for (int i = 0; i < MAP_ROWS * MAP_COLUMNS; ++i)
    if (map[i] == largest)
      printf(" (%d,%d)", i / MAP_COLUMNS + 1, i % MAP_COLUMNS + 1);
  puts("");
}

/* A matrix of small numbers as squares with the numbers in them. */
static void draw_numbers(sheet *paper, int64_t x, int64_t y, int64_t rows, int64_t columns,
                         const float *values, float reach)
{
  enum { CELL = 26 };
  const image picture = {1, rows, columns, values};
  const colour ink = {60, 64, 74};
  sheet_image(paper, x, y, CELL, &picture, (range){-reach, reach}, palette_signed);
  for (int64_t i = 0; i < rows * columns; ++i) {
    char text[8];
    snprintf(text, sizeof text, "%d", (int)values[i]);
    if (values[i] != 0)
      sheet_text_centred(paper, x + i % columns * CELL + CELL / 2 + 1,
                         y + i / columns * CELL + CELL / 2 - 4, 1, ink, text);
  }
}

static void teach_template(const char *title, const float *filter, const float *picture,
                           sheet *paper, int64_t x)
{
  float map[MAP_ROWS * MAP_COLUMNS];
  const blasconv_problem problem = blasconv_problem_2d(1, 1, ROWS, COLUMNS, 1, SIZE, SIZE);
  lesson_forward(&problem, BLASCONV_IDENTITY, picture, filter, NULL, map);
  lesson_print(title, SIZE, SIZE, filter);
  lesson_print("map", MAP_ROWS, MAP_COLUMNS, map);
  print_largest(map);
  sheet_text(paper, x, 24, 2, sheet_bright, title);
  draw_numbers(paper, x, 56, SIZE, SIZE, filter, 5);
  draw_numbers(paper, x, 152, MAP_ROWS, MAP_COLUMNS, map, 5);
}

static bool teach_shapes(const lesson *here)
{
  float picture[ROWS * COLUMNS];
  sheet paper;
  for (int i = 0; i < ROWS * COLUMNS; ++i)
    picture[i] = shapes[i / COLUMNS][i % COLUMNS] == '#';
  if (!sheet_create(&paper, 1000, 152 + 26 * ROWS - 28))
    return false;
  lesson_print("picture", ROWS, COLUMNS, picture);
  sheet_text(&paper, 24, 24, 2, sheet_bright, "picture");
  draw_numbers(&paper, 24, 56, ROWS, COLUMNS, picture, 5);
  teach_template("template 1, a cross", plain_cross, picture, &paper, 386);
  teach_template("template 2, no corners", signed_cross, picture, &paper, 694);
  return lesson_save(here, "templates.png", &paper);
}

/* ---- a template cut out of a real picture ---- */

enum { PIXELS = FASHION_PIXELS, CUT = 9, CUT_ROW = 14, CUT_COLUMN = 11, FIT = PIXELS - CUT + 1 };

/* Cuts out a patch [CUT][CUT] and takes its mean away, so that even areas answer 0. */
static void cut_template(const float *picture, float *filter)
{
  float sum = 0;
  for (int i = 0; i < CUT * CUT; ++i) {
    filter[i] = picture[(CUT_ROW + i / CUT) * PIXELS + CUT_COLUMN + i % CUT];
    sum += filter[i];
  }
  for (int i = 0; i < CUT * CUT; ++i)
    filter[i] -= sum / (CUT * CUT);
}

/* The cosine of the angle between the template and each patch less its mean, both read as vectors:
 * the map, divided by the lengths of the two. Patch sums come from a filter of ones. */
static void similarity(const float *picture, const float *filter, float *cosines)
{
  const blasconv_problem problem = blasconv_problem_2d(1, 1, PIXELS, PIXELS, 1, CUT, CUT);
  float ones[CUT * CUT], squares[FASHION_AREA];
  float map[FIT * FIT], sums[FIT * FIT], square_sums[FIT * FIT], length = 0;
  for (int i = 0; i < CUT * CUT; ++i) {
    ones[i] = 1;
    length += filter[i] * filter[i];
  }
  for (int i = 0; i < FASHION_AREA; ++i)
    squares[i] = picture[i] * picture[i];
  lesson_forward(&problem, BLASCONV_IDENTITY, picture, filter, NULL, map);
  lesson_forward(&problem, BLASCONV_IDENTITY, picture, ones, NULL, sums);
  lesson_forward(&problem, BLASCONV_IDENTITY, squares, ones, NULL, square_sums);
  for (int i = 0; i < FIT * FIT; ++i) {
    const float patch = square_sums[i] - sums[i] * sums[i] / (CUT * CUT);
    cosines[i] = patch > 1e-3f ? map[i] / sqrtf(patch * length) : 0;
  }
}

static void print_best(const float *cosines)
{
  int best = 0;
  for (int i = 1; i < FIT * FIT; ++i)
    best = cosines[i] > cosines[best] ? i : best;
  printf("cut out at row %d, column %d; most similar at row %d, column %d: cosine %.3f\n", CUT_ROW,
         CUT_COLUMN, best / FIT, best % FIT, (double)cosines[best]);
}

static void teach_cut(const float *picture, sheet *paper)
{
  static float filter[CUT * CUT], cosines[FIT * FIT];
  const image whole = {1, PIXELS, PIXELS, picture}, cut = {1, CUT, CUT, filter};
  const image map = {1, FIT, FIT, cosines};
  const colour mark = {255, 190, 60};
  cut_template(picture, filter);
  const float most = largest_of(filter, CUT * CUT);
  similarity(picture, filter, cosines);
  print_best(cosines);
  sheet_text(paper, 24, 20, 2, sheet_bright, "picture, the cut marked");
  sheet_rectangle(paper, 24 + 8 * CUT_COLUMN - 3, 48 + 8 * CUT_ROW - 3, 8 * CUT + 6, 8 * CUT + 6,
                  mark);
  sheet_image(paper, 24, 48, 8, &whole, (range){0, 1}, palette_grey);
  for (int side = 0; side < 2; ++side) {
    sheet_rectangle(paper, 24 + 8 * CUT_COLUMN - 2 + side * (8 * CUT + 2), 48 + 8 * CUT_ROW - 2, 2,
                    8 * CUT + 4, mark);
    sheet_rectangle(paper, 24 + 8 * CUT_COLUMN - 2, 48 + 8 * CUT_ROW - 2 + side * (8 * CUT + 2),
                    8 * CUT + 4, 2, mark);
  }
  sheet_text(paper, 330, 20, 2, sheet_bright, "template");
  sheet_image(paper, 330, 48, 12, &cut, (range){-most, most}, palette_grey);
  sheet_text(paper, 500, 20, 2, sheet_bright, "similarity, -1 to 1");
  sheet_image(paper, 500 + 8 * (CUT / 2), 48 + 8 * (CUT / 2), 8, &map, (range){-1, 1},
              palette_signed);
}

/* ---- templates from formulae on the same picture ---- */

enum { KINDS = 6, GABOR = 7, COLUMN = 128, MAPS_TOP = 316 };

static blasconv_filter gabor(float angle)
{
  blasconv_filter filter = blasconv_filter_of(BLASCONV_FILTER_GABOR);
  filter.sigma = 1.8f;
  filter.wavelength = 4;
  filter.angle = angle;
  return filter;
}

/* One filter, the map it makes with pads that keep the extents, and what ReLU leaves of the map. */
static void teach_kind(const blasconv_filter *kind, const char *name, int size,
                       const float *picture, sheet *paper, int64_t x)
{
  float taps[GABOR * GABOR], map[FASHION_AREA];
  blasconv_problem problem = blasconv_problem_2d(1, 1, PIXELS, PIXELS, 1, size, size);
  for (int axis = 0; axis < 2; ++axis)
    problem.pads_begin[axis] = problem.pads_end[axis] = size / 2;
  lesson_require(blasconv_weights_fixed(&problem, kind, 1, NULL, taps), name);
  lesson_forward(&problem, BLASCONV_IDENTITY, picture, taps, NULL, map);
  const float most = largest_of(taps, size * size), peak = largest_of(map, FASHION_AREA);
  const image filter = {1, size, size, taps}, answer = {1, PIXELS, PIXELS, map};
  sheet_text(paper, x, MAPS_TOP, 2, sheet_bright, name);
  sheet_image(paper, x, MAPS_TOP + 26, 42 / size, &filter, (range){-most, most}, palette_signed);
  sheet_image(paper, x, MAPS_TOP + 80, 4, &answer, (range){-peak, peak}, palette_signed);
  sheet_image(paper, x, MAPS_TOP + 204, 4, &answer, (range){0, peak}, palette_heat);
}

static void teach_kinds(const float *picture, sheet *paper)
{
  const float pi = 3.14159265f;
  const struct {
    const char *name;
    blasconv_filter filter;
    int size;
  } kinds[KINDS] = {{"Sobel x", blasconv_filter_of(BLASCONV_FILTER_SOBEL_X), 3},
                    {"Sobel y", blasconv_filter_of(BLASCONV_FILTER_SOBEL_Y), 3},
                    {"Laplacian", blasconv_filter_of(BLASCONV_FILTER_LAPLACIAN_8), 3},
                    {"Gabor 0", gabor(0), GABOR},
                    {"Gabor 45", gabor(pi / 4), GABOR},
                    {"Gabor 90", gabor(pi / 2), GABOR}};
  for (int i = 0; i < KINDS; ++i)
    teach_kind(&kinds[i].filter, kinds[i].name, kinds[i].size, picture, paper, 24 + i * COLUMN);
}

static bool teach_fashion(const lesson *here)
{
  lesson_pictures pictures;
  sheet paper;
  if (!lesson_pictures_read(here, 1, &pictures))
    return false;
  const bool good = sheet_create(&paper, 24 + KINDS * COLUMN + 8, MAPS_TOP + 204 + 112 + 24);
  if (good) {
    printf("first training picture of Fashion-MNIST: %s\n", fashion_names[pictures.labels[0]]);
    teach_cut(pictures.values, &paper);
    teach_kinds(pictures.values, &paper);
  }
  lesson_pictures_free(&pictures);
  return good && lesson_save(here, "templates_fashion.png", &paper);
}

bool lesson_templates(const lesson *here)
{
  return teach_shapes(here) && teach_fashion(here);
}
