/*
 * Tensors of more than 2^31 and 2^32 elements, against direct sums in double at a sample of places.
 * All numbers are small integers, so that every sum is exact and compared for equality.
 *
 *   blasconv-large [NAME...]    the cases whose names begin with one of these; without any, all
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "maps.h"
#include "sample.h"
#include "tensor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FORWARD = 1, DATA = 2, WEIGHTS = 4, ALL = 7, passes = 3 };

/* Elements of a sample of a window, besides its first and last. */
enum { IN_WINDOW = 12 };

static const int64_t two31 = (int64_t)1 << 31;

/* ---- problems ---- */

/* Two maps of more than 2^31 pixels on either side: in NCHW the rows of the matrices lie farther
 * apart than 32-bit integers can say. */
static blasconv_problem far_rows(void)
{
  return blasconv_problem_1d(1, 2, two31 + 1237, 2, 1);
}

static blasconv_problem far_rows_dilated(void)
{
  blasconv_problem problem = blasconv_problem_1d(1, 2, two31 + 1237, 3, 3);
  problem.strides[0] = 4;
  problem.dilations[0] = 300;
  problem.pads_begin[0] = 5;
  return problem;
}

static blasconv_problem one_far_map(void)
{
  return blasconv_problem_1d(1, 1, two31 + 33, 1, 1);
}

static blasconv_problem many_images(blasconv_layout layout)
{
  blasconv_problem problem = blasconv_problem_2d(((int64_t)1 << 18) + 3, 4, 64, 64, 2, 1, 1);
  problem.layout = layout;
  return problem;
}

static blasconv_problem many_images_nchw(void)
{
  return many_images(BLASCONV_NCHW);
}

static blasconv_problem many_images_nhwc(void)
{
  return many_images(BLASCONV_NHWC);
}

/* An image of 2^32 elements. */
static blasconv_problem one_image(blasconv_layout layout)
{
  blasconv_problem problem = blasconv_problem_2d(1, 4, 32770, 32771, 4, 3, 3);
  problem.layout = layout;
  problem.strides[0] = 2;
  problem.strides[1] = 3;
  problem.pads_begin[1] = 1;
  return problem;
}

static blasconv_problem one_image_nchw(void)
{
  return one_image(BLASCONV_NCHW);
}

static blasconv_problem one_image_nhwc(void)
{
  return one_image(BLASCONV_NHWC);
}

static blasconv_problem depthwise(blasconv_layout layout)
{
  blasconv_problem problem = blasconv_problem_2d(1, 16, 16390, 16389, 16, 3, 3);
  problem.layout = layout;
  problem.groups = 16;
  problem.pads_begin[0] = problem.pads_end[1] = 1;
  return problem;
}

static blasconv_problem depthwise_nchw(void)
{
  return depthwise(BLASCONV_NCHW);
}

static blasconv_problem depthwise_nhwc(void)
{
  return depthwise(BLASCONV_NHWC);
}

static blasconv_problem many_weights(void)
{
  return blasconv_problem_2d(1, 65541, 1, 1, 65551, 1, 1);
}

static blasconv_problem transposed(void)
{
  blasconv_problem problem = blasconv_problem_1d(1, 1, two31 / 2 + 77, 2, 2);
  problem.direction = BLASCONV_TRANSPOSED;
  problem.strides[0] = 2;
  return problem;
}

/* A patch matrix of 2^32 elements behind tensors of 2^17. */
static blasconv_problem patches_nchw(void)
{
  return blasconv_problem_1d(1, 1, 131073, 1, 65537);
}

static blasconv_problem patches_nhwc(void)
{
  blasconv_problem problem = patches_nchw();
  problem.layout = BLASCONV_NHWC;
  return problem;
}

/* ---- one problem ---- */

typedef struct large_case {
  const char *name;
  blasconv_problem (*problem)(void);
  int passes;
  const char *algorithm;
} large_case;

