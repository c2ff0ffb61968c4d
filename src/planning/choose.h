/* How a plan gets its algorithm: by name, from the choices, by measuring, or by estimate. */
#ifndef BC_CHOOSE_H
#define BC_CHOOSE_H

#include "plan.h"

/* NULL, or in words what is wrong with the options of planning. */
const char *bc_choose_check(const blasconv_options *options);

/* Fills the plan's algorithm, schedule, threads and decision; the rest is there. `*reason` says why
 * it fails. */
blasconv_status bc_choose(blasconv_plan *plan, const blasconv_options *options,
                          const char **reason);

#endif
