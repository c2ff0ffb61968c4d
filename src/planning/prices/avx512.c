/* Written by `./bench.sh --planner --fit`, 2026-11-28:
 * AMD EPYC; blasconv 0.1.0; OpenBLAS 0.3.21, pthread, kernels Cooperlake; CPU AVX-512;
 * 5562 pairs of a problem and an algorithm, batch 1, on one thread. The price of a far pixel came
 * later that day, by `--only far_pixel`, from 9514 pairs with batch 1 and 8: half of the estimates
 * are within 7 per cent of the measurement, nine of ten within 37. 2026-11-29 a tile and a
 * multiplication became 8 per cent cheaper, by hand, as products had: docs/performance.md. */
#include "planning/cost.h"

const double bc_prices_avx512[BC_TERMS] = {
    [BC_TERM_RUN] = 1.21e-07,           // 121 ns
    [BC_TERM_TASK] = 2.8e-07,           // 280 ns
    [BC_TERM_CALL] = 6.95e-08,          // 69.5 ns
    [BC_TERM_PRODUCT] = 4.73e-11,       // 0.0473 ns
    [BC_TERM_TURNED] = 2.74e-11,        // 0.0274 ns
    [BC_TERM_OPERAND] = 7.72e-11,       // 0.0772 ns
    [BC_TERM_RESULT] = 0,               // 0 ns
    [BC_TERM_FAR_WEIGHT] = 5.64e-11,    // 0.0564 ns
    [BC_TERM_FAR_PIXEL] = 2.47e-10,     // 0.247 ns
    [BC_TERM_TILE] = 2.85e-08,          // 28.5 ns
    [BC_TERM_SEGMENT] = 1.43e-09,       // 1.43 ns
    [BC_TERM_MULTIPLICATION] = 2.4e-11, // 0.024 ns
    [BC_TERM_PACKED] = 1.6e-10,         // 0.16 ns
    [BC_TERM_PLACE] = 1.29e-09,         // 1.29 ns
    [BC_TERM_TRANSFORMED] = 1.36e-10,   // 0.136 ns
    [BC_TERM_MOVED] = 7.65e-11,         // 0.0765 ns
    [BC_TERM_PIECE] = 3.42e-09,         // 3.42 ns
    [BC_TERM_PLAIN] = 6e-09,            // 6 ns
    [BC_TERM_VECTOR] = 1.65e-11,        // 0.0165 ns
    [BC_TERM_LOOP] = 8.48e-11,          // 0.0848 ns
};
