/*
 * Problems at the edges of what is allowed, and problems of many blocks.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "shapes.h"

#include "notation.h"
#include "oracle.h"

/* What is special about the problem, and the problem in the benchmark's words. */
typedef struct corner_row {
  const char *what, *words;
} corner_row;

/* clang-format off */
static const corner_row small_corners[] = {
    {"everything one", "in1x1"},
    {"one pixel", "n3 c5 in1x1 k7"},
    {"one pixel in pads", "n2 c3 in1x1 k4 f3 p1"},
    {"kernel as large as the image", "n2 c3 in6x5 k4 f6x5"},
    {"kernel larger than the image", "n2 c3 in3x2 k4 f6x5 p2:3x2"},
    {"stride beyond the kernel", "n2 c3 in11x13 k4 f2 s3x5"},
    {"stride beyond the image", "n2 c2 in1x6 k4 f4x3 s4x5 p0:3x1"},
    {"1x1 with stride", "n2 c5 in7x8 k6 s2"},
    {"1x1 with stride in one axis", "n2 c5 in7x8 k6 s1x3"},
    {"1x1 with pads", "n2 c3 in5x4 k4 p1"},
    {"1x1 with a pad at the end", "n2 c3 in5x4 k4 p0x0:1"},
    {"1x1 with pads and stride", "n2 c3 in5x4 k4 s3 p2"},
    {"1x1 with dilation", "n2 c3 in5x4 k4 d7x9"},
    {"1x1 in groups", "n2 c6 in5x7 k9 g3"},
    {"1x1 depthwise", "n2 c6 in5x7 k6 g6"},
    {"pads beyond the kernel", "n2 c3 in4x5 k4 f3 p5:4x4:5"},
    {"dilation and wide pads", "n2 c3 in7x6 k4 f3 d3x2 p8x5"},
    {"dilation and stride", "n2 c3 in12x15 k4 f3x2 s2x3 d2x4 p1:3x2:1"},
    {"taps on pads only", "n2 c3 in2x2 k4 f3 d4 p4"},
    {"outputs on pads only", "n2 c3 in4x4 k4 f2 s3 p3"},
    {"pads at the top", "n2 c3 in6x7 k4 f3 p2:0x0"},
    {"pads at the left", "n2 c3 in6x7 k4 f3 p0x2:0"},
    {"pads at the bottom", "n2 c3 in6x7 k4 f3 p0:2x0"},
    {"pads at the right", "n2 c3 in6x7 k4 f3 p0x0:2"},
    {"four different pads", "n2 c3 in6x7 k4 f5x4 s2x1 p1:3x2:0"},
    {"last rows touch nothing", "n2 c3 in8x12 k4 f3x2 s4x5"},
    {"depthwise", "n2 c7 in9x8 k7 f3 p1 g7"},
    {"depthwise with stride", "n2 c7 in9x8 k7 f3 s2 p1 g7"},
    {"depthwise, multiplier 2", "n2 c5 in9x8 k10 f3 p1 g5"},
    {"groups of three to one", "n2 c12 in6x7 k4 f3 p1 g4"},
    {"groups of two to three", "n3 c6 in6x7 k9 f3x2 s1x2 d2x1 p1:0x1 g3"},
    {"one channel", "n2 in10x11 k6 f5 p2"},
    {"one filter", "n2 c6 in10x11 f3 p1"},
    {"one row", "n2 c3 in1x40 k4 f1x7 p0x3"},
    {"one column", "n2 c3 in40x1 k4 f7x1 p3x0"},
    {"row kernel", "n2 c4 in9x10 k5 f1x5 s1x2 p0x1:3"},
    {"column kernel", "n2 c4 in9x10 k5 f5x1 s2x1 p3:1x0"},
    {"one output pixel", "n4 c6 in5x5 k7 f5 s3x2"},
    {"dense", "n5 c37 in1x1 k19"},
    {"dense in groups", "n6 c12 in1x1 k9 g3"},
    {"whole images in groups, with stride", "n5 c6 in3x4 k10 f3x4 s2x5 g2"},
    {"whole image, moved by a pad", "n3 c3 in4x5 k5 f4x5 s3x4 p1:0x2:0"},
    {"whole image, pads that nothing reaches", "n3 c3 in4x5 k5 f4x5 s3x4 p0:1x0:2"},
    {"whole image, one row, dilation that does not matter", "n5 c3 in1x9 k4 f1x9 d6x1"},
    {"no image, dense", "n0 c5 in1x1 k6"},
    {"no image", "n0 c3 in6x7 k4 f3 p1"},
    {"no image, 1x1", "n0 c3 in6x7 k4"},
    {"no image, depthwise", "n0 c4 in6x7 k4 f3 p1 g4"},
    {"one axis", "n2 c3 in17 k4 f3 p1"},
    {"one axis, everything", "n2 c4 in20 k6 f4 s3 d2 p2:3 g2"},
    {"one axis, one pixel", "n3 c4 in1 k5"},
    {"one axis, kernel 1 with stride", "n2 c5 in9 k3 s2"},
    {"one axis, kernel larger than the image", "n2 c3 in3 k4 f7 p2:3"},
    {"one axis, depthwise", "n2 c5 in16 k5 f5 p2 g5"},
    {"one axis, depthwise, multiplier 2", "n2 c5 in15 k10 f3 s2 p1 g5"},
    {"one axis, whole image", "n4 c5 in6 k7 f6"},
    {"three axes, keeping the extents", "n2 c3 in5x6x7 k4 f3 p1"},
    {"three axes, everything", "c4 in7x8x9 k6 f2x3x2 s2x1x3 d1x2x3 p1:0x2:3x0:1 g2"},
    {"three axes, a stride in depth alone", "n2 c3 in6x5x4 k4 f3 s2x1x1 p1"},
    {"three axes, a stride in height alone", "n2 c3 in4x6x5 k4 f3 s1x2x1 p1"},
    {"three axes, a stride in width alone", "n2 c3 in4x5x6 k4 f3 s1x1x2 p1"},
    {"three axes, pads at the bottom alone", "n2 c3 in4x5x6 k4 f3 p1x0:1x1"},
    {"a stride in height alone", "n2 c3 in6x5 k4 f3 s2x1 p1"},
    {"a stride in width alone", "n2 c3 in5x6 k4 f3 s1x2 p1"},
    {"three axes, one plane in bands, in one phase of two", "c2 in1x6x16 k1 f1 s2x1x1 p1:0x0x0"},
    {"three axes, one of one pixel", "c3 in1x6x7 k4 f1x3x3 p0x1x1"},
    {"three axes, kernel 1", "n2 c5 in3x4x5 k6"},
    {"three axes, kernel 1 with stride", "n2 c3 in4x5x6 k5 s2x1x2"},
    {"three axes, whole image", "n3 c2 in3x4x2 k5 f3x4x2"},
    {"three axes, kernel larger than the image", "n2 c2 in2x3x1 k3 f4x3x3 p1:2x1x1"},
    {"three axes, depthwise", "c4 in4x5x6 k4 f3 p1 g4"},
    {"three axes, depthwise, multiplier 3", "c3 in5x4x6 k9 f3x3x2 s2x1x2 p1 g3"},
    {"no image, three axes", "n0 c3 in4x5x6 k4 f3 p1"},
    {"channels that fill no vector", "n2 c13 in7x6 k11 f3 p1"},
    {"channels one more than vectors", "c17 in5x6 k33 f3 p1"},
    {"channels one less than vectors", "c15 in5x6 k31 f2"},
    {"many channels in groups", "n2 c21 in5x6 k15 f3 p1 g3"},
    {"1x1, channels one more than vectors", "n2 c33 in5x4 k17"},
    {"1x1 with stride in groups", "n2 c10 in7x8 k6 s2 g2"},
    {"depthwise, multiplier 2, stride", "n2 c5 in9x8 k10 f3 s2 p1 g5"},
    {"depthwise, multiplier 3", "n2 c5 in9x8 k15 f3 p1 g5"},
    {"depthwise 5x5", "n2 c7 in9x8 k7 f5 p2 g7"},
    {"depthwise 5x5, stride", "n2 c7 in9x8 k7 f5 s2 p2 g7"},
    {"depthwise 5x5, multiplier 2, stride", "n2 c3 in11x10 k6 f5 s2 p2 g3"},
    {"depthwise 5x5, multiplier 3", "c3 in7x8 k9 f5 p2 g3"},
    {"depthwise, vectors of channels", "c16 in6x7 k16 f3 p1 g16"},
    {"depthwise, one channel more than vectors", "c17 in6x7 k17 f3 s2 p0:1 g17"},
    {"depthwise, two vectors and one", "c33 in5x4 k33 f3 p1 g33"},
    {"first layer, small", "n8 c3 in11x10 k16 f3 s2 p1"},
    {"first layer, 5x5", "n8 c2 in9x8 k17 f5 s2 p2"},
    {"few channels, wide rows", "n2 c3 in5x43 k43 f3 p1"},
    {"few channels, wide rows, stride", "n2 c2 in7x90 k9 f5x4 s2 p2:1x3:0"},
    {"few channels, wide rows, dilated, pads that reach further", "c2 in4x110 k8 f2x3 s1x3 d1x2 p0x7:9"},
    {"few channels, wide rows on pads", "c2 in2x3 k8 f3 p2x17"},
    {"few channels, whole panels", "n2 c3 in5x43 k64 f3 p1"},
    {"few channels, half a panel more, stride", "n2 c4 in7x41 k48 f5x4 s2 p2:1x3:0"},
    {"few channels, half a panel more, dilated", "c2 in4x60 k24 f2x3 s1x3 d1x2 p0x7:9"},
    {"few channels of a long axis", "n2 c3 in90 k32 f5 s2 p2"},
    {"few channels, odd filters, dilated", "n8 c2 in8x7 k9 f3x2 d2x3 p2:1x1:0"},
    {"depthwise, vectors and many rows", "n2 c34 in11x6 k34 f3 p1 g34"},
    {"depthwise, vectors with stride", "n2 c34 in13x10 k34 f3 s2 p1 g34"},
    {"depthwise, vectors with stride, pads at the end", "c35 in12x9 k35 f3 s2 p0:1 g35"},
    {"depthwise, vectors, pads that reach further", "c20 in3x2 k20 f3 s2 p2:3 g20"},
    {"depthwise, vectors, several planes", "c18 in3x7x5 k18 f1x3x3 p0x1x1 g18"},
    {"depthwise, vectors, planes without taps", "c18 in2x7x5 k18 f1x3x3 s2x1x1 p1 g18"},
    {"depthwise, vectors, planes with stride", "c18 in3x7x5 k18 f1x3x3 s2 p1 g18"},
    {"depthwise, dilated", "n2 c6 in9x8 k6 f3 d2 p2 g6"},
    {"depthwise, dilation and stride", "n2 c6 in9x11 k6 f3x2 s2x3 d2x1 p2:1x0:1 g6"},
    {"depthwise, kernel larger than the image", "n2 c4 in2x3 k4 f5 p2 g4"},
    {"depthwise, pads at the end", "n2 c5 in8x9 k5 f3 s2 p0:1 g5"},
    {"depthwise, taps on pads only", "n2 c3 in2x2 k3 f3 d4 p4 g3"},
    {"depthwise, one pixel", "n2 c6 in1x1 k6 f3 p1 g6"},
    {"depthwise, whole image", "n3 c6 in4x5 k6 f4x5 g6"},
    {"depthwise, one wide row", "c3 in1x70 k3 f1x3 p0x1 g3"},
    {"depthwise, wide rows", "c2 in3x67 k2 f3 p1 g2"},
    {"transposed, twice the extents", "transposed n2 c4 in5x6 k3 f3 s2 p1 op1"},
    {"transposed, twice the extents, even kernel", "transposed n2 c4 in5x6 k3 f4 s2 p1"},
    {"transposed, tiles", "transposed n2 c4 in5x6 k3 f2 s2"},
    {"transposed, three times the extents", "transposed n2 c3 in4x5 k4 f3 s3 op2"},
    {"transposed, holes", "transposed n2 c5 in4x5 k6 s2"},
    {"transposed, holes and output padding", "transposed n2 c5 in4x5 k6 s3x2 op2x1"},
    {"transposed, one row of output padding", "transposed n2 c3 in5x4 k4 f5 s2 p2 op1x0"},
    {"transposed, output padding beyond the stride", "transposed n2 c3 in5x4 k4 f3x2 s1x2 d2x3 op1x2"},
    {"transposed, output padding beyond the stride, cut", "transposed n2 c3 in4x5 k4 f2 d4 p1:2 op3"},
    {"transposed, from one pixel", "transposed n3 c6 in1x1 k5 f4"},
    {"transposed, cut to one pixel", "transposed n2 c3 in3x3 k4 f3 p2"},
    {"transposed, cut beyond the kernel", "transposed n2 c3 in7x8 k4 f2 s2 p5:4x3:6"},
    {"transposed, cuts of four kinds", "transposed n2 c3 in6x5 k4 f5x4 s2x3 p1:3x2:0"},
    {"transposed, few filters, wide rows", "transposed n2 c9 in6x45 k3 f3 p1"},
    {"transposed in groups", "transposed n2 c6 in5x4 k9 f3 s2 p1 op1 g3"},
    {"transposed, depthwise", "transposed n2 c5 in5x6 k5 f3 s2 p1 op1 g5"},
    {"transposed, depthwise, multiplier 2", "transposed n2 c5 in5x6 k10 f4 s2 p1 g5"},
    {"transposed, one axis", "transposed n2 c3 in9 k4 f4 s3 p1:2 op1"},
    {"transposed, three axes", "transposed c3 in3x4x3 k4 f3 s2 p1 op1"},
    {"transposed, planes moved by a cut", "transposed n2 c3 in4x9x9 k4 f1x3x3 d2x1x1 p1:0x1x1 op1x0x0"},
    {"transposed, one plane that is cut", "transposed c18 in1x9x16 k18 f1x3x3 d2x1x1 p1:0x1x1 op1x0x0 g18"},
    {"transposed, three axes in groups", "transposed c4 in3x2x4 k6 f2x3x4 s1x2x3 d2x1x1 p0x1:0x2 op1x0x2 g2"},
};

