/*
 * A convolution and how to run it, in words on one line:
 *
 *     n8 c64 k128 g2 in56x56 f3x3 s2 p1 forward nhwc bias relu threads=2
 *
 * Words are separated by spaces, in any order, each at most once. Only `in` must be there.
 *
 *     n8  c64  k128  g2   images, input channels, filters, groups; each 1 if left out
 *     in56x56             extents of the input, as many as there are axes: 1, 2 or 3
 *     f3x3  s2  d1        filter, strides, dilations (1: dense); 1 if left out
 *     p1  p1:2x0:1        pads, begin:end of each axis; 0 if left out
 *     op1                 output padding of a transposed convolution; 0 if left out
 *     nchw, nhwc          the layout, nchw if left out
 *     transposed          the direction
 *     forward, backward-data, backward-weights
 *                         the pass, forward if left out
 *     bias, scale, residual=before, residual=after
 *                         parts of the epilogue; in backward-weights `bias` is its gradient,
 *                         `scale` stands for scale and shift
 *     relu, leaky-relu=0.1, clipped-relu=6, elu=1, sigmoid, tanh, silu, gelu-erf, gelu-tanh
 *                         the activation, with alpha where it has one
 *     algorithm=NAME, threads=2, exact, accumulate, limit=65536, packed
 *                         options of the plan; limit: bytes of workspace, or 64K, 1M, 1G
 *     offset=3            floats between a multiple of 64 bytes and each tensor's beginning
 *     library-workspace   the library allocates the workspace itself
 *     name=conv1          what to call it
 *
 * A number of the words f, s, d, p, op stands for all axes if it is alone. The `=` before
 * a number may be left out, or written where there is none.
 *
 * A problem of benchdnn, the benchmark of oneDNN, stands as one word for all sizes and the name:
 *
 *     mb8ic64ih56oc64oh56kh3ph1n"conv" backward-data
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BENCH_NOTATION_H
#define BENCH_NOTATION_H

#include <blasconv/blasconv.h>
#include <stdbool.h>

enum { BENCH_WORD_SIZE = 64, BENCH_MOST_OFFSET = 15 };

/* What a line says. */
typedef struct bench_notation {
  char name[BENCH_WORD_SIZE]; /* empty: none */
  blasconv_problem problem;   /* entries from its rank on are those of blasconv_problem_3d() */
  blasconv_pass pass;
  char algorithm[BENCH_WORD_SIZE]; /* empty: the library chooses */
  int32_t threads;                 /* 0: as many as OpenMP would use */
  bool exact, accumulate;
  bool bias, scale_shift;
  blasconv_residual residual;
  blasconv_activation activation; /* alpha is 0 where the kind has none */
  size_t workspace_limit;
  bool packed;
  int32_t offset; /* floats, 0 to BENCH_MOST_OFFSET */
  bool library_workspace;
} bench_notation;

/* Why a line cannot be read. */
typedef struct bench_notation_error {
  size_t position; /* of the character that is wrong, counted from 0 */
  char reason[160];
} bench_notation_error;

/* Everything left out, that is one image of one pixel. */
bench_notation bench_notation_default(void);

/* Reads a line. Whether its sizes make a convolution is for the library to say. If the line cannot
 * be read, returns false, sets `error` and leaves `notation` alone. */
bool bench_notation_parse(const char *text, bench_notation *notation, bench_notation_error *error);

/* Writes the line that bench_notation_parse() reads the same from, without what may be left out;
 * cut to `size` bytes and ended by a NUL. Returns the length of the whole line, as snprintf does.
 */
size_t bench_notation_print(const bench_notation *notation, char *text, size_t size);

/* The same for the sizes alone: the problem, without pass and options. */
size_t bench_notation_print_problem(const blasconv_problem *problem, char *text, size_t size);

/* The options of a plan that a line asks for; `algorithm` points into the notation. */
blasconv_options bench_notation_options(const bench_notation *notation);

/* "forward", "backward-data" or "backward-weights". */
const char *bench_notation_pass(blasconv_pass pass);

/* The word of an activation; "" for the identity. */
const char *bench_notation_activation(blasconv_activation_kind kind);

/* Whether alpha means something for the kind. */
bool bench_notation_has_alpha(blasconv_activation_kind kind);

/* "nchw" or "nhwc". */
const char *bench_notation_layout(blasconv_layout layout);

#endif
