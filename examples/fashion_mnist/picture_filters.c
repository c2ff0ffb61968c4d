/*
 * The filters of the first layer before the training, after it, and the difference.
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
  GAP_X = 16, /* between filters */
  GAP_Y = 34,
  BETWEEN = 40, /* the blocks */
  BLOCKS = 3,
  MOST = 25
};

/* How the filters are laid out: the same in all blocks. */
typedef struct layout {
  bool templates; /* a filter a class, with its name below */
  int64_t shown, columns, rows;
  int64_t cell, scale; /* a filter is drawn as large as fits into a cell */
  int64_t width;       /* of a block */
} layout;

static layout lay_out(const snapshot *seen)
{
  layout plan = {.templates = seen->filters == FASHION_CLASSES,
                 .shown = seen->filters < MOST ? seen->filters : MOST};
  plan.columns = plan.templates ? 5 : (int64_t)ceil(sqrt((double)plan.shown));
  plan.rows = (plan.shown + plan.columns - 1) / plan.columns;
  plan.cell = plan.templates ? 140 : 100;
  plan.scale = plan.cell / seen->size;
  plan.width = plan.columns * (plan.cell + GAP_X) - GAP_X;
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
static void draw_filter(sheet *paper, int64_t x, int64_t y, const layout *plan, int64_t index,
                        const image *taps)
{
  char norm[32];
  const float reach = largest_of(taps->values, taps->height * taps->width);
  const int64_t extent = taps->width * plan->scale;
  sheet_image(paper, x, y, plan->scale, taps, (range){-reach, reach}, palette_signed);
  snprintf(norm, sizeof norm, "%.2f", norm_of(taps));
  sheet_text_centred(paper, x + extent / 2, y + extent + 8, 2, sheet_dim,
                     plan->templates ? fashion_names[index] : norm);
}

/* A block of filters: those of `seen`, less those of `less` unless that is NULL. */
static void draw_block(sheet *paper, int64_t block, const char *title, const layout *plan,
                       const snapshot *seen, const snapshot *less)
{
  float values[FASHION_AREA];
  const int64_t area = seen->size * seen->size;
  const int64_t left = MARGIN + block * (plan->width + BETWEEN);
  const image taps = {1, seen->size, seen->size, values};
  sheet_text(paper, left, TOP - 30, 2, sheet_bright, title);
  for (int64_t i = 0; i < plan->shown; ++i) {
    for (int64_t tap = 0; tap < area; ++tap)
      values[tap] = seen->weights[i * area + tap] - (less ? less->weights[i * area + tap] : 0);
    draw_filter(paper, left + i % plan->columns * (plan->cell + GAP_X),
                TOP + i / plan->columns * (plan->cell + GAP_Y), plan, i, &taps);
  }
}

static void describe(const snapshot *seen, const layout *plan, char *text, size_t size)
{
  if (plan->templates)
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
  if (!sheet_create(&paper, 2 * MARGIN + BLOCKS * (plan.width + BETWEEN) - BETWEEN,
                    TOP + plan.rows * (plan.cell + GAP_Y) + MARGIN - 10))
    return false;
  sheet_text(&paper, MARGIN, MARGIN, 3, sheet_bright, "Filters of the first layer");
  describe(after, &plan, text, sizeof text);
  sheet_text(&paper, MARGIN, MARGIN + 36, 2, sheet_dim, text);
  sheet_text(&paper, MARGIN, MARGIN + 58, 2, sheet_dim,
             "Blue is below zero, white zero, red above, each to its own maximum.");
  draw_block(&paper, 0, "before training", &plan, before, NULL);
  draw_block(&paper, 1, "after", &plan, after, NULL);
  draw_block(&paper, 2, "the change", &plan, after, before);
  return pictures_finish(path, &paper);
}
