#include "choose.h"

#include "candidates.h"
#include "choices.h"
#include "measure.h"

#include <math.h>
#include <string.h>

const char *bc_choose_check(const blasconv_options *options)
{
  if (options->planning != BLASCONV_ESTIMATE && options->planning != BLASCONV_MEASURE)
    return "planning is no value of blasconv_planning";
  if (!(options->measure_seconds >= 0.0) || isinf(options->measure_seconds))
    return "measure_seconds is negative or not finite";
  return NULL;
}

static void decide(blasconv_plan *plan, const bc_candidate *candidate, bc_basis basis,
                   double seconds)
{
  bc_candidate_take(candidate, plan);
  plan->decision.basis = basis;
  plan->decision.seconds = seconds;
}

static blasconv_status choose_by_name(blasconv_plan *plan, const char *name, const char **reason)
{
  bc_candidate candidate;
  for (size_t i = 0; bc_registry_row(i) != NULL; ++i)
    if (strcmp(name, bc_registry_row(i)->name) == 0) {
      const blasconv_status status =
          bc_candidate_make(plan, bc_registry_row(i), &candidate, reason);
      if (status == BLASCONV_SUCCESS)
        decide(plan, &candidate, BC_BY_NAME, candidate.seconds);
      return status;
    }
  *reason = "no algorithm has the name in options.algorithm";
  return BLASCONV_UNKNOWN_ALGORITHM;
}

/* A choice is a hint: it is taken if measuring could have come to it here too. */
static bool choose_from_choices(blasconv_plan *plan, const blasconv_choices *choices,
                                const bc_choice_key *key, const bc_candidate *candidates,
                                size_t count)
{
  bc_choice choice;
  if (!bc_choices_find(choices, key, &choice))
    return false;
  for (size_t i = 0; i < count; ++i)
    if (candidates[i].algorithm == choice.algorithm) {
      decide(plan, &candidates[i], BC_FROM_CHOICES, 1e-9 * (double)choice.nanoseconds);
      return true;
    }
  return false;
}

static size_t row_of(const bc_algorithm *algorithm)
{
  size_t row = 0;
  while (bc_registry_row(row) != algorithm)
    ++row;
  return row;
}

/* The fastest of those that were run; the cheapest was, at least. */
static blasconv_status choose_by_measuring(blasconv_plan *plan, const blasconv_options *options,
                                           const bc_candidate *candidates, size_t count,
                                           const char **reason)
{
  double measured[BC_MOST_ALGORITHMS];
  const blasconv_status status = bc_measure(plan, options, candidates, count, measured, reason);
  if (status != BLASCONV_SUCCESS)
    return status;
  size_t best = 0;
  for (size_t i = 0; i < count; ++i) {
    plan->decision.measured[row_of(candidates[i].algorithm)] = measured[i];
    if (measured[i] > 0.0 && measured[i] < measured[best])
      best = i;
  }
  decide(plan, &candidates[best], BC_BY_MEASURING, measured[best]);
  return BLASCONV_SUCCESS;
}

/* A store that is full, or has no memory for one more entry, does without. */
static void remember(const blasconv_plan *plan, blasconv_choices *choices, const bc_choice_key *key)
{
  const double nanoseconds = fmin(1e9 * plan->decision.seconds, 1e18);
  const bc_choice choice = {*key, plan->algorithm, (int64_t)nanoseconds};
  (void)bc_choices_put(choices, &choice);
}

blasconv_status bc_choose(blasconv_plan *plan, const blasconv_options *options, const char **reason)
{
  if (options->algorithm != NULL)
    return choose_by_name(plan, options->algorithm, reason);
  bc_candidate candidates[BC_MOST_ALGORITHMS];
  blasconv_status status = BLASCONV_SUCCESS;
  const size_t all = bc_candidates_make(plan, candidates, &status, reason);
  if (all == 0)
    return status;
  size_t count = 1;
  while (count < all && !bc_candidate_is_hopeless(&candidates[count], &candidates[0]))
    ++count;
  bc_choice_key key;
  if (options->choices != NULL) {
    key = bc_choice_key_make(&plan->problem, plan->pass, options, plan->threads_asked);
    if (choose_from_choices(plan, options->choices, &key, candidates, count))
      return BLASCONV_SUCCESS;
  }
  if (options->planning == BLASCONV_ESTIMATE || count == 1 || plan->problem.batch == 0) {
    decide(plan, &candidates[0], BC_BY_ESTIMATE, candidates[0].seconds);
    return BLASCONV_SUCCESS;
  }
  status = choose_by_measuring(plan, options, candidates, count, reason);
  if (status == BLASCONV_SUCCESS && options->choices != NULL)
    remember(plan, options->choices, &key);
  return status;
}
