#include "normalization.h"

#define INLINE static inline __attribute__((always_inline))

enum {
  LANES = 16,   /* the same on every instruction set */
  TOGETHER = 64 /* images of one pixel, of which all channels are in the first-level cache */
};

/* What is constant along a row of pixels has another value for each element of a row of channels.
 */
enum { SAME = 0, NEXT = 1 };

/* ---- sums: maps of one pixel by columns, sixteen channels abreast; others by rows ---- */

typedef struct lanes {
  double deviation[LANES], gradient[LANES], product[LANES];
} lanes;

/* g is the constant NULL where this is inlined, or never is. */
INLINE void add_to_lanes(lanes *to, const float *x, const double *mean, int64_t step,
                         const float *g, int64_t n)
{
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const double deviation = (double)x[i] - mean[i * step];
    to->deviation[i] += deviation;
    if (g != NULL)
      to->gradient[i] += (double)g[i];
    to->product[i] += deviation * (g != NULL ? (double)g[i] : deviation);
  }
}

/* Adds some images of channels, of which n is at most LANES. */
INLINE void sum_columns(const bc_slab *slab, const float *x, const double *mean, const float *g,
                        int64_t images, int64_t n, bc_sums *sums)
{
  lanes partial = {0};
  for (int64_t i = 0; i < n; ++i) {
    partial.deviation[i] = sums[i].deviation;
    partial.gradient[i] = sums[i].gradient;
    partial.product[i] = sums[i].product;
  }
  for (int64_t image = 0; image < images; ++image) {
    const int64_t at = image * slab->image_step;
    add_to_lanes(&partial, x + at, mean, NEXT, g ? g + at : NULL, n);
  }
  for (int64_t i = 0; i < n; ++i)
    sums[i] = (bc_sums){partial.deviation[i], partial.gradient[i], partial.product[i]};
}

/* Some images at a time, whose channels are neighbours: they come from memory together. */
INLINE void sum_pixels(const bc_slab *slab, const float *x, const double *mean, const float *g,
                       bc_sums *sums)
{
  for (int64_t c = 0; c < slab->channels; ++c)
    sums[c] = (bc_sums){0};
  for (int64_t image = 0; image < slab->images; image += TOGETHER) {
    const int64_t images = image + TOGETHER < slab->images ? TOGETHER : slab->images - image;
    const float *from = x + image * slab->image_step;
    const float *beside = g ? g + image * slab->image_step : NULL;
    int64_t c = 0;
    for (; c + LANES <= slab->channels; c += LANES)
      sum_columns(slab, from + c, mean + c, g ? beside + c : NULL, images, LANES, sums + c);
    sum_columns(slab, from + c, mean + c, g ? beside + c : NULL, images, slab->channels - c,
                sums + c);
  }
}

/* A tail goes to the first lanes. */
INLINE void add_row(lanes *to, const float *x, double mean, const float *g, int64_t n)
{
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    add_to_lanes(to, x + i, &mean, SAME, g ? g + i : NULL, LANES);
  add_to_lanes(to, x + i, &mean, SAME, g ? g + i : NULL, n - i);
}

INLINE void sum_maps(const bc_slab *slab, const float *x, double mean, const float *g,
                     bc_sums *sums)
{
  lanes partial = {0};
  for (int64_t image = 0; image < slab->images; ++image) {
    const int64_t at = image * slab->image_step;
    add_row(&partial, x + at, mean, g ? g + at : NULL, slab->pixels);
  }
  *sums = (bc_sums){0};
  for (int lane = 0; lane < LANES; ++lane) {
    sums->deviation += partial.deviation[lane];
    sums->gradient += partial.gradient[lane];
    sums->product += partial.product[lane];
  }
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

static void normalize_image(const bc_slab *slab, const bc_normalizer *a, const float *x,
                            float *output)
{
  if (slab->pixels == 1) {
    normalize_row(a, NEXT, x, output, slab->channels);
    return;
  }
  for (int64_t c = 0; c < slab->channels; ++c)
    normalize_map(a, c, x + c * slab->pixels, output + c * slab->pixels, slab->pixels);
}

static void differentiate_image(const bc_slab *slab, const bc_normalizer_slope *a, const float *x,
                                const float *g, float *input_gradient)
{
  if (slab->pixels == 1) {
    differentiate_row(a, NEXT, x, g, input_gradient, slab->channels);
    return;
  }
  for (int64_t c = 0; c < slab->channels; ++c) {
    const int64_t at = c * slab->pixels;
    differentiate_map(a, c, x + at, g + at, input_gradient + at, slab->pixels);
  }
}

static void normalize(const bc_slab *slab, const bc_normalizer *normalizer, const float *x,
                      float *output)
{
  for (int64_t image = 0; image < slab->images; ++image)
    normalize_image(slab, normalizer, x + image * slab->image_step,
                    output + image * slab->image_step);
}

static void differentiate(const bc_slab *slab, const bc_normalizer_slope *slope, const float *x,
                          const float *g, float *input_gradient)
{
  for (int64_t image = 0; image < slab->images; ++image) {
    const int64_t at = image * slab->image_step;
    differentiate_image(slab, slope, x + at, g + at, input_gradient + at);
  }
}

const bc_normalization_kernels BC_FOR_ISA(bc_normalization_kernels) = {sum, normalize,
                                                                       differentiate};
