/* The inner loop of the peak, compiled once for each instruction set. */
#ifndef BENCH_PEAK_KERNEL_H
#define BENCH_PEAK_KERNEL_H

#include <stdint.h>

/* The kernel, and the multiply-adds of single floats in one of its rounds. It computes with `seed`
 * and returns the sum of all results, so that no compiler can know them before or leave them out.
 */
typedef struct bench_peak_kernel {
  float (*run)(int64_t rounds, float seed);
  int64_t fmas_a_round;
} bench_peak_kernel;

extern const bench_peak_kernel bench_peak_generic, bench_peak_avx2, bench_peak_avx512;

#endif
