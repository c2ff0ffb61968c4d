/*
 * A colour picture rendered by code, with something in it for every filter to find.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef FEATURE_MAPS_SCENE_H
#define FEATURE_MAPS_SCENE_H

#include <stdint.h>

/** The scene's extents in pixels. */
enum { SCENE_WIDTH = 168, SCENE_HEIGHT = 128 };

/**
 * Renders the scene: a house by a lake, hills, trees, a balloon.
 * @param pixels [3][SCENE_HEIGHT][SCENE_WIDTH]: red, green, blue from 0 to 1
 */
void scene_render(float *pixels);

#endif
