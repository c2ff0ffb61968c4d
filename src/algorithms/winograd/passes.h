/* How winograd's passes are cut into blocks, and how they run. */
#ifndef BC_WINOGRAD_PASSES_H
#define BC_WINOGRAD_PASSES_H

#include "job.h"

bc_schedule bc_winograd_prepare(const bc_geometry *geometry, const bc_request *request);
bc_work bc_winograd_work(const bc_geometry *geometry, const bc_request *request,
                         const bc_schedule *schedule);

/* Forward and backward data. */
void bc_winograd_run_maps(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace);

/* Backward weights. */
void bc_winograd_run_gradient(const blasconv_plan *plan, const bc_tensors *tensors,
                              void *workspace);

#endif
