#define _POSIX_C_SOURCE 200809L
#include "restart.h"

#include <blasconv/blasconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void bench_restart_with_advice(char **argv)
{
  static const char guard[] = "BLASCONV_RESTARTED";
  const char *advice = blasconv_blas_coretype_advice();
  if (advice == NULL || getenv(guard) != NULL)
    return;
  fprintf(stderr, "The BLAS runs below the CPU: starting again with OPENBLAS_CORETYPE=%s\n",
          advice);
  /* The block size of the second-level cache belongs to the kernels that it was set for. */
  if (setenv("OPENBLAS_CORETYPE", advice, 1) == 0 && unsetenv("OPENBLAS_L2_SIZE") == 0 &&
      setenv(guard, "1", 1) == 0)
    execv("/proc/self/exe", argv);
  perror("Cannot start again, going on");
}
