#include "cost.h"

#include "geometry.h"
#include "sgemm.h"

#include <math.h>

/* Where nothing was measured, relations are those of AVX2. */
static const double *const prices_of_isa[] = {[BC_ISA_GENERIC] = bc_prices_avx2,
                                              [BC_ISA_AVX2] = bc_prices_avx2,
                                              [BC_ISA_AVX512] = bc_prices_avx512};

/* How fast products are with an instruction set, beside AVX2; prices are for what AVX2 takes as
 * long for. The BLAS may have kernels for another than ours. Those for AVX-512 are always handed
 * pieces. */
static const double speed_of_isa[] = {
    [BC_ISA_GENERIC] = 0.3, [BC_ISA_AVX2] = 1.0, [BC_ISA_AVX512] = 1.5};
static const double speed_of_blas[] = {
    [BC_ISA_GENERIC] = 0.3, [BC_ISA_AVX2] = 1.0, [BC_ISA_AVX512] = 3.1};

/* How many pieces the BLAS is handed of an extent. */
static double count_pieces(double extent, int64_t piece)
{
  return ceil(extent / (double)piece);
}

static void add_products(const bc_work *w, double terms[BC_TERMS])
{
  const bc_sgemm_piece piece = bc_sgemm_pieces();
  const double m = count_pieces(w->m, piece.m), n = count_pieces(w->n, piece.n);
  const double k = count_pieces(w->k, piece.k);
  terms[BC_TERM_CALL] = w->products * m * n * k;
  terms[BC_TERM_PRODUCT] = w->products * w->m * w->n * w->k / speed_of_blas[bc_sgemm_isa()];
  terms[BC_TERM_TURNED] =
      w->turned && bc_sgemm_isa() == BC_ISA_AVX512 ? terms[BC_TERM_PRODUCT] : 0.0;
  terms[BC_TERM_OPERAND] = w->products * w->k * (w->m * n + w->n * m);
  terms[BC_TERM_RESULT] = w->products * w->m * w->n * k;
}

double bc_mean_block(int64_t whole, int64_t size)
{
  return whole == 0 ? 0.0 : (double)whole / (double)bc_count_blocks(whole, size);
}

void bc_cost_terms(const bc_work *work, int64_t tasks, double terms[BC_TERMS])
{
  terms[BC_TERM_RUN] = 1.0;
  terms[BC_TERM_TASK] = (double)tasks;
  add_products(work, terms);
  terms[BC_TERM_FAR_WEIGHT] = work->far_weights;
  terms[BC_TERM_FAR_PIXEL] = work->far_pixels;
  terms[BC_TERM_TILE] = work->tiles;
  terms[BC_TERM_SEGMENT] = work->segments;
  terms[BC_TERM_MULTIPLICATION] = work->multiplications / speed_of_isa[bc_cpu_isa()];
  terms[BC_TERM_PACKED] = work->packed;
  terms[BC_TERM_PLACE] = work->places;
  terms[BC_TERM_TRANSFORMED] = work->transformed / speed_of_isa[bc_cpu_isa()];
  terms[BC_TERM_MOVED] = work->moved;
  terms[BC_TERM_PIECE] = work->moved > 0.0 ? work->moved / (double)work->run : 0.0;
  terms[BC_TERM_PLAIN] = work->plain;
  terms[BC_TERM_VECTOR] = work->vectors;
  terms[BC_TERM_LOOP] = work->loops;
}

double bc_cost(const bc_work *work, int64_t tasks)
{
  const double *prices = prices_of_isa[bc_cpu_isa()];
  double terms[BC_TERMS], seconds = 0.0;
  bc_cost_terms(work, tasks, terms);
  for (int i = 0; i < BC_TERMS; ++i)
    seconds += terms[i] * prices[i];
  return seconds;
}