static const large_case cases[] = {
    {"far-rows pointwise", far_rows, ALL, "pointwise_gemm"},
    {"far-rows im2col", far_rows_dilated, ALL, "im2col_gemm"},
    {"far-map reference", one_far_map, ALL, "reference"},
    {"images nchw pointwise", many_images_nchw, ALL, "pointwise_gemm"},
    {"images nhwc pointwise", many_images_nhwc, ALL, "pointwise_gemm"},
    {"image nchw im2col", one_image_nchw, ALL, "im2col_gemm"},
    {"image nhwc im2col", one_image_nhwc, ALL, "im2col_gemm"},
    {"depthwise nchw", depthwise_nchw, ALL, "depthwise"},
    {"depthwise nhwc", depthwise_nhwc, ALL, "depthwise"},
    {"weights", many_weights, ALL, "pointwise_gemm"},
    {"transposed", transposed, FORWARD, "im2col_gemm"},
    {"patches nchw", patches_nchw, ALL, "im2col_gemm"},
    {"patches nhwc", patches_nhwc, ALL, "im2col_gemm"},
    {"implicit far-rows", far_rows, ALL, "implicit_gemm"},
    {"implicit images nchw", many_images_nchw, ALL, "implicit_gemm"},
    {"implicit images nhwc", many_images_nhwc, ALL, "implicit_gemm"},
    {"implicit image nchw", one_image_nchw, ALL, "implicit_gemm"},
    {"implicit image nhwc", one_image_nhwc, ALL, "implicit_gemm"},
    {"implicit weights", many_weights, ALL, "implicit_gemm"},
    {"implicit transposed", transposed, FORWARD, "implicit_gemm"},
    {"implicit patches nchw", patches_nchw, ALL, "implicit_gemm"},
    {"implicit patches nhwc", patches_nhwc, ALL, "implicit_gemm"},
};

static const char *const pass_names[passes] = {"forward", "backward data", "backward weights"};

static double now(void)
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void need(blasconv_status status)
{
  if (status != BLASCONV_SUCCESS) {
    fprintf(stderr, "%s\n", blasconv_status_string(status));
    exit(EXIT_FAILURE);
  }
}

static void execute(const large_case *c, const blasconv_problem *problem, int pass,
                    const blasconv_arguments *arguments)
{
  blasconv_options options = blasconv_options_default();
  blasconv_plan *plan = NULL;
  options.algorithm = c->algorithm;
  need(blasconv_plan_create(problem, (blasconv_pass)pass, &options, &plan));
  need(blasconv_plan_execute(plan, arguments, NULL, 0));
  blasconv_plan_destroy(plan);
}

/* A transposed convolution's forward pass is the backward data pass of the convolution that goes
 * back. */
static blasconv_problem turned(const blasconv_problem *problem)
{
  int64_t output[BLASCONV_MAX_RANK];
  blasconv_problem back = *problem;
  need(blasconv_problem_output(problem, output));
  back.direction = BLASCONV_CONVOLUTION;
  back.in_channels = problem->out_channels;
  back.out_channels = problem->in_channels;
  for (int i = 0; i < back.rank; ++i)
    back.input[i] = output[i];
  return back;
}

/* What every element of the result should be. */
typedef struct truth {
  blasconv_problem problem; /* a convolution */
  blasconv_pass pass;       /* of it */
  sample_tensors tensors;
  const blasconv_problem *biased; /* NULL, or whose output has the bias added */
  const float *bias;
} truth;

static double expected(const truth *t, int64_t index)
{
  const double sum = sample_element(&t->problem, t->pass, &t->tensors, index);
  return t->biased == NULL ? sum : sum + (double)t->bias[oracle_filter(t->biased, index)];
}

static int check_element(const truth *t, const large_tensor *result, int64_t index)
{
  const double wanted = expected(t, index);
  if ((double)result->data[index] == wanted)
    return 0;
  printf("  element %" PRId64 " is %g, not %g\n", index, (double)result->data[index], wanted);
  return 1;
}

