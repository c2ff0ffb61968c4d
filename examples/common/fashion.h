/*
 * What is known of Fashion-MNIST before its files are read.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef COMMON_FASHION_H
#define COMMON_FASHION_H

/** Classes, and the extents of a picture. */
enum { FASHION_CLASSES = 10, FASHION_PIXELS = 28, FASHION_AREA = FASHION_PIXELS * FASHION_PIXELS };

extern const char *const fashion_names[FASHION_CLASSES];

/** Where Debian's package dataset-fashion-mnist puts the files. */
#define FASHION_FOLDER "/usr/share/datasets/fashion-mnist"

/** Says on stderr where the files come from. */
void fashion_advise(void);

#endif
