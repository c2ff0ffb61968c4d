/*
 * What a refused plan, and a refused problem, must look like.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "refusal.h"

#include "support.h"

#include <check.h>
#include <string.h>

enum { untouched = 0x5A };

/* The bytes of `buffer` [capacity] from `size` on are as they were, and the first `size` hold a
 * text with its NUL. */
static void check_message(const char *buffer, size_t capacity, size_t size, const char *what)
{
  for (size_t i = size; i < capacity; ++i)
    support_assert(buffer[i] == untouched, "%s: message written beyond %zu bytes", what, size);
  support_assert(size == 0 || memchr(buffer, '\0', size) != NULL, "%s: no NUL in %zu bytes", what,
                 size);
  support_assert(size < 2 || buffer[0] != '\0', "%s: the message is empty", what);
}

void refusal_check(const blasconv_problem *problem, blasconv_pass pass, blasconv_options options,
                   blasconv_status status, const char *word, const char *what)
{
  static const size_t sizes[] = {0, 1, 5, 40, 250};
  char buffer[256];
  blasconv_plan *const no_plan = (blasconv_plan *)(void *)buffer;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    memset(buffer, untouched, sizeof buffer);
    options.message = buffer;
    options.message_size = sizes[i];
    blasconv_plan *plan = no_plan;
    const blasconv_status got = blasconv_plan_create(problem, pass, &options, &plan);
    support_assert(got == status, "%s, pass %d: status %d, not %d", what, (int)pass, (int)got,
                   (int)status);
    support_assert(plan == no_plan, "%s: the plan pointer was written", what);
    check_message(buffer, sizeof buffer, sizes[i], what);
  }
  support_assert(word == NULL || strstr(buffer, word) != NULL, "%s: \"%s\" is not in \"%s\"", what,
                 word ? word : "", buffer);
}

void refusal_check_problem(const blasconv_problem *problem, blasconv_status status,
                           const char *word, const char *what)
{
  int64_t output[BLASCONV_MAX_RANK] = {-7, -8, -9};
  const blasconv_status got = blasconv_problem_output(problem, output);
  support_assert(got == status, "%s: output sizes: status %d, not %d", what, (int)got, (int)status);
  support_assert(output[0] == -7 && output[1] == -8 && output[2] == -9, "%s: output written", what);
  for (int pass = BLASCONV_FORWARD; pass <= BLASCONV_BACKWARD_WEIGHTS; ++pass)
    refusal_check(problem, (blasconv_pass)pass, blasconv_options_default(), status, word, what);
}

void refusal_check_accepted(const blasconv_problem *problem, const char *what)
{
  int64_t output[BLASCONV_MAX_RANK];
  support_assert(blasconv_problem_output(problem, output) == BLASCONV_SUCCESS, "%s refused", what);
  for (int pass = BLASCONV_FORWARD; pass <= BLASCONV_BACKWARD_WEIGHTS; ++pass) {
    blasconv_plan *plan = NULL;
    const blasconv_status status = blasconv_plan_create(problem, (blasconv_pass)pass, NULL, &plan);
    support_assert(status == BLASCONV_SUCCESS, "%s refused: %d", what, (int)status);
    blasconv_plan_destroy(plan);
  }
}
