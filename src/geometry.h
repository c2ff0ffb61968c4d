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

/* A problem of fewer axes has axes of extent 1 before its own. */
enum { BC_DEPTH, BC_HEIGHT, BC_WIDTH };

/* Elements from one to the next in a tensor of maps, which is where the layouts differ: the pixels
 * of a channel are neighbours in NCHW, the channels of a pixel in NHWC. */
typedef struct bc_steps {
  int64_t image, group, channel, pixel;
} bc_steps;

/* Always that of a convolution from input to output: a transposed problem's goes from its output to
 * its input, see execute.c. Channels and filters are those of one group. The patch matrix and its
 * rows are explained in lowering/lowering.h. */
typedef struct bc_geometry {
  blasconv_layout layout;
  int64_t batch, groups;
  int64_t in_channels;  /* C / G */
  int64_t out_channels; /* K / G */
  bc_axis axes[BLASCONV_MAX_RANK];
  int64_t in_pixels;      /* H W */
  int64_t out_pixels;     /* P Q: columns of the patch matrix */
  int64_t taps;           /* R S */
  int64_t patch_rows;     /* C/G R S: rows of the patch matrix, elements of a filter */
  int64_t row_of_channel; /* patch rows from a channel to the next: R S in NCHW, 1 in NHWC */
  int64_t row_of_tap;     /* patch rows from a tap to the next: 1 in NCHW, C/G in NHWC */
  bc_steps input, output;
} bc_geometry;

/* Half-open range of indices. */
typedef struct bc_range {
  int64_t begin, end;
} bc_range;

/* Part of a tensor: [rows][length], `step` elements from one row to the next. */
typedef struct bc_extract {
  const float *first;
  int64_t step, rows, length;
} bc_extract;

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

/* The smallest multiple of `unit` that is not below `size`. */
static inline int64_t bc_round_up(int64_t size, int64_t unit)
{
  return bc_count_blocks(size, unit) * unit;
}

/* Block `index` of `size` in [0, whole). */
static inline bc_range bc_block(int64_t index, int64_t size, int64_t whole)
{
  return (bc_range){index * size, bc_min(whole, (index + 1) * size)};
}

/* Part `index` of [0, whole) in `count` parts, as long as each other up to one. */
static inline bc_range bc_share(int64_t index, int64_t count, int64_t whole)
{
  const int64_t least = whole / count, longer = whole % count;
  return (bc_range){index * least + index * longer / count,
                    (index + 1) * least + (index + 1) * longer / count};
}

/* One of so many parts of whatever there is to share. */
typedef struct bc_part {
  int64_t index, count;
} bc_part;

/* The same number of blocks, of whole units each and as long as each other up to one unit, so that
 * threads that take neighbours, as many each, end together. `size` is so many units too. */
static inline bc_range bc_even_range(int64_t index, int64_t size, int64_t unit, int64_t whole)
{
  const bc_range units =
      bc_share(index, bc_count_blocks(whole, size), bc_count_blocks(whole, unit));
  return (bc_range){units.begin * unit, bc_min(whole, units.end * unit)};
}

static inline int64_t bc_range_length(bc_range range)
{
  return range.end - range.begin;
}

/* Most steps are 1, and a division takes as long as a small window. */
static inline int64_t bc_whole_steps(int64_t length, int64_t step)
{
  return step == 1 ? length : length / step;
}

/* Of `count` places from `first` on and `step` apart, those in [0, extent); maybe none. */
static inline bc_range bc_places_inside(int64_t first, int64_t step, int64_t count, int64_t extent)
{
  const int64_t begin = first >= 0 ? 0 : bc_whole_steps(step - 1 - first, step);
  const int64_t end =
      first >= extent ? 0 : bc_min(count, bc_whole_steps(extent - 1 - first, step) + 1);
  return (bc_range){bc_min(begin, end), end};
}

/* The output positions at which `tap` meets the input rather than a pad; maybe none. */
bc_range bc_axis_inside(const bc_axis *axis, int64_t tap);

/* The output positions from the first whose taps reach as far as `inputs` to the last whose taps
 * begin before their end; maybe none. */
bc_range bc_axis_outputs(const bc_axis *axis, bc_range inputs);

/* Start of group `group` of image `image`. */
static inline int64_t bc_input_offset(const bc_geometry *geometry, int64_t image, int64_t group)
{
  return image * geometry->input.image + group * geometry->input.group;
}

static inline int64_t bc_output_offset(const bc_geometry *geometry, int64_t image, int64_t group)
{
  return image * geometry->output.image + group * geometry->output.group;
}

static inline int64_t bc_weights_offset(const bc_geometry *geometry, int64_t group)
{
  return group * geometry->out_channels * geometry->patch_rows;
}

static inline int64_t bc_count_weights(const bc_geometry *geometry)
{
  return bc_weights_offset(geometry, geometry->groups);
}

/* Whether each output position of the axis meets the input's of the same number, and no other.
 * Equal extents do not tell: a transposed problem may cut on one side what it pads on the other. */
bool bc_stands_on_each_pixel(const bc_axis *axis);

/* Every filter stands on one pixel, and on each in turn: a matrix product on the tensors as they
 * are. */
bool bc_geometry_is_pointwise(const bc_geometry *geometry);

/* The same computation on the same tensors with fewer axes. What is a matrix product becomes
 * pointwise: kernels that cover the whole image, dense layers among them, take an image for one
 * pixel with C/G R S channels, unless `keep_channels`: something else counts the input's channels.
 * Pixels of pointwise problems become one axis, in NHWC those of the whole batch. */
void bc_geometry_simplify(bc_geometry *geometry, bool keep_channels);

/* Checks a problem and fills `geometry`; on failure `*reason` says in words what is wrong. */
blasconv_status bc_problem_check(const blasconv_problem *problem, bc_geometry *geometry,
                                 const char **reason);

/* Checks a problem for what does not serve transposed convolutions. */
blasconv_status bc_problem_check_convolution(const blasconv_problem *problem,
                                             bc_geometry *geometry);

/* Checks the problem of a pooling: at most two axes, one map out for each map in, and every pad
 * below the dilated kernel's extent, so that tap 0 never stands past the image. */
blasconv_status bc_pooling_check(const blasconv_problem *problem, bc_geometry *geometry);

/* Checks feature maps: layout, batch, channels, pixels and their product. */
blasconv_status bc_maps_check(const blasconv_maps *maps);

/* Checks a tensor [rows][columns]: rows >= 0, columns >= 1, and its bytes do not overflow. */
blasconv_status bc_matrix_check(int64_t rows, int64_t columns);

/* Adds elements to a total; false if that overflows. */
bool bc_count_add(int64_t count, int64_t *total);

#endif
