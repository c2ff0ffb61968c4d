/*
 * Laws that hold between passes and between problems, whatever the numbers. The data are small
 * integers, so that every sum of products is exact in float in any order, and the laws hold to the
 * last bit.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BLASCONV_TESTS_LAW_H
#define BLASCONV_TESTS_LAW_H

#include "fixture.h"

/**
 * Checks a law for one problem and algorithm.
 * @return how many comparisons it made, 0 if the algorithm refuses or the law says nothing about
 * the problem
 */
typedef int64_t law_checker(const blasconv_problem *problem, const char *algorithm,
                            support_random *random);

/**
 * Checks a law for each small corner that has an image, by each algorithm. It must have something
 * to say about each algorithm, and in each direction about each layout and rank.
 */
void law_check(law_checker *law);

/** The same, but that the law says nothing of what this algorithm computes; NULL: of all. */
void law_check_but(law_checker *law, const char *algorithm);

/** The same for a law of one direction. */
void law_check_direction(law_checker *law, blasconv_direction direction);

/**
 * Runs a pass, overwriting, with bias; the result is the caller's.
 * @return false if the algorithm refuses; the result is then NaN
 */
bool law_compute(const fixture_case *fixture, blasconv_pass pass, const char *algorithm,
                 fixture_result *result);

/** Fails the test unless both are the same. @param what the law */
void law_equal(double one, double other, const blasconv_problem *problem, blasconv_pass pass,
               const char *algorithm, const char *what);

/**
 * Fails the test unless two results have the same numbers; frees both.
 * @param served whether both passes were served, else nothing is compared
 * @return how many comparisons that were
 */
int64_t law_equal_results(bool served, fixture_result *one, fixture_result *other,
                          const blasconv_problem *problem, blasconv_pass pass,
                          const char *algorithm, const char *what);

/** Sets the bias to zero and seals the tensors. */
void law_clear_bias(fixture_case *fixture);

#endif
