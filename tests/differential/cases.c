/*
 * Random cases.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "cases.h"

#include "fixture.h"
#include "shapes.h"

#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------------
 * Drawing
 * ------------------------------------------------------------------------------------------ */

static bool once_in(int64_t times, support_random *random)
{
  return support_random_between(random, 1, times) == 1;
}

int differential_algorithms(void)
{
  int count = 0;
  while (blasconv_algorithm_name((size_t)count))
    ++count;
  return count;
}

/* The kind of problem that an algorithm is for: mostly, since all kinds must be refused or served
 * well. Names of algorithms begin with it. */
static shapes_kind random_kind(const char *algorithm, support_random *random)
{
  static const struct {
    const char *beginning;
    shapes_kind kind;
  } kinds[] = {{"pointwise", SHAPES_POINTWISE},
               {"gemv", SHAPES_VECTOR},
               {"depthwise", SHAPES_DEPTHWISE},
               {"winograd", SHAPES_TILED}};
  const shapes_kind any = (shapes_kind)support_random_between(random, 0, SHAPES_KINDS - 1);
  if (once_in(8, random))
    return any;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i)
    if (strncmp(algorithm, kinds[i].beginning, strlen(kinds[i].beginning)) == 0)
      return kinds[i].kind;
  return any;
}

/* What one cell of the whole space has: dealt out in turn. */
static void deal(uint64_t index, bench_notation *notation)
{
  const uint64_t algorithms = (uint64_t)differential_algorithms() + 1;
  notation->pass = (blasconv_pass)(index % 3);
  index /= 3;
  notation->problem.layout = (blasconv_layout)(index % 2);
  index /= 2;
  notation->problem.direction = (blasconv_direction)(index % 2);
  index /= 2;
  notation->problem.rank = 1 + (int32_t)(index % BLASCONV_MAX_RANK);
  index /= BLASCONV_MAX_RANK;
  const char *algorithm = blasconv_algorithm_name((size_t)(index % algorithms));
  snprintf(notation->algorithm, sizeof notation->algorithm, "%s", algorithm ? algorithm : "");
}

static void draw_epilogue(bench_notation *notation, support_random *random)
{
  notation->bias = once_in(2, random);
  notation->scale_shift = once_in(3, random);
  notation->residual = (blasconv_residual)support_random_between(random, 0, 2);
  if (once_in(4, random))
    return;
  notation->activation.kind =
      (blasconv_activation_kind)support_random_between(random, 0, BLASCONV_GELU_TANH);
  if (bench_notation_has_alpha(notation->activation.kind))
    notation->activation.alpha = (float)support_random_between(random, 1, 8) / 8;
}

/* None, or none to speak of, or something that forces smaller blocks or fewer threads. */
static size_t random_limit(support_random *random)
{
  if (!once_in(3, random))
    return BLASCONV_NO_LIMIT;
  if (once_in(4, random))
    return 0;
  const int64_t most = INT64_C(1) << support_random_between(random, 6, 22);
  return (size_t)support_random_between(random, most / 2, most);
}

static void draw_options(bench_notation *notation, support_random *random)
{
  notation->threads = (int32_t)support_random_between(random, 1, 8);
  notation->exact = once_in(8, random);
  notation->workspace_limit = random_limit(random);
  notation->library_workspace = once_in(3, random);
  notation->offset = (int32_t)support_random_between(random, 0, BENCH_MOST_OFFSET);
  if (notation->pass != BLASCONV_BACKWARD_WEIGHTS)
    notation->packed = once_in(3, random);
  if (notation->pass == BLASCONV_BACKWARD_WEIGHTS)
    notation->bias = once_in(2, random);
  if (notation->pass == BLASCONV_FORWARD)
    draw_epilogue(notation, random);
  else
    notation->accumulate = once_in(2, random);
}

differential_case differential_draw(uint64_t index)
{
  support_random random = support_random_start(index);
  differential_case drawn = {bench_notation_default(), index};
  bench_notation *notation = &drawn.notation;
  deal(index, notation);
  const shapes_kind kind = random_kind(notation->algorithm, &random);
  notation->problem = shapes_random_of(kind, notation->problem.layout, notation->problem.direction,
                                       notation->problem.rank, &random);
  draw_options(notation, &random);
  return drawn;
}

const char *differential_line(const differential_case *which, char *line)
{
  bench_notation_print(&which->notation, line, DIFFERENTIAL_LINE);
  return line;
}

/* ---------------------------------------------------------------------------------------------
 * Proving
 * ------------------------------------------------------------------------------------------ */

static fixture_variant variant_of(const bench_notation *notation)
{
  return (fixture_variant){.pass = notation->pass,
                           .algorithm = notation->algorithm[0] ? notation->algorithm : NULL,
                           .threads = notation->threads,
                           .accumulate = notation->accumulate,
                           .bias = notation->bias,
                           .exact = notation->exact,
                           .library_workspace = notation->library_workspace,
                           .packed = notation->packed,
                           .limited = notation->workspace_limit != BLASCONV_NO_LIMIT,
                           .workspace_limit = notation->workspace_limit,
                           .scale_shift = notation->scale_shift,
                           .residual = notation->residual,
                           .activation = notation->activation};
}

/* The algorithm of the variant's plan, which is known to be served. */
static int algorithm_of(const blasconv_problem *problem, const fixture_variant *variant)
{
  blasconv_plan *plan = fixture_plan(problem, variant);
  int index = 0;
  while (strcmp(blasconv_algorithm_name((size_t)index), blasconv_plan_algorithm(plan)) != 0)
    ++index;
  blasconv_plan_destroy(plan);
  return index;
}

int differential_prove(const differential_case *which)
{
  const bench_notation *notation = &which->notation;
  const fixture_variant variant = variant_of(notation);
  support_random random = support_random_start(~which->stream);
  support_place(notation->offset);
  fixture_case fixture = fixture_create(&notation->problem, support_tensor_random, &random);
  fixture_truth truth = fixture_truth_create(&fixture, variant.pass);
  int served = -1;
  if (fixture_verify(&fixture, &truth, &variant, &random))
    served = algorithm_of(&notation->problem, &variant);
  fixture_truth_free(&truth);
  fixture_free(&fixture);
  return served;
}

int differential_prove_served(const differential_case *which)
{
  const int served = differential_prove(which);
  if (served >= 0)
    return served;
  differential_case chosen = *which;
  chosen.notation.algorithm[0] = '\0';
  return differential_prove(&chosen);
}
