/*
 * Problems in the words of benchdnn: what is left out, and what is refused.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <notation.h>
#include <stdio.h>
#include <string.h>

enum { line_size = 512 };

typedef struct expectation {
  const char *line, *same; /* in their words and in ours */
} expectation;

static const expectation expectations[] = {
    /* square, and pads that keep the extent */
    {"mb8ic64ih56oc64oh56kh3ph1n\"name\"", "n8 c64 k64 in56x56 f3x3 p1 name=name"},
    {"mb8_ic64ih56_oc64oh56_kh3_ph1_nname", "n8 c64 k64 in56x56 f3x3 p1 name=name"},
    {"ic3ih8oc4oh8kh3ph1", "n2 c3 k4 in8x8 f3x3 p1"},
    {"g32mb1ic32ih112iw112oc32oh112ow112kh3kw3ph1pw1n\"mobilenet:conv2_1/dw*1\"",
     "n1 c32 k32 g32 in112x112 f3x3 p1 name=mobilenet:conv2_1/dw*1"},
    {"g1mb1ic2ih5oc3kh1", "n1 c2 k3 in5x5 f1"},
    /* the pads at the end are what the output needs */
    {"mb1ic3ih224oc64oh112kh7sh2ph3n\"conv1\"", "n1 c3 k64 in224x224 f7x7 s2 p3:2 name=conv1"},
    {"mb1ic3ih227iw227oc96oh55ow55kh11kw11sh4sw4ph0pw0", "n1 c3 k96 in227x227 f11x11 s4"},
    {"mb1ic8ih10oc8oh10kh2ph0", "n1 c8 k8 in10x10 f2x2 p0:1"},
    {"mb1ic8ih10oc8oh12kh3ph1", "n1 c8 k8 in10x10 f3x3 p1:3"},
    /* no pads given: half of what the output needs, rounded down, or none at all */
    {"mb1ic8ih10oc8oh10kh3", "n1 c8 k8 in10x10 f3x3 p1"},
    {"mb1ic8ih10oc8oh10kh4", "n1 c8 k8 in10x10 f4x4 p1:2"},
    {"mb1ic8ih10oc8kh3", "n1 c8 k8 in10x10 f3x3"},
    /* no output given: as if both pads were the same */
    {"mb1ic8ih10oc8kh3ph1", "n1 c8 k8 in10x10 f3x3 p1"},
    {"mb1ic8ih10oc8kh3sh2ph1", "n1 c8 k8 in10x10 f3x3 s2 p1:0"},
    /* an end of the input that no filter reaches */
    {"mb1ic8ih10oc8oh5kh1sh2", "n1 c8 k8 in10x10 f1x1 s2"},
    {"mb1ic8ih10oc8kh1sh4", "n1 c8 k8 in10x10 f1x1 s4"},
    /* a dilation counts from 0 */
    {"mb1ic8ih10oc8oh10kh3ph2dh1", "n1 c8 k8 in10x10 f3x3 d2 p2"},
    {"mb1ic8ih10oc8oh10kh3ph1dh0", "n1 c8 k8 in10x10 f3x3 p1"},
    /* height and width that differ */
    {"mb1ic128ih17oc128oh17kh1ph0iw17ow17kw7pw3", "n1 c128 k128 in17x17 f1x7 p0x3"},
    {"mb3ic4oc5_ih6oh4kh3sh1dh0ph0_iw8ow4kw2sw2dw0pw0", "n3 c4 k5 in6x8 f3x2 s1x2"},
    {"mb1ic1oc1ih5iw6kh2kw3dh1dw0ph1pw0", "n1 c1 k1 in5x6 f2x3 d2x1 p1x0"},
    /* one axis */
    {"mb1ic16iw100oc32ow100kw5pw2n\"line\"", "n1 c16 k32 in100 f5 p2 name=line"},
    {"mb1ic16iw100oc32kw5sw2dw1", "n1 c16 k32 in100 f5 s2 d2"},
    /* three axes, cubic or not; values that change nothing make no axis */
    {"mb1ic4id9oc8od9kd3pd1", "n1 c4 k8 in9x9x9 f3x3x3 p1"},
    {"mb1ic4id9oc8od5kd3sd2pd1", "n1 c4 k8 in9x9x9 f3x3x3 s2 p1"},
    {"mb1ic3id16ih112iw112oc64kd3kh5kw7pd1ph2pw3", "n1 c3 k64 in16x112x112 f3x5x7 p1x2x3"},
    {"mb1ic4ih9oc8oh9kh3ph1sd1pd0dd0sw1pw0", "n1 c4 k8 in9x9 f3x3 p1"},
    /* with words of our own */
    {"backward-data mb1ic4ih9oc8oh9kh3ph1 nhwc relu",
     "n1 c4 k8 in9x9 f3x3 p1 nhwc backward-data relu"},
    /* --deconv: the other way round; what the pads do not explain is output padding */
    {"mb1ic4ih9oc8oh9kh3ph1 transposed", "n1 c4 k8 in9x9 f3x3 p1 transposed"},
    {"transposed mb1ic4ih9oc8kh3", "n1 c4 k8 in9x9 f3x3 transposed"},
    {"mb1ic4ih5oc8oh10kh4sh2ph1 transposed", "n1 c4 k8 in5x5 f4x4 s2 p1 transposed"},
    {"mb1ic4ih5oc8oh10kh3sh2ph1 transposed", "n1 c4 k8 in5x5 f3x3 s2 p1:0 transposed"},
    {"mb1ic4ih5oc8oh10kh2sh2 transposed", "n1 c4 k8 in5x5 f2x2 s2 transposed"},
    {"mb1ic4ih5oc8oh10kh1sh2ph0 transposed", "n1 c4 k8 in5x5 f1x1 s2 op1 transposed"},
};