/* The elements of a small weight gradient are sums of billions: two are enough. */
static int check_windows(const truth *t, const large_tensor *result, support_random *random)
{
  const bool costly = t->pass == BLASCONV_BACKWARD_WEIGHTS && result->count < 1000;
  int wrong = 0;
  if (costly)
    return check_element(t, result, 0) + check_element(t, result, result->count - 1);
  for (int i = 0; i < result->window_count; ++i) {
    const large_window w = result->windows[i];
    wrong += check_element(t, result, w.begin) + check_element(t, result, w.end - 1);
    for (int64_t edge = two31; edge <= 2 * two31; edge += two31)
      if (edge > w.begin && edge < w.end)
        wrong += check_element(t, result, edge - 1) + check_element(t, result, edge);
    for (int k = 0; k < IN_WINDOW; ++k)
      wrong += check_element(t, result, support_random_between(random, w.begin, w.end - 1));
  }
  return wrong;
}

static int run_pass(const large_case *c, const blasconv_problem *problem, int pass,
                    support_random *random)
{
  const double start = now();
  const bool is_transposed = problem->direction == BLASCONV_TRANSPOSED;
  const int64_t counts[] = {oracle_input_count(problem), oracle_weights_count(problem),
                            oracle_output_count(problem)};
  const int written[] = {2, 0, 1};
  large_tensor tensors[3], bias = large_tensor_read(problem->out_channels, random);
  for (int i = 0; i < 3; ++i)
    tensors[i] = i == written[pass] ? large_tensor_written(counts[i], random)
                                    : large_tensor_read(counts[i], random);
  const large_tensor *result = &tensors[written[pass]];
  blasconv_arguments arguments = blasconv_arguments_none();
  *(pass == BLASCONV_BACKWARD_DATA ? &arguments.output_gradient : &arguments.input) =
      tensors[pass == BLASCONV_BACKWARD_DATA ? 2 : 0].data;
  if (pass == BLASCONV_BACKWARD_WEIGHTS)
    arguments.output_gradient = tensors[2].data;
  else
    arguments.weights = tensors[1].data;
  arguments.bias = pass == BLASCONV_FORWARD ? bias.data : NULL;
  *(pass == BLASCONV_FORWARD         ? &arguments.output
    : pass == BLASCONV_BACKWARD_DATA ? &arguments.input_gradient
                                     : &arguments.weights_gradient) = result->data;
  execute(c, problem, pass, &arguments);
  const double computed = now();
  truth t = {*problem,
             (blasconv_pass)pass,
             {arguments.input, arguments.weights, arguments.output_gradient},
             arguments.bias == NULL ? NULL : problem,
             bias.data};
  if (is_transposed) {
    t.problem = turned(problem);
    t.pass = BLASCONV_BACKWARD_DATA;
    t.tensors = (sample_tensors){NULL, arguments.weights, arguments.input};
  }
  const int wrong = check_windows(&t, result, random);
  printf("%-24s %-17s %4.1f, %4.1f, %4.1f x 10^9 elements, %5.1f s and %5.1f s to check%s\n",
         c->name, pass_names[pass], 1e-9 * (double)counts[0], 1e-9 * (double)counts[1],
         1e-9 * (double)counts[2], computed - start, now() - computed, wrong ? ": WRONG" : "");
  fflush(stdout);
  for (int i = 0; i < 3; ++i)
    large_tensor_free(&tensors[i]);
  large_tensor_free(&bias);
  return wrong;
}

static bool chosen(const char *name, int count, char **names)
{
  for (int i = 0; i < count; ++i)
    if (strncmp(name, names[i], strlen(names[i])) == 0)
      return true;
  return count == 0;
}

int main(int argument_count, char **arguments)
{
  support_random random = support_random_start(1);
  const double start = now();
  int wrong = 0, runs = 0;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    const blasconv_problem problem = cases[i].problem();
    for (int pass = 0; pass < passes; ++pass)
      if ((cases[i].passes >> pass & 1) &&
          chosen(cases[i].name, argument_count - 1, arguments + 1)) {
        wrong += run_pass(&cases[i], &problem, pass, &random);
        ++runs;
      }
  }
  if (chosen("maps", argument_count - 1, arguments + 1)) {
    wrong += large_maps_check(&random);
    ++runs;
  }
  printf("%s, in %.0f s\n",
         wrong > 0  ? "WRONG"
         : runs > 0 ? "All right"
                    : "No such case",
         now() - start);
  return wrong == 0 && runs > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
