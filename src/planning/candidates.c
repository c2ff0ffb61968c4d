#include "candidates.h"

static bool fits(const bc_schedule *schedule, size_t room)
{
  return schedule->workspace.shared_bytes + schedule->workspace.thread_bytes <= room;
}

/* As many threads as were asked for, have something to do, and fit into the limit. */
static int count_threads(const blasconv_plan *plan, const bc_schedule *schedule)
{
  const bc_workspace *workspace = &schedule->workspace;
  int64_t most = bc_min(plan->threads_asked, schedule->tasks);
  if (workspace->thread_bytes > 0) {
    const size_t fitting =
        (plan->workspace_limit - workspace->shared_bytes) / workspace->thread_bytes;
    most = fitting < (size_t)most ? (int64_t)fitting : most;
  }
  return (int)bc_max(1, most);
}

blasconv_status bc_candidate_make(const blasconv_plan *plan, const bc_algorithm *algorithm,
                                  bc_candidate *candidate, const char **reason)
{
  *reason = algorithm->reject(&plan->geometry, &plan->request);
  if (*reason != NULL)
    return BLASCONV_ALGORITHM_REFUSED;
  candidate->algorithm = algorithm;
  candidate->schedule = algorithm->prepare(&plan->geometry, &plan->request);
  if (!fits(&candidate->schedule, plan->request.room)) {
    *reason = "its smallest blocks need more workspace than the limit";
    return BLASCONV_WORKSPACE_LIMITED;
  }
  candidate->threads = count_threads(plan, &candidate->schedule);
  candidate->seconds = algorithm->cost(&plan->geometry, &plan->request, &candidate->schedule);
  return BLASCONV_SUCCESS;
}

/* Keeps the order of the seconds; behind those that cost the same. */
static void insert(bc_candidate *candidates, size_t count, const bc_candidate *next)
{
  size_t at = count;
  for (; at > 0 && candidates[at - 1].seconds > next->seconds; --at)
    candidates[at] = candidates[at - 1];
  candidates[at] = *next;
}

size_t bc_candidates_make(const blasconv_plan *plan, bc_candidate candidates[BC_MOST_ALGORITHMS],
                          blasconv_status *status, const char **reason)
{
  size_t count = 0;
  for (size_t i = 0; bc_registry_row(i) != NULL; ++i) {
    bc_candidate next;
    *status = bc_candidate_make(plan, bc_registry_row(i), &next, reason);
    if (*status == BLASCONV_SUCCESS)
      insert(candidates, count++, &next);
  }
  return count;
}

void bc_candidate_take(const bc_candidate *candidate, blasconv_plan *plan)
{
  plan->algorithm = candidate->algorithm;
  plan->schedule = candidate->schedule;
  plan->threads = candidate->threads;
}

bool bc_candidate_is_hopeless(const bc_candidate *candidate, const bc_candidate *cheapest)
{
  return candidate->seconds > 10.0 * cheapest->seconds;
}
