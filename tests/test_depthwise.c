/*
 * Depthwise convolutions and small groups at the edges of their kernels: widths around a vector,
 * pads, kernels, strides, multipliers, few and many channels, and little workspace.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"
#include "notation.h"

#include <stdio.h>
#include <string.h>

enum { passes = 3, words_size = 128 };

static blasconv_problem parse(const char *words)
{
  bench_notation notation;
  bench_notation_error error;
  support_assert(bench_notation_parse(words, &notation, &error), "%s: %s", words, error.reason);
  return notation.problem;
}

/* ---------------------------------------------------------------------------------------------
 * The proof of a problem
 * ------------------------------------------------------------------------------------------ */

/* One and eight threads give the same bits. */
static void check_threads(const fixture_case *fixture, const fixture_variant *variant,
                          support_random *random)
{
  char text[words_size * 2];
  fixture_variant other = *variant;
  other.threads = 8;
  fixture_result one = fixture_result_create(
      &fixture->problem, variant->pass, variant->accumulate ? support_tensor_random : NULL, random);
  fixture_result eight = fixture_result_copy(&one);
  ck_assert(fixture_run(fixture, variant, &one));
  ck_assert(fixture_run(fixture, &other, &eight));
  support_assert(fixture_result_same(&one, &eight), "other bits with 8 threads: %s",
                 fixture_describe(&fixture->problem, variant, text, sizeof text));
  fixture_result_free(&one);
  fixture_result_free(&eight);
}

/* Every pass, plain and with all that may come on top: accumulation, packed weights, an epilogue.
 */
static void prove(const blasconv_problem *problem, support_random *random)
{
  fixture_case fixture = fixture_create(problem, support_tensor_random, random);
  for (int pass = 0; pass < passes; ++pass) {
    const bool forward = pass == BLASCONV_FORWARD;
    fixture_truth truth = fixture_truth_create(&fixture, (blasconv_pass)pass);
    const fixture_variant plain = {
        .pass = (blasconv_pass)pass, .algorithm = "depthwise", .threads = 1};
    const fixture_variant rich = {.pass = (blasconv_pass)pass,
                                  .algorithm = "depthwise",
                                  .threads = 2,
                                  .accumulate = !forward,
                                  .packed = pass != BLASCONV_BACKWARD_WEIGHTS,
                                  .bias = forward,
                                  .scale_shift = forward,
                                  .residual = forward ? BLASCONV_RESIDUAL_AFTER_ACTIVATION
                                                      : BLASCONV_RESIDUAL_NONE,
                                  .activation.kind = forward ? BLASCONV_RELU : BLASCONV_IDENTITY};
    ck_assert(fixture_verify(&fixture, &truth, &plain, random));
    ck_assert(fixture_verify(&fixture, &truth, &rich, random));
    check_threads(&fixture, &rich, random);
    fixture_truth_free(&truth);
  }
  fixture_free(&fixture);
}

/* The problem of these words in both layouts. */
static void prove_words(const char *words, support_random *random)
{
  blasconv_problem problem = parse(words);
  problem.layout = BLASCONV_NCHW;
  prove(&problem, random);
  problem.layout = BLASCONV_NHWC;
  prove(&problem, random);
}

static void prove_all(const char *const *problems, size_t count, uint64_t stream)
{
  support_random random = support_random_start(stream);
  for (size_t i = 0; i < count; ++i)
    prove_words(problems[i], &random);
}

/* ---------------------------------------------------------------------------------------------
 * Suites
 * ------------------------------------------------------------------------------------------ */

/* Rows shorter and longer than a vector, and than several; heights around a block of rows. */
START_TEST(widths)
{
  support_random random = support_random_start(21);
  char words[words_size];
  for (int width = 1; width <= 40; ++width)
    for (int stride = 1; stride <= 2; ++stride) {
      snprintf(words, sizeof words, "n2 c9 in%dx%d k9 f3 s%d p1 g9", 1 + width % 11, width, stride);
      prove_words(words, &random);
      snprintf(words, sizeof words, "c2 in%dx%d k2 f5 s%d p2 g2", 1 + width % 7, width, stride);
      prove_words(words, &random);
    }
}
END_TEST

