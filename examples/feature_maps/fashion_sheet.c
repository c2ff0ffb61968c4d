/*
 * A picture of each class of Fashion-MNIST, its feature maps beside it: a column a filter.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "maps.h"

#include <fashion.h>
#include <idx.h>
#include <png_write.h>
#include <sheet.h>
#include <stdio.h>

enum {
  CLASSES = FASHION_CLASSES,
  FILTERS = 12,
  SIZE = 7,
  PIXELS = FASHION_PIXELS,
  AREA = FASHION_AREA
};

/* The bias of a Gabor filter keeps faint answers below zero, where ReLU drops them. */
static const feature_filter bank[FILTERS] = {
    {"Sobel x", "3x3", filter_sobel, 0, false, {1}, 0},
    {"Sobel y", "3x3", filter_sobel, 90, false, {1}, 0},
    {"Laplacian", "3x3", filter_laplacian, 0, false, {1}, 0},
    {"Gaussian", "7x7", filter_gaussian, 0, false, {1}, 0},
    {"Gabor", "0 deg", filter_bar, 0, true, {1}, -0.01f},
    {"Gabor", "22.5 deg", filter_bar, 22.5f, true, {1}, -0.01f},
    {"Gabor", "45 deg", filter_bar, 45, true, {1}, -0.01f},
    {"Gabor", "67.5 deg", filter_bar, 67.5f, true, {1}, -0.01f},
    {"Gabor", "90 deg", filter_bar, 90, true, {1}, -0.01f},
    {"Gabor", "112.5 deg", filter_bar, 112.5f, true, {1}, -0.01f},
    {"Gabor", "135 deg", filter_bar, 135, true, {1}, -0.01f},
    {"Gabor", "157.5 deg", filter_bar, 157.5f, true, {1}, -0.01f}};

/* Where things stand on the sheet, in pixels. */
enum {
  SCALE = 4,
  CELL = PIXELS * SCALE,
  STEP = CELL + 12,
  LEFT = 188, /* of the first column; the names of the rows stand before it */
  TOP = 152,  /* of the first row */
  MARGIN = 28
};

/* Copies the first picture of each class, as values from 0 to 1, to pictures [CLASSES][AREA]. */
static bool choose_pictures(const idx_array *images, const idx_array *labels, float *pictures)
{
  if (images->extents[1] != PIXELS || images->extents[2] != PIXELS ||
      images->extents[0] != labels->extents[0]) {
    fprintf(stderr, "images and labels of Fashion-MNIST do not fit together\n");
    return false;
  }
  for (int64_t kind = 0; kind < CLASSES; ++kind) {
    int64_t chosen = 0;
    while (chosen < labels->extents[0] && labels->values[chosen] != kind)
      ++chosen;
    if (chosen == labels->extents[0]) {
      fprintf(stderr, "Fashion-MNIST has no picture of class %s\n", fashion_names[kind]);
      return false;
    }
    for (int64_t i = 0; i < AREA; ++i)
      pictures[kind * AREA + i] = (float)images->values[chosen * AREA + i] / 255;
  }
  return true;
}

static bool read_pictures(const char *images_path, const char *labels_path, float *pictures)
{
  idx_array images = {0}, labels = {0};
  const bool good = idx_read(images_path, 3, &images) && idx_read(labels_path, 1, &labels) &&
                    choose_pictures(&images, &labels, pictures);
  idx_free(&images);
  idx_free(&labels);
  if (!good)
    fashion_advise();
  return good;
}

/* A strip of a palette's colours with a word at its ends, as wide as a cell. */
static void draw_scale(sheet *paper, int64_t y, palette colours, const char *low, const char *high)
{
  const int64_t thickness = 4;
  float ramp[4 * PIXELS];
  for (int64_t i = 0; i < thickness * PIXELS; ++i)
    ramp[i] = (float)(i % PIXELS) / (PIXELS - 1);
  const image strip = {1, thickness, PIXELS, ramp};
  sheet_image(paper, LEFT, y, SCALE, &strip, (range){0, 1}, colours);
  sheet_text(paper, LEFT, y + 20, 2, sheet_dim, low);
  sheet_text(paper, LEFT + CELL - sheet_text_width(high, 2), y + 20, 2, sheet_dim, high);
}

