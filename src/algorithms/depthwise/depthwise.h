/* The parts of the algorithm `depthwise`. */
#ifndef BC_DEPTHWISE_PARTS_H
#define BC_DEPTHWISE_PARTS_H

#include "algorithms/blocks.h"
#include "algorithms/sweep.h"
#include "kernels/nine_taps.h"

/* Vectors of channels: each has one map in and one out, and the channels of a pixel are neighbours
 * and at least a vector. */
bool bc_depthwise_has_channel_vectors(const bc_geometry *geometry);

/* Three by three taps side by side, one stride in both directions, 1 or 2, and vectors of channels:
 * what nine_taps.h serves. */
bool bc_has_nine_taps(const bc_geometry *geometry);

/* `rows` rows of results of a forward pass, or of backward data, over so many channels: what does
 * not depend on which rows they are. The rest is 0. */
bc_nine_taps bc_nine_taps_of(const bc_geometry *geometry, const bc_sums *sums, int64_t rows,
                             int64_t channels);

/* The longest vectors of channels of any instruction set. */
enum { BC_CHANNEL_LANES = 16 };

/* Blocks of about `size` channels, a multiple of these lanes, that all have a vector or more unless
 * there are fewer; and one of them. */
int64_t bc_channel_blocks(const bc_geometry *geometry, int64_t size);
bc_range bc_channel_block(const bc_geometry *geometry, int64_t size, int64_t index);

/* Most channels of such a block. */
int64_t bc_channel_most(int64_t size);

/* Forward and backward data with vectors of pixels, see planar.c. */
bc_schedule bc_planar_prepare(const bc_geometry *geometry, const bc_request *request);
void bc_planar_run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace);

/* The same where maps keep their extents under 3x3 taps, see same.c. */
bool bc_same_serves(const bc_geometry *geometry, const bc_request *request);
bc_schedule bc_same_prepare(const bc_geometry *geometry);
void bc_same_run(const blasconv_plan *plan, const bc_tensors *tensors);

/* The same with vectors of channels, see channels.c. */
bc_schedule bc_channels_prepare(const bc_geometry *geometry, const bc_request *request);
void bc_channels_run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace);
void bc_channels_pack(const bc_geometry *geometry, const float *weights, float *packed);

/* Backward weights, see gradient.c. */
bc_schedule bc_depthwise_gradient_prepare(const bc_geometry *geometry, const bc_request *request);
void bc_depthwise_gradient_run(const blasconv_plan *plan, const bc_tensors *tensors,
                               void *workspace);

#endif
