/*
 * The confusion matrix: a row a class, a column what it was taken for.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "pictures.h"

#include <stdio.h>

enum { CLASSES = FASHION_CLASSES };

/* Where things stand on the sheet, in pixels. */
enum {
  MARGIN = 28,
  LEFT = MARGIN + 152, /* of the first column */
  TOP = 152,
  WIDTH = 138, /* of a cell, as wide as the longest name */
  HEIGHT = 58,
  GAP = 4,
  RECALL = LEFT + CLASSES * (WIDTH + GAP) + 16,
  PRECISION = TOP + CLASSES * (HEIGHT + GAP) + 14
};

typedef struct confusion {
  int64_t counts[CLASSES][CLASSES]; /* [true class][what was said] */
  int64_t of_class[CLASSES], said[CLASSES], right, all;
} confusion;

static confusion count(const data_set *set, const float *probabilities)
{
  confusion result = {.all = set->count};
  for (int64_t i = 0; i < set->count; ++i) {
    const int64_t truth = set->labels.values[i];
    const int64_t said = pictures_said(probabilities + i * CLASSES);
    ++result.counts[truth][said];
    ++result.of_class[truth];
    ++result.said[said];
    result.right += truth == said;
  }
  return result;
}

static double share(int64_t part, int64_t whole)
{
  return whole > 0 ? (double)part / (double)whole : 0;
}

static void draw_cell(sheet *paper, int64_t truth, int64_t said, const confusion *matrix)
{
  static const colour dark = {20, 22, 28};
  char text[24];
  const int64_t x = LEFT + said * (WIDTH + GAP), y = TOP + truth * (HEIGHT + GAP);
  const int64_t number = matrix->counts[truth][said];
  const float level = (float)share(number, matrix->of_class[truth]);
  snprintf(text, sizeof text, "%lld", (long long)number);
  sheet_rectangle(paper, x, y, WIDTH, HEIGHT, palette_heat(&level));
  sheet_text_centred(paper, x + WIDTH / 2, y + HEIGHT / 2 - 7, 2,
                     level > 0.4f ? dark
                     : number > 0 ? sheet_bright
                                  : sheet_dim,
                     text);
}

static void draw_share(sheet *paper, int64_t x, int64_t y, double part)
{
  char text[24];
  snprintf(text, sizeof text, "%.1f %%", 100 * part);
  sheet_text_centred(paper, x + WIDTH / 2, y + HEIGHT / 2 - 7, 2, sheet_bright, text);
}

static void draw_class(sheet *paper, int64_t kind, const confusion *matrix)
{
  const int64_t x = LEFT + kind * (WIDTH + GAP), y = TOP + kind * (HEIGHT + GAP);
  const char *name = fashion_names[kind];
  for (int64_t said = 0; said < CLASSES; ++said)
    draw_cell(paper, kind, said, matrix);
  sheet_text(paper, LEFT - 14 - sheet_text_width(name, 2), y + HEIGHT / 2 - 7, 2, sheet_bright,
             name);
  sheet_text_centred(paper, x + WIDTH / 2, TOP - 28, 2, sheet_bright, name);
  draw_share(paper, RECALL, y, share(matrix->counts[kind][kind], matrix->of_class[kind]));
  draw_share(paper, x, PRECISION, share(matrix->counts[kind][kind], matrix->said[kind]));
}

static void draw_head(sheet *paper, const confusion *matrix)
{
  char text[96];
  snprintf(text, sizeof text, "%lld of %lld test pictures are right: %.2f %%",
           (long long)matrix->right, (long long)matrix->all,
           100 * share(matrix->right, matrix->all));
  sheet_text(paper, MARGIN, MARGIN, 3, sheet_bright, text);
  sheet_text(
      paper, MARGIN, MARGIN + 38, 2, sheet_dim,
      "Row: what a picture shows. Column: what the network said. Recall: the share of the row "
      "that is right, precision: of the column.");
  sheet_text_centred(paper, RECALL + WIDTH / 2, TOP - 28, 2, sheet_dim, "recall");
  sheet_text(paper, LEFT - 14 - sheet_text_width("precision", 2), PRECISION + HEIGHT / 2 - 7, 2,
             sheet_dim, "precision");
}

bool pictures_confusion(const char *path, const data_set *set, const float *probabilities)
{
  const confusion matrix = count(set, probabilities);
  sheet paper;
  if (!sheet_create(&paper, RECALL + WIDTH + MARGIN, PRECISION + HEIGHT + MARGIN / 2))
    return false;
  draw_head(&paper, &matrix);
  for (int64_t kind = 0; kind < CLASSES; ++kind)
    draw_class(&paper, kind, &matrix);
  return pictures_finish(path, &paper);
}
