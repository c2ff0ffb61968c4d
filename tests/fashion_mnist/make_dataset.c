/*
 * Makes a small data set in the form of Fashion-MNIST: in class k the picture is bright around a
 * place that depends on k, in noise.
 *
 *   make-dataset FOLDER TRAINING_PICTURES TEST_PICTURES
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

enum { PIXELS = 28, CLASSES = 10 };

static uint32_t state = 12345;

/* From 0 to limit - 1: a linear congruential generator's upper bits. */
static int noise(int limit)
{
  state = state * 1664525u + 1013904223u;
  return (int)((state >> 16) % (uint32_t)limit);
}

static int label_of(int index)
{
  return (index * 7 + index / CLASSES) % CLASSES;
}

static void put_number(gzFile file, int number)
{
  for (int shift = 24; shift >= 0; shift -= 8)
    gzputc(file, number >> shift & 255);
}

static void put_picture(gzFile file, int label)
{
  const int centre_x = 4 + label % 5 * 5 + noise(3), centre_y = 8 + label / 5 * 11 + noise(3);
  for (int y = 0; y < PIXELS; ++y)
    for (int x = 0; x < PIXELS; ++x) {
      const int dx = x - centre_x, dy = y - centre_y, distance = dx * dx + dy * dy;
      gzputc(file, (distance < 20 ? 150 : 0) + noise(100));
    }
}

static gzFile open_file(const char *folder, const char *set, const char *rest)
{
  char path[4096];
  snprintf(path, sizeof path, "%s/%s-%s-ubyte.gz", folder, set, rest);
  gzFile file = gzopen(path, "wb");
  if (file == NULL) {
    perror(path);
    exit(EXIT_FAILURE);
  }
  return file;
}

static void make_set(const char *folder, const char *set, int count)
{
  gzFile images = open_file(folder, set, "images-idx3"),
         labels = open_file(folder, set, "labels-idx1");
  put_number(images, 0x803);
  put_number(images, count);
  put_number(images, PIXELS);
  put_number(images, PIXELS);
  put_number(labels, 0x801);
  put_number(labels, count);
  for (int i = 0; i < count; ++i) {
    put_picture(images, label_of(i));
    gzputc(labels, label_of(i));
  }
  if (gzclose(images) != Z_OK || gzclose(labels) != Z_OK)
    exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
  if (argc != 4) {
    fputs("usage: make-dataset FOLDER TRAINING_PICTURES TEST_PICTURES\n", stderr);
    return EXIT_FAILURE;
  }
  make_set(argv[1], "train", atoi(argv[2]));
  make_set(argv[1], "t10k", atoi(argv[3]));
  return EXIT_SUCCESS;
}
