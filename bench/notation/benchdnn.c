#include "benchdnn.h"

#include <string.h>

enum { MOST = 1000000000 }; /* products of two such numbers, and their sums, do not overflow */

/* The sizes: four numbers, then each quantity along d, h and w. */
enum { GROUPS, IMAGES, IN_CHANNELS, OUT_CHANNELS, SPATIAL };
typedef enum quantity { INPUT, OUTPUT, KERNEL, STRIDE, PAD, DILATION, QUANTITIES } quantity;
enum { AXES = BLASCONV_MAX_RANK };

static const char keys[BENCH_BENCHDNN_SIZES][3] = {"g",  "mb", "ic", "oc", "id", "ih", "iw", "od",
                                                   "oh", "ow", "kd", "kh", "kw", "sd", "sh", "sw",
                                                   "pd", "ph", "pw", "dd", "dh", "dw"};

static int index_of(quantity which, int axis)
{
  return SPATIAL + (int)which * AXES + axis;
}

static int64_t along(const bench_benchdnn *read, quantity which, int axis)
{
  return read->sizes[index_of(which, axis)];
}

/* The key that the text begins with, -1 if none. */
static int key_at(const bench_text *text)
{
  for (int key = 0; key < BENCH_BENCHDNN_SIZES; ++key) {
    const size_t length = strlen(keys[key]);
    if ((size_t)(text->end - text->at) >= length && memcmp(text->at, keys[key], length) == 0)
      return key;
  }
  return -1;
}

bool bench_benchdnn_is(bench_text word)
{
  int64_t value;
  const int key = key_at(&word);
  if (key != GROUPS)
    return key >= 0;
  /* Our own word for the groups has nothing behind its number. */
  ++word.at;
  return bench_text_integer(&word, &value) == NULL && word.at < word.end;
}

static void clear(bench_benchdnn *read)
{
  *read = (bench_benchdnn){.sizes = {[GROUPS] = 1, [IMAGES] = 2}};
  for (int axis = 0; axis < AXES; ++axis) {
    read->sizes[index_of(STRIDE, axis)] = 1;
    read->sizes[index_of(PAD, axis)] = -1;
  }
}

static const char *read_name(bench_text *word, char *name, size_t size)
{
  bench_text inner = *word;
  const bool quoted = bench_text_take(&inner, '"');
  if (quoted && (inner.at == inner.end || *--inner.end != '"'))
    return "the name has no second quotation mark";
  const char *reason = bench_text_name(&inner, name, size);
  word->at = reason == NULL ? word->end : inner.at;
  return reason;
}

static const char *read_size(bench_text *word, bench_benchdnn *read)
{
  const int key = key_at(word);
  if (key < 0)
    return "there is no such size in a problem of benchdnn";
  word->at += strlen(keys[key]);
  const char *digits = word->at;
  const char *reason = bench_text_integer(word, &read->sizes[key]);
  if (reason == NULL && read->sizes[key] > MOST) {
    word->at = digits;
    reason = "the number is too large";
  }
  return reason;
}

const char *bench_benchdnn_read(bench_text *word, bench_benchdnn *read, char *name, size_t size)
{
  const char *reason = NULL;
  clear(read);
  while (word->at < word->end && reason == NULL) {
    if (bench_text_take(word, '_'))
      continue;
    reason = bench_text_take(word, 'n') ? read_name(word, name, size) : read_size(word, read);
  }
  return reason;
}

/* ---------------------------------------------------------------------------------------------
 * What is left out
 * ------------------------------------------------------------------------------------------ */

static bool axis_is_there(const bench_benchdnn *read, int axis)
{
  return along(read, INPUT, axis) != 0 || along(read, OUTPUT, axis) != 0 ||
         along(read, KERNEL, axis) != 0 || along(read, STRIDE, axis) != 1 ||
         along(read, PAD, axis) > 0 || along(read, DILATION, axis) != 0;
}

