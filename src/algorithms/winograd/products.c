/* The products at points. */
#include "cpu.h"
#include "job.h"

void bc_multiply_points(const bc_winograd_job *job, const bc_point_product *product)
{
  const bc_product_kernels *k = job->kernels->product;
  const int64_t filters = bc_range_length(job->filters);
  for (int64_t point = 0; point < job->tiling->points; ++point)
    k->multiply_evenly(&(bc_even_product){.rows = product->rows,
                                          .depth = product->length,
                                          .lanes = bc_round_up(filters, k->lanes / 2),
                                          .first = job->sources + point * job->areas->sources,
                                          .row_step = product->row_step,
                                          .tile_step = k->packed_rows * product->row_step,
                                          .step = product->factor_step,
                                          .panels = job->panels + point * job->areas->panels,
                                          .panel_step = k->lanes * product->length,
                                          .results = job->sums + point * job->areas->sums,
                                          .result_step = bc_sum_row(filters),
                                          .add = product->add});
}
