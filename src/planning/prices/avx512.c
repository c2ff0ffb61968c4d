/* Written by `./bench.sh --planner --fit`, 2026-11-27:
 * AMD EPYC; blasconv 0.1.0; OpenBLAS 0.3.21, pthread, kernels Cooperlake; CPU AVX-512;
 * 5562 pairs of a problem and an algorithm, on one thread. Half of the estimates are within
 * 7 per cent of the measurement, nine of ten within 41. */
#include "planning/cost.h"

const double bc_prices_avx512[BC_TERMS] = {
    [BC_TERM_RUN] = 1.27e-07,            // 127 ns
    [BC_TERM_TASK] = 2.8e-07,            // 280 ns
    [BC_TERM_CALL] = 5.98e-08,           // 59.8 ns
    [BC_TERM_PRODUCT] = 4.57e-11,        // 0.0457 ns
    [BC_TERM_TURNED] = 2.63e-11,         // 0.0263 ns
    [BC_TERM_OPERAND] = 7.76e-11,        // 0.0776 ns
    [BC_TERM_RESULT] = 1.37e-11,         // 0.0137 ns
    [BC_TERM_FAR_WEIGHT] = 3.84e-11,     // 0.0384 ns
    [BC_TERM_TILE] = 3.04e-08,           // 30.4 ns
    [BC_TERM_SEGMENT] = 2e-09,           // 2 ns
    [BC_TERM_MULTIPLICATION] = 2.59e-11, // 0.0259 ns
    [BC_TERM_PACKED] = 1.2e-10,          // 0.12 ns
    [BC_TERM_PLACE] = 1.08e-09,          // 1.08 ns
    [BC_TERM_TRANSFORMED] = 1.18e-10,    // 0.118 ns
    [BC_TERM_MOVED] = 7.21e-11,          // 0.0721 ns
    [BC_TERM_PIECE] = 3.11e-09,          // 3.11 ns
    [BC_TERM_PLAIN] = 6e-09,             // 6 ns
    [BC_TERM_VECTOR] = 1.51e-11,         // 0.0151 ns
    [BC_TERM_LOOP] = 9.48e-11,           // 0.0948 ns
};
