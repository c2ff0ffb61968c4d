/*
 * The environment can hold the library to a lower instruction set, and to nothing else.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "cpu.h"
#include "kernels/kernels.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a process finds that has never used the library before. */
static bc_isa found_with(const char *setting)
{
  const pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    if (setting == NULL)
      unsetenv("BLASCONV_ISA");
    else
      setenv("BLASCONV_ISA", setting, 1);
    _exit((int)bc_cpu_isa());
  }
  int status = 0;
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert(WIFEXITED(status));
  return (bc_isa)WEXITSTATUS(status);
}

START_TEST(a_lower_set_by_its_name)
{
  const bc_isa best = found_with(NULL);
  for (int isa = BC_ISA_GENERIC; isa <= (int)best; ++isa)
    ck_assert_int_eq(found_with(bc_isa_name((bc_isa)isa)), isa);
}
END_TEST

START_TEST(a_name_may_be_in_letters_of_any_size)
{
  ck_assert_int_eq(found_with("GENERIC"), BC_ISA_GENERIC);
  ck_assert_int_eq(found_with("Generic"), BC_ISA_GENERIC);
  if (found_with(NULL) >= BC_ISA_AVX2)
    ck_assert_int_eq(found_with("avx2"), BC_ISA_AVX2);
}
END_TEST

START_TEST(anything_else_is_ignored)
{
  const char *const settings[] = {"", "avx2 ", "AVX", "AVX-512 and more", "SSE3", "0"};
  const bc_isa best = found_with(NULL);
  for (size_t i = 0; i < sizeof settings / sizeof *settings; ++i)
    ck_assert_int_eq(found_with(settings[i]), best);
  for (int isa = (int)best + 1; isa <= BC_ISA_AVX512; ++isa)
    ck_assert_int_eq(found_with(bc_isa_name((bc_isa)isa)), best);
}
END_TEST

/* Read once: what changes later changes nothing. */
START_TEST(the_first_use_decides)
{
  setenv("BLASCONV_ISA", "generic", 1);
  ck_assert_int_eq(bc_cpu_isa(), BC_ISA_GENERIC);
  setenv("BLASCONV_ISA", "AVX2", 1);
  ck_assert_int_eq(bc_cpu_isa(), BC_ISA_GENERIC);
  ck_assert_ptr_eq(bc_cpu_kernels(), &bc_kernels_generic);
  ck_assert_ptr_nonnull(strstr(blasconv_version_string(), "CPU generic"));
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("isa");
  support_add(suite, a_lower_set_by_its_name);
  support_add(suite, a_name_may_be_in_letters_of_any_size);
  support_add(suite, anything_else_is_ignored);
  support_add(suite, the_first_use_decides);
  return support_run(suite);
}
