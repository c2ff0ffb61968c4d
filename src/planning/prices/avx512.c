/* Written by `./bench.sh --planner --fit`, 2026-11-30:
 * AMD EPYC; blasconv 0.1.0; OpenBLAS 0.3.21, pthread, kernels Cooperlake; CPU AVX-512;
 * 8222 pairs of a problem and an algorithm, on one thread. Half of the estimates are within
 * 11 per cent of the measurement, nine of ten within 66. */
#include "planning/cost.h"

const double bc_prices_avx512[BC_TERMS] = {
    [BC_TERM_RUN] = 0,                   // 0 ns
    [BC_TERM_TASK] = 2.8e-07,            // 280 ns
    [BC_TERM_CALL] = 2.53e-08,           // 25.3 ns
    [BC_TERM_PRODUCT] = 5.72e-11,        // 0.0572 ns
    [BC_TERM_TURNED] = 2.74e-11,         // 0.0274 ns
    [BC_TERM_OPERAND] = 2.32e-11,        // 0.0232 ns
    [BC_TERM_RESULT] = 3.76e-11,         // 0.0376 ns
    [BC_TERM_FAR_WEIGHT] = 5.32e-11,     // 0.0532 ns
    [BC_TERM_FAR_PIXEL] = 5.6e-10,       // 0.56 ns
    [BC_TERM_TILE] = 1.75e-08,           // 17.5 ns
    [BC_TERM_SEGMENT] = 3.34e-08,        // 33.4 ns
    [BC_TERM_MULTIPLICATION] = 2.78e-11, // 0.0278 ns
    [BC_TERM_PACKED] = 1.65e-10,         // 0.165 ns
    [BC_TERM_PLACE] = 1.13e-09,          // 1.13 ns
    [BC_TERM_TRANSFORMED] = 1.28e-10,    // 0.128 ns
    [BC_TERM_MOVED] = 7.52e-11,          // 0.0752 ns
    [BC_TERM_PIECE] = 4.03e-09,          // 4.03 ns
    [BC_TERM_PLAIN] = 6e-09,             // 6 ns
    [BC_TERM_VECTOR] = 2.8e-11,          // 0.028 ns
    [BC_TERM_LOOP] = 0,                  // 0 ns
};
