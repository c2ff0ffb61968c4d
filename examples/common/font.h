/*
 * A small bitmap font for labels.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef COMMON_FONT_H
#define COMMON_FONT_H

#include <stdbool.h>
#include <stdint.h>

/** Extents of a letter in dots, without the gap to the next one. */
enum { FONT_WIDTH = 5, FONT_HEIGHT = 9, FONT_ADVANCE = 6 };

/** Whether a letter has ink at a dot; letters that the font lacks look like a question mark. */
bool font_ink(char letter, int64_t row, int64_t column);

#endif
