/*
 * The problems that the suites prove.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "shapes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------------
 * Networks
 * ------------------------------------------------------------------------------------------ */

const char *shapes_network_name(size_t index)
{
  static const char *const names[] = {"resnet50", "vgg16", "inception_v3", "mobilenet_v1"};
  return index < sizeof names / sizeof *names ? names[index] : NULL;
}

/* One line of a network's file: name, repeat, then the numbers. Fails the test if it is none. */
static blasconv_problem parse_layer(const char *line)
{
  blasconv_problem layer = blasconv_problem_2d(1, 0, 0, 0, 0, 0, 0);
  int64_t *const fields[] = {&layer.in_channels,   &layer.input[0],     &layer.input[1],
                             &layer.out_channels,  &layer.kernel[0],    &layer.kernel[1],
                             &layer.strides[0],    &layer.strides[1],   &layer.pads_begin[0],
                             &layer.pads_begin[1], &layer.dilations[0], &layer.dilations[1],
                             &layer.groups};
  const char *comma = strchr(line, ',');
  for (size_t i = 0; comma && i < sizeof fields / sizeof *fields; ++i) {
    comma = strchr(comma + 1, ',');
    *fields[i] = comma ? strtoll(comma + 1, NULL, 10) : 0;
  }
  ck_assert_msg(layer.groups > 0, "not a layer: %s", line);
  layer.pads_end[0] = layer.pads_begin[0];
  layer.pads_end[1] = layer.pads_begin[1];
  return layer;
}

size_t shapes_network(const char *name, blasconv_problem *layers, size_t capacity)
{
  static const char header[] =
      "layer,repeat,in_channels,in_height,in_width,out_channels,kernel_height,kernel_width,"
      "stride_height,stride_width,pad_height,pad_width,dilation_height,dilation_width,groups\n";
  char path[512], line[512];
  snprintf(path, sizeof path, "%s/%s.csv", SUPPORT_SHAPES_FOLDER, name);
  FILE *file = fopen(path, "r");
  ck_assert_msg(file != NULL, "cannot read %s", path);
  size_t count = 0;
  bool header_seen = false;
  while (fgets(line, sizeof line, file)) {
    if (line[0] == '#' || line[0] == '\n')
      continue;
    if (header_seen) {
      ck_assert_msg(count < capacity, "too many layers in %s", path);
      layers[count++] = parse_layer(line);
      continue;
    }
    ck_assert_msg(strcmp(line, header) == 0, "%s has other columns: %s", path, line);
    header_seen = true;
  }
  fclose(file);
  return count;
}

bool shapes_classifier(size_t index, blasconv_problem *layer)
{
  /* channels, extent of the last maps, outputs */
  static const int64_t rows[][3] = {
      {512, 7, 4096},  /* VGG-16, the first */
      {4096, 1, 4096}, /* VGG-16, the second */
      {4096, 1, 1000}, /* VGG-16, the third */
      {2048, 1, 1000}, /* ResNet-50, Inception v3 */
      {1024, 1, 1000}  /* MobileNet v1 */
  };
  if (index >= sizeof rows / sizeof *rows)
    return false;
  const int64_t *row = rows[index];
  *layer = blasconv_problem_2d(1, row[0], row[1], row[1], row[2], row[1], row[1]);
  return true;
}

static int64_t smaller(int64_t one, int64_t other)
{
  return one < other ? one : other;
}

blasconv_problem shapes_shrunk(const blasconv_problem *layer)
{
  blasconv_problem shrunk = *layer;
  const int64_t channels = layer->in_channels / layer->groups;
  const int64_t filters = layer->out_channels / layer->groups;
  shrunk.batch = 2;
  shrunk.groups = smaller(layer->groups, 6 + layer->groups % 11);
  shrunk.in_channels = shrunk.groups * smaller(channels, 6 + channels % 11);
  shrunk.out_channels = shrunk.groups * smaller(filters, 7 + filters % 13);
  for (int axis = 0; axis < 2; ++axis)
    shrunk.input[axis] = smaller(layer->input[axis], 9 + layer->input[axis] % 8);
  return shrunk;
}

/* ---------------------------------------------------------------------------------------------
 * Corners
 * ------------------------------------------------------------------------------------------ */

typedef struct corner_row {
  int64_t batch, in_channels, input[2], out_channels, kernel[2];
  int64_t strides[2], dilations[2], pads_begin[2], pads_end[2], groups;
} corner_row;