START_TEST(pads_and_kernels)
{
  support_random random = support_random_start(22);
  char words[words_size];
  for (int kernel = 1; kernel <= 7; ++kernel)
    for (int stride = 1; stride <= 3; ++stride)
      for (int pad = 0; pad < 4; ++pad) {
        snprintf(words, sizeof words, "c8 in%dx%d k8 f%d s%d p%d:%dx%d:%d g8", kernel + 4,
                 kernel + 9, kernel, stride, pad, (pad + 1) % 4, (pad + 2) % 4, (pad + 3) % 4);
        prove_words(words, &random);
        snprintf(words, sizeof words, "transposed c8 in6x5 k8 f%d s%d p%d:0x0:%d g8", kernel,
                 stride, pad < kernel ? pad : 0, pad < kernel ? pad : 0);
        prove_words(words, &random);
      }
}
END_TEST

/* Numbers of channels around a vector and a block of them, in and out of groups of several. */
START_TEST(channels)
{
  static const char *const problems[] = {"n2 c7 in6x5 k7 f3 p1 g7",
                                         "n2 c15 in6x5 k15 f3 p1 g15",
                                         "c65 in5x6 k65 f3 p1 g65",
                                         "c71 in4x5 k71 f3 s2 p1 g71",
                                         "c257 in4x3 k257 f3 p1 g257",
                                         "c263 in3x4 k263 f3 p1 g263",
                                         "c264 in3x4 k264 f3 s2 p1 g264",
                                         "n2 c5 in9x8 k10 f3 p1 g5",
                                         "n2 c5 in9x8 k15 f3 s2 p1 g5",
                                         "c9 in7x9 k18 f5 p2 g9",
                                         "c1 in9x10 k8 f3 p1",
                                         "n2 c32 in7x9 k32 f3 p1 g8",
                                         "n2 c16 in8x9 k24 f3 s2 p1 g4",
                                         "c12 in9x11 k8 f3x4 s1x2 p1x2 g4",
                                         "c16 in7x7 k16 f3 p1 g2",
                                         "transposed n2 c6 in5x7 k12 f4 s2 p1 g6",
                                         "transposed c16 in5x7 k8 f3 s2 p1 op1 g4",
                                         "transposed n2 c40 in7x5 k40 f4 s2 p1 g40"};
  prove_all(problems, sizeof problems / sizeof *problems, 23);
}
END_TEST

/* What has no loops of its own: dilations, large strides, one axis and three, long kernels, of
 * which a window of channels does not have all taps, and taps that are too far apart for pixels
 * between. */
START_TEST(general)
{
  static const char *const problems[] = {"n2 c9 in13x12 k9 f3 d2 p2 g9",
                                         "n2 c9 in13x12 k9 f3 s2 d2 p2 g9",
                                         "c8 in15x14 k8 f3x4 s2x3 d3x2 p2:1x3:0 g8",
                                         "c8 in17x19 k8 f4x3 s4x6 d2x4 p3x4 g8",
                                         "c8 in12x30 k8 f3 s7x5 p1 g8",
                                         "c3 in23x21 k6 f3 s2x4 d4x6 p4x6 g3",
                                         "n2 c9 in50 k9 f9 p4 g9",
                                         "n2 c9 in50 k9 f4 s3 d2 p2:3 g9",
                                         "c4 in700 k4 f33 p16 g4",
                                         "c8 in1200 k16 f3 s2 p1 g8",
                                         "c9 in5x6x7 k9 f3 p1 g9",
                                         "n2 c10 in6x5x9 k10 f3x2x3 s2x1x2 d1x2x1 p1:0x0:1x1 g10",
                                         "c6 in4x5x6 k12 f3 s2 p1 g3",
                                         "transposed c8 in3x4x5 k8 f3 s2 p1 op1 g8",
                                         "transposed c9 in7x8 k9 f3 s3x5 d2x3 p1x2 g9",
                                         "c2 in31x33 k2 f27x21 s1x2 p2:3x5:4 g2",
                                         "c9 in3x4 k9 f5x7 p4:3x5:6 g9",
                                         "c8 in2 k8 f3 d4 p4 g8",
                                         "c9 in31x33 k9 f27x21 s1x2 p2:3x5:4 g9",
                                         "c8 in30x70 k8 f9x17 d2x3 p8x24 g8",
                                         "c25 in4x13x20 k25 f3x9x17 p1x4x8 g25",
                                         "c16 in3x400 k16 f1x40 s1x3 p0x19:20 g16",
                                         "n2 c24 in60x50 k24 f3 d17x9 p17x9 g24",
                                         "c20 in41x60 k20 f2x3 s5x7 d1x2 p1 g20",
                                         "n0 c8 in6x5 k8 f3 p1 g8"};
  prove_all(problems, sizeof problems / sizeof *problems, 24);
}
END_TEST

/* Five and seven neighbouring taps of a row, whose weights stay in registers: seven and eight
 * results, and fewer beside them; rows of taps on pads, and rows that are apart; windows that are
 * read together and one after the other. */
