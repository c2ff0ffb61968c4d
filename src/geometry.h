/* A problem after every check: what the algorithms work with. */
#ifndef BC_GEOMETRY_H
#define BC_GEOMETRY_H

#include <blasconv/blasconv.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One spatial axis. Output position o and tap t meet at input position
 * o * stride + t * dilation - pad_begin, which may lie outside of [0, input). */
typedef struct bc_axis {
  int64_t input, kernel, stride, dilation, pad_begin, pad_end, output;
} bc_axis;

/* Channels and filters are those of one group; the groups follow each other in every tensor. */
typedef struct bc_geometry {
  int64_t batch, groups;
  int64_t in_channels;  /* C / G */
  int64_t out_channels; /* K / G */
  bc_axis height, width;
  int64_t in_pixels;  /* H W */
  int64_t out_pixels; /* P Q: columns of the patch matrix */
  int64_t taps;       /* R S */
  int64_t patch_rows; /* C/G R S: rows of the patch matrix, elements of a filter */
} bc_geometry;

/* Half-open range of indices. */
typedef struct bc_range {
  int64_t begin, end;
} bc_range;

static inline int64_t bc_min(int64_t a, int64_t b)
{
  return a < b ? a : b;
}

static inline int64_t bc_max(int64_t a, int64_t b)
{
  return a > b ? a : b;
}

/* How many blocks of `size` cover `whole`. */
static inline int64_t bc_count_blocks(int64_t whole, int64_t size)
{
  return whole / size + (whole % size != 0); /* whole + size may overflow */
}

/* Block `index` of `size` in [0, whole). */
static inline bc_range bc_block(int64_t index, int64_t size, int64_t whole)
{
  return (bc_range){index * size, bc_min(whole, (index + 1) * size)};
}

static inline int64_t bc_range_length(bc_range range)
{
  return range.end - range.begin;
}

/* The output positions at which `tap` meets the input rather than a pad; maybe none. */
bc_range bc_axis_inside(const bc_axis *axis, int64_t tap);

/* Start of group `group` of image `image`. */
static inline int64_t bc_input_offset(const bc_geometry *geometry, int64_t image, int64_t group)
{
  return (image * geometry->groups + group) * geometry->in_channels * geometry->in_pixels;
}

static inline int64_t bc_output_offset(const bc_geometry *geometry, int64_t image, int64_t group)
{
  return (image * geometry->groups + group) * geometry->out_channels * geometry->out_pixels;
}

static inline int64_t bc_weights_offset(const bc_geometry *geometry, int64_t group)
{
  return group * geometry->out_channels * geometry->patch_rows;
}

static inline int64_t bc_count_weights(const bc_geometry *geometry)
{
  return bc_weights_offset(geometry, geometry->groups);
}

/* Checks a problem and fills `geometry`; on failure `*reason` says in words what is wrong. */
blasconv_status bc_problem_check(const blasconv_problem *problem, bc_geometry *geometry,
                                 const char **reason);

/* Checks the problem of a pooling: one map out for each map in, and every pad below the dilated
 * kernel's extent, so that tap 0 never stands past the image. */
blasconv_status bc_pooling_check(const blasconv_problem *problem, bc_geometry *geometry);

/* The layouts that a function over maps serves. */
typedef enum bc_layouts { BC_BOTH_LAYOUTS, BC_NCHW_ONLY } bc_layouts;

/* Checks feature maps: layout, batch, channels, pixels and their product. */
blasconv_status bc_maps_check(const blasconv_maps *maps, bc_layouts layouts);

/* Checks a tensor [rows][columns]: rows >= 0, columns >= 1, and its bytes do not overflow. */
blasconv_status bc_matrix_check(int64_t rows, int64_t columns);

/* Adds elements to a total; false if that overflows. */
bool bc_count_add(int64_t count, int64_t *total);

#endif
