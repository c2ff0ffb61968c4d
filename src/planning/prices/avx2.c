/* Written by `./bench.sh --planner --fit`, 2026-11-29:
 * AMD EPYC; blasconv 0.1.0; OpenBLAS 0.3.21, pthread, kernels Zen; CPU AVX2;
 * 5562 pairs of a problem and an algorithm, on one thread. Half of the estimates are within
 * 14 per cent of the measurement, nine of ten within 45. */
#include "planning/cost.h"

const double bc_prices_avx2[BC_TERMS] = {
    [BC_TERM_RUN] = 5.48e-07,            // 548 ns
    [BC_TERM_TASK] = 2.8e-07,            // 280 ns
    [BC_TERM_CALL] = 2.08e-07,           // 208 ns
    [BC_TERM_PRODUCT] = 2.21e-11,        // 0.0221 ns
    [BC_TERM_TURNED] = 0,                // 0 ns
    [BC_TERM_OPERAND] = 2.42e-10,        // 0.242 ns
    [BC_TERM_RESULT] = 2.49e-10,         // 0.249 ns
    [BC_TERM_FAR_WEIGHT] = 1.04e-10,     // 0.104 ns
    [BC_TERM_FAR_PIXEL] = 5.25e-10,      // 0.525 ns
    [BC_TERM_TILE] = 1.86e-08,           // 18.6 ns
    [BC_TERM_SEGMENT] = 7.62e-09,        // 7.62 ns
    [BC_TERM_MULTIPLICATION] = 2.14e-11, // 0.0214 ns
    [BC_TERM_PACKED] = 2.06e-10,         // 0.206 ns
    [BC_TERM_PLACE] = 3.23e-09,          // 3.23 ns
    [BC_TERM_TRANSFORMED] = 2.11e-10,    // 0.211 ns
    [BC_TERM_MOVED] = 1.47e-10,          // 0.147 ns
    [BC_TERM_PIECE] = 4.53e-09,          // 4.53 ns
    [BC_TERM_PLAIN] = 6e-09,             // 6 ns
    [BC_TERM_VECTOR] = 1.58e-11,         // 0.0158 ns
    [BC_TERM_LOOP] = 0,                  // 0 ns
};
