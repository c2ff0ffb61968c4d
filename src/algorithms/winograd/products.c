/* The products at points. */
#include "cpu.h"
#include "job.h"

/* Where the rows of sources and of sums begin at a point. */
static void find_rows(const bc_winograd_job *job, const bc_point_product *p, int64_t point)
{
  const int64_t sum_row = bc_sum_row(bc_range_length(job->filters));
  const float *source = job->sources + point * job->areas->sources;
  float *sum = job->sums + point * job->areas->sums;
  for (int64_t i = 0; i < p->rows; ++i) {
    job->rows[i] = source + i * p->row_step;
    job->results[i] = sum + i * sum_row;
  }
}

/* All rows by the panel whose first filter is number `filter` of the block, or two of them. Returns
 * how many lanes there were. */
static int64_t multiply_panels(const bc_winograd_job *job, const bc_point_product *p,
                               const float *panel, int64_t filter)
{
  const bc_product_kernels *k = job->kernels->product;
  const int64_t most = bc_panels_at_once(k) * k->lanes;
  const int64_t lanes = bc_min(most, bc_range_length(job->filters) - filter);
  const int64_t before = lanes > k->lanes ? k->lanes : 0;
  k->multiply(&(bc_panel_product){.rows = p->rows,
                                  .rows_at = job->rows,
                                  .segments = 1,
                                  .length = p->length,
                                  .step = p->factor_step,
                                  .panel = panel,
                                  .beside = before > 0 ? panel + before * p->length : NULL,
                                  .panel_step = k->lanes,
                                  .results = job->results,
                                  .offset = filter,
                                  .add = p->add,
                                  .half = 2 * (lanes - before) <= k->lanes});
  return lanes;
}

void bc_multiply_points(const bc_winograd_job *job, const bc_point_product *product)
{
  const int64_t filters = bc_range_length(job->filters);
  for (int64_t point = 0; point < job->tiling->points; ++point) {
    const float *panels = job->panels + point * job->areas->panels;
    find_rows(job, product, point);
    for (int64_t k = 0; k < filters;)
      k += multiply_panels(job, product, panels + k * product->length, k);
  }
}
