#include "cost.h"

#include "geometry.h"
#include "sgemm.h"

/* Fitted to measurements, see docs/performance.md, "The cost model". */
static const double run_seconds = 0.5e-6, task_seconds = 0.28e-6;

/* A multiplication and addition of SGEMM at its full speed, and the extent at which it reaches half
 * of that, the other two being long. */
static const double product_seconds = 2.0 / 81e9, half_extent = 7.0;

/* A multiplication and addition of the product kernel, and a call of it. */
static const double multiplication_seconds = 2.0 / 95e9, tile_seconds = 20e-9;

/* How fast products are with an instruction set, beside AVX2, for which the above are: the BLAS may
 * have kernels for another than ours. */
static const double speed_of_isa[] = {
    [BC_ISA_GENERIC] = 0.3, [BC_ISA_AVX2] = 1.0, [BC_ISA_AVX512] = 1.8};

/* An element that is moved, and a run of them. */
static const double move_seconds = 0.25e-9, piece_seconds = 5.1e-9;

/* A multiplication of vector loops, and the beginning of such a loop. */
static const double vector_seconds = 0.043e-9, loop_seconds = 0.71e-9;

/* A multiplication of plain loops, rather too much: they are for want of anything better. */
static const double plain_seconds = 6e-9;

static double sgemm_cost(const bc_work *work)
{
  return work->products * product_seconds * (work->m + half_extent) * (work->n + half_extent) *
         (work->k + half_extent) / speed_of_isa[bc_sgemm_isa()];
}

static double tile_cost(const bc_work *work)
{
  return work->tiles * tile_seconds +
         work->multiplications * multiplication_seconds / speed_of_isa[bc_cpu_isa()];
}

static double move_cost(const bc_work *work)
{
  return work->moved > 0.0 ? work->moved * (move_seconds + piece_seconds / (double)work->run) : 0.0;
}

double bc_mean_block(int64_t whole, int64_t size)
{
  return whole == 0 ? 0.0 : (double)whole / (double)bc_count_blocks(whole, size);
}

double bc_cost(const bc_work *work, int64_t tasks)
{
  return run_seconds + (double)tasks * task_seconds + sgemm_cost(work) + move_cost(work) +
         tile_cost(work) + work->plain * plain_seconds + work->vectors * vector_seconds +
         work->loops * loop_seconds;
}
