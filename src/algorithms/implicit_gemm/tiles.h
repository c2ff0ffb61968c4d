/* A product of matrices by tiles, for the weight gradient. */
#ifndef BC_TILES_H
#define BC_TILES_H

#include "planning/cost.h"
#include "sgemm.h"

/* Bytes of workspace for a product of these extents at most. */
size_t bc_tiles_bytes(int64_t m, int64_t n, int64_t k);

/* What so many products of these extents do, as that of the gradient lies: columns of a, and rows
 * of b, are so many elements apart. */
void bc_tiles_work(double products, double m, double n, double k, int64_t a_step, int64_t b_step,
                   bc_work *work);

/* As bc_sgemm(), with that workspace. If a was lowered, it is in the workspace too, where less than
 * BC_MOST_LANES floats behind its end may be read. */
void bc_tiles_multiply(int64_t m, int64_t n, int64_t k, bc_operand a, bc_operand b, float beta,
                       bc_result c, bool lowered, void *workspace);

#endif
