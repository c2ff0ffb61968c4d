/*
 * The worst mistakes: the pictures whose true class got the lowest probabilities.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "pictures.h"

#include <stdio.h>

/* Where things stand on the sheet, in pixels. */
enum {
  MARGIN = 28,
  TOP = 112,
  SCALE = 6,
  CELL = SCALE * FASHION_PIXELS,
  COLUMN = CELL + 44, /* a line of text is wider than a picture */
  ROW = CELL + 106,
  COLUMNS = 6,
  ROWS = 4,
  MOST = COLUMNS * ROWS
};

static float chance_of_truth(const data_set *set, const float *probabilities, int64_t index)
{
  return probabilities[index * FASHION_CLASSES + set->labels.values[index]];
}

/* Puts a picture into its place among the worst so far, worst [count]; the last one may fall out.
 */
static int64_t insert(const data_set *set, const float *probabilities, int64_t index,
                      int64_t *worst, int64_t count)
{
  const float chance = chance_of_truth(set, probabilities, index);
  int64_t place = count < MOST ? count : MOST;
  while (place > 0 && chance < chance_of_truth(set, probabilities, worst[place - 1])) {
    if (place < MOST)
      worst[place] = worst[place - 1];
    --place;
  }
  if (place < MOST)
    worst[place] = index;
  return count < MOST ? count + 1 : MOST;
}

/* Finds the worst mistakes, worst [MOST], and returns how many there are. */
static int64_t find_worst(const data_set *set, const float *probabilities, int64_t *worst)
{
  int64_t count = 0;
  for (int64_t i = 0; i < set->count; ++i)
    if (pictures_said(probabilities + i * FASHION_CLASSES) != set->labels.values[i])
      count = insert(set, probabilities, i, worst, count);
  return count;
}

/* A class and its probability. */
static void draw_line(sheet *paper, int64_t x, int64_t y, colour ink, const char *what,
                      int64_t kind, float probability)
{
  char text[64];
  snprintf(text, sizeof text, "%s%s", what, fashion_names[kind]);
  sheet_text(paper, x, y, 2, ink, text);
  snprintf(text, sizeof text, probability < 0.0001f ? "%.5f %%" : "%.2f %%",
           100 * (double)probability);
  sheet_text(paper, x, y + 20, 2, sheet_dim, text);
}

static void draw_mistake(sheet *paper, int64_t place, const data_set *set,
                         const float *probabilities, int64_t index)
{
  static const colour wrong = {255, 120, 110};
  const float *chances = probabilities + index * FASHION_CLASSES;
  const int64_t x = MARGIN + place % COLUMNS * COLUMN, y = TOP + place / COLUMNS * ROW;
  const int64_t said = pictures_said(chances), truth = set->labels.values[index];
  pictures_draw_image(paper, x, y, SCALE, set, index);
  draw_line(paper, x, y + CELL + 6, wrong, "said ", said, chances[said]);
  draw_line(paper, x, y + CELL + 48, sheet_bright, "is ", truth, chances[truth]);
}

bool pictures_mistakes(const char *path, const data_set *set, const float *probabilities)
{
  int64_t worst[MOST];
  sheet paper;
  const int64_t count = find_worst(set, probabilities, worst);
  if (!sheet_create(&paper, MARGIN + COLUMNS * COLUMN, TOP + ROWS * ROW + 8))
    return false;
  sheet_text(&paper, MARGIN, MARGIN, 3, sheet_bright, "The worst mistakes");
  sheet_text(&paper, MARGIN, MARGIN + 38, 2, sheet_dim,
             "What the network said, what the label says, and the probabilities it gave to both.");
  for (int64_t place = 0; place < count; ++place)
    draw_mistake(&paper, place, set, probabilities, worst[place]);
  return pictures_finish(path, &paper);
}
