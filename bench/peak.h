/* The ceiling: how many fused multiply-adds the CPU computes when nothing holds it up. */
#ifndef BENCH_PEAK_H
#define BENCH_PEAK_H

#include "measure.h"

/* GFLOP/s of `threads` threads at once, out of registers: the best of a few bursts of half a
 * millisecond, since a ceiling is not lowered by what else the machine does. */
double bench_peak_gflops(int threads);

/* Computes until the system has given every thread a core of its own. */
void bench_peak_warm_up(int threads);

/* Measures once more. peaks: of all measurements so far, a sample holds GFLOP/s. Returns their
 * median. */
double bench_peak_again(bench_samples *peaks, int threads);

#endif
