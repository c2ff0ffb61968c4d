/* Written by `./bench.sh --planner --fit`, 2026-11-25:
 * AMD EPYC; blasconv 0.1.0; OpenBLAS 0.3.21, pthread, kernels Zen; CPU AVX2;
 * 4776 pairs of a problem and an algorithm, on one thread. Half of the estimates are within
 * 14 per cent of the measurement, nine of ten within 46.
 * The price of a transformed value came later, 2026-11-27, from layers that winograd serves on a
 * Zen 4 with AVX-512: half of the estimates there are 0.88 to 1.22 times the measurement. */
#include "planning/cost.h"

const double bc_prices_avx2[BC_TERMS] = {
    [BC_TERM_RUN] = 3.59e-07,            // 359 ns
    [BC_TERM_TASK] = 2.8e-07,            // 280 ns
    [BC_TERM_CALL] = 2.15e-07,           // 215 ns
    [BC_TERM_PRODUCT] = 2.44e-11,        // 0.0244 ns
    [BC_TERM_TURNED] = 0,                //
    [BC_TERM_OPERAND] = 2.33e-10,        // 0.233 ns
    [BC_TERM_RESULT] = 2.56e-10,         // 0.256 ns
    [BC_TERM_FAR_WEIGHT] = 1.18e-10,     // 0.118 ns
    [BC_TERM_FAR_PIXEL] = 0,             // 0 ns
    [BC_TERM_TILE] = 1.97e-08,           // 19.7 ns
    [BC_TERM_SEGMENT] = 2.08e-08,        // 20.8 ns
    [BC_TERM_MULTIPLICATION] = 2.25e-11, // 0.0225 ns
    [BC_TERM_PACKED] = 2.32e-10,         // 0.232 ns
    [BC_TERM_PLACE] = 6.06e-09,          // 6.06 ns
    [BC_TERM_TRANSFORMED] = 3e-10,       // 0.3 ns
    [BC_TERM_MOVED] = 2.01e-10,          // 0.201 ns
    [BC_TERM_PIECE] = 4.56e-09,          // 4.56 ns
    [BC_TERM_PLAIN] = 6e-09,             // 6 ns
    [BC_TERM_VECTOR] = 2.59e-11,         // 0.0259 ns
    [BC_TERM_LOOP] = 6.49e-11,           // 0.0649 ns
};
