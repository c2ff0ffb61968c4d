/*
 * The reader of tests/data.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "onnx_cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { line_size = 128, word_size = 64, most_numbers = 2 * BLASCONV_MAX_RANK };

/* A line of a file: its word, and the numbers or the text behind it. */
typedef struct line {
  FILE *file;
  char word[word_size], text[word_size];
  int64_t numbers[most_numbers];
  int count;
} line;

/* false at the end of the file; empty lines and comments are passed over. */
static bool next_line(line *in)
{
  char text[line_size];
  int used = 0;
  do {
    if (!fgets(text, sizeof text, in->file))
      return false;
  } while (sscanf(text, "%63s%n", in->word, &used) != 1 || in->word[0] == '#');
  in->text[0] = '\0';
  (void)sscanf(text + used, "%63s", in->text);
  char *rest = text + used, *end = NULL;
  for (in->count = 0; in->count < most_numbers; ++in->count, rest = end) {
    in->numbers[in->count] = strtoll(rest, &end, 10);
    if (end == rest)
      break;
  }
  return true;
}

static bool is_word(const line *in, const char *word)
{
  return strcmp(in->word, word) == 0;
}

/* The elements of a tensor whose shape the line has. */
static support_tensor read_elements(const line *in)
{
  int64_t count = 1;
  for (int i = 0; i < in->count; ++i)
    count *= in->numbers[i];
  support_tensor tensor = support_tensor_poisoned(count);
  for (int64_t i = 0; i < count; ++i)
    support_assert(fscanf(in->file, "%f", &tensor.data[i]) == 1, "%s lacks elements", in->word);
  return tensor;
}

/* One number an axis. */
static void read_axes(const line *in, int64_t axes[BLASCONV_MAX_RANK])
{
  support_assert(in->count <= BLASCONV_MAX_RANK, "%s has too many numbers", in->word);
  for (int i = 0; i < in->count; ++i)
    axes[i] = in->numbers[i];
}

/* The pads of all beginnings, then of all ends. */
static void read_pads(const line *in, blasconv_problem *problem)
{
  for (int i = 0; i < in->count / 2; ++i) {
    problem->pads_begin[i] = in->numbers[i];
    problem->pads_end[i] = in->numbers[in->count / 2 + i];
  }
}

/* What the line has behind two numbers. */
static void read_extents(const line *in, int64_t extents[BLASCONV_MAX_RANK])
{
  for (int i = 2; i < in->count; ++i)
    extents[i - 2] = in->numbers[i];
}

/* The line of a tensor; false if it is none. The weights are [K][C/G].. of a convolution and
 * [C][K/G].. of a transposed one, so that the output tells K. */
static bool read_tensor(const line *in, onnx_case *read)
{
  blasconv_problem *problem = &read->problem;
  if (is_word(in, "input")) {
    problem->rank = in->count - 2;
    problem->batch = in->numbers[0];
    problem->in_channels = in->numbers[1];
    read_extents(in, problem->input);
    read->input = read_elements(in);
  } else if (is_word(in, "weights")) {
    read_extents(in, problem->kernel);
    read->weights = read_elements(in);
  } else if (is_word(in, "output")) {
    problem->out_channels = in->numbers[1];
    read_extents(in, read->extents);
    read->output = read_elements(in);
  } else {
    return false;
  }
  return true;
}

static bool read_attribute(const line *in, onnx_case *read)
{
  blasconv_problem *problem = &read->problem;
  if (is_word(in, "operator")) {
    const bool transposed = strcmp(in->text, "ConvTranspose") == 0;
    ck_assert(transposed || strcmp(in->text, "Conv") == 0);
    problem->direction = transposed ? BLASCONV_TRANSPOSED : BLASCONV_CONVOLUTION;
  } else if (is_word(in, "strides")) {
    read_axes(in, problem->strides);
  } else if (is_word(in, "dilations")) {
    read_axes(in, problem->dilations);
  } else if (is_word(in, "output_padding")) {
    read_axes(in, problem->output_padding);
  } else if (is_word(in, "pads")) {
    read_pads(in, problem);
  } else if (is_word(in, "group")) {
    problem->groups = in->numbers[0];
  } else if (is_word(in, "output_shape")) {
    read->shaped = true;
    read_axes(in, read->output_shape);
  } else if (is_word(in, "auto_pad")) {
    const bool lower = strcmp(in->text, "SAME_LOWER") == 0;
    ck_assert(lower || strcmp(in->text, "SAME_UPPER") == 0);
    read->automatic = true;
    read->padding = lower ? BLASCONV_PADDING_SAME_LOWER : BLASCONV_PADDING_SAME_UPPER;
  } else {
    return false;
  }
  return true;
}

static onnx_case read_case(line *in)
{
  onnx_case read = {.problem = blasconv_problem_2d(1, 1, 1, 1, 1, 1, 1)};
  memcpy(read.name, in->text, sizeof read.name);
  while (next_line(in) && !is_word(in, "end"))
    support_assert(read_attribute(in, &read) || read_tensor(in, &read), "%s: %s means nothing",
                   read.name, in->word);
  support_assert(read.input.data && read.weights.data && read.output.data, "%s lacks a tensor",
                 read.name);
  return read;
}

size_t onnx_cases_read(const char *name, onnx_case *cases)
{
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", ONNX_CASES_FOLDER, name);
  line in = {.file = fopen(path, "r")};
  support_assert(in.file != NULL, "cannot read %s", path);
  size_t count = 0;
  while (next_line(&in)) {
    support_assert(is_word(&in, "case") && count < onnx_most_cases, "%s: %s", path, in.word);
    cases[count++] = read_case(&in);
  }
  fclose(in.file);
  return count;
}

void onnx_cases_free(onnx_case *cases, size_t count)
{
  for (size_t i = 0; i < count; ++i) {
    support_tensor_free(&cases[i].input);
    support_tensor_free(&cases[i].weights);
    support_tensor_free(&cases[i].output);
  }
}
