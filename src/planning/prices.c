/* Written by `./bench.sh --planner --fit`, 2026-11-25:
 * AMD EPYC; blasconv 0.1.0; OpenBLAS 0.3.21, pthread, kernels Zen; CPU AVX2;
 * 2388 pairs of a problem and an algorithm, on one thread. Half of the estimates are within
 * 13 per cent of the measurement, nine of ten within 43. */
#include "cost.h"

const double bc_prices[BC_TERMS] = {
    [BC_TERM_RUN] = 0,                   // 0 ns
    [BC_TERM_TASK] = 5.57e-07,           // 557 ns
    [BC_TERM_CALL] = 1.68e-07,           // 168 ns
    [BC_TERM_PRODUCT] = 1.73e-11,        // 0.0173 ns
    [BC_TERM_OPERAND] = 2.3e-10,         // 0.23 ns
    [BC_TERM_RESULT] = 4.17e-10,         // 0.417 ns
    [BC_TERM_FAR_WEIGHT] = 7.59e-10,     // 0.759 ns
    [BC_TERM_TILE] = 2.1e-08,            // 21 ns
    [BC_TERM_SEGMENT] = 1.78e-08,        // 17.8 ns
    [BC_TERM_MULTIPLICATION] = 2.33e-11, // 0.0233 ns
    [BC_TERM_PACKED] = 2.81e-10,         // 0.281 ns
    [BC_TERM_PLACE] = 5.72e-09,          // 5.72 ns
    [BC_TERM_MOVED] = 1.34e-10,          // 0.134 ns
    [BC_TERM_PIECE] = 3.8e-09,           // 3.8 ns
    [BC_TERM_PLAIN] = 6e-09,             // 6 ns
    [BC_TERM_VECTOR] = 3.08e-11,         // 0.0308 ns
    [BC_TERM_LOOP] = 8.71e-11,           // 0.0871 ns
};
