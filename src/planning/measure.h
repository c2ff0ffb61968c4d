/* Timing the algorithms that can serve a plan, on tensors of its sizes. */
#ifndef BC_MEASURE_H
#define BC_MEASURE_H

#include "candidates.h"

/* Times the candidates, in their order, within options->measure_seconds. Gives each one's best
 * seconds in measured [count], 0 for those that the budget did not last for; never all of them.
 * Refuses if there is no memory for the tensors; `*reason` says so in words. */
blasconv_status bc_measure(const blasconv_plan *plan, const blasconv_options *options,
                           const bc_candidate *candidates, size_t count, double *measured,
                           const char **reason);

#endif
