/*
 * What a refused plan must look like.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "refusal.h"

#include <check.h>
#include <string.h>

enum { untouched = 0x5A };

/* The bytes of `buffer` [capacity] from `size` on are as they were, and the first `size` hold a
 * text with its NUL. */
static void check_message(const char *buffer, size_t capacity, size_t size, const char *what)
{
  for (size_t i = size; i < capacity; ++i)
    ck_assert_msg(buffer[i] == untouched, "%s: message written beyond %zu bytes", what, size);
  ck_assert_msg(size == 0 || memchr(buffer, '\0', size) != NULL, "%s: no NUL in %zu bytes", what,
                size);
  ck_assert_msg(size < 2 || buffer[0] != '\0', "%s: the message is empty", what);
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
    ck_assert_msg(got == status, "%s, pass %d: status %d, not %d", what, (int)pass, (int)got,
                  (int)status);
    ck_assert_msg(plan == no_plan, "%s: the plan pointer was written", what);
    check_message(buffer, sizeof buffer, sizes[i], what);
  }
  ck_assert_msg(word == NULL || strstr(buffer, word) != NULL, "%s: \"%s\" is not in \"%s\"", what,
                word ? word : "", buffer);
}
