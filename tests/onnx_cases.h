/*
 * The examples of ONNX's operators Conv and ConvTranspose, read from tests/data.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BLASCONV_TESTS_ONNX_CASES_H
#define BLASCONV_TESTS_ONNX_CASES_H

#include "support.h"

#include <blasconv/blasconv.h>

enum { onnx_name_size = 64, onnx_most_cases = 32 };

/** An example: what it computes, in NCHW, and what comes out. */
typedef struct onnx_case {
  char name[onnx_name_size];
  blasconv_problem problem; /**< without what `padding` and `output_shape` say */
  bool automatic;           /**< the pads are to be those of `padding` */
  blasconv_padding padding;
  bool shaped; /**< the output is to be as large as `output_shape` says */
  int64_t output_shape[BLASCONV_MAX_RANK];
  int64_t extents[BLASCONV_MAX_RANK]; /**< of the output */
  support_tensor input, weights, output;
} onnx_case;

/**
 * Reads a file of cases; one that is not as it should be fails the test. A line begins with a word:
 * `#` for a comment, `case` and its name, `operator` and Conv or ConvTranspose, ONNX's attributes
 * by their names with their numbers, the tensors `input`, `weights` and `output` with their shapes
 * and followed by their elements, `end`.
 * @param name of the file in tests/data
 * @param cases [#onnx_most_cases], to be freed by onnx_cases_free()
 * @return how many
 */
size_t onnx_cases_read(const char *name, onnx_case *cases);

void onnx_cases_free(onnx_case *cases, size_t count);

#endif