static void copy_axis(bench_benchdnn *read, int from, int to)
{
  for (int which = 0; which < QUANTITIES; ++which)
    read->sizes[index_of((quantity)which, to)] = read->sizes[index_of((quantity)which, from)];
}

/* Gives axes without sizes those of the first one that has any. */
static const char *complete_axes(bench_benchdnn *read, int *first)
{
  int there = 0;
  for (*first = 0; *first < AXES && !axis_is_there(read, *first);)
    ++*first;
  if (*first == AXES)
    return "the sizes of the input are missing";
  for (int axis = *first; axis < AXES; ++axis)
    there += axis_is_there(read, axis);
  if (there != 1 && there != AXES - *first)
    return "the sizes of one of the axes h and w are missing";
  for (int axis = *first + 1; there == 1 && axis < AXES; ++axis)
    copy_axis(read, *first, axis);
  return NULL;
}

/* The extent that follows from equal pads; below 1 if there is none. */
static int64_t output_of(bool transposed, int64_t input, int64_t reach, int64_t stride, int64_t pad)
{
  if (transposed)
    return (input - 1) * stride + reach - 2 * pad;
  return input + 2 * pad < reach ? 0 : (input + 2 * pad - reach) / stride + 1;
}

/* A convolution may leave pixels at the input's end out, a transposed one adds them to the output.
 */
static const char *set_pads(blasconv_problem *problem, int axis, int64_t begin, int64_t end)
{
  problem->pads_begin[axis] = begin;
  problem->pads_end[axis] = end > 0 ? end : 0;
  problem->output_padding[axis] = 0;
  if (end >= 0)
    return NULL;
  if (problem->direction == BLASCONV_TRANSPOSED)
    problem->output_padding[axis] = -end;
  else if (-end >= problem->strides[axis])
    return "an output extent is too small for its input";
  return NULL;
}

/* The axis `from` of benchdnn's, `axis` of the problem. */
static const char *resolve_axis(const bench_benchdnn *read, int from, blasconv_problem *problem,
                                int axis)
{
  const bool transposed = problem->direction == BLASCONV_TRANSPOSED;
  const int64_t input = along(read, INPUT, from), kernel = along(read, KERNEL, from),
                stride = along(read, STRIDE, from), dilation = along(read, DILATION, from) + 1;
  if (input == 0 || kernel == 0)
    return input == 0 ? "an input extent is missing" : "a kernel extent is missing";
  if (stride == 0)
    return "a stride is 0";
  const int64_t reach = (kernel - 1) * dilation + 1;
  int64_t output = along(read, OUTPUT, from), begin = along(read, PAD, from);
  if (output == 0) {
    begin = begin > 0 ? begin : 0;
    output = output_of(transposed, input, reach, stride, begin);
    if (output < 1)
      return "nothing is left of the output";
  }
  const int64_t pads =
      transposed ? (input - 1) * stride + reach - output : (output - 1) * stride + reach - input;
  if (begin < 0)
    begin = pads > 0 ? pads / 2 : 0;
  problem->input[axis] = input;
  problem->kernel[axis] = kernel;
  problem->strides[axis] = stride;
  problem->dilations[axis] = dilation;
  return set_pads(problem, axis, begin, pads - begin);
}

const char *bench_benchdnn_resolve(const bench_benchdnn *read, blasconv_problem *problem)
{
  bench_benchdnn complete = *read;
  int first;
  const char *reason = complete_axes(&complete, &first);
  if (reason != NULL)
    return reason;
  if (read->sizes[IN_CHANNELS] == 0 || read->sizes[OUT_CHANNELS] == 0)
    return read->sizes[IN_CHANNELS] == 0 ? "ic is missing" : "oc is missing";
  problem->batch = read->sizes[IMAGES];
  problem->in_channels = read->sizes[IN_CHANNELS];
  problem->out_channels = read->sizes[OUT_CHANNELS];
  problem->groups = read->sizes[GROUPS];
  problem->rank = AXES - first;
  for (int axis = first; axis < AXES && reason == NULL; ++axis)
    reason = resolve_axis(&complete, axis, problem, axis - first);
  return reason;
}