static const corner_row small_corners[] = {
    /* everything one */
    {1, 1, {1, 1}, 1, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 1},
    /* one pixel */
    {3, 5, {1, 1}, 7, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 1},
    /* one pixel in pads */
    {2, 3, {1, 1}, 4, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 1},
    /* kernel as large as the image */
    {2, 3, {6, 5}, 4, {6, 5}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 1},
    /* kernel larger than the image */
    {2, 3, {3, 2}, 4, {6, 5}, {1, 1}, {1, 1}, {2, 2}, {3, 2}, 1},
    /* stride beyond the kernel */
    {2, 3, {11, 13}, 4, {2, 2}, {3, 5}, {1, 1}, {0, 0}, {0, 0}, 1},
    /* 1x1 with stride */
    {2, 5, {7, 8}, 6, {1, 1}, {2, 2}, {1, 1}, {0, 0}, {0, 0}, 1},
    /* 1x1 with stride in one axis */
    {2, 5, {7, 8}, 6, {1, 1}, {1, 3}, {1, 1}, {0, 0}, {0, 0}, 1},
    /* 1x1 with pads */
    {2, 3, {5, 4}, 4, {1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 1},
    /* 1x1 with a pad at the end */
    {2, 3, {5, 4}, 4, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 1}, 1},
    /* 1x1 with pads and stride */
    {2, 3, {5, 4}, 4, {1, 1}, {3, 3}, {1, 1}, {2, 2}, {2, 2}, 1},
    /* 1x1 with dilation */
    {2, 3, {5, 4}, 4, {1, 1}, {1, 1}, {7, 9}, {0, 0}, {0, 0}, 1},
    /* 1x1 in groups */
    {2, 6, {5, 7}, 9, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 3},
    /* 1x1 depthwise */
    {2, 6, {5, 7}, 6, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 6},
    /* pads beyond the kernel */
    {2, 3, {4, 5}, 4, {3, 3}, {1, 1}, {1, 1}, {5, 4}, {4, 5}, 1},
    /* dilation and wide pads */
    {2, 3, {7, 6}, 4, {3, 3}, {1, 1}, {3, 2}, {8, 5}, {8, 5}, 1},
    /* dilation and stride */
    {2, 3, {12, 15}, 4, {3, 2}, {2, 3}, {2, 4}, {1, 2}, {3, 1}, 1},
    /* taps on pads only */
    {2, 3, {2, 2}, 4, {3, 3}, {1, 1}, {4, 4}, {4, 4}, {4, 4}, 1},
    /* outputs on pads only */
    {2, 3, {4, 4}, 4, {2, 2}, {3, 3}, {1, 1}, {3, 3}, {3, 3}, 1},
    /* pads at the top */
    {2, 3, {6, 7}, 4, {3, 3}, {1, 1}, {1, 1}, {2, 0}, {0, 0}, 1},
    /* pads at the left */
    {2, 3, {6, 7}, 4, {3, 3}, {1, 1}, {1, 1}, {0, 2}, {0, 0}, 1},
    /* pads at the bottom */
    {2, 3, {6, 7}, 4, {3, 3}, {1, 1}, {1, 1}, {0, 0}, {2, 0}, 1},
    /* pads at the right */
    {2, 3, {6, 7}, 4, {3, 3}, {1, 1}, {1, 1}, {0, 0}, {0, 2}, 1},
    /* four different pads */
    {2, 3, {6, 7}, 4, {5, 4}, {2, 1}, {1, 1}, {1, 2}, {3, 0}, 1},
    /* last rows touch nothing */
    {2, 3, {8, 12}, 4, {3, 2}, {4, 5}, {1, 1}, {0, 0}, {0, 0}, 1},
    /* depthwise */
    {2, 7, {9, 8}, 7, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 7},
    /* depthwise with stride */
    {2, 7, {9, 8}, 7, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}, 7},
    /* depthwise, multiplier 2 */
    {2, 5, {9, 8}, 10, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 5},
    /* groups of three to one */
    {2, 12, {6, 7}, 4, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 4},
    /* groups of two to three */
    {3, 6, {6, 7}, 9, {3, 2}, {1, 2}, {2, 1}, {1, 1}, {0, 1}, 3},
    /* one channel */
    {2, 1, {10, 11}, 6, {5, 5}, {1, 1}, {1, 1}, {2, 2}, {2, 2}, 1},
    /* one filter */
    {2, 6, {10, 11}, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 1},
    /* one row */
    {2, 3, {1, 40}, 4, {1, 7}, {1, 1}, {1, 1}, {0, 3}, {0, 3}, 1},
    /* one column */
    {2, 3, {40, 1}, 4, {7, 1}, {1, 1}, {1, 1}, {3, 0}, {3, 0}, 1},
    /* row kernel */
    {2, 4, {9, 10}, 5, {1, 5}, {1, 2}, {1, 1}, {0, 1}, {0, 3}, 1},
    /* column kernel */
    {2, 4, {9, 10}, 5, {5, 1}, {2, 1}, {1, 1}, {3, 0}, {1, 0}, 1},
    /* one output pixel */
    {4, 6, {5, 5}, 7, {5, 5}, {3, 2}, {1, 1}, {0, 0}, {0, 0}, 1},
    /* dense */
    {5, 37, {1, 1}, 19, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 1},
    /* dense in groups */
    {6, 12, {1, 1}, 9, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 3},
    /* whole images in groups, with stride */
    {5, 6, {3, 4}, 10, {3, 4}, {2, 5}, {1, 1}, {0, 0}, {0, 0}, 2},
    /* whole image, one row, dilation that does not matter */
    {5, 3, {1, 9}, 4, {1, 9}, {1, 1}, {6, 1}, {0, 0}, {0, 0}, 1},
    /* no image, dense */
    {0, 5, {1, 1}, 6, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 1},
    /* no image */
    {0, 3, {6, 7}, 4, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 1},
    /* no image, 1x1 */
    {0, 3, {6, 7}, 4, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 1},
    /* no image, depthwise */
    {0, 4, {6, 7}, 4, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 4},
};

