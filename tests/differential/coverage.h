/*
 * Which parts of the space a run has been to.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BLASCONV_TESTS_DIFFERENTIAL_COVERAGE_H
#define BLASCONV_TESTS_DIFFERENTIAL_COVERAGE_H

#include "cases.h"

enum { DIFFERENTIAL_ALGORITHMS = 16 };

/** Cases proved by algorithm, pass, layout, direction and rank. */
typedef struct differential_coverage {
  int64_t proved[DIFFERENTIAL_ALGORITHMS][3][2][2][BLASCONV_MAX_RANK];
} differential_coverage;

/** Counts a case. @param served as differential_prove() returned */
void differential_cover(differential_coverage *coverage, const differential_case *which,
                        int served);

/**
 * Prints what has been covered, a line an algorithm.
 * @param complete every cell should have been: prints a line for each that has not
 * @return how many lines these were
 */
int differential_report(const differential_coverage *coverage, bool complete);

#endif
