/*
 * Reader of idx files.
 *
 * The format: two zero bytes, a byte for the type (8: unsigned byte), a byte for the number of
 * axes, the extent of each axis as a big-endian 32-bit number, and then the values, last axis
 * fastest.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "idx.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { IDX_UNSIGNED_BYTE = 8, IDX_MAX_BYTES = 1 << 28, READ_BUFFER = 1 << 16 };

static bool fail(const char *path, const char *what)
{
  fprintf(stderr, "%s: %s\n", path, what);
  return false;
}

static bool read_bytes(gzFile file, uint8_t *bytes, int64_t count)
{
  return gzread(file, bytes, (unsigned)count) == (int)count;
}

static int64_t big_endian(const uint8_t bytes[4])
{
  return (int64_t)bytes[0] << 24 | (int64_t)bytes[1] << 16 | (int64_t)bytes[2] << 8 | bytes[3];
}

/* Reads type, rank and extents; returns the number of values, or 0 if the header is not good. */
static int64_t read_header(gzFile file, const char *path, int32_t rank, idx_array *array)
{
  uint8_t head[4], extent[4];
  if (!read_bytes(file, head, 4) || head[0] != 0 || head[1] != 0) {
    fail(path, "not an idx file");
    return 0;
  }
  if (head[2] != IDX_UNSIGNED_BYTE || head[3] != rank) {
    fail(path, "an idx file, but of another type or number of axes than expected");
    return 0;
  }
  array->rank = rank;
  int64_t count = 1;
  for (int32_t axis = 0; axis < IDX_MAX_RANK; ++axis) {
    if (axis < rank && !read_bytes(file, extent, 4)) {
      fail(path, "ends within the header");
      return 0;
    }
    array->extents[axis] = axis < rank ? big_endian(extent) : 1;
    if (array->extents[axis] < 1 || array->extents[axis] > IDX_MAX_BYTES / count) {
      fail(path, "an extent is zero or implausibly large");
      return 0;
    }
    count *= array->extents[axis];
  }
  return count;
}

static bool read_array(gzFile file, const char *path, int32_t rank, idx_array *array)
{
  const int64_t count = read_header(file, path, rank, array);
  if (count == 0)
    return false;
  uint8_t past_end;
  array->values = malloc((size_t)count);
  if (array->values == NULL)
    return fail(path, "out of memory");
  if (!read_bytes(file, array->values, count))
    return fail(path, "damaged, or shorter than its header says");
  /* Reading on to the end also makes zlib compare the checksum. */
  if (gzread(file, &past_end, 1) != 0)
    return fail(path, "damaged, or longer than its header says");
  return true;
}

bool idx_read(const char *path, int32_t rank, idx_array *array)
{
  idx_array result = {0};
  errno = 0;
  gzFile file = gzopen(path, "rb");
  if (file == NULL)
    return fail(path, errno != 0 ? strerror(errno) : "out of memory");
  gzbuffer(file, READ_BUFFER);
  bool good = read_array(file, path, rank, &result);
  if (gzclose(file) != Z_OK && good)
    good = fail(path, "damaged at its end");
  if (good)
    *array = result;
  else
    idx_free(&result);
  return good;
}

void idx_free(idx_array *array)
{
  free(array->values);
  array->values = NULL;
}
