#include "normalization.h"
#include "doubles.h"
#include "geometry.h"
#include "vector_math.h"

#include <stdbool.h>

enum {
  VECTORS = 4, /* for which elements are walked once */
  LANES = WIDTH * VECTORS,
  LINE = 16 /* floats */
};

/* Images of one pixel are summed some at a time, so many elements or so many images: sums of few
 * channels stay in registers then, and memory is read nearly in its order. What is written is
 * fetched so many images ahead. */
enum { TOGETHER = 512, LEAST_IMAGES = 4, AHEAD = 4 };

/* What is constant along a row of pixels has another value for each element of a row of channels.
 */
enum { SAME = 0, NEXT = 1 };

/* ---- sums: maps of one pixel by columns, sixteen channels abreast; others by rows ---- */

typedef struct lanes {
  doubles deviation[VECTORS], gradient[VECTORS], product[VECTORS];
} lanes;

/* g is the constant NULL where this is inlined, or never is. */
INLINE void add_vectors(lanes *to, int64_t vectors, const float *x, const doubles *mean,
                        const float *g)
{
  UNROLL for (int64_t v = 0; v < vectors; ++v)
  {
    const doubles deviation = widened(x + v * WIDTH) - mean[v];
    const doubles gradient = g ? widened(g + v * WIDTH) : deviation;
    to->deviation[v] += deviation;
    if (g)
      to->gradient[v] += gradient;
    to->product[v] += deviation * gradient;
  }
}

INLINE void add_element(bc_sums *to, const float *x, double mean, const float *g)
{
  const double deviation = (double)*x - mean, gradient = g ? (double)*g : deviation;
  to->deviation += deviation;
  if (g)
    to->gradient += gradient;
  to->product += deviation * gradient;
}

/* Adds to the sums of as many channels as `vectors` have lanes. The same elements of as many images
 * that come next are fetched. */
INLINE void sum_columns(const bc_slab *slab, int64_t vectors, const float *x, const double *mean,
                        const float *g, int64_t images, bc_sums *sums)
{
  const int64_t coming = images * slab->image_step;
  doubles means[VECTORS];
  lanes partial;
  UNROLL for (int64_t v = 0; v < vectors; ++v)
  {
    const bc_sums *own = sums + v * WIDTH;
    memcpy(&means[v], mean + v * WIDTH, sizeof means[v]);
    partial.deviation[v] =
        (doubles){own[0].deviation, own[1].deviation, own[2].deviation, own[3].deviation};
    partial.gradient[v] =
        (doubles){own[0].gradient, own[1].gradient, own[2].gradient, own[3].gradient};
    partial.product[v] = (doubles){own[0].product, own[1].product, own[2].product, own[3].product};
  }
  for (int64_t image = 0; image < images; ++image) {
    const float *const from = x + image * slab->image_step;
    const float *const beside = g ? g + image * slab->image_step : NULL;
    __builtin_prefetch(from + coming);
    if (g)
      __builtin_prefetch(beside + coming);
    add_vectors(&partial, vectors, from, means, beside);
  }
  UNROLL for (int64_t v = 0; v < vectors; ++v)
  {
    UNROLL for (int64_t i = 0; i < WIDTH; ++i) sums[v * WIDTH + i] =
        (bc_sums){partial.deviation[v][i], partial.gradient[v][i], partial.product[v][i]};
  }
}

INLINE void sum_column(const bc_slab *slab, const float *x, double mean, const float *g,
                       int64_t images, bc_sums *sums)
{
  bc_sums own = *sums;
  for (int64_t image = 0; image < images; ++image) {
    const int64_t at = image * slab->image_step;
    add_element(&own, x + at, mean, g ? g + at : NULL);
  }
  *sums = own;
}

/* Some images at a time, whose channels are neighbours: they come from memory together. */
INLINE void sum_pixels(const bc_slab *slab, const float *x, const double *mean, const float *g,
                       bc_sums *sums)
{
  for (int64_t c = 0; c < slab->channels; ++c)
    sums[c] = (bc_sums){0};
  const int64_t together = bc_max(TOGETHER / slab->channels, LEAST_IMAGES);
  for (int64_t image = 0; image < slab->images; image += together) {
    const int64_t images = bc_min(together, slab->images - image);
    const float *from = x + image * slab->image_step;
    const float *beside = g ? g + image * slab->image_step : NULL;
    int64_t c = 0;
    for (; c + LANES <= slab->channels; c += LANES)
      sum_columns(slab, VECTORS, from + c, mean + c, g ? beside + c : NULL, images, sums + c);
    for (; c + WIDTH <= slab->channels; c += WIDTH)
      sum_columns(slab, 1, from + c, mean + c, g ? beside + c : NULL, images, sums + c);
    for (; c < slab->channels; ++c)
      sum_column(slab, from + c, mean[c], g ? beside + c : NULL, images, sums + c);
  }
}

/* What is less than a vector goes to `rest`. */
INLINE void add_row(lanes *to, bc_sums *rest, const float *x, double mean, const float *g,
                    int64_t n)
{
  const doubles same = {mean, mean, mean, mean}, means[VECTORS] = {same, same, same, same};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    add_vectors(to, VECTORS, x + i, means, g ? g + i : NULL);
  for (; i + WIDTH <= n; i += WIDTH)
    add_vectors(to, 1, x + i, means, g ? g + i : NULL);
  for (; i < n; ++i)
    add_element(rest, x + i, mean, g ? g + i : NULL);
}

