/*
 * Reader of idx files, the format of the MNIST family of data sets, gzipped or not.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef COMMON_IDX_H
#define COMMON_IDX_H

#include <stdbool.h>
#include <stdint.h>

#define IDX_MAX_RANK 3

/** An array of bytes with up to three axes. */
typedef struct idx_array {
  int32_t rank;
  int64_t extents[IDX_MAX_RANK]; /**< slowest axis first; 1 from `rank` on */
  uint8_t *values;               /**< [extents[0]][extents[1]][extents[2]], on the heap */
} idx_array;

/**
 * Reads a file of unsigned bytes; says on stderr what is wrong with it.
 * @param path the file
 * @param rank the number of axes that the file must have
 * @param array filled on success; to be given to idx_free()
 */
bool idx_read(const char *path, int32_t rank, idx_array *array);

/** Frees the values. */
void idx_free(idx_array *array);

#endif
