/*
 * The same deep network trained from six kinds of first values: plain gradient descent, one rate
 * for all.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "deep.h"

#include <fashion.h>
#include <math.h>

enum { BATCH = 16, STEPS = 150, PICTURES = BATCH * STEPS, AVERAGED = 20 };

static const float rate = 0.02f;

/* Trains on each picture once. @param losses [STEPS] */
static void train(cnn *network, const lesson_pictures *pictures, double *losses)
{
  const blasconv_optimizer rule = blasconv_optimizer_of(BLASCONV_SGD, rate);
  for (int64_t step = 0; step < STEPS; ++step)
    cnn_step(network, pictures->values + step * BATCH * FASHION_AREA,
             pictures->labels + step * BATCH, &rule, INFINITY, &losses[step]);
}

static double mean_of_last(const double *losses)
{
  double sum = 0;
  for (int i = STEPS - AVERAGED; i < STEPS; ++i)
    sum += losses[i];
  return sum / AVERAGED;
}

/* The first step whose loss is no finite number; 0 if there is none. */
static int first_lost(const double *losses)
{
  for (int i = 0; i < STEPS; ++i)
    if (!isfinite(losses[i]))
      return i + 1;
  return 0;
}

static void print_way(const deep_way *way, const double *losses)
{
  const int lost = first_lost(losses);
  printf("%-8s first loss %9.4g, ", way->name, losses[0]);
  if (lost > 0)
    printf("no finite number from step %d on\n", lost);
  else
    printf("mean of the last %d steps %.3f\n", AVERAGED, mean_of_last(losses));
}

/* The filters of the first layer, a row a way. */
static void draw_filters(sheet *paper, int row, const char *name, const cnn *network)
{
  const cnn_view view = cnn_layer_view(network, 0);
  const float most = fmaxf(largest_of(view.weights, DEEP_FILTERS * 9), 1e-9f);
  const int64_t y = 24 + 64 * row;
  sheet_text(paper, 24, y + 14, 2, sheet_bright, name);
  if (!isfinite(view.weights[0])) {
    sheet_text(paper, 140, y + 14, 2, sheet_dim, "no finite numbers");
    return;
  }
  for (int64_t k = 0; k < DEEP_FILTERS; ++k) {
    const image filter = {1, 3, 3, view.weights + 9 * k};
    sheet_image(paper, 140 + 48 * k, y, 13, &filter, (range){-most, most}, palette_signed);
  }
}

static bool train_all(const lesson_pictures *pictures, sheet *paper,
                      double losses[DEEP_WAYS][STEPS])
{
  for (int way = 0; way < DEEP_WAYS; ++way) {
    cnn *network = NULL;
    if (!deep_create(&deep_ways[way], BATCH, &network))
      return false;
    train(network, pictures, losses[way]);
    print_way(&deep_ways[way], losses[way]);
    draw_filters(paper, way, deep_ways[way].name, network);
    cnn_destroy(network);
  }
  return true;
}

static bool write_csv(const lesson *here, double losses[DEEP_WAYS][STEPS])
{
  FILE *csv = lesson_open(here, "loss_curves.csv");
  if (csv == NULL)
    return false;
  fputs("step", csv);
  for (int way = 0; way < DEEP_WAYS; ++way)
    fprintf(csv, ",%s", deep_ways[way].name);
  for (int step = 0; step < STEPS; ++step) {
    fprintf(csv, "\n%d", step + 1);
    for (int way = 0; way < DEEP_WAYS; ++way)
      fprintf(csv, ",%.6g", losses[way][step]);
  }
  fputs("\n", csv);
  return lesson_close(here, "loss_curves.csv", csv);
}

bool lesson_loss_curves(const lesson *here)
{
  static double losses[DEEP_WAYS][STEPS];
  lesson_pictures pictures;
  sheet paper = {0};
  if (!deep_pictures(here, PICTURES, &pictures))
    return false;
  printf("%d steps of SGD, rate %g, %d pictures each\n", STEPS, (double)rate, BATCH);
  bool good = sheet_create(&paper, 140 + 48 * DEEP_FILTERS + 15, 24 + 64 * DEEP_WAYS) &&
              train_all(&pictures, &paper, losses) && write_csv(here, losses);
  lesson_pictures_free(&pictures);
  if (!good) {
    sheet_destroy(&paper);
    return false;
  }
  lesson_advise_plot(here, "loss_curves.gp");
  return lesson_save(here, "first_filters.png", &paper);
}
