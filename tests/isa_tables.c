/* SPDX-License-Identifier: BSD-2-Clause */
#include "isa_tables.h"

int isa_tables_runnable(const bc_kernels *tables[isa_tables_most])
{
  int n = 0;
  tables[n++] = &bc_kernels_generic;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    tables[n++] = &bc_kernels_avx2;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    tables[n++] = &bc_kernels_avx512;
#endif
  return n;
}
