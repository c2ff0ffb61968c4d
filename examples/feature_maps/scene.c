/*
 * A colour picture rendered by code: each thing in it is painted on every pixel, from the back to
 * the front, as far as the pixel lies within the thing.
 *
 * Shapes are signed distances in pixels, negative inside; the edge is one pixel wide, so that it is
 * smooth on the screen.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "scene.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct rgb {
  float red, green, blue;
} rgb;

static float clamp(float value, float low, float high)
{
  return fminf(fmaxf(value, low), high);
}

/* Paints a colour over another, where `distance` is negative. */
static rgb paint(rgb under, rgb over, float distance)
{
  const float cover = clamp(0.5f - distance, 0, 1);
  return (rgb){under.red + cover * (over.red - under.red),
               under.green + cover * (over.green - under.green),
               under.blue + cover * (over.blue - under.blue)};
}

static rgb mix(rgb from, rgb to, float t)
{
  return paint(from, to, 0.5f - t);
}

static rgb shade(rgb colour, float light)
{
  return (rgb){colour.red * light, colour.green * light, colour.blue * light};
}

static float disc(float x, float y, float centre_x, float centre_y, float radius)
{
  return hypotf(x - centre_x, y - centre_y) - radius;
}

static float box(float x, float y, float left, float top, float right, float bottom)
{
  return fmaxf(fmaxf(left - x, x - right), fmaxf(top - y, y - bottom));
}

/* Whether x falls into the even ones of stripes of a width. */
static bool stripe(float x, float width)
{
  return ((int)floorf(x / width) & 1) == 0;
}

static rgb sky(float x, float y)
{
  const rgb zenith = {0.22f, 0.45f, 0.86f}, horizon = {0.86f, 0.90f, 0.95f};
  const rgb sun = {1.0f, 0.88f, 0.35f}, cloud = {0.98f, 0.98f, 1.0f};
  rgb pixel = mix(zenith, horizon, y / 72);
  pixel = paint(pixel, sun, disc(x, y, 30, 24, 11));
  const float puffs =
      fminf(disc(x, y, 78, 20, 7), fminf(disc(x, y, 88, 17, 9), disc(x, y, 98, 21, 6)));
  return paint(pixel, cloud, fmaxf(puffs, y - 24));
}

static rgb hills(rgb pixel, float x, float y)
{
  const rgb far_hill = {0.48f, 0.47f, 0.66f}, near_hill = {0.30f, 0.48f, 0.36f};
  pixel = paint(pixel, far_hill, 50 - 9 * sinf(x / 17) - 5 * sinf(x / 7) - y);
  return paint(pixel, near_hill, 62 - 6 * sinf(x / 23 + 2) - y);
}

/* A balloon with upright stripes, its basket on two ropes. */
static rgb balloon(rgb pixel, float x, float y)
{
  const rgb red = {0.88f, 0.12f, 0.14f}, green = {0.10f, 0.62f, 0.22f};
  const rgb basket = {0.45f, 0.28f, 0.12f};
  const float ropes = fmaxf(fabsf(fabsf(x - 136) - 4) - 0.4f, box(x, y, 120, 38, 152, 50));
  pixel = paint(pixel, basket, fminf(ropes, box(x, y, 132, 49, 140, 55)));
  return paint(pixel, stripe(x - 133, 6) ? red : green, disc(x, y, 136, 24, 16));
}

/* Grass with fine slanted blades, and a lake with waves that grow longer towards the viewer. */
static rgb ground(rgb pixel, float x, float y)
{
  const rgb grass = {0.34f, 0.62f, 0.20f}, deep = {0.08f, 0.30f, 0.62f},
            foam = {0.50f, 0.76f, 0.92f};
  const float blades = 0.9f + 0.22f * sinf(1.9f * x + 1.2f * y) * sinf(0.35f * x - 0.2f * y);
  pixel = paint(pixel, shade(grass, blades), 74 - y);
  const float waves = 0.5f + 0.5f * sinf(3600 / (y - 46) + 1.2f * sinf(x / 9));
  const float shore = hypotf((x - 128) / 1.9f, (y - 112) / 0.75f) - 29;
  return paint(pixel, mix(deep, foam, waves), shore);
}

static rgb tree(rgb pixel, float x, float y, float root_x, float root_y, float size)
{
  const rgb bark = {0.36f, 0.22f, 0.12f}, leaves = {0.07f, 0.38f, 0.12f};
  const float crown = disc(x, y, root_x, root_y - 2 * size, size);
  const float light = 1 + 0.3f * sinf(0.9f * x + sinf(y)) * sinf(1.1f * y);
  pixel = paint(pixel, bark, box(x, y, root_x - 1.5f, root_y - 1.5f * size, root_x + 1.5f, root_y));
  return paint(pixel, shade(leaves, light), crown);
}

static rgb house(rgb pixel, float x, float y)
{
  const rgb brick = {0.76f, 0.34f, 0.24f}, mortar = {0.84f, 0.60f, 0.50f};
  const rgb roof = {0.34f, 0.18f, 0.22f}, door = {0.16f, 0.26f, 0.60f};
  const rgb pale = {0.90f, 0.90f, 0.96f}, dark = {0.42f, 0.44f, 0.56f};
  const float course = floorf((y - 70) / 4);
  const bool joint = fmodf(y - 70, 4) < 1 || fmodf(x + 4 * fmodf(course, 2), 8) < 1;
  pixel = paint(pixel, joint ? mortar : brick, box(x, y, 22, 70, 78, 108));
  pixel = paint(pixel, roof, fmaxf(fabsf(x - 50) * 0.62f + 50 - y, y - 72));
  pixel =
      paint(pixel, stripe(x - 29, 4) == stripe(y - 79, 4) ? pale : dark, box(x, y, 28, 78, 44, 94));
  return paint(pixel, door, box(x, y, 56, 84, 68, 108));
}

/* Poppies in rows on the grass, red on green. */
static rgb flowers(rgb pixel, float x, float y)
{
  const rgb poppy = {0.92f, 0.10f, 0.08f};
  const float near_x = x - 10 - 12 * clamp(roundf((x - 10) / 12), 0, 5);
  const float near_y = y - 115 - 8 * clamp(roundf((y - 115) / 8), 0, 1);
  return paint(pixel, poppy, hypotf(near_x, near_y) - 2);
}

static rgb scene(float x, float y)
{
  rgb pixel = hills(sky(x, y), x, y);
  pixel = balloon(pixel, x, y);
  pixel = ground(pixel, x, y);
  pixel = tree(pixel, x, y, 98, 94, 10);
  pixel = tree(pixel, x, y, 154, 84, 8);
  return flowers(house(pixel, x, y), x, y);
}

void scene_render(float *pixels)
{
  const ptrdiff_t area = SCENE_WIDTH * SCENE_HEIGHT;
  for (ptrdiff_t i = 0; i < area; ++i) {
    const rgb pixel = scene((float)(i % SCENE_WIDTH) + 0.5f, (float)(i / SCENE_WIDTH) + 0.5f);
    pixels[i] = clamp(pixel.red, 0, 1);
    pixels[area + i] = clamp(pixel.green, 0, 1);
    pixels[2 * area + i] = clamp(pixel.blue, 0, 1);
  }
}