static const char *line_of(const char *text, char line[line_size])
{
  bench_notation notation;
  bench_notation_error error;
  const bool read = bench_notation_parse(text, &notation, &error);
  support_assert(read, "%s: %zu: %s", text, error.position, error.reason);
  ck_assert_uint_lt(bench_notation_print(&notation, line, line_size), line_size);
  return line;
}

START_TEST(what_is_left_out_follows)
{
  for (size_t i = 0; i < sizeof expectations / sizeof *expectations; ++i) {
    char theirs[line_size], ours[line_size];
    ck_assert_str_eq(line_of(expectations[i].line, theirs), line_of(expectations[i].same, ours));
  }
}
END_TEST

/* The output that the library computes is the one that the words say. */
START_TEST(outputs_are_those_of_the_words)
{
  support_random random = support_random_start(0);
  int made = 0;
  for (int i = 0; i < 20000; ++i) {
    const bool transposed = i % 2 == 1;
    int64_t height = support_random_between(&random, 1, 20),
            width = support_random_between(&random, 1, 20);
    char line[line_size];
    snprintf(line, sizeof line, "ic1oc1ih%doh%dkh%dsh%ddh%d_iw%dow%dkw%dsw%ddw%d%s",
             (int)support_random_between(&random, 1, 20), (int)height,
             (int)support_random_between(&random, 1, 4), (int)support_random_between(&random, 1, 3),
             (int)support_random_between(&random, 0, 2),
             (int)support_random_between(&random, 1, 20), (int)width,
             (int)support_random_between(&random, 1, 4), (int)support_random_between(&random, 1, 3),
             (int)support_random_between(&random, 0, 2), transposed ? " transposed" : "");
    bench_notation notation;
    bench_notation_error error;
    int64_t output[BLASCONV_MAX_RANK];
    if (!bench_notation_parse(line, &notation, &error) ||
        blasconv_problem_output(&notation.problem, output) != BLASCONV_SUCCESS)
      continue;
    ++made;
    support_assert(output[0] == height && output[1] == width, "%s: %d x %d", line, (int)output[0],
                   (int)output[1]);
  }
  ck_assert_int_gt(made, 1000);
}
END_TEST

typedef struct refusal {
  const char *line;
  size_t position;
  const char *word; /* that the reason must have in it */
} refusal;

static const refusal refusals[] = {
    {"mb8ic64", 0, "input"},
    {"ic64ih5kh3", 0, "oc is missing"},
    {"oc64ih5kh3", 0, "ic is missing"},
    {"ic1oc1kh3", 0, "input extent"},
    {" ic1oc1ih3", 1, "kernel extent"},
    {"ic1oc1ih3kh3iw3", 0, "kernel extent"},
    {"ic1oc1id3kd3ih3kh3", 0, "h and w"},
    {"ic1oc1id3kd3iw3kw3", 0, "h and w"},
    {"ic1oc1ih3kh1sh0", 0, "stride"},
    {"ic1oc1ih3kh5", 0, "nothing is left"},
    {"ic1oc1ih3kh3ph9 transposed", 0, "nothing is left"},
    {"ic1oc1ih10oh3kh1", 0, "too small"},
    {"ic1oc1ih10oh2kh3sh3ph0", 0, "too small"},
    {"ic1oc1ih", 8, "number"},
    {"ic1oc1ih3kh3zz4", 12, "no such size"},
    {"ic1oc1ih3kh3 n4", 13, "before"},
    {"n4 ic1oc1ih3kh3", 3, "beside"},
    {"ic1oc1ih3kh3 ic1oc1ih3kh3", 13, "beside"},
    {"ic1oc1ih3kh-3", 11, "number"},
    {"ic1oc1ih1000000001kh3", 8, "too large"},
    {"ic1oc1ih99999999999999999999kh3", 26, "too large"},
    {"ic1oc1ih3kh3n\"open", 13, "quotation"},
    {"ic1oc1ih3kh3n\"", 13, "quotation"},
    {"ic1oc1ih3kh3n\"\"", 14, "missing"},
    {"ic1oc1ih3kh3n\"a,b\"", 15, "letters"},
    {"ic1oc1ih3kh3n", 13, "missing"},
};

START_TEST(nonsense_is_refused)
{
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; ++i) {
    const refusal *r = &refusals[i];
    bench_notation notation;
    bench_notation_error error;
    support_assert(!bench_notation_parse(r->line, &notation, &error), "%s", r->line);
    support_assert(error.position == r->position, "%s: position %zu, %s", r->line, error.position,
                   error.reason);
    support_assert(strstr(error.reason, r->word) != NULL, "%s: %s", r->line, error.reason);
  }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("benchdnn");
  support_add(suite, what_is_left_out_follows);
  support_add(suite, outputs_are_those_of_the_words);
  support_add(suite, nonsense_is_refused);
  return support_run(suite);
}
