/*
 * The notation of problems: what is printed is read back, words mean what they should, nonsense is
 * refused where it stands, and no bytes do harm.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <notation.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { line_size = 1024, round_trips = 20000, fuzz_rounds = 200000 };

static int64_t between(support_random *random, int64_t low, int64_t high)
{
  return support_random_between(random, low, high);
}

static bool toss(support_random *random)
{
  return between(random, 0, 1) == 1;
}

/* Mostly small, at times as large as there is. */
static int64_t random_size(support_random *random, int64_t low)
{
  return between(random, 0, 19) == 0 ? INT64_MAX - between(random, 0, 3) : between(random, low, 9);
}

static void random_axes(support_random *random, int64_t low, int32_t rank, int64_t *values)
{
  const bool all_one = between(random, 0, 2) == 0;
  for (int32_t axis = 0; axis < rank; ++axis)
    values[axis] = all_one && axis > 0 ? values[0] : random_size(random, low);
}

static blasconv_problem random_problem(support_random *random)
{
  blasconv_problem p = bench_notation_default().problem;
  p.rank = (int32_t)between(random, 1, BLASCONV_MAX_RANK);
  p.batch = random_size(random, 0);
  p.in_channels = random_size(random, 1);
  p.out_channels = random_size(random, 1);
  p.groups = random_size(random, 1);
  p.layout = toss(random) ? BLASCONV_NHWC : BLASCONV_NCHW;
  p.direction = toss(random) ? BLASCONV_TRANSPOSED : BLASCONV_CONVOLUTION;
  random_axes(random, 1, p.rank, p.input);
  random_axes(random, 1, p.rank, p.kernel);
  random_axes(random, 1, p.rank, p.strides);
  random_axes(random, 1, p.rank, p.dilations);
  random_axes(random, 0, p.rank, p.pads_begin);
  random_axes(random, 0, p.rank, p.pads_end);
  random_axes(random, 0, p.rank, p.output_padding);
  return p;
}

/* Any finite bits. */
static float random_alpha(support_random *random)
{
  float value;
  uint32_t bits;
  do {
    bits = (uint32_t)support_random_bits(random);
    memcpy(&value, &bits, sizeof value);
  } while ((bits >> 23 & 0xFF) == 0xFF);
  return toss(random) ? value : 0.25f;
}

static void random_name(support_random *random, char *name)
{
  static const char letters[] = "abcxyzABC019.:_-+*/";
  const int64_t length = toss(random) ? 0 : between(random, 1, BENCH_WORD_SIZE - 1);
  for (int64_t i = 0; i < length; ++i)
    name[i] = letters[between(random, 0, (int64_t)sizeof letters - 2)];
  name[length] = '\0';
}

static bench_notation random_notation(support_random *random)
{
  bench_notation n = bench_notation_default();
  n.problem = random_problem(random);
  n.pass = (blasconv_pass)between(random, 0, 2);
  random_name(random, n.name);
  random_name(random, n.algorithm);
  n.threads = (int32_t)(toss(random) ? 0 : between(random, 1, INT32_MAX));
  n.exact = toss(random);
  n.accumulate = toss(random);
  n.bias = toss(random);
  n.scale_shift = toss(random);
  n.residual = (blasconv_residual)between(random, 0, 2);
  n.activation.kind = (blasconv_activation_kind)between(random, 0, BLASCONV_GELU_TANH);
  if (bench_notation_has_alpha(n.activation.kind))
    n.activation.alpha = random_alpha(random);
  n.workspace_limit = toss(random) ? BLASCONV_NO_LIMIT : (size_t)random_size(random, 0);
  n.packed = toss(random);
  n.offset = (int32_t)between(random, 0, BENCH_MOST_OFFSET);
  n.library_workspace = toss(random);
  return n;
}

static void check_axes(const int64_t *one, const int64_t *other, const char *line)
{
  for (int axis = 0; axis < BLASCONV_MAX_RANK; ++axis)
    support_assert(one[axis] == other[axis], "axis %d: %s", axis, line);
}

static void check_same_problem(const blasconv_problem *one, const blasconv_problem *other,
                               const char *line)
{
  support_assert(one->struct_size == other->struct_size && one->layout == other->layout &&
                     one->direction == other->direction && one->rank == other->rank,
                 "kind: %s", line);
  support_assert(one->batch == other->batch && one->in_channels == other->in_channels &&
                     one->out_channels == other->out_channels && one->groups == other->groups,
                 "counts: %s", line);
  check_axes(one->input, other->input, line);
  check_axes(one->kernel, other->kernel, line);
  check_axes(one->strides, other->strides, line);
  check_axes(one->dilations, other->dilations, line);
  check_axes(one->pads_begin, other->pads_begin, line);
  check_axes(one->pads_end, other->pads_end, line);
  check_axes(one->output_padding, other->output_padding, line);
}