static const corner_row large_corners[] = {
    /* deep 3x3 */
    {1, 96, {40, 40}, 20, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 1},
    /* deeper 3x3 */
    {2, 300, {15, 15}, 8, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 1},
    /* very deep, few pixels */
    {3, 1000, {6, 7}, 10, {3, 3}, {2, 1}, {1, 1}, {1, 1}, {1, 1}, 1},
    /* many filters */
    {1, 12, {41, 43}, 160, {3, 3}, {1, 1}, {1, 1}, {1, 0}, {0, 2}, 1},
    /* many filters, few pixels */
    {2, 9, {5, 7}, 1100, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 1},
    /* channels and filters */
    {1, 260, {6, 5}, 270, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}, 1},
    /* 5x5 with stride */
    {1, 130, {45, 47}, 8, {5, 5}, {2, 2}, {1, 1}, {2, 2}, {2, 1}, 1},
    /* deep 1x1 */
    {2, 700, {21, 20}, 24, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 1},
    /* wide 1x1 */
    {1, 20, {61, 60}, 130, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 1},
    /* 1x1, many filters */
    {5, 90, {7, 7}, 530, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 1},
    /* 1x1 with stride */
    {2, 100, {40, 42}, 40, {1, 1}, {2, 2}, {1, 1}, {0, 0}, {0, 0}, 1},
    /* first layer */
    {1, 3, {150, 140}, 16, {7, 7}, {2, 2}, {1, 1}, {3, 3}, {3, 3}, 1},
    /* rows longer than a block */
    {1, 3, {3, 6000}, 5, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 1},
    /* columns longer than a block */
    {1, 3, {6000, 2}, 5, {3, 2}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 1},
    /* more taps than a block is deep: a channel's rows fall into several blocks */
    {1, 3, {31, 33}, 4, {27, 21}, {1, 2}, {1, 1}, {2, 5}, {3, 4}, 1},
    /* the same, keeping the extents */
    {1, 2, {24, 23}, 3, {25, 25}, {1, 1}, {1, 1}, {12, 12}, {12, 12}, 1},
    /* many images */
    {40, 5, {8, 9}, 6, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 1},
    /* many images in groups */
    {31, 12, {5, 6}, 8, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 2},
    /* many images in groups, 1x1 */
    {23, 12, {7, 6}, 10, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 2},
    /* two groups */
    {2, 120, {20, 22}, 50, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 2},
    /* depthwise */
    {2, 70, {41, 40}, 70, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 70},
    /* depthwise with stride */
    {1, 64, {57, 56}, 128, {5, 5}, {2, 2}, {1, 1}, {2, 2}, {2, 2}, 64},
    /* dense, several blocks of images, filters and depth */
    {203, 1100, {1, 1}, 300, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 1},
    /* dense, one image */
    {1, 900, {1, 1}, 600, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 1},
    /* whole images, many of them, in groups */
    {270, 26, {5, 6}, 70, {5, 6}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 2},
    /* dilated */
    {1, 60, {40, 41}, 20, {3, 3}, {1, 1}, {6, 5}, {6, 5}, {6, 5}, 1},
};

