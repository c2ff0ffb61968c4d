#include "words.h"

#include <string.h>

/* What a line can say, each thing at most once; first the sizes. */
enum {
  IMAGES,
  IN_CHANNELS,
  OUT_CHANNELS,
  GROUPS,
  FIRST_OF_AXES, /* BENCH_AXES of them */
  PASS = BENCH_THINGS_OF_SIZE,
  LAYOUT,
  DIRECTION,
  ALGORITHM,
  THREADS,
  EXACT,
  ACCUMULATE,
  LIMIT,
  PACKED,
  BIAS,
  SCALE_SHIFT,
  RESIDUAL,
  ACTIVATION,
  OFFSET,
  LIBRARY_WORKSPACE,
  NAME
};

/* ---------------------------------------------------------------------------------------------
 * Values
 * ------------------------------------------------------------------------------------------ */

/* argument: the offset of an int64_t in bench_notation */
static const char *take_count(bench_word_target *target, size_t argument, bench_text *value)
{
  int64_t number = 0;
  const char *reason = bench_text_integer(value, &number);
  memcpy((char *)target->notation + argument, &number, sizeof number);
  return reason;
}

/* argument: which axes. "3x3", and for pads "1x0:2". */
static const char *take_axes(bench_word_target *target, size_t argument, bench_text *value)
{
  bench_axes *axes = &target->axes[argument];
  const char *reason = NULL;
  axes->at = value->at;
  do {
    if (axes->count == BLASCONV_MAX_RANK)
      return "there are at most three axes";
    int64_t *begin = &axes->begin[axes->count], *end = &axes->end[axes->count];
    reason = bench_text_integer(value, begin);
    *end = *begin;
    if (reason == NULL && argument == BENCH_PAD_AXES && bench_text_take(value, ':'))
      reason = bench_text_integer(value, end);
    ++axes->count;
  } while (reason == NULL && bench_text_take(value, 'x'));
  return reason;
}

/* argument: the offset of a bool in bench_notation */
static const char *take_flag(bench_word_target *target, size_t argument, bench_text *value)
{
  (void)value;
  const bool set = true;
  memcpy((char *)target->notation + argument, &set, sizeof set);
  return NULL;
}

static const char *take_pass(bench_word_target *target, size_t argument, bench_text *value)
{
  (void)value;
  target->notation->pass = (blasconv_pass)argument;
  return NULL;
}

static const char *take_layout(bench_word_target *target, size_t argument, bench_text *value)
{
  (void)value;
  target->notation->problem.layout = (blasconv_layout)argument;
  return NULL;
}

static const char *take_direction(bench_word_target *target, size_t argument, bench_text *value)
{
  (void)value;
  target->notation->problem.direction = (blasconv_direction)argument;
  return NULL;
}

/* argument: the offset of a char[BENCH_WORD_SIZE] in bench_notation */
static const char *take_name(bench_word_target *target, size_t argument, bench_text *value)
{
  return bench_text_name(value, (char *)target->notation + argument, BENCH_WORD_SIZE);
}

static const char *take_bounded(bench_text *value, int64_t most, int32_t *number)
{
  int64_t read = 0;
  const char *digits = value->at;
  const char *reason = bench_text_integer(value, &read);
  if (reason == NULL && read > most) {
    value->at = digits;
    reason = "the number is too large";
  }
  *number = reason == NULL ? (int32_t)read : 0;
  return reason;
}

static const char *take_threads(bench_word_target *target, size_t argument, bench_text *value)
{
  (void)argument;
  return take_bounded(value, INT32_MAX, &target->notation->threads);
}

static const char *take_offset(bench_word_target *target, size_t argument, bench_text *value)
{
  (void)argument;
  return take_bounded(value, BENCH_MOST_OFFSET, &target->notation->offset);
}

static const char *take_limit(bench_word_target *target, size_t argument, bench_text *value)
{
  (void)argument;
  return bench_text_bytes(value, &target->notation->workspace_limit);
}

static const char *take_residual(bench_word_target *target, size_t argument, bench_text *value)
{
  (void)argument;
  if (bench_text_is(*value, "before"))
    target->notation->residual = BLASCONV_RESIDUAL_BEFORE_ACTIVATION;
  else if (bench_text_is(*value, "after"))
    target->notation->residual = BLASCONV_RESIDUAL_AFTER_ACTIVATION;
  else
    return "a residual is added before or after the activation";
  value->at = value->end;
  return NULL;
}

static const char *take_activation(bench_word_target *target, size_t argument, bench_text *value)
{
  (void)value;
  target->notation->activation.kind = (blasconv_activation_kind)argument;
  return NULL;
}

static const char *take_activation_with_alpha(bench_word_target *target, size_t argument,
                                              bench_text *value)
{
  target->notation->activation.kind = (blasconv_activation_kind)argument;
  return bench_text_float(value, &target->notation->activation.alpha);
}

/* ---------------------------------------------------------------------------------------------
 * Words
 * ------------------------------------------------------------------------------------------ */

