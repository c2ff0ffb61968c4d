/* Convolution as a matrix product of our own, without a BLAS. The operands of forward and backward
 * data are read from the tensors, or packed from them straight into the panels of the inner loop:
 * no patch matrix, not even a block of it. The weight gradient lowers blocks. */
#include "algorithms/blocks.h"
#include "cpu.h"
#include "maps.h"
#include "sliding.h"
#include "tiles.h"
#include "weights.h"

#include <string.h>

enum { MOST_WALKS = 64, MOST_REACH = 1 << 24 };

/* How far taps may lie outside of the source. */
static bool reaches_far(const bc_axis *axis)
{
  return axis->pad_begin > MOST_REACH || axis->dilation > MOST_REACH / axis->kernel ||
         axis->stride > MOST_REACH;
}

static const char *reject(const bc_geometry *g, const bc_request *request)
{
  int64_t phases = 1;
  for (int i = 0; i < BLASCONV_MAX_RANK; ++i) {
    if (g->axes[i].kernel > MOST_REACH || reaches_far(&g->axes[i]))
      return "kernel, stride, dilation or pads reach more than 2^24 pixels";
    phases = bc_min(phases * g->axes[i].stride, MOST_REACH);
  }
  if (request->pass == BLASCONV_BACKWARD_DATA && phases > MOST_WALKS)
    return "the strides make more than 64 phases";
  if (bc_count_weights(g) > BC_MOST_WEIGHTS)
    return "there are more than 2^48 weights";
  return NULL;
}

static int64_t packed_elements(const bc_geometry *geometry, blasconv_pass pass, int form)
{
  const int64_t width = bc_packed_width(form);
  int64_t elements = 0;
  for (int64_t i = 0; i < bc_count_walks(geometry, pass); ++i) {
    const bc_walk walk = bc_walk_at(geometry, pass, i);
    elements += bc_packed_elements(geometry, &walk, width);
  }
  return elements;
}

/* Some blocks of one group of a walk. What the last of all has behind its channels is zero. */
static void pack_blocks(const bc_walk *walk, int64_t width, bc_range blocks, const float *weights,
                        float *packed)
{
  const int64_t step = walk->depth * width, channels = walk->result_channels;
  const bc_range own = {blocks.begin * width, bc_min(blocks.end * width, channels)};
  if (blocks.end * width > channels)
    memset(packed + (blocks.end - 1) * step, 0, (size_t)step * sizeof *packed);
  packed += blocks.begin * step;
  for (bc_range depth = {0, 0}; depth.end < walk->depth;) {
    depth = bc_next_depth(walk, depth.end, BC_MOST_DEPTH);
    bc_pack_weights(walk, weights, own, depth,
                    &(bc_packing){packed + depth.begin * width, width, step});
  }
}

static void pack(const bc_geometry *g, blasconv_pass pass, int form, bc_part part,
                 const float *weights, float *packed)
{
  const int64_t width = bc_packed_width(form);
  for (int64_t index = 0; index < bc_count_walks(g, pass); ++index) {
    const bc_walk walk = bc_walk_at(g, pass, index);
    const bc_range blocks =
        bc_share(part.index, part.count, bc_count_blocks(walk.result_channels, width));
    for (int64_t group = 0; group < g->groups; ++group) {
      if (bc_range_length(blocks) > 0)
        pack_blocks(&walk, width, blocks, weights + bc_weights_offset(g, group), packed);
      packed += bc_packed_elements(g, &walk, width) / g->groups;
    }
  }
}

static const bc_weights_method weights_method = {.patches = bc_nearest_patches,
                                                 .multiply = bc_tiles_multiply,
                                                 .multiply_bytes = bc_tiles_bytes,
                                                 .multiply_work = bc_tiles_work};

/* How a pass is computed, by what it has. */
typedef enum way { MAPS, SLIDING_MAPS, SLIDING_PIXELS, WEIGHTS, SLIDING_WEIGHTS } way;

static way way_of(const bc_geometry *g, const bc_request *request)
{
  if (request->pass == BLASCONV_BACKWARD_WEIGHTS)
    return bc_sliding_weights_serve(g, request->room) ? SLIDING_WEIGHTS : WEIGHTS;
  if (bc_sliding_pixels_serve(g, request))
    return SLIDING_PIXELS;
  return bc_sliding_maps_serve(g, request) ? SLIDING_MAPS : MAPS;
}

static bc_schedule prepare(const bc_geometry *geometry, const bc_request *request)
{
  switch (way_of(geometry, request)) {
  case SLIDING_MAPS:
    return bc_sliding_maps_prepare(geometry, request);
  case SLIDING_PIXELS:
    return bc_sliding_pixels_prepare(geometry, request);
  case WEIGHTS:
    return bc_weights_prepare(geometry, request, &weights_method);
  case SLIDING_WEIGHTS:
    return bc_sliding_weights_prepare(geometry, request);
  default:
    return bc_maps_prepare(geometry, request);
  }
}

static bc_work work(const bc_geometry *geometry, const bc_request *request,
                    const bc_schedule *schedule)
{
  switch (way_of(geometry, request)) {
  case SLIDING_MAPS:
    return bc_sliding_maps_work(geometry, schedule);
  case SLIDING_PIXELS:
    return bc_sliding_pixels_work(geometry, schedule);
  case WEIGHTS:
    return bc_weights_work(geometry, schedule, &weights_method);
  case SLIDING_WEIGHTS:
    return bc_sliding_weights_work(geometry, schedule);
  default:
    return bc_maps_work(geometry, request, schedule);
  }
}

static void run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace)
{
  switch (way_of(&plan->geometry, &plan->request)) {
  case SLIDING_MAPS:
    bc_sliding_maps_run(plan, tensors, workspace);
    break;
  case SLIDING_PIXELS:
    bc_sliding_pixels_run(plan, tensors, workspace);
    break;
  case WEIGHTS:
    bc_weights_run(plan, tensors, workspace, &weights_method);
    break;
  case SLIDING_WEIGHTS:
    bc_sliding_weights_run(plan, tensors, workspace);
    break;
  default:
    bc_maps_run(plan, tensors, workspace);
  }
}

const bc_algorithm bc_implicit_gemm = {.name = "implicit_gemm",
                                       .reject = reject,
                                       .prepare = prepare,
                                       .work = work,
                                       .run = run,
                                       .packed_form = bc_best_form,
                                       .packed_elements = packed_elements,
                                       .pack = pack};
