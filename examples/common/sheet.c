/*
 * A sheet of paper to draw on.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sheet.h"

#include "font.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const colour sheet_bright = {236, 238, 244};
const colour sheet_dim = {150, 157, 172};
static const colour background = {20, 22, 28};

static const colour black = {0, 0, 0};
static const colour white = {255, 255, 255};
static const colour red = {255, 70, 60};
static const colour green = {70, 225, 90};
static const colour blue = {80, 140, 255};

static uint8_t mix_component(uint8_t from, uint8_t to, float t)
{
  return (uint8_t)lroundf((float)from + t * (float)(to - from));
}

/* The colour at t, in [0, 1], of the way between two. */
static colour mix(colour from, colour to, float t)
{
  return (colour){mix_component(from.red, to.red, t), mix_component(from.green, to.green, t),
                  mix_component(from.blue, to.blue, t)};
}

/* The colour at t of the way past equally spaced stops [count]. */
static colour mix_stops(const colour *stops, int64_t count, float t)
{
  const float position = t * (float)(count - 1);
  const int64_t first = t < 1 ? (int64_t)position : count - 2;
  return mix(stops[first], stops[first + 1], position - (float)first);
}

colour palette_grey(const float *levels)
{
  return mix(black, white, levels[0]);
}

colour palette_heat(const float *levels)
{
  static const colour stops[] = {{6, 6, 16},    {62, 18, 92},   {150, 34, 98},
                                 {226, 84, 52}, {252, 176, 58}, {255, 250, 214}};
  return mix_stops(stops, sizeof stops / sizeof stops[0], sqrtf(levels[0]));
}

colour palette_signed(const float *levels)
{
  static const colour stops[] = {
      {22, 72, 170}, {120, 170, 232}, {248, 248, 248}, {240, 150, 110}, {186, 28, 40}};
  return mix_stops(stops, sizeof stops / sizeof stops[0], levels[0]);
}

colour palette_of_rgb(const float *levels)
{
  return (colour){mix_component(0, 255, levels[0]), mix_component(0, 255, levels[1]),
                  mix_component(0, 255, levels[2])};
}

colour palette_of_red(const float *levels)
{
  return mix(black, red, levels[0]);
}

colour palette_of_green(const float *levels)
{
  return mix(black, green, levels[0]);
}

colour palette_of_blue(const float *levels)
{
  return mix(black, blue, levels[0]);
}

float largest_of(const float *values, int64_t count)
{
  float largest = 0;
  for (int64_t i = 0; i < count; ++i)
    largest = fmaxf(largest, fabsf(values[i]));
  return largest;
}

bool sheet_create(sheet *paper, int64_t width, int64_t height)
{
  paper->width = width;
  paper->height = height;
  paper->pixels = malloc((size_t)width * (size_t)height * sizeof(colour));
  if (paper->pixels == NULL) {
    fprintf(stderr, "out of memory for a picture\n");
    return false;
  }
  sheet_rectangle(paper, 0, 0, width, height, background);
  return true;
}

void sheet_destroy(sheet *paper)
{
  free(paper->pixels);
  paper->pixels = NULL;
}

static int64_t clamp(int64_t value, int64_t high)
{
  return value < 0 ? 0 : value > high ? high : value;
}

void sheet_rectangle(sheet *paper, int64_t x, int64_t y, int64_t width, int64_t height, colour ink)
{
  const int64_t right = clamp(x + width, paper->width), bottom = clamp(y + height, paper->height);
  for (int64_t row = clamp(y, paper->height); row < bottom; ++row)
    for (int64_t column = clamp(x, paper->width); column < right; ++column)
      paper->pixels[row * paper->width + column] = ink;
}

void sheet_image(sheet *paper, int64_t x, int64_t y, int64_t scale, const image *picture,
                 range shown, palette colours)
{
  const int64_t area = picture->height * picture->width;
  const float span = shown.high > shown.low ? shown.high - shown.low : 1;
  float levels[3] = {0};
  for (int64_t pixel = 0; pixel < area; ++pixel) {
    for (int64_t channel = 0; channel < picture->channels; ++channel) {
      const float value = picture->values[channel * area + pixel];
      levels[channel] = fminf(fmaxf((value - shown.low) / span, 0), 1);
    }
    const int64_t row = pixel / picture->width, column = pixel % picture->width;
    sheet_rectangle(paper, x + column * scale, y + row * scale, scale, scale, colours(levels));
  }
}

static void draw_letter(sheet *paper, int64_t x, int64_t y, int64_t scale, colour ink, char letter)
{
  for (int64_t row = 0; row < FONT_HEIGHT; ++row)
    for (int64_t column = 0; column < FONT_WIDTH; ++column)
      if (font_ink(letter, row, column))
        sheet_rectangle(paper, x + column * scale, y + row * scale, scale, scale, ink);
}

void sheet_text(sheet *paper, int64_t x, int64_t y, int64_t scale, colour ink, const char *text)
{
  for (; *text != '\0'; ++text, x += FONT_ADVANCE * scale)
    draw_letter(paper, x, y, scale, ink, *text);
}

int64_t sheet_text_width(const char *text, int64_t scale)
{
  const int64_t gap = FONT_ADVANCE - FONT_WIDTH;
  return ((int64_t)strlen(text) * FONT_ADVANCE - gap) * scale;
}

void sheet_text_centred(sheet *paper, int64_t x, int64_t y, int64_t scale, colour ink,
                        const char *text)
{
  sheet_text(paper, x - sheet_text_width(text, scale) / 2, y, scale, ink, text);
}
