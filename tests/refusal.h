/*
 * What a refused plan, and a refused problem, must look like.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BLASCONV_TESTS_REFUSAL_H
#define BLASCONV_TESTS_REFUSAL_H

#include <blasconv/blasconv.h>

/**
 * Asks for the plan with messages of several sizes and fails the test unless each time it is
 * refused with `status`, the plan pointer is left alone and the message is explained within its
 * size.
 * @param options its message is replaced
 * @param word that the whole message must contain, or NULL
 * @param what named when the test fails
 */
void refusal_check(const blasconv_problem *problem, blasconv_pass pass, blasconv_options options,
                   blasconv_status status, const char *word, const char *what);

/** The problem is refused in this way by both functions that check it, in every pass. */
void refusal_check_problem(const blasconv_problem *problem, blasconv_status status,
                           const char *word, const char *what);

/** The problem has an output and a plan for every pass. */
void refusal_check_accepted(const blasconv_problem *problem, const char *what);

#endif
