/* Packed weights: what an algorithm reads, behind a header that names what it was packed for. */
#ifndef BC_PACKED_H
#define BC_PACKED_H

#include "plan.h"

/* Packed weights as an execution takes them. */
typedef struct bc_packed {
  const float *weights; /* NULL: there are none */
  int form;             /* of the algorithm's */
} bc_packed;

/* What the plan will know its packed weights by; behind bc_choose(). */
void bc_packed_prepare(blasconv_plan *plan);

/* Finds them behind the header of `memory` [bytes], if they are of this plan. */
blasconv_status bc_packed_open(const blasconv_plan *plan, const void *memory, size_t bytes,
                               bc_packed *packed);

#endif
