/* Written by `./bench.sh --planner --fit`, 2026-11-25:
 * AMD EPYC; blasconv 0.1.0; OpenBLAS 0.3.21, pthread, kernels Zen; CPU AVX2;
 * 4776 pairs of a problem and an algorithm, on one thread. Half of the estimates are within
 * 14 per cent of the measurement, nine of ten within 45. */
#include "cost.h"

const double bc_prices[BC_TERMS] = {
    [BC_TERM_RUN] = 4.56e-09,            // 4.56 ns
    [BC_TERM_TASK] = 6.02e-07,           // 602 ns
    [BC_TERM_CALL] = 1.5e-07,            // 150 ns
    [BC_TERM_PRODUCT] = 2.43e-11,        // 0.0243 ns
    [BC_TERM_OPERAND] = 2.38e-10,        // 0.238 ns
    [BC_TERM_RESULT] = 2.58e-10,         // 0.258 ns
    [BC_TERM_FAR_WEIGHT] = 1.24e-10,     // 0.124 ns
    [BC_TERM_TILE] = 1.75e-08,           // 17.5 ns
    [BC_TERM_SEGMENT] = 2.16e-08,        // 21.6 ns
    [BC_TERM_MULTIPLICATION] = 2.27e-11, // 0.0227 ns
    [BC_TERM_PACKED] = 2.31e-10,         // 0.231 ns
    [BC_TERM_PLACE] = 5.83e-09,          // 5.83 ns
    [BC_TERM_MOVED] = 1.92e-10,          // 0.192 ns
    [BC_TERM_PIECE] = 4.39e-09,          // 4.39 ns
    [BC_TERM_PLAIN] = 6e-09,             // 6 ns
    [BC_TERM_VECTOR] = 2.29e-11,         // 0.0229 ns
    [BC_TERM_LOOP] = 5.18e-11,           // 0.0518 ns
};