START_TEST(rows_of_taps)
{
  static const char *const problems[] = {
      "n2 c20 in9x15 k20 f7 p3 g20",        "c24 in11x16 k24 f5 p2 g24",
      "c20 in15x31 k20 f7 s2 p3 g20",       "c24 in13x29 k24 f5 s2 p2 g24",
      "c16 in17x15 k16 f5x7 d2x1 p4x3 g16", "c9 in3x23 k9 f7x5 p3x2 g9",
      "c16 in4x15 k16 f6x7 s1x2 p5x3 g16",  "c24 in40x41 k24 f7 p3 g24",
      "n2 c20 in41x39 k20 f5x7 s2 p2x3 g20"};
  prove_all(problems, sizeof problems / sizeof *problems, 26);
}
END_TEST

/* Several blocks of rows, columns, channels, windows and slots. */
START_TEST(many_blocks)
{
  static const char *const problems[] = {
      "n2 c70 in41x40 k70 f3 p1 g70",   "c64 in57x56 k128 f5 s2 p2 g64",
      "c3 in5x1500 k3 f3 s1x2 p1 g3",   "n3 c5 in150x9 k5 f3 p1 g5",
      "n2 c24 in61x60 k24 f3 s2 p1 g6", "transposed c40 in29x31 k40 f3 s2 p1 op1 g40",
      "c138 in9x7 k138 f3 p1 g138",     "c1060 in5x6 k1060 f3 s2 p1 g1060"};
  prove_all(problems, sizeof problems / sizeof *problems, 25);
}
END_TEST

/* With little workspace it refuses or is right, and has served at least with 64 KiB. */
START_TEST(little_workspace)
{
  static const char *const problems[] = {
      "n2 c20 in41x40 k20 f3 p1 g20",         "c16 in21x300 k32 f5 s2 p2 g16",
      "nhwc n2 c40 in20x21 k40 f3 s2 p1 g40", "nhwc c300 in9x8 k300 f3 p1 g300",
      "nhwc c24 in30x31 k24 f3 p1 g6",        "transposed nhwc c20 in19x20 k40 f4 s2 p1 g20"};
  static const size_t limits[] = {0, 4096, 1 << 16};
  support_random random = support_random_start(26);
  for (size_t i = 0; i < sizeof problems / sizeof *problems; ++i)
    for (int pass = 0; pass < passes; ++pass) {
      const blasconv_problem problem = parse(problems[i]);
      fixture_case fixture = fixture_create(&problem, support_tensor_random, &random);
      fixture_truth truth = fixture_truth_create(&fixture, (blasconv_pass)pass);
      bool served = false;
      for (size_t limit = 0; limit < sizeof limits / sizeof *limits; ++limit) {
        const fixture_variant variant = {.pass = (blasconv_pass)pass,
                                         .algorithm = "depthwise",
                                         .threads = 3,
                                         .limited = true,
                                         .workspace_limit = limits[limit]};
        served = fixture_verify(&fixture, &truth, &variant, &random);
      }
      support_assert(served, "refused with 64 KiB in pass %d: %s", pass, problems[i]);
      fixture_truth_free(&truth);
      fixture_free(&fixture);
    }
}
END_TEST

/* It is what the library takes for such problems, and not for larger groups. */
START_TEST(chosen)
{
  const struct {
    const char *words;
    bool depthwise;
  } problems[] = {{"c32 in20x20 k32 f3 p1 g32", true},
                  {"nhwc c32 in20x20 k64 f3 s2 p1 g32", true},
                  {"c64 in14x14 k64 f3 p1 g16", true},
                  {"c64 in14x14 k64 f3 p1 g2", false}};
  for (size_t i = 0; i < sizeof problems / sizeof *problems; ++i)
    for (int pass = 0; pass < passes; ++pass) {
      const blasconv_problem problem = parse(problems[i].words);
      const fixture_variant variant = {.pass = (blasconv_pass)pass, .threads = 1};
      blasconv_plan *plan = fixture_plan(&problem, &variant);
      support_assert((strcmp(blasconv_plan_algorithm(plan), "depthwise") == 0) ==
                         problems[i].depthwise,
                     "%s for %s", blasconv_plan_algorithm(plan), problems[i].words);
      blasconv_plan_destroy(plan);
    }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("depthwise");
  support_add(suite, widths);
  support_add(suite, pads_and_kernels);
  support_add(suite, channels);
  support_add(suite, general);
  support_add(suite, rows_of_taps);
  support_add(suite, many_blocks);
  support_add(suite, little_workspace);
  support_add(suite, chosen);
  return support_run(suite);
}
