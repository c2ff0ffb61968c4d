/* What training and inference of a batch normalisation share. */
#ifndef BC_BATCH_NORM_H
#define BC_BATCH_NORM_H

#include "geometry.h"

#include <blasconv/train.h>

/* The struct is there and known. */
blasconv_status bc_batch_norm_check_struct(const blasconv_batch_norm *norm);

/* Its numbers are in range. */
bool bc_batch_norm_check_numbers(const blasconv_batch_norm *norm);

/* Both of these, the maps, which are at least `least_batch` images, and the threads. */
blasconv_status bc_batch_norm_check(const blasconv_maps *maps, const blasconv_batch_norm *norm,
                                    int64_t least_batch, int32_t asked, int *threads);

/* The same elements as maps in NCHW: in NHWC each pixel is an image of one. */
static inline blasconv_maps bc_batch_norm_planes(const blasconv_maps *maps)
{
  return maps->layout == BLASCONV_NCHW
             ? *maps
             : blasconv_maps_nchw(maps->batch * maps->pixels, maps->channels, 1);
}

/* Channels whose numbers a task keeps on its stack; it takes them one such slab after another. */
enum { BC_SLAB_CHANNELS = 1024 };

/* Scale and shift of a channel. */
static inline double bc_batch_norm_scale(const blasconv_batch_norm *norm, int64_t channel)
{
  return norm->scale ? (double)norm->scale[channel] : 1.0;
}

static inline float bc_batch_norm_shift(const blasconv_batch_norm *norm, int64_t channel)
{
  return norm->shift ? norm->shift[channel] : 0.0f;
}

#endif
