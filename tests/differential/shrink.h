/*
 * The smallest case that still fails.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BLASCONV_TESTS_DIFFERENTIAL_SHRINK_H
#define BLASCONV_TESTS_DIFFERENTIAL_SHRINK_H

#include "cases.h"

/** Whether a case, of sizes that the header allows, fails. */
typedef bool differential_judge(const differential_case *which, void *context);

/**
 * Makes a case that fails smaller as long as it fails: drops parts and options, axes, groups, and
 * halves and decrements every number, until no single step is left that can be taken.
 */
void differential_shrink(differential_case *which, differential_judge *judge, void *context);

#endif
