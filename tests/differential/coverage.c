/*
 * Which parts of the space a run has been to.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "coverage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
  passes = 3,
  layouts = 2,
  directions = 2,
  cells = passes * layouts * directions * BLASCONV_MAX_RANK
};

void differential_cover(differential_coverage *coverage, const differential_case *which, int served)
{
  const blasconv_problem *problem = &which->notation.problem;
  if (served < 0 || served >= DIFFERENTIAL_ALGORITHMS)
    abort();
  ++coverage->proved[served][which->notation.pass][problem->layout][problem->direction]
                    [problem->rank - 1];
}

/* The cell number `index` of an algorithm, as it lies in memory. */
static int64_t proved_in(const differential_coverage *coverage, int algorithm, int index)
{
  const int rank = index % BLASCONV_MAX_RANK;
  index /= BLASCONV_MAX_RANK;
  return coverage->proved[algorithm][index / (layouts * directions)][index / directions % layouts]
                         [index % directions][rank];
}

static void print_cell(int algorithm, int index)
{
  const int rank = 1 + index % BLASCONV_MAX_RANK;
  index /= BLASCONV_MAX_RANK;
  printf("no case by %s: %s %s %s of rank %d\n", blasconv_algorithm_name((size_t)algorithm),
         bench_notation_pass((blasconv_pass)(index / (layouts * directions))),
         bench_notation_layout((blasconv_layout)(index / directions % layouts)),
         index % directions ? "transposed" : "convolution", rank);
}

int differential_report(const differential_coverage *coverage, bool complete)
{
  int empty = 0;
  for (int algorithm = 0; algorithm < differential_algorithms(); ++algorithm) {
    int64_t sum = 0, fewest = INT64_MAX;
    for (int index = 0; index < cells; ++index) {
      const int64_t proved = proved_in(coverage, algorithm, index);
      sum += proved;
      fewest = proved < fewest ? proved : fewest;
    }
    printf("%-16s %8" PRId64 " proved, at least %" PRId64 " in each of %d cells\n",
           blasconv_algorithm_name((size_t)algorithm), sum, fewest, cells);
    for (int index = 0; complete && index < cells; ++index)
      if (proved_in(coverage, algorithm, index) == 0) {
        print_cell(algorithm, index);
        ++empty;
      }
  }
  return empty;
}
