/*
 * A colour picture under 20 filters of 3 channels: 20 stacked maps.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "maps.h"
#include "scene.h"

#include <png_write.h>
#include <sheet.h>
#include <stdio.h>

enum { FILTERS = 20, CHANNELS = 3, SIZE = 9, AREA = SCENE_WIDTH * SCENE_HEIGHT };

/* Each is a pattern times weights of red, green and blue. Weights that sum to zero are blind to
 * greys; a balanced pattern is blind to even areas of any colour. */
static const feature_filter bank[FILTERS] = {
    {"light edge", "0 deg", filter_edge, 0, true, {1, 1, 1}, -0.01f},
    {"light edge", "45 deg", filter_edge, 45, true, {1, 1, 1}, -0.01f},
    {"light edge", "90 deg", filter_edge, 90, true, {1, 1, 1}, -0.01f},
    {"light edge", "135 deg", filter_edge, 135, true, {1, 1, 1}, -0.01f},
    {"smooth light", "", filter_gaussian, 0, false, {1, 1, 1}, 0},
    {"light bar", "0 deg", filter_bar, 0, true, {1, 1, 1}, -0.01f},
    {"light bar", "45 deg", filter_bar, 45, true, {1, 1, 1}, -0.01f},
    {"light bar", "90 deg", filter_bar, 90, true, {1, 1, 1}, -0.01f},
    {"light bar", "135 deg", filter_bar, 135, true, {1, 1, 1}, -0.01f},
    {"plaid", "", filter_plaid, 0, true, {1, 1, 1}, -0.01f},
    {"green-red edge", "0 deg", filter_edge, 0, true, {1, -1, 0}, -0.01f},
    {"green-red edge", "90 deg", filter_edge, 90, true, {1, -1, 0}, -0.01f},
    {"yellow-blue edge", "0 deg", filter_edge, 0, true, {-1, -1, 2}, -0.01f},
    {"yellow-blue edge", "90 deg", filter_edge, 90, true, {-1, -1, 2}, -0.01f},
    {"bright spot", "", filter_spot, 0, true, {1, 1, 1}, -0.01f},
    {"red blob", "", filter_gaussian, 0, false, {2, -1, -1}, -0.02f},
    {"green blob", "", filter_gaussian, 0, false, {-1, 2, -1}, -0.02f},
    {"blue blob", "", filter_gaussian, 0, false, {-1, -1, 2}, -0.02f},
    {"yellow blob", "", filter_gaussian, 0, false, {1, 1, -2}, -0.02f},
    {"dark spot", "", filter_spot, 0, true, {-1, -1, -1}, -0.01f}};

/* Where things stand on the sheet, in pixels: the picture's column, then five columns of maps. */
enum {
  SCALE = 2,
  FILTER_SCALE = 5,
  COLUMNS = 5,
  ROWS = FILTERS / COLUMNS,
  CAPTION = 56,
  STEP_X = SCENE_WIDTH * SCALE + 16,
  STEP_Y = SCENE_HEIGHT * SCALE + CAPTION + 20,
  MARGIN = 28,
  TOP = 124 /* of the first row's captions */
};

/* The picture, and its three channels below it. */
static void draw_picture(sheet *paper, const float *picture)
{
  static const char *const names[CHANNELS] = {"red channel", "green channel", "blue channel"};
  static const palette palettes[CHANNELS] = {palette_of_red, palette_of_green, palette_of_blue};
  const image whole = {CHANNELS, SCENE_HEIGHT, SCENE_WIDTH, picture};
  const range shown = {0, 1};
  sheet_text(paper, MARGIN, TOP + CAPTION - 26, 2, sheet_bright, "input picture");
  sheet_image(paper, MARGIN, TOP + CAPTION, SCALE, &whole, shown, palette_of_rgb);
  for (int64_t channel = 0; channel < CHANNELS; ++channel) {
    const image plane = {1, SCENE_HEIGHT, SCENE_WIDTH, picture + channel * AREA};
    const int64_t y = TOP + (channel + 1) * STEP_Y + CAPTION;
    sheet_text(paper, MARGIN, y - 26, 2, sheet_bright, names[channel]);
    sheet_image(paper, MARGIN, y, SCALE, &plane, shown, palettes[channel]);
  }
}

/* A map where its pixels lie over the input's, the filter and its name above it. */
static void draw_map(sheet *paper, int64_t k, const feature_maps *maps)
{
  const int64_t inset = SIZE / 2 * SCALE, area = maps->height * maps->width;
  const int64_t x = MARGIN + (k % COLUMNS + 1) * STEP_X + inset, y = TOP + k / COLUMNS * STEP_Y;
  const int64_t text_x = x + SIZE * FILTER_SCALE + 12;
  const image taps = {CHANNELS, SIZE, SIZE, maps->weights + k * CHANNELS * SIZE * SIZE};
  const image map = {1, maps->height, maps->width, maps->values + k * area};
  const float reach = largest_of(taps.values, CHANNELS * SIZE * SIZE);
  const float peak = largest_of(map.values, area);
  char name[64], detail[64];
  snprintf(name, sizeof name, "%d %s", (int)k + 1, bank[k].name);
  snprintf(detail, sizeof detail, "%s%smax %.2f", bank[k].detail, *bank[k].detail ? ", " : "",
           (double)peak);
  sheet_image(paper, x, y + inset, FILTER_SCALE, &taps, (range){-reach, reach}, palette_of_rgb);
  sheet_text(paper, text_x, y + inset + 2, 2, sheet_bright, name);
  sheet_text(paper, text_x, y + inset + 25, 2, sheet_dim, detail);
  sheet_image(paper, x, y + CAPTION + inset, SCALE, &map, (range){0, peak}, palette_heat);
}

static bool draw_sheet(const float *picture, const feature_maps *maps, const char *path)
{
  sheet paper;
  const int64_t width = 2 * MARGIN + COLUMNS * STEP_X + SCENE_WIDTH * SCALE;
  const int64_t height = TOP + ROWS * STEP_Y + MARGIN - 20;
  if (!sheet_create(&paper, width, height))
    return false;
  sheet_text(&paper, MARGIN, MARGIN, 3, sheet_bright,
             "20 filters over a 3-channel picture: 20 maps");
  sheet_text(&paper, MARGIN, MARGIN + 38, 2, sheet_dim,
             "ReLU(picture * filter + bias) by blasconv, weights 20 x 3 x 9 x 9, no pads. "
             "Filters: grey is zero. Maps: from zero to the maximum of each, by square root.");
  draw_picture(&paper, picture);
  for (int64_t k = 0; k < FILTERS; ++k)
    draw_map(&paper, k, maps);
  const bool good = png_write(path, &paper);
  sheet_destroy(&paper);
  return good;
}

bool colour_sheet(const char *path)
{
  static float picture[CHANNELS * AREA];
  feature_maps maps;
  const blasconv_problem problem =
      blasconv_problem_2d(1, CHANNELS, SCENE_HEIGHT, SCENE_WIDTH, FILTERS, SIZE, SIZE);
  scene_render(picture);
  if (!maps_compute(&problem, bank, picture, &maps))
    return false;
  const bool good = draw_sheet(picture, &maps, path);
  maps_free(&maps);
  return good;
}