static void check_same(const bench_notation *one, const bench_notation *other, const char *line)
{
  check_same_problem(&one->problem, &other->problem, line);
  support_assert(one->pass == other->pass, "pass: %s", line);
  support_assert(strcmp(one->name, other->name) == 0, "name: %s", line);
  support_assert(strcmp(one->algorithm, other->algorithm) == 0, "algorithm: %s", line);
  support_assert(one->threads == other->threads && one->exact == other->exact &&
                     one->accumulate == other->accumulate &&
                     one->workspace_limit == other->workspace_limit &&
                     one->packed == other->packed && one->offset == other->offset &&
                     one->library_workspace == other->library_workspace,
                 "options: %s", line);
  support_assert(one->bias == other->bias && one->scale_shift == other->scale_shift &&
                     one->residual == other->residual &&
                     one->activation.kind == other->activation.kind &&
                     memcmp(&one->activation.alpha, &other->activation.alpha, sizeof(float)) == 0,
                 "epilogue: %s", line);
}

/* Reads a line that must be readable. */
static bench_notation parse(const char *line)
{
  bench_notation notation;
  bench_notation_error error;
  support_assert(bench_notation_parse(line, &notation, &error), "%s", line);
  return notation;
}

START_TEST(what_is_printed_is_read_back)
{
  support_random random = support_random_start(0);
  for (int i = 0; i < round_trips; ++i) {
    const bench_notation written = random_notation(&random);
    char line[line_size], sizes[line_size];
    ck_assert_uint_lt(bench_notation_print(&written, line, sizeof line), sizeof line);
    const bench_notation read = parse(line);
    check_same(&written, &read, line);
    bench_notation_print_problem(&written.problem, sizes, sizeof sizes);
    const bench_notation problem = parse(sizes);
    check_same_problem(&written.problem, &problem.problem, sizes);
  }
}
END_TEST

/* As snprintf: the whole length, and what fits. */
START_TEST(printing_keeps_to_its_room)
{
  const bench_notation notation = parse("in5x6x7 k3 g2 p1:0 elu=0.5 algorithm=some name=x");
  char whole[line_size], cut[line_size];
  const size_t length = bench_notation_print(&notation, whole, sizeof whole);
  ck_assert_uint_eq(length, strlen(whole));
  ck_assert_uint_eq(bench_notation_print(&notation, NULL, 0), length);
  for (size_t size = 1; size <= length + 1; ++size) {
    memset(cut, '#', sizeof cut);
    ck_assert_uint_eq(bench_notation_print(&notation, cut, size), length);
    ck_assert_uint_eq(strlen(cut), size - 1);
    ck_assert_int_eq(memcmp(cut, whole, size - 1), 0);
    ck_assert_int_eq(cut[size], '#');
  }
}
END_TEST

START_TEST(what_is_usual_is_left_out)
{
  char line[line_size];
  bench_notation notation = parse("in56x57");
  bench_notation_print(&notation, line, sizeof line);
  ck_assert_str_eq(line, "n1 c1 k1 in56x57 f1");
  notation = parse("  limit2K relu\ttransposed f3x1x3 in4x5x6 n2 op=0x1x0 p1:2 s2x1x1\n");
  bench_notation_print(&notation, line, sizeof line);
  ck_assert_str_eq(line, "n2 c1 k1 in4x5x6 f3x1x3 s2x1x1 p1:2 op0x1x0 transposed relu limit=2048");
}
END_TEST

/* Written out once by hand, since a round trip does not see two words that are swapped. */
START_TEST(words_mean_what_they_say)
{
  const bench_notation n =
      parse("n8 c64 k128 g2 in56x55 f3x2 s2x1 d1x4 p1:2x0:3 op0x5 nhwc backward-weights bias "
            "residual=after algorithm=im2col_gemm threads=7 exact accumulate limit=3M packed "
            "offset=15 name=conv1");
  const blasconv_problem *p = &n.problem;
  ck_assert(p->batch == 8 && p->in_channels == 64 && p->out_channels == 128 && p->groups == 2);
  ck_assert(p->rank == 2 && p->input[0] == 56 && p->input[1] == 55 && p->input[2] == 1);
  ck_assert(p->kernel[0] == 3 && p->kernel[1] == 2 && p->strides[0] == 2 && p->strides[1] == 1);
  ck_assert(p->dilations[0] == 1 && p->dilations[1] == 4);
  ck_assert(p->pads_begin[0] == 1 && p->pads_end[0] == 2);
  ck_assert(p->pads_begin[1] == 0 && p->pads_end[1] == 3);
  ck_assert(p->output_padding[0] == 0 && p->output_padding[1] == 5);
  ck_assert(p->layout == BLASCONV_NHWC && p->direction == BLASCONV_CONVOLUTION);
  ck_assert(n.pass == BLASCONV_BACKWARD_WEIGHTS && n.bias && !n.scale_shift);
  ck_assert(n.residual == BLASCONV_RESIDUAL_AFTER_ACTIVATION && n.threads == 7);
  ck_assert(n.exact && n.accumulate && n.packed && !n.library_workspace && n.offset == 15);
  ck_assert_uint_eq(n.workspace_limit, 3 << 20);
  ck_assert_str_eq(n.algorithm, "im2col_gemm");
  ck_assert_str_eq(n.name, "conv1");
}
END_TEST

