#include "notation.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A text that grows, of which as much is kept as there is room for. */
typedef struct writer {
  char *text;
  size_t size, length;
} writer;

static void put(writer *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(writer *out, const char *format, ...)
{
  const size_t room = out->length < out->size ? out->size - out->length : 0;
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(room > 0 ? out->text + out->length : NULL, room, format, arguments);
  va_end(arguments);
  out->length += length > 0 ? (size_t)length : 0;
}

/* Whether all of values [rank] are the same. */
static bool all_same(const int64_t *values, int32_t rank)
{
  bool same = true;
  for (int32_t axis = 1; axis < rank; ++axis)
    same = same && values[axis] == values[0];
  return same;
}

/* One number where that says it, else one for each axis. begin, end [rank]; different for pads. */
static void put_axes(writer *out, const char *word, const int64_t *begin, const int64_t *end,
                     int32_t rank)
{
  const bool one = all_same(begin, rank) && all_same(end, rank);
  put(out, " %s", word);
  for (int32_t axis = 0; axis < (one ? 1 : rank); ++axis) {
    put(out, "%s%" PRId64, axis > 0 ? "x" : "", begin[axis]);
    if (end[axis] != begin[axis])
      put(out, ":%" PRId64, end[axis]);
  }
}

/* The same, if there is a number that is not the one of a word left out. */
static void put_unusual_axes(writer *out, const char *word, const int64_t *begin,
                             const int64_t *end, int32_t rank, int64_t usual)
{
  if (!all_same(begin, rank) || !all_same(end, rank) || begin[0] != usual || end[0] != usual)
    put_axes(out, word, begin, end, rank);
}

static void put_flag(writer *out, bool set, const char *word)
{
  if (set)
    put(out, " %s", word);
}

static void put_problem(writer *out, const blasconv_problem *p)
{
  const int32_t rank = p->rank;
  put(out, "n%" PRId64 " c%" PRId64 " k%" PRId64, p->batch, p->in_channels, p->out_channels);
  if (p->groups != 1)
    put(out, " g%" PRId64, p->groups);
  put(out, " in");
  for (int32_t axis = 0; axis < rank; ++axis)
    put(out, "%s%" PRId64, axis > 0 ? "x" : "", p->input[axis]);
  put_axes(out, "f", p->kernel, p->kernel, rank);
  put_unusual_axes(out, "s", p->strides, p->strides, rank, 1);
  put_unusual_axes(out, "d", p->dilations, p->dilations, rank, 1);
  put_unusual_axes(out, "p", p->pads_begin, p->pads_end, rank, 0);
  put_unusual_axes(out, "op", p->output_padding, p->output_padding, rank, 0);
  put_flag(out, p->layout == BLASCONV_NHWC, bench_notation_layout(p->layout));
  put_flag(out, p->direction == BLASCONV_TRANSPOSED, "transposed");
}

static void put_epilogue(writer *out, const bench_notation *n)
{
  put_flag(out, n->bias, "bias");
  put_flag(out, n->scale_shift, "scale");
  put_flag(out, n->residual == BLASCONV_RESIDUAL_BEFORE_ACTIVATION, "residual=before");
  put_flag(out, n->residual == BLASCONV_RESIDUAL_AFTER_ACTIVATION, "residual=after");
  put_flag(out, n->activation.kind != BLASCONV_IDENTITY,
           bench_notation_activation(n->activation.kind));
  if (bench_notation_has_alpha(n->activation.kind))
    put(out, "=%.9g", (double)n->activation.alpha);
}

static void put_options(writer *out, const bench_notation *n)
{
  if (n->algorithm[0] != '\0')
    put(out, " algorithm=%s", n->algorithm);
  if (n->threads != 0)
    put(out, " threads=%" PRId32, n->threads);
  put_flag(out, n->exact, "exact");
  put_flag(out, n->accumulate, "accumulate");
  if (n->workspace_limit != BLASCONV_NO_LIMIT)
    put(out, " limit=%zu", n->workspace_limit);
  put_flag(out, n->packed, "packed");
  if (n->offset != 0)
    put(out, " offset=%" PRId32, n->offset);
  put_flag(out, n->library_workspace, "library-workspace");
  if (n->name[0] != '\0')
    put(out, " name=%s", n->name);
}

size_t bench_notation_print(const bench_notation *notation, char *text, size_t size)
{
  writer out = {text, size, 0};
  put_problem(&out, &notation->problem);
  put_flag(&out, notation->pass != BLASCONV_FORWARD, bench_notation_pass(notation->pass));
  put_epilogue(&out, notation);
  put_options(&out, notation);
  return out.length;
}

size_t bench_notation_print_problem(const blasconv_problem *problem, char *text, size_t size)
{
  writer out = {text, size, 0};
  put_problem(&out, problem);
  return out.length;
}
