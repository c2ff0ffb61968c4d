/* Written by `./bench.sh --planner --fit`, 2026-11-28:
 * AMD EPYC; blasconv 0.1.0; OpenBLAS 0.3.21, pthread, kernels Zen; CPU AVX2;
 * 9514 pairs of a problem and an algorithm, on one thread. Half of the estimates are within
 * 15 per cent of the measurement, nine of ten within 51. */
#include "planning/cost.h"

const double bc_prices_avx2[BC_TERMS] = {
    [BC_TERM_RUN] = 5.82e-07,            // 582 ns
    [BC_TERM_TASK] = 2.8e-07,            // 280 ns
    [BC_TERM_CALL] = 4.5e-07,            // 450 ns
    [BC_TERM_PRODUCT] = 3.05e-11,        // 0.0305 ns
    [BC_TERM_TURNED] = 0,                // 0 ns
    [BC_TERM_OPERAND] = 3.16e-10,        // 0.316 ns
    [BC_TERM_RESULT] = 3.17e-10,         // 0.317 ns
    [BC_TERM_FAR_WEIGHT] = 2.23e-10,     // 0.223 ns
    [BC_TERM_FAR_PIXEL] = 4.59e-10,      // 0.459 ns
    [BC_TERM_TILE] = 4.37e-08,           // 43.7 ns
    [BC_TERM_SEGMENT] = 9.89e-09,        // 9.89 ns
    [BC_TERM_MULTIPLICATION] = 2.87e-11, // 0.0287 ns
    [BC_TERM_PACKED] = 3.25e-10,         // 0.325 ns
    [BC_TERM_PLACE] = 4.96e-09,          // 4.96 ns
    [BC_TERM_TRANSFORMED] = 3.56e-10,    // 0.356 ns
    [BC_TERM_MOVED] = 2.46e-10,          // 0.246 ns
    [BC_TERM_PIECE] = 6.5e-09,           // 6.5 ns
    [BC_TERM_PLAIN] = 6e-09,             // 6 ns
    [BC_TERM_VECTOR] = 5.25e-11,         // 0.0525 ns
    [BC_TERM_LOOP] = 0,                  // 0 ns
};
