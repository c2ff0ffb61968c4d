/* Written by `./bench.sh --planner --fit`, 2026-11-27:
 * AMD EPYC; blasconv 0.1.0; OpenBLAS 0.3.21, pthread, kernels Cooperlake; CPU AVX-512;
 * 5562 pairs of a problem and an algorithm, on one thread. Half of the estimates are within
 * 9 per cent of the measurement, nine of ten within 42. */
#include "planning/cost.h"

const double bc_prices_avx512[BC_TERMS] = {
    [BC_TERM_RUN] = 1.16e-07,            // 116 ns
    [BC_TERM_TASK] = 2.8e-07,            // 280 ns
    [BC_TERM_CALL] = 6.76e-08,           // 67.6 ns
    [BC_TERM_PRODUCT] = 4.74e-11,        // 0.0474 ns
    [BC_TERM_TURNED] = 2.67e-11,         // 0.0267 ns
    [BC_TERM_OPERAND] = 8.16e-11,        // 0.0816 ns
    [BC_TERM_RESULT] = 9e-12,            // 0.009 ns
    [BC_TERM_FAR_WEIGHT] = 4e-11,        // 0.04 ns
    [BC_TERM_TILE] = 2.43e-08,           // 24.3 ns
    [BC_TERM_SEGMENT] = 9.97e-09,        // 9.97 ns
    [BC_TERM_MULTIPLICATION] = 2.63e-11, // 0.0263 ns
    [BC_TERM_PACKED] = 1.33e-10,         // 0.133 ns
    [BC_TERM_PLACE] = 2.1e-09,           // 2.1 ns
    [BC_TERM_TRANSFORMED] = 1.45e-10,    // 0.145 ns
    [BC_TERM_MOVED] = 7.18e-11,          // 0.0718 ns
    [BC_TERM_PIECE] = 3.25e-09,          // 3.25 ns
    [BC_TERM_PLAIN] = 6e-09,             // 6 ns
    [BC_TERM_VECTOR] = 2.41e-11,         // 0.0241 ns
    [BC_TERM_LOOP] = 1.91e-11,           // 0.0191 ns
};