static const corner_row large_corners[] = {
    {"deep 3x3", "c96 in40x40 k20 f3 p1"},
    {"deeper 3x3", "n2 c300 in15x15 k8 f3 p1"},
    {"very deep, few pixels", "n3 c1000 in6x7 k10 f3 s2x1 p1"},
    {"many filters", "c12 in41x43 k160 f3 p1:0x0:2"},
    {"many filters, few pixels", "n2 c9 in5x7 k1100 f3 p1"},
    {"channels and filters", "c260 in6x5 k270 f3 s2 p1"},
    {"5x5 with stride", "c130 in45x47 k8 f5 s2 p2x2:1"},
    {"deep 1x1", "n2 c700 in21x20 k24"},
    {"wide 1x1", "c20 in61x60 k130"},
    {"1x1, half a panel at the end of a map", "n2 c21 in24x17 k15"},
    {"1x1, one map of few panels, few filters", "c37 in14x15 k3"},
    {"1x1, two panels and a half of channels", "n2 c40 in13x14 k27"},
    {"1x1, blocks of channels backwards", "n2 c230 in20x21 k31"},
    {"1x1, many filters", "n5 c90 in7x7 k530"},
    {"1x1, small images, deep, many filters", "n5 c530 in7x7 k300"},
    {"1x1, small images, filters one more than vectors", "n3 c140 in5x5 k81"},
    {"1x1, one small image", "c600 in7x7 k70"},
    {"1x1 with stride, small images", "n3 c150 in13x14 k100 s2"},
    {"1x1 with pads, small images", "n3 c140 in5x4 k70 p1"},
    {"1x1 with pads at the bottom, small images", "c130 in5x6 k66 p0:1x0:1"},
    {"3x3, small images", "n4 c70 in7x6 k70 f3 p1"},
    {"small images in groups", "n3 c280 in5x7 k150 g2"},
    {"small images, every pixel meets other taps", "n2 c20 in5x5 k70 f5 p2"},
    {"small images, some pixels meet pads only", "n3 c30 in3x5 k66 f3 p3:2x4:1"},
    {"small images, more taps than a set has", "n3 c5 in9x10 k70 f9x8 p4x3:4"},
    {"small images, stride and pads, deep", "n9 c66 in9x7 k70 f3 s2 p1"},
    {"1x1, maps of whole lines", "n3 c40 in12x12 k20"},
    {"1x1, maps of whole lines, deep", "n2 c530 in4x12 k9"},
    {"1x1, maps of whole lines, in groups", "n2 c60 in6x8 k40 g2"},
    {"1x1 with stride", "n2 c100 in40x42 k40 s2"},
    {"first layer", "c3 in150x140 k16 f7 s2 p3"},
    {"rows longer than a block", "c3 in3x6000 k5 f3 p1"},
    {"columns longer than a block", "c3 in6000x2 k5 f3x2 p1"},
    {"more taps than a block is deep: a channel's rows fall into several blocks", "c3 in31x33 k4 f27x21 s1x2 p2:3x5:4"},
    {"the same, keeping the extents", "c2 in24x23 k3 f25 p12"},
    {"many images", "n40 c5 in8x9 k6 f3 p1"},
    {"many images of many pixels, 1x1", "n17 c10 in39x40 k6"},
    {"many images in groups", "n31 c12 in5x6 k8 f3 p1 g2"},
    {"many images in groups, 1x1", "n23 c12 in7x6 k10 g2"},
    {"two groups", "n2 c120 in20x22 k50 f3 p1 g2"},
    {"depthwise", "n2 c70 in41x40 k70 f3 p1 g70"},
    {"depthwise with stride", "c64 in57x56 k128 f5 s2 p2 g64"},
    {"dense, several blocks of images, filters and depth", "n203 c1100 in1x1 k300"},
    {"dense, one image", "c900 in1x1 k600"},
    {"whole images, many of them, in groups", "n270 c26 in5x6 k70 f5x6 g2"},
    {"dilated", "c60 in40x41 k20 f3 d6x5 p6x5"},
    {"channels last, deep 3x3", "nhwc c100 in40x38 k22 f3 p1"},
    {"channels last, many filters", "nhwc n2 c11 in23x25 k170 f3 s2 p1"},
    {"channels last, deep 1x1", "nhwc n2 c700 in21x20 k24"},
    {"channels last, 1x1 in groups", "nhwc n3 c90 in17x18 k66 g3"},
    {"channels last, 1x1, half a panel", "nhwc n2 c24 in9x11 k8"},
    {"channels last, 1x1, panels and a half", "nhwc n2 c130 in11x13 k40"},
    {"channels last, 1x1, a panel of channels as they lie", "nhwc n2 c16 in13x11 k20"},
    {"channels last, 1x1, a panel and a half of channels", "nhwc n2 c24 in13x11 k29"},
    {"channels last, 1x1, two panels and a half of channels", "nhwc n2 c40 in13x11 k21"},
    {"channels last, 1x1, panels of channels and a rest", "nhwc n3 c45 in19x17 k34"},
    {"channels last, 1x1 with stride", "nhwc n2 c100 in40x42 k40 s2"},
    {"channels last, first layer", "nhwc c3 in150x140 k16 f7 s2 p3"},
    {"channels last, very deep, few pixels", "nhwc n3 c600 in6x7 k20 f3 p1"},
    {"channels last, two groups", "nhwc n2 c80 in20x22 k50 f3 p1 g2"},
    {"channels last, depthwise", "nhwc n2 c150 in41x40 k150 f3 p1 g150"},
    {"channels last, depthwise, multiplier 2, stride", "nhwc c67 in57x56 k134 f5 s2 p2 g67"},
    {"channels last, rows longer than a block", "nhwc c3 in3x6000 k5 f3 p1"},
    {"channels last, dense, several blocks", "nhwc n130 c900 in1x1 k300"},
    {"channels last, whole images", "nhwc n70 c26 in5x6 k70 f5x6"},
    {"transposed, twice the extents", "transposed c60 in20x21 k30 f4 s2 p1"},
    {"transposed, channels last", "transposed nhwc c50 in21x20 k30 f3 s2 p1 op1"},
    {"transposed, deep, few pixels", "transposed n2 c500 in5x6 k40 f3 s2 p1 op1"},
    {"transposed, channels last, tiles", "transposed nhwc n2 c130 in14x15 k40 f2 s2"},
    {"transposed, 1x1", "transposed n2 c150 in20x21 k90"},
    {"transposed, depthwise", "transposed c64 in28x27 k64 f4 s2 p1 g64"},
    {"one long axis", "c20 in4000 k24 f9 p4"},
    {"one long axis, channels last, dilated", "nhwc n2 c20 in2000 k24 f3 d8 p16"},
    {"one long axis, transposed", "transposed n2 c24 in700 k12 f8 s4 p2"},
    {"three axes", "c20 in9x20x21 k24 f3 p1"},
    {"three axes, channels last", "nhwc c20 in9x20x21 k24 f3 p1"},
    {"three axes, stride, many channels", "c130 in5x9x8 k40 f3 s2 p1"},
    {"three axes, depthwise", "n2 c40 in7x14x15 k40 f3 p1 g40"},
    {"three axes, transposed, channels last", "transposed nhwc c24 in4x9x8 k16 f4 s2 p1"},
};
/* clang-format on */

