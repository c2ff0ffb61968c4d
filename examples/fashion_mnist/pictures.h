/*
 * Pictures of what was learned.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef FASHION_MNIST_PICTURES_H
#define FASHION_MNIST_PICTURES_H

#include "snapshot.h"

#include <sheet.h>

/**
 * Draws filters.png, feature_maps_N.png, confusion.png and mistakes.png; says on stderr what went
 * wrong.
 * @param folder gets the pictures
 * @param before, after the network before and after its training
 * @param probabilities [all->test.count][FASHION_CLASSES], what it says of the test pictures
 */
bool pictures_draw(const char *folder, const data *all, const snapshot *before,
                   const snapshot *after, const float *probabilities);

/** filters.png: the first layer's filters. */
bool pictures_filters(const char *path, const snapshot *before, const snapshot *after);

/** feature_maps_N.png: what convolution `index` makes of some pictures. */
bool pictures_maps(const char *path, const data *all, int64_t index, const snapshot *before,
                   const snapshot *after);

/** confusion.png: which classes were taken for which. */
bool pictures_confusion(const char *path, const data_set *set, const float *probabilities);

/** mistakes.png: the pictures whose class got the lowest probabilities. */
bool pictures_mistakes(const char *path, const data_set *set, const float *probabilities);

/** The class of the largest of probabilities [FASHION_CLASSES]. */
int64_t pictures_said(const float *probabilities);

/** Draws picture `index` of a set, its pixels as squares of `scale` pixels. */
void pictures_draw_image(sheet *paper, int64_t x, int64_t y, int64_t scale, const data_set *set,
                         int64_t index);

/** Writes a sheet to a file and frees it. */
bool pictures_finish(const char *path, sheet *paper);

#endif
