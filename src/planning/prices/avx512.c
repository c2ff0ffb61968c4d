/* Written by `./bench.sh --planner --fit`, 2026-11-27:
 * AMD EPYC; blasconv 0.1.0; OpenBLAS 0.3.21, pthread, kernels Cooperlake; CPU AVX-512;
 * 5562 pairs of a problem and an algorithm, on one thread. Half of the estimates are within
 * 8 per cent of the measurement, nine of ten within 41. */
#include "planning/cost.h"

const double bc_prices_avx512[BC_TERMS] = {
    [BC_TERM_RUN] = 1.07e-07,            // 107 ns
    [BC_TERM_TASK] = 2.8e-07,            // 280 ns
    [BC_TERM_CALL] = 6.55e-08,           // 65.5 ns
    [BC_TERM_PRODUCT] = 4.61e-11,        // 0.0461 ns
    [BC_TERM_TURNED] = 2.68e-11,         // 0.0268 ns
    [BC_TERM_OPERAND] = 7.9e-11,         // 0.079 ns
    [BC_TERM_RESULT] = 8.14e-12,         // 0.00814 ns
    [BC_TERM_FAR_WEIGHT] = 3.83e-11,     // 0.0383 ns
    [BC_TERM_TILE] = 2.53e-08,           // 25.3 ns
    [BC_TERM_SEGMENT] = 9.35e-09,        // 9.35 ns
    [BC_TERM_MULTIPLICATION] = 2.61e-11, // 0.0261 ns
    [BC_TERM_PACKED] = 1.22e-10,         // 0.122 ns
    [BC_TERM_PLACE] = 2.05e-09,          // 2.05 ns
    [BC_TERM_TRANSFORMED] = 1.29e-10,    // 0.129 ns
    [BC_TERM_MOVED] = 7.79e-11,          // 0.0779 ns
    [BC_TERM_PIECE] = 2.95e-09,          // 2.95 ns
    [BC_TERM_PLAIN] = 6e-09,             // 6 ns
    [BC_TERM_VECTOR] = 1.96e-11,         // 0.0196 ns
    [BC_TERM_LOOP] = 6.72e-11,           // 0.0672 ns
};
