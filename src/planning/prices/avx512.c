/* Written by `./bench.sh --planner --fit`, 2026-11-27:
 * AMD EPYC; blasconv 0.1.0; OpenBLAS 0.3.21, pthread, kernels Cooperlake; CPU AVX-512;
 * 5562 pairs of a problem and an algorithm, on one thread. Half of the estimates are within
 * 8 per cent of the measurement, nine of ten within 40. */
#include "planning/cost.h"

const double bc_prices_avx512[BC_TERMS] = {
    [BC_TERM_RUN] = 1.07e-07,            // 107 ns
    [BC_TERM_TASK] = 2.8e-07,            // 280 ns
    [BC_TERM_CALL] = 6.48e-08,           // 64.8 ns
    [BC_TERM_PRODUCT] = 4.64e-11,        // 0.0464 ns
    [BC_TERM_TURNED] = 2.67e-11,         // 0.0267 ns
    [BC_TERM_OPERAND] = 7.71e-11,        // 0.0771 ns
    [BC_TERM_RESULT] = 7.7e-12,          // 0.0077 ns
    [BC_TERM_FAR_WEIGHT] = 3.8e-11,      // 0.038 ns
    [BC_TERM_TILE] = 2.33e-08,           // 23.3 ns
    [BC_TERM_SEGMENT] = 9.58e-09,        // 9.58 ns
    [BC_TERM_MULTIPLICATION] = 2.61e-11, // 0.0261 ns
    [BC_TERM_PACKED] = 1.24e-10,         // 0.124 ns
    [BC_TERM_PLACE] = 2.06e-09,          // 2.06 ns
    [BC_TERM_TRANSFORMED] = 1.18e-10,    // 0.118 ns
    [BC_TERM_MOVED] = 8.07e-11,          // 0.0807 ns
    [BC_TERM_PIECE] = 2.98e-09,          // 2.98 ns
    [BC_TERM_PLAIN] = 6e-09,             // 6 ns
    [BC_TERM_VECTOR] = 1.89e-11,         // 0.0189 ns
    [BC_TERM_LOOP] = 6.75e-11,           // 0.0675 ns
};
