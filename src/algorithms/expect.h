/* What will be read soon. */
#ifndef BC_EXPECT_H
#define BC_EXPECT_H

#include "kernels/product.h"

/* Fetches a row [n] into the second-level cache, without waiting for it. Many lines at once into
 * the first would hold up the loads behind them. */
static inline void bc_expect_row(const float *row, int64_t n)
{
  for (int64_t i = 0; i < n; i += BC_CACHE_LINE)
    __builtin_prefetch(row + i, 0, 2);
}

#endif
