#define _POSIX_C_SOURCE 200809L
#include "restart.h"

#include <blasconv/blasconv.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char guard[] = "BLASCONV_RESTARTED";

static void start_again(char **argv)
{
  if (setenv(guard, "1", 1) == 0)
    execv("/proc/self/exe", argv);
  perror("Cannot start again, going on");
}

/* Sets OPENBLAS_CORETYPE if the library advises it, and says so. */
static bool take_advice(void)
{
  const char *advice = blasconv_blas_coretype_advice();
  if (advice == NULL)
    return false;
  fprintf(stderr, "The BLAS runs below the CPU: starting again with OPENBLAS_CORETYPE=%s\n",
          advice);
  /* The block size of the second-level cache belongs to the kernels that it was set for. */
  return setenv("OPENBLAS_CORETYPE", advice, 1) == 0 && unsetenv("OPENBLAS_L2_SIZE") == 0;
}

void bench_restart_with_advice(char **argv)
{
  if (getenv(guard) == NULL && take_advice())
    start_again(argv);
}

void bench_restart_for_long_run(char **argv)
{
  if (getenv(guard) != NULL)
    return;
  take_advice();
  setenv("OMP_WAIT_POLICY", "passive", 0);
  setenv("OPENBLAS_NUM_THREADS", "1", 0);
  start_again(argv);
}
