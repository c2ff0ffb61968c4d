#include "cpu.h"

#include "kernels/kernels.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#ifdef BC_X86_KERNELS
#include <cpuid.h>
#endif

static bc_isa best_isa(void)
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

/* The best, or a lower one that the environment names, in letters of any size. */
static bc_isa find_isa(void)
{
  const bc_isa best = best_isa();
  const char *wanted = getenv("BLASCONV_ISA");
  for (int isa = BC_ISA_GENERIC; wanted != NULL && isa < (int)best; ++isa)
    if (strcasecmp(wanted, bc_isa_name((bc_isa)isa)) == 0)
      return (bc_isa)isa;
  return best;
}

bc_isa bc_cpu_isa(void)
{
  static atomic_int known; /* 1 more than what was found; threads may find it at once */
  int isa = atomic_load_explicit(&known, memory_order_relaxed);
  if (isa == 0) {
    isa = (int)find_isa() + 1;
    atomic_store_explicit(&known, isa, memory_order_relaxed);
  }
  return (bc_isa)(isa - 1);
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

/* The name that the CPU gives itself, without leading spaces, and its family and model. */
static void describe_model(char *text, size_t size)
{
#ifdef BC_X86_KERNELS
  const unsigned int name_leaf = 0x80000002U, steppings = 16;
  unsigned int words[12] = {0}, version[4] = {0};
  char name[sizeof words + 1] = "";
  for (size_t i = 0; i < 3; ++i)
    __get_cpuid(name_leaf + (unsigned int)i, &words[4 * i], &words[4 * i + 1], &words[4 * i + 2],
                &words[4 * i + 3]);
  memcpy(name, words, sizeof words);
  __get_cpuid(1, &version[0], &version[1], &version[2], &version[3]);
  snprintf(text, size, "%s, model %x", name + strspn(name, " "), version[0] / steppings);
#else
  snprintf(text, size, "CPU unknown");
#endif
}

/* Bytes of a cache, 0 where the system does not tell. */
static long cache_bytes(int name)
{
  const long bytes = sysconf(name);
  return bytes > 0 ? bytes : 0;
}

long bc_cpu_second_level_cache(void)
{
  static atomic_long known; /* 0: not yet; threads may find it at once */
  long bytes = atomic_load_explicit(&known, memory_order_relaxed);
  if (bytes == 0) {
    const long unit = 1L << 18, told = cache_bytes(_SC_LEVEL2_CACHE_SIZE);
    bytes = told == 0 ? 2 * unit : told < unit ? unit : told > 4 * unit ? 4 * unit : told;
    atomic_store_explicit(&known, bytes, memory_order_relaxed);
  }
  return bytes;
}

void bc_cpu_describe(char *text, size_t size)
{
  char model[96];
  describe_model(model, sizeof model);
  snprintf(text, size, "%s, caches %ld %ld %ld", model, cache_bytes(_SC_LEVEL1_DCACHE_SIZE),
           cache_bytes(_SC_LEVEL2_CACHE_SIZE), cache_bytes(_SC_LEVEL3_CACHE_SIZE));
}