static const bench_word words[] = {
    {"n", IMAGES, true, take_count, offsetof(bench_notation, problem.batch)},
    {"c", IN_CHANNELS, true, take_count, offsetof(bench_notation, problem.in_channels)},
    {"k", OUT_CHANNELS, true, take_count, offsetof(bench_notation, problem.out_channels)},
    {"g", GROUPS, true, take_count, offsetof(bench_notation, problem.groups)},
    {"in", FIRST_OF_AXES + BENCH_INPUT_AXES, true, take_axes, BENCH_INPUT_AXES},
    {"f", FIRST_OF_AXES + BENCH_KERNEL_AXES, true, take_axes, BENCH_KERNEL_AXES},
    {"s", FIRST_OF_AXES + BENCH_STRIDE_AXES, true, take_axes, BENCH_STRIDE_AXES},
    {"d", FIRST_OF_AXES + BENCH_DILATION_AXES, true, take_axes, BENCH_DILATION_AXES},
    {"p", FIRST_OF_AXES + BENCH_PAD_AXES, true, take_axes, BENCH_PAD_AXES},
    {"op", FIRST_OF_AXES + BENCH_OUTPUT_PADDING_AXES, true, take_axes, BENCH_OUTPUT_PADDING_AXES},
    {"nchw", LAYOUT, false, take_layout, BLASCONV_NCHW},
    {"nhwc", LAYOUT, false, take_layout, BLASCONV_NHWC},
    {"transposed", DIRECTION, false, take_direction, BLASCONV_TRANSPOSED},
    {"forward", PASS, false, take_pass, BLASCONV_FORWARD},
    {"backward-data", PASS, false, take_pass, BLASCONV_BACKWARD_DATA},
    {"backward-weights", PASS, false, take_pass, BLASCONV_BACKWARD_WEIGHTS},
    {"bias", BIAS, false, take_flag, offsetof(bench_notation, bias)},
    {"scale", SCALE_SHIFT, false, take_flag, offsetof(bench_notation, scale_shift)},
    {"residual", RESIDUAL, true, take_residual, 0},
    {"relu", ACTIVATION, false, take_activation, BLASCONV_RELU},
    {"leaky-relu", ACTIVATION, true, take_activation_with_alpha, BLASCONV_LEAKY_RELU},
    {"clipped-relu", ACTIVATION, true, take_activation_with_alpha, BLASCONV_CLIPPED_RELU},
    {"elu", ACTIVATION, true, take_activation_with_alpha, BLASCONV_ELU},
    {"sigmoid", ACTIVATION, false, take_activation, BLASCONV_SIGMOID},
    {"tanh", ACTIVATION, false, take_activation, BLASCONV_TANH},
    {"silu", ACTIVATION, false, take_activation, BLASCONV_SILU},
    {"gelu-erf", ACTIVATION, false, take_activation, BLASCONV_GELU_ERF},
    {"gelu-tanh", ACTIVATION, false, take_activation, BLASCONV_GELU_TANH},
    {"algorithm", ALGORITHM, true, take_name, offsetof(bench_notation, algorithm)},
    {"threads", THREADS, true, take_threads, 0},
    {"exact", EXACT, false, take_flag, offsetof(bench_notation, exact)},
    {"accumulate", ACCUMULATE, false, take_flag, offsetof(bench_notation, accumulate)},
    {"limit", LIMIT, true, take_limit, 0},
    {"packed", PACKED, false, take_flag, offsetof(bench_notation, packed)},
    {"offset", OFFSET, true, take_offset, 0},
    {"library-workspace", LIBRARY_WORKSPACE, false, take_flag,
     offsetof(bench_notation, library_workspace)},
    {"name", NAME, true, take_name, offsetof(bench_notation, name)},
};

enum { WORDS = sizeof words / sizeof *words };

const bench_word *bench_word_find(bench_text name)
{
  for (int i = 0; i < WORDS; ++i)
    if (bench_text_is(name, words[i].name))
      return &words[i];
  return NULL;
}

/* The word that takes this argument in this way; NULL if none does. */
static const bench_word *word_of(bench_word_take *take, size_t argument)
{
  for (int i = 0; i < WORDS; ++i)
    if (words[i].take == take && words[i].argument == argument)
      return &words[i];
  return NULL;
}

const char *bench_notation_pass(blasconv_pass pass)
{
  return word_of(take_pass, pass)->name;
}

const char *bench_notation_layout(blasconv_layout layout)
{
  return word_of(take_layout, layout)->name;
}

bool bench_notation_has_alpha(blasconv_activation_kind kind)
{
  return word_of(take_activation_with_alpha, kind) != NULL;
}

const char *bench_notation_activation(blasconv_activation_kind kind)
{
  const bench_word *word =
      word_of(bench_notation_has_alpha(kind) ? take_activation_with_alpha : take_activation, kind);
  return word != NULL ? word->name : "";
}
