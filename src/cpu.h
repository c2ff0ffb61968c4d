/* What the CPU can do. cpu.c is the only file that asks it. */
#ifndef BC_CPU_H
#define BC_CPU_H

#include <stddef.h>

/* Instruction sets that kernels exist for, each containing the ones before it. */
typedef enum bc_isa { BC_ISA_GENERIC, BC_ISA_AVX2, BC_ISA_AVX512 } bc_isa;

/* The best that this CPU offers, or a lower one that BLASCONV_ISA in the environment names as
 * bc_isa_name() does; read once. */
bc_isa bc_cpu_isa(void);

/* For messages: "AVX-512", "AVX2", "generic". */
const char *bc_isa_name(bc_isa isa);

/* The model and the sizes of its caches: which CPU measurements are good for. Written to text
 * [size], cut if need be. */
void bc_cpu_describe(char *text, size_t size);

/* Bytes of a core's second-level cache, between 256 KiB and 1 MiB; 512 KiB where the system does
 * not tell. */
long bc_cpu_second_level_cache(void);

/* The element-wise kernels for this CPU. */
const struct bc_kernels *bc_cpu_kernels(void);

#endif