enum {
  small_rows = sizeof small_corners / sizeof *small_corners,
  large_rows = sizeof large_corners / sizeof *large_corners,
  turns = 4 /* both layouts in both directions */
};

static blasconv_problem problem_of(const corner_row *row)
{
  bench_notation notation;
  bench_notation_error error;
  support_assert(bench_notation_parse(row->words, &notation, &error), "%s: %s: %s", row->what,
                 row->words, error.reason);
  support_assert(oracle_allows(&notation.problem), "%s: no problem: %s", row->what, row->words);
  return notation.problem;
}

/* The same sizes in the other direction. Where they allow no output then, a transposed convolution
 * cuts nothing, and a convolution gets a larger input. */
static void turn_direction(blasconv_problem *problem)
{
  const bool transposed = problem->direction == BLASCONV_CONVOLUTION;
  problem->direction = transposed ? BLASCONV_TRANSPOSED : BLASCONV_CONVOLUTION;
  for (int axis = 0; axis < problem->rank; ++axis)
    problem->output_padding[axis] = 0;
  if (oracle_allows(problem))
    return;
  for (int axis = 0; axis < problem->rank; ++axis)
    if (transposed)
      problem->pads_begin[axis] = problem->pads_end[axis] = 0;
    else
      problem->input[axis] += problem->dilations[axis] * (problem->kernel[axis] - 1);
}

bool shapes_small_corner(size_t index, blasconv_problem *corner)
{
  if (index >= turns * (size_t)small_rows)
    return false;
  *corner = problem_of(&small_corners[index / turns]);
  if (index % 2 == 1)
    corner->layout = corner->layout == BLASCONV_NCHW ? BLASCONV_NHWC : BLASCONV_NCHW;
  if (index % turns >= turns / 2)
    turn_direction(corner);
  ck_assert(oracle_allows(corner));
  return true;
}

bool shapes_large_corner(size_t index, blasconv_problem *corner)
{
  if (index >= large_rows)
    return false;
  *corner = problem_of(&large_corners[index]);
  return true;
}
