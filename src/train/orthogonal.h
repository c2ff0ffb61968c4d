/* Orthonormal rows or columns. */
#ifndef BC_ORTHOGONAL_H
#define BC_ORTHOGONAL_H

#include <stdint.h>

/* Makes the rows, or if they outnumber the columns these, orthogonal and of length 1. The matrix
 * [rows][columns] holds finite numbers of about 1; a row or column that depends on those before it
 * is replaced by one that follows from them. */
void bc_orthonormalize(int64_t rows, int64_t columns, float *matrix);

#endif
