/*
 * PNG files.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef COMMON_PNG_WRITE_H
#define COMMON_PNG_WRITE_H

#include "sheet.h"

/** Writes a sheet to a file, overwriting it; says on stderr why it could not. */
bool png_write(const char *path, const sheet *paper);

#endif
