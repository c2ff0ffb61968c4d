/* Forward and backward data of winograd. A task has a block of tiles and some channels of the
 * result, and goes over these and over the depth block by block. */
#ifndef BC_WINOGRAD_MAPS_H
#define BC_WINOGRAD_MAPS_H

#include "job.h"

bc_schedule bc_winograd_prepare(const bc_geometry *geometry, const bc_request *request);
bc_work bc_winograd_work(const bc_geometry *geometry, const bc_schedule *schedule,
                         const bc_request *request);
void bc_winograd_run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace);

#endif
