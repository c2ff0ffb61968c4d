/* Rows of results under three by three taps, for nine_taps.c. */
#ifndef BC_NINE_TILES_H
#define BC_NINE_TILES_H

#include "kernels.h"
#include "nine_taps.h"

/* The row of results that meets the source from row `first_row` on, from *to on. */
typedef void bc_nine_row(const bc_nine_taps *taps, int64_t first_row, const float *source,
                         const float *weights, float *to);

bc_nine_row BC_FOR_ISA(bc_nine_tiles);

#endif
