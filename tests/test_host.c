/*
 * What the library leaves alone in its host, and what it tells it: the settings of OpenMP and BLAS,
 * the host's own parallel regions, and a BLAS that runs below the CPU.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "blas.h"
#include "fixture.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef BLASCONV_HAS_OPENBLAS
extern int BLAS(openblas_get_num_threads)(void);
extern void BLAS(openblas_set_num_threads)(int);
extern char *BLAS(openblas_get_corename)(void);

static int blas_threads(void)
{
  return BLAS(openblas_get_num_threads)();
}

static void set_blas_threads(int threads)
{
  BLAS(openblas_set_num_threads)(threads);
}

static const char *blas_kernels(void)
{
  return BLAS(openblas_get_corename)();
}
#else
static int blas_threads(void)
{
  return 1;
}

static void set_blas_threads(int threads)
{
  (void)threads;
}

static const char *blas_kernels(void)
{
  return "CBLAS";
}
#endif

static blasconv_problem layer(void)
{
  blasconv_problem problem = blasconv_problem_2d(2, 24, 20, 20, 40, 3, 3);
  for (int axis = 0; axis < 2; ++axis)
    problem.pads_begin[axis] = problem.pads_end[axis] = 1;
  return problem;
}

static fixture_result run(const fixture_case *fixture, blasconv_pass pass, int32_t threads)
{
  const fixture_variant variant = {.pass = pass, .threads = threads, .library_workspace = true};
  fixture_result result = fixture_result_create(&fixture->problem, pass, NULL, NULL);
  ck_assert(fixture_run(fixture, &variant, &result));
  return result;
}

START_TEST(settings_stay)
{
  const blasconv_problem problem = layer();
  support_random random = support_random_start(1);
  fixture_case fixture = fixture_create(&problem, support_tensor_random, &random);
  const int before = omp_get_max_threads(), before_blas = blas_threads();
  set_blas_threads(2); /* sets OpenMP's too in OpenBLAS's openmp flavour */
  omp_set_num_threads(3);
  const int host_blas = blas_threads();
  for (int pass = 0; pass < 3; ++pass)
    for (int32_t threads = 1; threads <= 4; ++threads) {
      fixture_result result = run(&fixture, (blasconv_pass)pass, threads);
      fixture_result_free(&result);
      ck_assert_int_eq(omp_get_max_threads(), 3);
      ck_assert_int_eq(blas_threads(), host_blas);
    }
  set_blas_threads(before_blas);
  omp_set_num_threads(before);
  fixture_free(&fixture);
}
END_TEST

START_TEST(same_bits_inside_a_parallel_region)
{
  const blasconv_problem problem = layer();
  support_random random = support_random_start(2);
  fixture_case fixture = fixture_create(&problem, support_tensor_random, &random);
  for (int pass = 0; pass < 3; ++pass) {
    fixture_result outside = run(&fixture, (blasconv_pass)pass, 4);
    fixture_result inside[3];
    int settings[3];
#pragma omp parallel for num_threads(3)
    for (int i = 0; i < 3; ++i) {
      omp_set_num_threads(5 + i);
      inside[i] = run(&fixture, (blasconv_pass)pass, 4);
      settings[i] = omp_get_max_threads();
    }
    for (int i = 0; i < 3; ++i) {
      ck_assert(fixture_result_same(&outside, &inside[i]));
      ck_assert_int_eq(settings[i], 5 + i);
      fixture_result_free(&inside[i]);
    }
    fixture_result_free(&outside);
  }
  fixture_free(&fixture);
}
END_TEST

START_TEST(version_names_the_kernels)
{
  const char *version = blasconv_version_string();
  ck_assert_ptr_eq(version, blasconv_version_string());
  support_assert(strstr(version, blas_kernels()) != NULL, "%s does not name %s", version,
                 blas_kernels());
  const char *advice = blasconv_blas_coretype_advice();
  ck_assert_int_eq(advice != NULL, strstr(version, "set OPENBLAS_CORETYPE=") != NULL);
  ck_assert(advice == NULL || strstr(version, advice) != NULL);
}
END_TEST

/* The first line that this program prints when it is run with `setting` in its environment. */
static void print_elsewhere(const char *setting, char *line, int size)
{
  char self[1024], command[1200];
  const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  ck_assert_int_gt(length, 0);
  self[length] = '\0';
  snprintf(command, sizeof command, "%s '%s' --version", setting, self);
  FILE *output = popen(command, "r");
  ck_assert_ptr_nonnull(output);
  ck_assert_ptr_nonnull(fgets(line, size, output));
  ck_assert_int_eq(pclose(output), 0);
}

START_TEST(kernels_below_the_cpu_are_noticed)
{
  char slow[512], advised[512];
  print_elsewhere("OPENBLAS_CORETYPE=Prescott", slow, sizeof slow);
  if (strstr(slow, "kernels Prescott") == NULL || strstr(slow, "CPU AVX") == NULL)
    return; /* another BLAS, or a CPU for which Prescott's kernels are the best */
  const char *remedy = strstr(slow, "OPENBLAS_CORETYPE=");
  support_assert(remedy != NULL, "no remedy in %s", slow);
  char setting[64];
  snprintf(setting, sizeof setting, "%.*s", (int)strcspn(remedy, " \n"), remedy);
  print_elsewhere(setting, advised, sizeof advised);
  support_assert(strstr(advised, "OPENBLAS_CORETYPE=") == NULL, "%s does not help: %s", setting,
                 advised);
}
END_TEST

int main(int argc, char **argv)
{
  if (argc > 1 && strcmp(argv[1], "--version") == 0)
    return puts(blasconv_version_string()) < 0;
  Suite *suite = suite_create("host");
  support_add(suite, settings_stay);
  support_add(suite, same_bits_inside_a_parallel_region);
  support_add(suite, version_names_the_kernels);
  support_add(suite, kernels_below_the_cpu_are_noticed);
  return support_run(suite);
}