START_TEST(words_of_choices)
{
  ck_assert_int_eq(parse("in1 forward").pass, BLASCONV_FORWARD);
  ck_assert_int_eq(parse("in1 backward-data").pass, BLASCONV_BACKWARD_DATA);
  ck_assert_int_eq(parse("in1 nchw").problem.layout, BLASCONV_NCHW);
  ck_assert_int_eq(parse("in1 transposed").problem.direction, BLASCONV_TRANSPOSED);
  ck_assert_int_eq(parse("in1 residual=before").residual, BLASCONV_RESIDUAL_BEFORE_ACTIVATION);
  ck_assert(parse("in1 scale").scale_shift && parse("in1 library-workspace").library_workspace);
  static const char *const lines[] = {
      "in1",         "in1 relu", "in1 leaky-relu=0.5", "in1 clipped-relu6", "in1 elu=-1e-3",
      "in1 sigmoid", "in1 tanh", "in1 silu",           "in1 gelu-erf",      "in1 gelu-tanh"};
  static const float alphas[] = {0.0f, 0.0f, 0.5f, 6.0f, -1e-3f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f};
  for (int kind = BLASCONV_IDENTITY; kind <= BLASCONV_GELU_TANH; ++kind) {
    ck_assert_int_eq(parse(lines[kind]).activation.kind, kind);
    ck_assert(parse(lines[kind]).activation.alpha == alphas[kind]);
  }
}
END_TEST

typedef struct refusal {
  const char *line;
  size_t position;
  const char *word; /* that the reason must have in it */
} refusal;

static const refusal refusals[] = {
    {"", 0, "missing"},
    {"n8 c64", 6, "missing"},
    {"in56 n8 n9", 8, "before"},
    {"in56 forward backward-data", 13, "before"},
    {"in56 relu tanh", 10, "before"},
    {"in56 nchw nhwc", 10, "before"},
    {"in56 h3", 5, "no such word"},
    {"in56 N3", 5, "no such word"},
    {"in56 3", 5, "no such word"},
    {"in56 relux", 5, "no such word"},
    {"in56 backward", 5, "no such word"},
    {"in56 n", 6, "number"},
    {"in56 n=", 7, "number"},
    {"in56 n-1", 5, "no such word"},
    {"in56 n=-1", 7, "number"},
    {"in56 n8a", 7, "belong"},
    {"in56 relu=3", 9, "belong"},
    {"in56 relu=", 9, "belong"},
    {"in56 n9223372036854775808", 24, "too large"},
    {"in56 n99999999999999999999", 24, "too large"},
    {"in56x", 5, "number"},
    {"in56x5y", 6, "belong"},
    {"in5x5x5x5", 8, "three"},
    {"in5 f3x3", 5, "axes"},
    {"in5x5x5 p1x2", 9, "axes"},
    {"in5x5 f3:4", 8, "belong"},
    {"in5x5 p3:", 9, "number"},
    {"in5 threads=2147483648", 12, "too large"},
    {"in5 offset=16", 11, "too large"},
    {"in5 limit=9007199254740992K", 27, "too large"},
    {"in5 limit=5k", 11, "belong"},
    {"in5 residual", 12, "before or after"},
    {"in5 residual=between", 13, "before or after"},
    {"in5 elu", 7, "number"},
    {"in5 elu=1e39", 8, "too large"},
    {"in5 elu=inf", 8, "no number"},
    {"in5 elu=0x1", 8, "no number"},
    {"in5 elu=1.2.3", 8, "no number"},
    {"in5 elu=11111111111111111111111111111111", 8, "too long"},
    {"in5 name=", 9, "missing"},
    {"in5 name=a,b", 10, "letters"},
    {"in5 name=a\"b", 10, "letters"},
    {"in5 algorithm=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 14,
     "too long"},
};

