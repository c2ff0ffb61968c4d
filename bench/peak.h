/* The ceiling: how many fused multiply-adds the CPU computes when nothing holds it up. */
#ifndef BENCH_PEAK_H
#define BENCH_PEAK_H

/* GFLOP/s of `threads` threads at once, out of registers: the best of a few bursts of half a
 * millisecond, since a ceiling is not lowered by what else the machine does. */
double bench_peak_gflops(int threads);

#endif
