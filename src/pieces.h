/* How element-wise work on whole tensors is cut so that each kernel call has enough to do and
 * leaves what it wrote in the first-level cache. */
#ifndef BC_PIECES_H
#define BC_PIECES_H

#include "geometry.h"

#include <string.h>

enum { BC_PIECE = 512 /* elements */ };

/* The same memory as maps in one of three forms: one long map; maps of pixels, more than one a map
 * and more than one an image; or one image of pixels with their channels side by side, more than
 * one. */
static inline blasconv_maps bc_maps_merged(const blasconv_maps *maps)
{
  const int64_t pixels = maps->batch * maps->pixels;
  if (maps->channels == 1)
    return blasconv_maps_nchw(1, 1, pixels);
  return maps->layout == BLASCONV_NHWC || maps->pixels == 1
             ? blasconv_maps_nhwc(1, pixels, maps->channels)
             : *maps;
}

/* Pixels that a piece has room for, if their channels lie side by side; at least one. */
static inline int64_t bc_piece_pixels(int64_t channels)
{
  return bc_max(BC_PIECE / channels, 1);
}

/* numbers [channels] over and over into copies [n], n being a multiple of the channels; NULL stays
 * NULL. */
static inline const float *bc_repeat(const float *numbers, int64_t channels, int64_t n,
                                     float *copies)
{
  if (numbers == NULL)
    return NULL;
  memcpy(copies, numbers, (size_t)channels * sizeof *copies);
  for (int64_t i = channels; i < n; i *= 2)
    memcpy(copies + i, copies, (size_t)bc_min(i, n - i) * sizeof *copies);
  return copies;
}

#endif
