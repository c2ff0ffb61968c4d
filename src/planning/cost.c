#include "cost.h"

#include "geometry.h"

/* Fitted to measurements, see docs/performance.md, "The cost model". */
static const double product_flops = 80e9, product_seconds = 0.3e-6, move_rate = 1e9,
                    plain_rate = 1e9, vector_rate = 10e9, task_seconds = 0.1e-6,
                    region_seconds = 2e-6;

/* The extent of a product at which SGEMM reaches half of its speed, the others being long. */
static const double half_m = 6.0, half_n = 12.0, half_k = 16.0;

static double product_cost(const bc_work *work)
{
  const double m = (double)work->m, n = (double)work->n, k = (double)work->k;
  return product_seconds + 2.0 * (m + half_m) * (n + half_n) * (k + half_k) / product_flops;
}

double bc_cost(const bc_work *work, int64_t tasks, int threads)
{
  const double busy = work->products * (work->products > 0 ? product_cost(work) : 0.0) +
                      work->moved / move_rate + work->plain / plain_rate +
                      work->vectors / vector_rate + (double)tasks * task_seconds;
  /* The last round of tasks may leave threads without one. */
  const int64_t rounds = bc_count_blocks(bc_max(1, tasks), threads);
  return region_seconds * (threads > 1) + busy * (double)rounds / (double)bc_max(1, tasks);
}