INLINE void sum_maps(const bc_slab *slab, const float *x, double mean, const float *g,
                     bc_sums *sums)
{
  lanes partial = {0};
  bc_sums all = {0};
  for (int64_t image = 0; image < slab->images; ++image) {
    const int64_t at = image * slab->image_step;
    add_row(&partial, &all, x + at, mean, g ? g + at : NULL, slab->pixels);
  }
  UNROLL for (int64_t v = 0; v < VECTORS; ++v)
  {
    UNROLL for (int64_t i = 0; i < WIDTH; ++i)
    {
      all.deviation += partial.deviation[v][i];
      all.gradient += partial.gradient[v][i];
      all.product += partial.product[v][i];
    }
  }
  *sums = all;
}

INLINE void sum_slab(const bc_slab *slab, const float *x, const double *mean, const float *g,
                     bc_sums *sums)
{
  if (slab->pixels == 1) {
    sum_pixels(slab, x, mean, g, sums);
    return;
  }
  for (int64_t c = 0; c < slab->channels; ++c) {
    const int64_t at = c * slab->pixels;
    sum_maps(slab, x + at, mean[c], g ? g + at : NULL, sums + c);
  }
}

static void sum(const bc_slab *slab, const float *x, const double *mean, const float *g,
                bc_sums *sums)
{
  if (g == NULL)
    sum_slab(slab, x, mean, NULL, sums);
  else
    sum_slab(slab, x, mean, g, sums);
}

/* ---- rows of pixels or of channels ---- */

INLINE void normalize_row(const bc_normalizer *a, int64_t step, const float *x, float *output,
                          int64_t n)
{
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const float deviation = (x[i] - a->mean[i * step]) - a->mean_rest[i * step];
    output[i] = deviation * a->factor[i * step] + a->shift[i * step];
  }
}

INLINE void differentiate_row(const bc_normalizer_slope *a, int64_t step, const float *x,
                              const float *g, float *input_gradient, int64_t n)
{
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const float deviation = (x[i] - a->mean[i * step]) - a->mean_rest[i * step];
    const float own = (g[i] - a->average[i * step]) - deviation * a->slope[i * step];
    input_gradient[i] = own * a->factor[i * step];
  }
}

/* Copies of a channel's numbers cannot be what is written, so they stay in registers. */
INLINE void normalize_map(const bc_normalizer *a, int64_t c, const float *x, float *output,
                          int64_t n)
{
  const float mean = a->mean[c], rest = a->mean_rest[c], factor = a->factor[c], shift = a->shift[c];
  const bc_normalizer own = {&mean, &rest, &factor, &shift};
  normalize_row(&own, SAME, x, output, n);
}

INLINE void differentiate_map(const bc_normalizer_slope *a, int64_t c, const float *x,
                              const float *g, float *input_gradient, int64_t n)
{
  const float mean = a->mean[c], rest = a->mean_rest[c], factor = a->factor[c];
  const float average = a->average[c], slope = a->slope[c];
  const bc_normalizer_slope own = {&mean, &rest, &factor, &average, &slope};
  differentiate_row(&own, SAME, x, g, input_gradient, n);
}

/* Channels of an image, in pieces of a line of the cache; the same of an image to come are fetched.
 */
INLINE void normalize_channels(const bc_slab *slab, const bc_normalizer *a, const float *x,
                               float *output)
{
  const int64_t coming = AHEAD * slab->image_step;
  for (int64_t c = 0; c < slab->channels; c += LINE) {
    const bc_normalizer own = {a->mean + c, a->mean_rest + c, a->factor + c, a->shift + c};
    __builtin_prefetch(x + c + coming);
    __builtin_prefetch(output + c + coming, 1);
    if (c + LINE <= slab->channels)
      normalize_row(&own, NEXT, x + c, output + c, LINE);
    else
      normalize_row(&own, NEXT, x + c, output + c, slab->channels - c);
  }
}

INLINE void differentiate_channels(const bc_slab *slab, const bc_normalizer_slope *a,
                                   const float *x, const float *g, float *input_gradient)
{
  const int64_t coming = AHEAD * slab->image_step;
  for (int64_t c = 0; c < slab->channels; c += LINE) {
    const bc_normalizer_slope own = {a->mean + c, a->mean_rest + c, a->factor + c, a->average + c,
                                     a->slope + c};
    __builtin_prefetch(x + c + coming);
    __builtin_prefetch(g + c + coming);
    __builtin_prefetch(input_gradient + c + coming, 1);
    if (c + LINE <= slab->channels)
      differentiate_row(&own, NEXT, x + c, g + c, input_gradient + c, LINE);
    else
      differentiate_row(&own, NEXT, x + c, g + c, input_gradient + c, slab->channels - c);
  }
}

static void normalize(const bc_slab *slab, const bc_normalizer *normalizer, const float *x,
                      float *output)
{
  for (int64_t image = 0; image < slab->images; ++image) {
    const float *const from = x + image * slab->image_step;
    float *const to = output + image * slab->image_step;
    if (slab->pixels == 1) {
      normalize_channels(slab, normalizer, from, to);
      continue;
    }
    for (int64_t c = 0; c < slab->channels; ++c)
      normalize_map(normalizer, c, from + c * slab->pixels, to + c * slab->pixels, slab->pixels);
  }
}

static void differentiate(const bc_slab *slab, const bc_normalizer_slope *slope, const float *x,
                          const float *g, float *input_gradient)
{
  for (int64_t image = 0; image < slab->images; ++image) {
    const int64_t at = image * slab->image_step;
    if (slab->pixels == 1) {
      differentiate_channels(slab, slope, x + at, g + at, input_gradient + at);
      continue;
    }
    for (int64_t c = 0; c < slab->channels; ++c) {
      const int64_t map = at + c * slab->pixels;
      differentiate_map(slope, c, x + map, g + map, input_gradient + map, slab->pixels);
    }
  }
}

const bc_normalization_kernels BC_FOR_ISA(bc_normalization_kernels) = {sum, normalize,
                                                                       differentiate};
