/* Written by `./bench.sh --planner --fit`, 2026-11-28:
 * AMD EPYC; blasconv 0.1.0; OpenBLAS 0.3.21, pthread, kernels Cooperlake; CPU AVX-512;
 * 5562 pairs of a problem and an algorithm, on one thread. Half of the estimates are within
 * 6 per cent of the measurement, nine of ten within 40. */
#include "planning/cost.h"

const double bc_prices_avx512[BC_TERMS] = {
    [BC_TERM_RUN] = 1.61e-07,            // 161 ns
    [BC_TERM_TASK] = 2.8e-07,            // 280 ns
    [BC_TERM_CALL] = 5.87e-08,           // 58.7 ns
    [BC_TERM_PRODUCT] = 4.49e-11,        // 0.0449 ns
    [BC_TERM_TURNED] = 2.65e-11,         // 0.0265 ns
    [BC_TERM_OPERAND] = 7.77e-11,        // 0.0777 ns
    [BC_TERM_RESULT] = 8.87e-12,         // 0.00887 ns
    [BC_TERM_FAR_WEIGHT] = 4.51e-11,     // 0.0451 ns
    [BC_TERM_TILE] = 3.13e-08,           // 31.3 ns
    [BC_TERM_SEGMENT] = 1.46e-09,        // 1.46 ns
    [BC_TERM_MULTIPLICATION] = 2.58e-11, // 0.0258 ns
    [BC_TERM_PACKED] = 1.15e-10,         // 0.115 ns
    [BC_TERM_PLACE] = 1.13e-09,          // 1.13 ns
    [BC_TERM_TRANSFORMED] = 1.18e-10,    // 0.118 ns
    [BC_TERM_MOVED] = 7.51e-11,          // 0.0751 ns
    [BC_TERM_PIECE] = 3.29e-09,          // 3.29 ns
    [BC_TERM_PLAIN] = 6e-09,             // 6 ns
    [BC_TERM_VECTOR] = 1.23e-11,         // 0.0123 ns
    [BC_TERM_LOOP] = 1.07e-10,           // 0.107 ns
};
