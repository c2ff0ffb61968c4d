/*
 * PNG files, by libpng's simplified interface.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "png_write.h"

#include <png.h>
#include <stdio.h>

_Static_assert(sizeof(colour) == 3, "libpng reads a row of colours as bytes without gaps");

bool png_write(const char *path, const sheet *paper)
{
  png_image file = {.version = PNG_IMAGE_VERSION,
                    .width = (png_uint_32)paper->width,
                    .height = (png_uint_32)paper->height,
                    .format = PNG_FORMAT_RGB};
  if (png_image_write_to_file(&file, path, 0, paper->pixels, 0, NULL) == 0) {
    fprintf(stderr, "%s: %s\n", path, file.message);
    return false;
  }
  return true;
}
