/* A product of matrices by tiles, for the weight gradient. */
#ifndef BC_TILES_H
#define BC_TILES_H

#include "algorithms/blocks.h"
#include "planning/cost.h"

/* Bytes of workspace for a product of these extents at most. */
size_t bc_tiles_bytes(int64_t m, int64_t n, int64_t k);

/* What so many products of these extents do, as that of the gradient lies: columns of a may be rows
 * in memory, and a may have been lowered. */
void bc_tiles_work(double products, double m, double n, double k, bool in_rows, bool lowered,
                   bc_work *work);

/* With that workspace. */
void bc_tiles_multiply(const bc_weights_unit *unit);

#endif
