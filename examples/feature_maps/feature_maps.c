/*
 * Feature maps on real images: see the usage text below.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "maps.h"

#include <fashion.h>
#include <restart.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: feature-maps FOLDER [DATASET]\n"
    "\n"
    "Convolves pictures with banks of filters and draws the feature maps.\n"
    "\n"
    "  FOLDER   an existing folder, which gets two pictures:\n"
    "             feature_maps_fashion.png  ten pictures of Fashion-MNIST under 12 filters\n"
    "             feature_maps_colour.png   a colour picture under 20 filters of 3 channels\n"
    "  DATASET  the folder with the files of Fashion-MNIST\n"
    "           (default: " FASHION_FOLDER ")\n";

enum { PATH_SIZE = 4096 };

/* FOLDER/NAME in path [PATH_SIZE]. */
static bool join(const char *folder, const char *name, char *path)
{
  const int length = snprintf(path, PATH_SIZE, "%s/%s", folder, name);
  if (length >= 0 && length < PATH_SIZE)
    return true;
  fprintf(stderr, "the name of a folder is too long\n");
  return false;
}

static bool draw_sheets(const char *folder, const char *dataset)
{
  char images[PATH_SIZE], labels[PATH_SIZE], fashion[PATH_SIZE], colours[PATH_SIZE];
  const bool good = join(dataset, "t10k-images-idx3-ubyte.gz", images) &&
                    join(dataset, "t10k-labels-idx1-ubyte.gz", labels) &&
                    join(folder, "feature_maps_fashion.png", fashion) &&
                    join(folder, "feature_maps_colour.png", colours) &&
                    fashion_sheet(images, labels, fashion) && colour_sheet(colours);
  if (good) {
    printf("%s: ten pictures of Fashion-MNIST under 12 filters\n", fashion);
    printf("%s: a colour picture under 20 filters of 3 channels\n", colours);
  }
  return good;
}

int main(int argc, char **argv)
{
  if (argc == 2 && strcmp(argv[1], "--help") == 0) {
    fputs(usage, stdout);
    return EXIT_SUCCESS;
  }
  if (argc < 2 || argc > 3 || argv[1][0] == '-') {
    fputs(usage, stderr);
    return EXIT_FAILURE;
  }
  bench_restart_with_advice(argv);
  puts(blasconv_version_string());
  const char *dataset = argc == 3 ? argv[2] : FASHION_FOLDER;
  return draw_sheets(argv[1], dataset) ? EXIT_SUCCESS : EXIT_FAILURE;
}
