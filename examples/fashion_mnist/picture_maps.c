/*
 * What a convolution makes of some test pictures, before the training and after it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "pictures.h"

#include <math.h>
#include <stdio.h>

/* Where things stand on the sheet, in pixels. */
enum {
  MARGIN = 28,
  TOP = 132,
  CELL = 84,
  COLUMN = CELL + 8,
  HALF = CELL + 6,          /* from the row before the training to that after it */
  PAIR = 2 * HALF + 18,     /* from picture to picture */
  LEFT = MARGIN + 168 + 96, /* of the first map: behind the picture and the names of the rows */
  MOST = 16
};

static int64_t shown_maps(const snapshot_maps *maps)
{
  return maps->channels < MOST ? maps->channels : MOST;
}

static const float *map_of(const snapshot_maps *maps, int64_t picture, int64_t channel)
{
  return maps->values + (picture * maps->channels + channel) * maps->height * maps->width;
}

/* The largest value of a channel over all pictures, so that its maps can be compared. */
static float reach_of(const snapshot_maps *maps, int64_t channel)
{
  float reach = 0;
  for (int64_t picture = 0; picture < SNAPSHOT_PICTURES; ++picture)
    reach = fmaxf(reach, largest_of(map_of(maps, picture, channel), maps->height * maps->width));
  return reach;
}

static void draw_row(sheet *paper, int64_t y, const char *name, int64_t picture,
                     const snapshot_maps *maps)
{
  sheet_text(paper, LEFT - 12 - sheet_text_width(name, 2), y + CELL / 2 - 9, 2, sheet_dim, name);
  for (int64_t channel = 0; channel < shown_maps(maps); ++channel) {
    const image map = {1, maps->height, maps->width, map_of(maps, picture, channel)};
    sheet_image(paper, LEFT + channel * COLUMN, y, CELL / maps->height, &map,
                (range){0, reach_of(maps, channel)}, palette_heat);
  }
}

static void draw_pair(sheet *paper, const data_set *set, int64_t index, int64_t picture,
                      const snapshot_maps *before, const snapshot_maps *after)
{
  const int64_t y = TOP + picture * PAIR;
  pictures_draw_image(paper, MARGIN, y, 5, set, index);
  sheet_text(paper, MARGIN, y + 5 * FASHION_PIXELS + 8, 2, sheet_bright,
             fashion_names[set->labels.values[index]]);
  draw_row(paper, y, "before", picture, before);
  draw_row(paper, y + HALF, "after", picture, after);
}

static void draw_head(sheet *paper, int64_t index, const snapshot_maps *maps)
{
  char text[128];
  snprintf(text, sizeof text, "Feature maps of convolution %d", (int)index + 1);
  sheet_text(paper, MARGIN, MARGIN, 3, sheet_bright, text);
  snprintf(text, sizeof text,
           "%d of %d maps of %d x %d pixels, before the training and after it. "
           "Black is 0, white the largest of the column.",
           (int)shown_maps(maps), (int)maps->channels, (int)maps->height, (int)maps->width);
  sheet_text(paper, MARGIN, MARGIN + 36, 2, sheet_dim, text);
  for (int64_t channel = 0; channel < shown_maps(maps); ++channel) {
    snprintf(text, sizeof text, "%d", (int)channel + 1);
    sheet_text_centred(paper, LEFT + channel * COLUMN + CELL / 2, TOP - 26, 2, sheet_dim, text);
  }
}

bool pictures_maps(const char *path, const data *all, int64_t index, const snapshot *before,
                   const snapshot *after)
{
  int64_t chosen[SNAPSHOT_PICTURES];
  const snapshot_maps *maps = &after->maps[index];
  const int64_t columns = shown_maps(maps) > 12 ? shown_maps(maps) : 12; /* the title is as wide */
  sheet paper;
  if (!sheet_create(&paper, LEFT + columns * COLUMN + MARGIN - (COLUMN - CELL),
                    TOP + SNAPSHOT_PICTURES * PAIR + 4))
    return false;
  draw_head(&paper, index, maps);
  snapshot_choose(all, chosen);
  for (int64_t picture = 0; picture < SNAPSHOT_PICTURES; ++picture)
    draw_pair(&paper, &all->test, chosen[picture], picture, &before->maps[index], maps);
  return pictures_finish(path, &paper);
}
