/*
 * Pictures of what was learned.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "pictures.h"

#include "file.h"

#include <png_write.h>
#include <stdio.h>

int64_t pictures_said(const float *probabilities)
{
  int64_t said = 0;
  for (int64_t kind = 1; kind < FASHION_CLASSES; ++kind)
    if (probabilities[kind] > probabilities[said])
      said = kind;
  return said;
}

void pictures_draw_image(sheet *paper, int64_t x, int64_t y, int64_t scale, const data_set *set,
                         int64_t index)
{
  float pixels[FASHION_AREA];
  for (int64_t i = 0; i < FASHION_AREA; ++i)
    pixels[i] = set->images.values[index * FASHION_AREA + i];
  const image picture = {1, FASHION_PIXELS, FASHION_PIXELS, pixels};
  sheet_image(paper, x, y, scale, &picture, (range){0, 255}, palette_grey);
}

bool pictures_finish(const char *path, sheet *paper)
{
  const bool good = png_write(path, paper);
  sheet_destroy(paper);
  return good;
}

static bool draw_all_maps(const char *folder, const data *all, const snapshot *before,
                          const snapshot *after)
{
  char name[32], path[FILE_PATH_SIZE];
  for (int64_t i = 0; i < after->convolutions; ++i) {
    snprintf(name, sizeof name, "feature_maps_%d.png", (int)i + 1);
    if (!file_join(folder, name, path) || !pictures_maps(path, all, i, before, after))
      return false;
  }
  return true;
}

bool pictures_draw(const char *folder, const data *all, const snapshot *before,
                   const snapshot *after, const float *probabilities)
{
  char filters[FILE_PATH_SIZE], confusion[FILE_PATH_SIZE], mistakes[FILE_PATH_SIZE];
  return file_join(folder, "filters.png", filters) &&
         file_join(folder, "confusion.png", confusion) &&
         file_join(folder, "mistakes.png", mistakes) && pictures_filters(filters, before, after) &&
         draw_all_maps(folder, all, before, after) &&
         pictures_confusion(confusion, &all->test, probabilities) &&
         pictures_mistakes(mistakes, &all->test, probabilities);
}
