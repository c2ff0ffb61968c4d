/* The weight gradient of few channels, as first layers have them: no patches are lowered, which
 * would take a third of the time. Rows of the input are copied with their pads beside them; the
 * factors of a weight are what its tap slides over there,
 *
 *   gradient [depth][filters] = sum over the rows of output of slid [depth][columns]
 *                                                      * output gradient [columns][filters],
 *
 * each row of output being a segment of the tile. Lanes are filters. */
#ifndef BC_SLIDING_H
#define BC_SLIDING_H

#include "plan.h"

/* Whether it serves these, within so many bytes of workspace for a thread; it is faster then. */
bool bc_sliding_serves(const bc_geometry *geometry, size_t room);

bc_schedule bc_sliding_prepare(const bc_geometry *geometry, const bc_request *request);
bc_work bc_sliding_work(const bc_geometry *geometry, const bc_schedule *schedule);
void bc_sliding_run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace);

#endif