START_TEST(nonsense_is_refused_where_it_stands)
{
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; ++i) {
    const refusal *r = &refusals[i];
    bench_notation notation, before;
    bench_notation_error error;
    memset(&notation, 0x5A, sizeof notation);
    memcpy(&before, &notation, sizeof notation);
    support_assert(!bench_notation_parse(r->line, &notation, &error), "%s", r->line);
    support_assert(error.position == r->position, "%s: position %zu", r->line, error.position);
    support_assert(strstr(error.reason, r->word) != NULL, "%s: %s", r->line, error.reason);
    ck_assert_int_eq(memcmp(&notation, &before, sizeof notation), 0);
  }
}
END_TEST

/* What comes of any text: an error within it, or a notation whose line means the same. */
static void check_any(const char *text)
{
  bench_notation notation;
  bench_notation_error error;
  char line[line_size];
  if (!bench_notation_parse(text, &notation, &error)) {
    ck_assert_uint_le(error.position, strlen(text));
    ck_assert(error.reason[0] != '\0' && strlen(error.reason) < sizeof error.reason);
    return;
  }
  ck_assert_uint_lt(bench_notation_print(&notation, line, sizeof line), sizeof line);
  const bench_notation again = parse(line);
  check_same(&notation, &again, line);
}

/* A copy of its own size, so that a sanitizer sees what is read behind the end. */
static void check_any_bytes(const char *bytes, size_t length)
{
  char *text = malloc(length + 1);
  ck_assert_ptr_nonnull(text);
  memcpy(text, bytes, length);
  text[length] = '\0';
  check_any(text);
  free(text);
}

/* Pieces of lines, which reach deeper than bytes do. */
static const char *const pieces[] = {
    "n",      "c",          "k",       "g",     "in",     "f",     "s",
    "d",      "p",          "op",      "x",     ":",      "=",     " ",
    " ",      "3",          "0",       "99",    "_",      "mb",    "ic",
    "oc",     "ih",         "iw",      "id",    "oh",     "ow",    "od",
    "kh",     "kw",         "kd",      "sh",    "ph",     "dh",    "\"",
    "n\"a\"", "relu",       "elu=1e3", "limit", "K",      "-",     ".",
    "\n",     "transposed", "name=",   "nhwc",  "packed", "exact", "9223372036854775807"};

START_TEST(no_bytes_do_harm)
{
  support_random random = support_random_start(1);
  char text[256];
  for (int i = 0; i < fuzz_rounds; ++i) {
    const int64_t length = between(&random, 0, 60);
    for (int64_t j = 0; j < length; ++j)
      text[j] = (char)support_random_bits(&random);
    check_any_bytes(text, (size_t)length);
  }
}
END_TEST

START_TEST(no_pieces_do_harm)
{
  support_random random = support_random_start(2);
  int read = 0;
  for (int i = 0; i < fuzz_rounds; ++i) {
    char text[512] = "in5x6 ";
    text[toss(&random) ? 0 : 6] = '\0';
    const int64_t count = between(&random, 0, 16);
    for (int64_t j = 0; j < count; ++j)
      strcat(text, pieces[between(&random, 0, sizeof pieces / sizeof *pieces - 1)]);
    bench_notation notation;
    bench_notation_error error;
    read += bench_notation_parse(text, &notation, &error);
    check_any_bytes(text, strlen(text));
  }
  ck_assert_int_gt(read, fuzz_rounds / 1000);
}
END_TEST

/* A good line with one byte changed, cut or doubled. */
START_TEST(no_damage_does_harm)
{
  support_random random = support_random_start(3);
  for (int i = 0; i < fuzz_rounds / 4; ++i) {
    char text[line_size];
    const bench_notation notation = random_notation(&random);
    const size_t length = bench_notation_print(&notation, text, sizeof text);
    const size_t at = (size_t)between(&random, 0, (int64_t)length - 1);
    if (toss(&random))
      text[at] = (char)support_random_bits(&random);
    else
      memmove(text + at, text + at + 1, length - at);
    check_any_bytes(text, strlen(text));
  }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("notation");
  support_add(suite, what_is_printed_is_read_back);
  support_add(suite, printing_keeps_to_its_room);
  support_add(suite, what_is_usual_is_left_out);
  support_add(suite, words_mean_what_they_say);
  support_add(suite, words_of_choices);
  support_add(suite, nonsense_is_refused_where_it_stands);
  support_add(suite, no_bytes_do_harm);
  support_add(suite, no_pieces_do_harm);
  support_add(suite, no_damage_does_harm);
  return support_run(suite);
}
