/* Sums over many items whose bits do not depend on the number of threads. */
#ifndef BC_SLOTS_H
#define BC_SLOTS_H

#include "geometry.h"

/* What the items of a range add to the sum; it may also write what belongs to these items. */
typedef double bc_part_sum(void *context, bc_range range);

/* Sum over [0, items), in parts whose lengths follow from the sizes alone, added in order.
 * `elements` is the work of one item. */
double bc_sum_parts(int threads, int64_t items, int64_t elements, bc_part_sum *part, void *context);

/* Whether each x[i] of [count] is in [low, high]. */
bool bc_all_within(const float *x, int64_t count, float low, float high, int threads);

#endif