static blasconv_problem problem_of(const corner_row *row)
{
  blasconv_problem problem =
      blasconv_problem_2d(row->batch, row->in_channels, row->input[0], row->input[1],
                          row->out_channels, row->kernel[0], row->kernel[1]);
  problem.groups = row->groups;
  for (int axis = 0; axis < 2; ++axis) {
    problem.strides[axis] = row->strides[axis];
    problem.dilations[axis] = row->dilations[axis];
    problem.pads_begin[axis] = row->pads_begin[axis];
    problem.pads_end[axis] = row->pads_end[axis];
  }
  return problem;
}

bool shapes_small_corner(size_t index, blasconv_problem *corner)
{
  if (index >= sizeof small_corners / sizeof *small_corners)
    return false;
  *corner = problem_of(&small_corners[index]);
  return true;
}

bool shapes_large_corner(size_t index, blasconv_problem *corner)
{
  if (index >= sizeof large_corners / sizeof *large_corners)
    return false;
  *corner = problem_of(&large_corners[index]);
  return true;
}

/* ---------------------------------------------------------------------------------------------
 * Random problems
 * ------------------------------------------------------------------------------------------ */

/* One axis: kernel, stride, dilation and pads, then an input that is no smaller than the kernel. */
static void randomise_axis(blasconv_problem *problem, int axis, support_random *random)
{
  problem->kernel[axis] = support_random_between(random, 1, 5);
  problem->strides[axis] = support_random_between(random, 1, 4);
  problem->dilations[axis] = support_random_between(random, 1, 3);
  problem->pads_begin[axis] = support_random_between(random, 0, 4);
  problem->pads_end[axis] = support_random_between(random, 0, 4);
  const int64_t reach = (problem->kernel[axis] - 1) * problem->dilations[axis] + 1;
  const int64_t least = reach - problem->pads_begin[axis] - problem->pads_end[axis];
  problem->input[axis] = support_random_between(random, least > 1 ? least : 1, 18);
}

/* Kernel 1, stride 1, no pads. */
static void make_pointwise(blasconv_problem *problem)
{
  for (int axis = 0; axis < 2; ++axis) {
    problem->kernel[axis] = 1;
    problem->strides[axis] = 1;
    problem->pads_begin[axis] = 0;
    problem->pads_end[axis] = 0;
  }
}

/* A kernel that covers the whole image, no pads. */
static void make_dense(blasconv_problem *problem)
{
  for (int axis = 0; axis < 2; ++axis) {
    problem->kernel[axis] = problem->input[axis];
    problem->dilations[axis] = 1;
    problem->pads_begin[axis] = 0;
    problem->pads_end[axis] = 0;
  }
}

/* Stride 1 and pads that keep the extents, shared out to both ends at random. */
static void make_same(blasconv_problem *problem, support_random *random)
{
  for (int axis = 0; axis < 2; ++axis) {
    const int64_t pads = problem->dilations[axis] * (problem->kernel[axis] - 1);
    problem->strides[axis] = 1;
    problem->pads_begin[axis] = support_random_between(random, 0, pads);
    problem->pads_end[axis] = pads - problem->pads_begin[axis];
  }
}

blasconv_problem shapes_random(support_random *random)
{
  blasconv_problem problem = blasconv_problem_2d(0, 1, 1, 1, 1, 1, 1);
  problem.batch = support_random_between(random, 0, 3);
  problem.groups = support_random_between(random, 1, 4);
  problem.in_channels = problem.groups * support_random_between(random, 1, 6);
  problem.out_channels = problem.groups * support_random_between(random, 1, 6);
  if (support_random_between(random, 0, 4) == 0) { /* depthwise */
    problem.out_channels *= problem.in_channels / problem.groups;
    problem.groups = problem.in_channels;
  }
  randomise_axis(&problem, 0, random);
  randomise_axis(&problem, 1, random);
  const int64_t kind = support_random_between(random, 0, 7);
  if (kind == 0 || kind == 1)
    make_pointwise(&problem);
  if (kind == 2 || kind == 3)
    make_same(&problem, random);
  if (kind == 4)
    make_dense(&problem);
  return problem;
}
