/*
 * Files that are replaced as a whole or not at all.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef FASHION_MNIST_FILE_H
#define FASHION_MNIST_FILE_H

#include <stdbool.h>
#include <stddef.h>

enum { FILE_PATH_SIZE = 4096 };

/** FOLDER/NAME in path [FILE_PATH_SIZE]; says on stderr if it does not fit. */
bool file_join(const char *folder, const char *name, char *path);

/** Makes a folder unless it is there; says on stderr why it could not. */
bool file_make_folder(const char *folder);

/**
 * Writes a file such that at every moment, through crashes and power cuts too, the path names
 * either the whole old file or the whole new one: writes PATH.tmp, flushes it to the disk, renames
 * it, flushes the folder. Says on stderr why it could not, and then the old file is still there.
 */
bool file_replace(const char *path, const void *bytes, size_t count);

#endif
