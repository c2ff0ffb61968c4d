/* The algorithms that can serve a plan, and what each would cost. */
#ifndef BC_CANDIDATES_H
#define BC_CANDIDATES_H

#include "plan.h"

/* One of them, as it would run. */
typedef struct bc_candidate {
  const bc_algorithm *algorithm;
  bc_schedule schedule;
  int threads;
  double seconds; /* by the cost model */
} bc_candidate;

/* Prepares one algorithm for the plan's geometry, request and limits: BLASCONV_ALGORITHM_REFUSED or
 * BLASCONV_WORKSPACE_LIMITED with the reason in words, if it cannot serve. */
blasconv_status bc_candidate_make(const blasconv_plan *plan, const bc_algorithm *algorithm,
                                  bc_candidate *candidate, const char **reason);

/* All that can serve; returns how many. If there is none, *status and *reason say why.
 *
 * The first is the one to take by estimate: the first of the registry's order that the model does
 * not find clearly slower than the cheapest. The others follow, the cheapest first. */
size_t bc_candidates_make(const blasconv_plan *plan, bc_candidate candidates[BC_MOST_ALGORITHMS],
                          blasconv_status *status, const char **reason);

/* Makes it the plan's. */
void bc_candidate_take(const bc_candidate *candidate, blasconv_plan *plan);

/* So slow by the model, beside the one to take, that it need not be tried. */
bool bc_candidate_is_hopeless(const bc_candidate *candidate, const bc_candidate *likeliest);

#endif
