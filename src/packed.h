/* Packed weights: what an algorithm reads, behind a header that names what it was packed for. */
#ifndef BC_PACKED_H
#define BC_PACKED_H

#include "plan.h"

/* Finds the packed weights behind the header of `packed` [bytes], if they are of this plan. */
blasconv_status bc_packed_open(const blasconv_plan *plan, const void *packed, size_t bytes,
                               const float **weights);

#endif
