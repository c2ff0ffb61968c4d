/*
 * What the lessons share.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "lesson.h"

#include <fashion.h>
#include <idx.h>
#include <math.h>
#include <png_write.h>
#include <stdlib.h>

enum { PATH_SIZE = 4096 };

void lesson_require(blasconv_status status, const char *doing)
{
  if (status == BLASCONV_SUCCESS)
    return;
  fprintf(stderr, "%s: %s\n", doing, blasconv_status_string(status));
  exit(EXIT_FAILURE);
}

float *lesson_floats(int64_t count)
{
  float *values = calloc((size_t)count, sizeof *values);
  lesson_require(values != NULL ? BLASCONV_SUCCESS : BLASCONV_OUT_OF_MEMORY, "a lesson's memory");
  return values;
}

void lesson_run(const blasconv_problem *problem, blasconv_pass pass,
                const blasconv_activation *activation, const blasconv_arguments *tensors)
{
  blasconv_plan *plan = NULL;
  blasconv_options options = blasconv_options_default();
  if (activation != NULL)
    options.activation = *activation;
  lesson_require(blasconv_plan_create(problem, pass, &options, &plan), "planning");
  lesson_require(blasconv_plan_execute(plan, tensors, NULL, 0), "executing a plan");
  blasconv_plan_destroy(plan);
}

void lesson_forward(const blasconv_problem *problem, blasconv_activation_kind activation,
                    const float *input, const float *weights, const float *bias, float *output)
{
  const blasconv_activation on_top = {activation, 0.0f};
  blasconv_arguments tensors = blasconv_arguments_none();
  tensors.input = input;
  tensors.weights = weights;
  tensors.bias = bias;
  tensors.output = output;
  lesson_run(problem, BLASCONV_FORWARD, &on_top, &tensors);
}

void lesson_print(const char *title, int64_t rows, int64_t columns, const float *values)
{
  puts(title);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column)
      printf("%5d", (int)values[row * columns + column]);
    puts("");
  }
}

double lesson_difference(int64_t count, const float *a, const float *b)
{
  double largest = 0;
  for (int64_t i = 0; i < count; ++i)
    largest = fmax(largest, fabs((double)a[i] - (double)b[i]));
  return largest;
}

void lesson_normal(blasconv_random *random, int64_t count, float *values)
{
  for (int64_t i = 0; i < count; ++i)
    values[i] = (float)blasconv_random_normal(random);
}

/* ---- files ---- */

static bool join(const char *folder, const char *name, char path[PATH_SIZE])
{
  const int length = snprintf(path, PATH_SIZE, "%s/%s", folder, name);
  if (length >= 0 && length < PATH_SIZE)
    return true;
  fprintf(stderr, "the name of a folder is too long\n");
  return false;
}

FILE *lesson_open(const lesson *here, const char *name)
{
  char path[PATH_SIZE];
  if (!join(here->folder, name, path))
    return NULL;
  FILE *file = fopen(path, "w");
  if (file == NULL)
    perror(path);
  return file;
}

bool lesson_close(const lesson *here, const char *name, FILE *file)
{
  const bool bad = ferror(file) != 0;
  if (fclose(file) != 0 || bad) {
    fprintf(stderr, "%s/%s: could not be written\n", here->folder, name);
    return false;
  }
  printf("wrote %s\n", name);
  return true;
}

bool lesson_save(const lesson *here, const char *name, sheet *paper)
{
  char path[PATH_SIZE];
  const bool good = join(here->folder, name, path) && png_write(path, paper);
  if (good)
    printf("wrote %s\n", name);
  sheet_destroy(paper);
  return good;
}

void lesson_advise_plot(const lesson *here, const char *script)
{
  printf("to plot it: gnuplot -e \"folder='%s'\" examples/learning/%s\n", here->folder, script);
}

/* ---- Fashion-MNIST ---- */

static bool read_files(const lesson *here, idx_array *images, idx_array *labels)
{
  char images_path[PATH_SIZE], labels_path[PATH_SIZE];
  if (!join(here->dataset, "train-images-idx3-ubyte.gz", images_path) ||
      !join(here->dataset, "train-labels-idx1-ubyte.gz", labels_path) ||
      !idx_read(images_path, 3, images))
    return false;
  if (idx_read(labels_path, 1, labels))
    return true;
  idx_free(images);
  return false;
}

static bool fit(const idx_array *images, const idx_array *labels, int64_t count)
{
  const bool good = images->extents[0] >= count && labels->extents[0] >= count &&
                    images->extents[1] == FASHION_PIXELS && images->extents[2] == FASHION_PIXELS;
  if (!good)
    fprintf(stderr, "these are not the pictures of Fashion-MNIST\n");
  return good;
}

bool lesson_pictures_read(const lesson *here, int64_t count, lesson_pictures *pictures)
{
  idx_array images, labels;
  if (!read_files(here, &images, &labels)) {
    fprintf(stderr, "This part of the lesson needs Fashion-MNIST and is left out.\n");
    fashion_advise();
    return false;
  }
  const bool good = fit(&images, &labels, count);
  if (good) {
    pictures->count = count;
    pictures->values = lesson_floats(count * FASHION_AREA);
    pictures->labels = calloc((size_t)count, sizeof *pictures->labels);
    lesson_require(pictures->labels != NULL ? BLASCONV_SUCCESS : BLASCONV_OUT_OF_MEMORY, "labels");
    for (int64_t i = 0; i < count * FASHION_AREA; ++i)
      pictures->values[i] = (float)images.values[i] / 255.0f;
    for (int64_t i = 0; i < count; ++i)
      pictures->labels[i] = labels.values[i];
  }
  idx_free(&images);
  idx_free(&labels);
  return good;
}

void lesson_pictures_free(lesson_pictures *pictures)
{
  free(pictures->values);
  free(pictures->labels);
  pictures->values = NULL;
  pictures->labels = NULL;
}
