#include "candidates.h"

#include "parallel.h"

static bool fits(const bc_schedule *schedule, size_t room)
{
  return schedule->workspace.shared_bytes + schedule->workspace.thread_bytes <= room;
}

/* As many threads as were asked for, have something to do that is worth waking them, and fit into
 * the limit. */
static int count_threads(const blasconv_plan *plan, const bc_schedule *schedule, double seconds)
{
  const bc_workspace *workspace = &schedule->workspace;
  int64_t most = bc_min(bc_team(plan->threads_asked, seconds), schedule->tasks);
  if (workspace->thread_bytes > 0) {
    const size_t fitting =
        (plan->workspace_limit - workspace->shared_bytes) / workspace->thread_bytes;
    most = fitting < (size_t)most ? (int64_t)fitting : most;
  }
  return (int)bc_max(1, most);
}

/* Seconds by the model, of blocks for one thread: if the choice depended on the number of threads,
 * so would the bits. `prepared` is for as many as were asked for. */
static double estimate(const blasconv_plan *plan, const bc_algorithm *algorithm,
                       const bc_schedule *prepared)
{
  bc_request alone = plan->request;
  alone.threads = 1;
  const bc_schedule schedule =
      plan->request.threads == 1 ? *prepared : algorithm->prepare(&plan->geometry, &alone);
  const bc_work work = algorithm->work(&plan->geometry, &alone, &schedule);
  return bc_cost(&work, schedule.tasks);
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
    const bool no_limit_helps = plan->request.room == BC_WORKSPACE_THREAD_LIMIT;
    *reason = no_limit_helps ? "its smallest blocks need more workspace than any plan takes"
                             : "its smallest blocks need more workspace than the limit";
    return no_limit_helps ? BLASCONV_ALGORITHM_REFUSED : BLASCONV_WORKSPACE_LIMITED;
  }
  candidate->seconds = estimate(plan, algorithm, &candidate->schedule);
  candidate->threads = count_threads(plan, &candidate->schedule, candidate->seconds);
  return BLASCONV_SUCCESS;
}

/* What the model finds nearer to each other than this, it finds equal. Its errors are larger, but
 * taking the first of more than that loses more, see docs/performance.md, "The cost model". */
static const double equal = 1.05;

/* What it finds farther from each other than that, it is sure of. */
static const double hopeless = 10.0;

/* Moves the candidate at `from` forward to `to`. */
static void move(bc_candidate *candidates, size_t from, size_t to)
{
  const bc_candidate moved = candidates[from];
  for (size_t i = from; i > to; --i)
    candidates[i] = candidates[i - 1];
  candidates[to] = moved;
}

/* From the registry's order to the order in which they are to be tried. */
static void sort(bc_candidate *candidates, size_t count)
{
  double least = candidates[0].seconds;
  for (size_t i = 1; i < count; ++i)
    least = candidates[i].seconds < least ? candidates[i].seconds : least;
  size_t first = 0;
  while (candidates[first].seconds > equal * least)
    ++first;
  move(candidates, first, 0);
  for (size_t i = 2; i < count; ++i) {
    size_t to = 1;
    while (candidates[to].seconds <= candidates[i].seconds && to < i)
      ++to;
    move(candidates, i, to);
  }
}

size_t bc_candidates_make(const blasconv_plan *plan, bc_candidate candidates[BC_MOST_ALGORITHMS],
                          blasconv_status *status, const char **reason)
{
  size_t count = 0;
  for (size_t i = 0; bc_registry_row(i) != NULL; ++i) {
    *status = bc_candidate_make(plan, bc_registry_row(i), &candidates[count], reason);
    count += *status == BLASCONV_SUCCESS;
  }
  if (count > 0)
    sort(candidates, count);
  return count;
}

void bc_candidate_take(const bc_candidate *candidate, blasconv_plan *plan)
{
  plan->algorithm = candidate->algorithm;
  plan->schedule = candidate->schedule;
  plan->threads = candidate->threads;
}

bool bc_candidate_is_hopeless(const bc_candidate *candidate, const bc_candidate *likeliest)
{
  return candidate->seconds > hopeless * likeliest->seconds;
}
