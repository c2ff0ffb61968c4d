/*
 * The filters of the first layer, before the training and after it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "pictures.h"

#include <math.h>
#include <stdio.h>

/* Where things stand on the sheet, in pixels. */
enum {
  MARGIN = 28,
  TOP = 148,
  CELL = 100, /* at most; a filter is drawn as large as fits */
  COLUMN = CELL + 16,
  ROW = CELL + 34,
  BETWEEN = 40, /* the two blocks */
  MOST = 32
};

/* How the filters are laid out: the same in both blocks. */
typedef struct layout {
  int64_t shown, columns, rows, scale, width; /* of a block */
} layout;

static layout lay_out(const snapshot *seen)
{
  layout plan = {.shown = seen->filters < MOST ? seen->filters : MOST};
  plan.columns = (int64_t)ceil(sqrt((double)plan.shown));
  plan.rows = (plan.shown + plan.columns - 1) / plan.columns;
  plan.scale = CELL / seen->size;
  plan.width = plan.columns * COLUMN - (COLUMN - CELL);
  return plan;
}

static double norm_of(const image *taps)
{
  double sum = 0;
  for (int64_t i = 0; i < taps->height * taps->width; ++i)
    sum += (double)taps->values[i] * taps->values[i];
  return sqrt(sum);
}

/* A filter, and under it the class that it speaks for or else its norm. */
static void draw_filter(sheet *paper, int64_t x, int64_t y, int64_t scale, const snapshot *seen,
                        int64_t index)
{
  char norm[32];
  const image taps = {1, seen->size, seen->size, seen->weights + index * seen->size * seen->size};
  const float reach = largest_of(taps.values, seen->size * seen->size);
  sheet_image(paper, x, y, scale, &taps, (range){-reach, reach}, palette_signed);
  snprintf(norm, sizeof norm, "%.2f", norm_of(&taps));
  const bool templates = seen->filters == FASHION_CLASSES;
  sheet_text_centred(paper, x + seen->size * scale / 2, y + seen->size * scale + 8,
                     templates ? 1 : 2, sheet_dim, templates ? fashion_names[index] : norm);
}

static void draw_block(sheet *paper, int64_t x, const char *title, const layout *plan,
                       const snapshot *seen)
{
  sheet_text(paper, x, TOP - 30, 2, sheet_bright, title);
  for (int64_t i = 0; i < plan->shown; ++i)
    draw_filter(paper, x + i % plan->columns * COLUMN, TOP + i / plan->columns * ROW, plan->scale,
                seen, i);
}

static void describe(const snapshot *seen, const layout *plan, char *text, size_t size)
{
  if (seen->filters == FASHION_CLASSES)
    snprintf(text, size, "A template of %d x %d weights for each class.", (int)seen->size,
             (int)seen->size);
  else
    snprintf(text, size, "%d of %d, %d x %d weights each, with their norms.", (int)plan->shown,
             (int)seen->filters, (int)seen->size, (int)seen->size);
}

bool pictures_filters(const char *path, const snapshot *before, const snapshot *after)
{
  char text[96];
  sheet paper;
  const layout plan = lay_out(after);
  if (!sheet_create(&paper, 2 * MARGIN + 2 * plan.width + BETWEEN,
                    TOP + plan.rows * ROW + MARGIN - 10))
    return false;
  sheet_text(&paper, MARGIN, MARGIN, 3, sheet_bright, "Filters of the first layer");
  describe(after, &plan, text, sizeof text);
  sheet_text(&paper, MARGIN, MARGIN + 36, 2, sheet_dim, text);
  sheet_text(&paper, MARGIN, MARGIN + 58, 2, sheet_dim,
             "Blue: below zero, white: zero, red: above; each to its own maximum.");
  draw_block(&paper, MARGIN, "before training", &plan, before);
  draw_block(&paper, MARGIN + plan.width + BETWEEN, "after", &plan, after);
  return pictures_finish(path, &paper);
}
