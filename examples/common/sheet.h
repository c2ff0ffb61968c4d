/*
 * A sheet of paper to draw on: images of floats through a palette, rectangles, text.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef COMMON_SHEET_H
#define COMMON_SHEET_H

#include <stdbool.h>
#include <stdint.h>

typedef struct colour {
  uint8_t red, green, blue;
} colour;

extern const colour sheet_bright; /**< of text */
extern const colour sheet_dim;    /**< of text beside it */

/** A picture in memory, to be given to sheet_destroy(). */
typedef struct sheet {
  int64_t width, height;
  colour *pixels; /**< [height][width] */
} sheet;

/** Pixels to draw: [channels][height][width]. */
typedef struct image {
  int64_t channels, height, width;
  const float *values;
} image;

/** The values that a palette's ends stand for. */
typedef struct range {
  float low, high;
} range;

/** A colour for the levels of a pixel's channels, each from 0 (low) to 1 (high). */
typedef colour (*palette)(const float *levels);

colour palette_grey(const float *levels);     /**< 1 channel: black to white */
colour palette_heat(const float *levels);     /**< 1 channel: black to near white, by square root */
colour palette_signed(const float *levels);   /**< 1 channel: blue, white at 1/2, red */
colour palette_of_rgb(const float *levels);   /**< 3 channels: red, green, blue */
colour palette_of_red(const float *levels);   /**< 1 channel: black to red */
colour palette_of_green(const float *levels); /**< 1 channel: black to green */
colour palette_of_blue(const float *levels);  /**< 1 channel: black to blue */

/** The largest of the values' absolute values. */
float largest_of(const float *values, int64_t count);

/** A blank dark sheet; says on stderr if there is no memory. */
bool sheet_create(sheet *paper, int64_t width, int64_t height);

void sheet_destroy(sheet *paper);

/** Fills a rectangle; what lies off the sheet is left out. */
void sheet_rectangle(sheet *paper, int64_t x, int64_t y, int64_t width, int64_t height, colour ink);

/** Draws an image, each of its pixels as a square of `scale` pixels. */
void sheet_image(sheet *paper, int64_t x, int64_t y, int64_t scale, const image *picture,
                 range shown, palette colours);

/** Writes a line of text, its upper left corner at (x, y), each dot a square of `scale` pixels. */
void sheet_text(sheet *paper, int64_t x, int64_t y, int64_t scale, colour ink, const char *text);

/** The same, centred on x. */
void sheet_text_centred(sheet *paper, int64_t x, int64_t y, int64_t scale, colour ink,
                        const char *text);

/** The width of a line of text at a scale. */
int64_t sheet_text_width(const char *text, int64_t scale);

#endif
