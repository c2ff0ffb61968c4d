/* Pooling: of one map, over the outputs of a row; and of pixels, over their channels. */
#ifndef BC_POOLING_H
#define BC_POOLING_H

#include "geometry.h"

enum {
  BC_POOLING_FLOAT_TAPS = 32, /* sums of windows of more taps are taken in double */
  BC_POOLING_LEAST_RUN = 4    /* outputs in a row for which vectors pay */
};

/* Windows and divisors of a map. Pads are smaller than the dilated kernel. */
typedef struct bc_pooling {
  bc_axis height, width;
  bc_range inside; /* output columns whose windows cross neither the left nor the right edge; if
                      they are fewer than BC_POOLING_LEAST_RUN, none: {0, 0} */
  bool all_taps;   /* an average divides by R S, else by how many taps are in the image */
} bc_pooling;

/* Images and their gradients are [H][W], outputs, their gradients and winners [P][Q]. */
typedef struct bc_max_pooling_kernels {
  /* The first largest pixel of each window, or its first NaN. */
  void (*max)(const bc_pooling *pooling, const float *image, float *output);
  /* The same, and where it stands in the image; -1 for a window without pixels. H W is at most
   * 2^31 - 1. */
  void (*max_winners)(const bc_pooling *pooling, const float *image, float *output,
                      int32_t *winners);
  /* The image's gradient from each output's, which goes to its winner. */
  void (*scatter)(const bc_pooling *pooling, const float *output_gradient, const int32_t *winners,
                  float *image_gradient);
} bc_max_pooling_kernels;

typedef struct bc_average_pooling_kernels {
  void (*average)(const bc_pooling *pooling, const float *image, float *output);
  /* The image's gradient from each output's, in equal parts, in the order of the windows. */
  void (*spread)(const bc_pooling *pooling, const float *output_gradient, float *image_gradient);
} bc_average_pooling_kernels;

extern const bc_max_pooling_kernels bc_max_pooling_kernels_generic, bc_max_pooling_kernels_avx2;
extern const bc_average_pooling_kernels bc_average_pooling_kernels_generic,
    bc_average_pooling_kernels_avx2;

/* The same for windows of 2x2 without pads, moved by 2, and four or more outputs a row. */
extern const bc_max_pooling_kernels bc_max_halving_kernels_generic, bc_max_halving_kernels_avx2;
extern const bc_average_pooling_kernels bc_average_halving_kernels_generic,
    bc_average_halving_kernels_avx2;

/* In NHWC: images and their gradients are [H][W][channels], outputs, their gradients and winners
 * [P][Q][channels]; `rows` are those of what is written. `inside` is not asked for. */
typedef struct bc_channel_pooling_kernels {
  /* As above; winners may be NULL. */
  void (*max)(const bc_pooling *pooling, int64_t channels, bc_range rows, const float *image,
              float *output, int32_t *winners);
  void (*average)(const bc_pooling *pooling, int64_t channels, bc_range rows, const float *image,
                  float *output);
  void (*scatter)(const bc_pooling *pooling, int64_t channels, bc_range rows,
                  const float *output_gradient, const int32_t *winners, float *image_gradient);
  void (*spread)(const bc_pooling *pooling, int64_t channels, bc_range rows,
                 const float *output_gradient, float *image_gradient);
} bc_channel_pooling_kernels;

extern const bc_channel_pooling_kernels bc_channel_pooling_kernels_generic,
    bc_channel_pooling_kernels_avx2;

#endif