/* Title, the columns' labels and the filters themselves. */
static void draw_head(sheet *paper, const feature_maps *maps)
{
  sheet_text(paper, MARGIN, MARGIN, 3, sheet_bright, "Fashion-MNIST through 12 filters");
  sheet_text(paper, MARGIN, MARGIN + 38, 2, sheet_dim,
             "ReLU(picture * filter + bias) by blasconv, weights 12 x 1 x 7 x 7, pads 3. "
             "Maps: from zero to the maximum of each, by square root.");
  for (int64_t k = 0; k < FILTERS; ++k) {
    const int64_t x = LEFT + (k + 1) * STEP, centre = x + CELL / 2;
    const image taps = {1, SIZE, SIZE, maps->weights + k * SIZE * SIZE};
    const float reach = largest_of(taps.values, SIZE * SIZE);
    sheet_text_centred(paper, centre, TOP - 46, 2, sheet_bright, bank[k].name);
    sheet_text_centred(paper, centre, TOP - 24, 2, sheet_dim, bank[k].detail);
    sheet_image(paper, x, TOP, CELL / SIZE, &taps, (range){-reach, reach}, palette_signed);
  }
  draw_scale(paper, TOP + 6, palette_signed, "-", "+");
  draw_scale(paper, TOP + 66, palette_heat, "0", "max");
  sheet_text(paper, MARGIN, TOP + CELL / 2 - 9, 2, sheet_dim, "filter");
}

/* A class's name, its picture and the picture's maps. */
static void draw_row(sheet *paper, int64_t kind, const float *pictures, const feature_maps *maps)
{
  const int64_t y = TOP + (kind + 1) * STEP;
  const image picture = {1, PIXELS, PIXELS, pictures + kind * AREA};
  sheet_text(paper, MARGIN, y + CELL / 2 - 9, 2, sheet_bright, fashion_names[kind]);
  sheet_image(paper, LEFT, y, SCALE, &picture, (range){0, 1}, palette_grey);
  for (int64_t k = 0; k < FILTERS; ++k) {
    const int64_t area = maps->height * maps->width;
    const image map = {1, maps->height, maps->width, maps->values + (kind * FILTERS + k) * area};
    sheet_image(paper, LEFT + (k + 1) * STEP, y, SCALE, &map,
                (range){0, largest_of(map.values, area)}, palette_heat);
  }
}

static bool draw_sheet(const float *pictures, const feature_maps *maps, const char *path)
{
  sheet paper;
  const int64_t width = LEFT + (FILTERS + 1) * STEP + MARGIN - (STEP - CELL);
  const int64_t height = TOP + (CLASSES + 1) * STEP + MARGIN - (STEP - CELL);
  if (!sheet_create(&paper, width, height))
    return false;
  draw_head(&paper, maps);
  for (int64_t kind = 0; kind < CLASSES; ++kind)
    draw_row(&paper, kind, pictures, maps);
  const bool good = png_write(path, &paper);
  sheet_destroy(&paper);
  return good;
}

bool fashion_sheet(const char *images_path, const char *labels_path, const char *path)
{
  static float pictures[CLASSES * AREA];
  feature_maps maps;
  blasconv_problem problem = blasconv_problem_2d(CLASSES, 1, PIXELS, PIXELS, FILTERS, SIZE, SIZE);
  for (int32_t axis = 0; axis < 2; ++axis)
    problem.pads_begin[axis] = problem.pads_end[axis] = SIZE / 2;
  if (!read_pictures(images_path, labels_path, pictures) ||
      !maps_compute(&problem, bank, pictures, &maps))
    return false;
  const bool good = draw_sheet(pictures, &maps, path);
  maps_free(&maps);
  return good;
}
