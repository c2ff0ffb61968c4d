#include "cpu.h"

#include "kernels/kernels.h"

bc_isa bc_cpu_isa(void)
{
#ifdef BC_X86_KERNELS
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return BC_ISA_AVX512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return BC_ISA_AVX2;
#endif
  return BC_ISA_GENERIC;
}

const char *bc_isa_name(bc_isa isa)
{
  static const char *const names[] = {"generic", "AVX2", "AVX-512"};
  return names[isa];
}

const bc_kernels *bc_cpu_kernels(void)
{
#ifdef BC_X86_KERNELS
  static const bc_kernels *const kernels[] = {&bc_kernels_generic, &bc_kernels_avx2,
                                              &bc_kernels_avx512};
  return kernels[bc_cpu_isa()];
#else
  return &bc_kernels_generic;
#endif
}
