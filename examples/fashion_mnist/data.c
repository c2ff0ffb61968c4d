/*
 * Fashion-MNIST in memory, and batches of it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "data.h"

#include "file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

static int64_t pixel_count(const data_set *set)
{
  return set->count * FASHION_AREA;
}

/* The files of a set of that name: "train" or "t10k". */
static bool read_files(const char *folder, const char *name, data_set *set)
{
  char file[64], images[FILE_PATH_SIZE], labels[FILE_PATH_SIZE];
  snprintf(file, sizeof file, "%s-images-idx3-ubyte.gz", name);
  if (!file_join(folder, file, images))
    return false;
  snprintf(file, sizeof file, "%s-labels-idx1-ubyte.gz", name);
  return file_join(folder, file, labels) && idx_read(images, 3, &set->images) &&
         idx_read(labels, 1, &set->labels);
}

static bool check(const char *folder, const char *name, const data_set *set)
{
  const int64_t *extents = set->images.extents, labels = set->labels.extents[0];
  if (extents[1] != FASHION_PIXELS || extents[2] != FASHION_PIXELS) {
    fprintf(stderr, "%s: the pictures of %s have %lld x %lld pixels instead of 28 x 28\n", folder,
            name, (long long)extents[1], (long long)extents[2]);
    return false;
  }
  if (extents[0] != labels) {
    fprintf(stderr, "%s: %s has %lld pictures, but %lld labels\n", folder, name,
            (long long)extents[0], (long long)labels);
    return false;
  }
  for (int64_t i = 0; i < labels; ++i)
    if (set->labels.values[i] >= FASHION_CLASSES) {
      fprintf(stderr, "%s: label %lld of %s is %d, but there are %d classes\n", folder,
              (long long)i, name, set->labels.values[i], FASHION_CLASSES);
      return false;
    }
  return true;
}

static bool read_set(const char *folder, const char *name, data_set *set)
{
  if (!read_files(folder, name, set) || !check(folder, name, set))
    return false;
  set->count = set->labels.extents[0];
  return true;
}

/* Sums of integers are exact, so the moments have the same bits everywhere. */
static void find_moments(data *all)
{
  const int64_t count = pixel_count(&all->training);
  uint64_t sum = 0, squares = 0;
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t value = all->training.images.values[i];
    sum += value;
    squares += value * value;
  }
  const double mean = (double)sum / (double)count / 255;
  const double variance = (double)squares / (double)count / (255.0 * 255.0) - mean * mean;
  all->mean = (float)mean;
  all->deviation = variance > 1e-6 ? (float)sqrt(variance) : 1;
}

static uint32_t add_to_sum(uint32_t sum, const data_set *set)
{
  const uLong images = crc32_z(sum, set->images.values, (size_t)pixel_count(set));
  return (uint32_t)crc32_z(images, set->labels.values, (size_t)set->count);
}

bool data_read(const char *folder, data *all)
{
  *all = (data){0};
  if (!read_set(folder, "train", &all->training) || !read_set(folder, "t10k", &all->test)) {
    data_free(all);
    fashion_advise();
    return false;
  }
  find_moments(all);
  all->sum = add_to_sum(add_to_sum(0, &all->training), &all->test);
  return true;
}

static void free_set(data_set *set)
{
  idx_free(&set->images);
  idx_free(&set->labels);
}

void data_free(data *all)
{
  free_set(&all->training);
  free_set(&all->test);
}

bool data_batch_create(int64_t size, data_batch *batch)
{
  batch->size = size;
  batch->images = malloc((size_t)size * FASHION_AREA * sizeof *batch->images);
  batch->labels = malloc((size_t)size * sizeof *batch->labels);
  if (batch->images != NULL && batch->labels != NULL)
    return true;
  data_batch_destroy(batch);
  fprintf(stderr, "out of memory for a batch\n");
  return false;
}

void data_batch_destroy(data_batch *batch)
{
  free(batch->images);
  free(batch->labels);
  *batch = (data_batch){0};
}

void data_batch_fill(data_batch *batch, const data *all, const data_set *set, const int64_t *order,
                     int64_t first, int64_t count)
{
  const float scale = 1 / (255 * all->deviation), shift = all->mean / all->deviation;
  for (int64_t i = 0; i < batch->size; ++i) {
    const int64_t place = first + (i < count ? i : count - 1);
    const int64_t index = order != NULL ? order[place] : place;
    const uint8_t *pixels = set->images.values + index * FASHION_AREA;
    float *image = batch->images + i * FASHION_AREA;
    for (int64_t pixel = 0; pixel < FASHION_AREA; ++pixel)
      image[pixel] = (float)pixels[pixel] * scale - shift;
    batch->labels[i] = set->labels.values[index];
  }
}
