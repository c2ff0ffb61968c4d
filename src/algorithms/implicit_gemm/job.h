/* What a task of forward and backward data computes of one walk, in one block of its depth. */
#ifndef BC_IMPLICIT_JOB_H
#define BC_IMPLICIT_JOB_H

#include "algorithms/blocks.h"
#include "cpu.h"
#include "maps.h"
#include "panel.h"
#include "row_tiles.h"
#include "weights.h"

/* What all tasks of a run share. */
typedef struct bc_map_context {
  const blasconv_plan *plan;
  const bc_tensors *tensors;
  const bc_product_kernels *kernels;
  bc_map_areas areas;
  bool rows_are_pixels; /* else they are channels */
  int64_t width;        /* of the blocks of packed weights, or of those that tasks make */
  bool evenly;          /* rows, panels and results lie so: see pointwise.c */
  bool has_gaps;        /* some positions meet no tap, as with strides longer than the kernel */
  void *workspace;
} bc_map_context;

/* The sums of one or two panels before and after they are turned. */
typedef struct bc_turned_sums {
  float of_row[BC_ROW_BLOCK][BC_MOST_WIDE_LANES];
  float of_channel[BC_MOST_WIDE_LANES][BC_ROW_BLOCK];
} bc_turned_sums;

/* Rows that are pixels, in parts of which each meets some segments of the depth: the others lie on
 * pads. */
typedef struct bc_met_rows {
  bc_row_tiles cut;
  float *results[BC_ROW_BLOCK]; /* of rows in the order of tiles */
  int64_t count;
  bc_rows parts[BC_MOST_TILES];
  int64_t panel_at[BC_MOST_TILES][BC_MOST_TAP_BITS]; /* of each part */
} bc_met_rows;

typedef struct bc_map_job {
  const bc_map_context *ctx;
  bc_walk walk;
  const float *packed; /* the walk's weights of all groups, if they are packed; else NULL */
  int64_t group;
  bc_range channels, positions, depth;
  int64_t last_position;  /* behind those that this thread will most likely come to */
  int64_t segments, step; /* of rows, as a tile has them */
  bool add;
  float *panels; /* these are in bc_map_areas */
  int64_t *places;
  const float **rows;
  float **results;
  bc_met_rows *met;
  float *copies;
  bc_turned_sums *sums;
} bc_map_job;

/* Gives the job the areas of the thread's workspace. */
void bc_find_job_areas(const bc_map_context *ctx, int thread, bc_map_job *job);

/* The tensor that the walk reads. */
static inline const float *bc_map_source(const bc_map_context *ctx)
{
  return ctx->plan->request.pass == BLASCONV_FORWARD ? ctx->tensors->input : ctx->tensors->output;
}

/* The group's part of it, from the first channel of the job's depth on. */
static inline const float *bc_depth_source(const bc_map_job *j)
{
  return bc_map_source(j->ctx) + j->group * j->walk.source.group +
         j->depth.begin / j->walk.taps * j->walk.source.channel;
}

static inline bc_range bc_job_rows(const bc_map_job *j)
{
  return j->ctx->rows_are_pixels ? j->positions : j->channels;
}

static inline bc_range bc_job_lanes(const bc_map_job *j)
{
  return j->ctx->rows_are_pixels ? j->channels : j->positions;
}

/* Rows of all tiles: the job's, up to a whole tile. */
static inline int64_t bc_tiled_rows(const bc_map_job *j)
{
  return bc_round_up(bc_range_length(bc_job_rows(j)), j->ctx->kernels->packed_rows);
}

/* Whether its packed weights are panels already. */
static inline bool bc_has_panels(const bc_map_job *j)
{
  return j->packed != NULL && j->ctx->width == j->ctx->kernels->lanes;
}

/* The weights of the job's group, and the packed ones of the block that a channel of the
 * result is in, over the job's depth. */
const float *bc_group_weights(const bc_map_job *job);
const float *bc_packed_block(const bc_map_job *job, int64_t channel);

/* Elements from one block of the job's filters, packed before or now, to the next. */
static inline int64_t bc_block_step(const bc_map_job *j)
{
  return j->packed != NULL ? j->ctx->width * j->walk.depth
                           : bc_copied_block(j->ctx->width, bc_range_length(j->depth));
}

/* Panel number `index` in the workspace. */
static inline float *bc_own_panel(const bc_map_job *j, int64_t index)
{
  return j->panels + index * bc_range_length(j->depth) * j->ctx->kernels->lanes;
}

/* Panel number `index`, [depth][lanes]: of weights, where they were packed before. */
static inline const float *bc_panel(const bc_map_job *j, int64_t index)
{
  if (j->ctx->rows_are_pixels && bc_has_panels(j))
    return bc_packed_block(j, j->channels.begin + index * j->ctx->kernels->lanes);
  return bc_own_panel(j, index);
}

/* NCHW: fills a panel with the job's depth of the places' pixels. met [lanes], or NULL: the taps
 * that a place meets are added, up to BC_MOST_TAP_BITS, and the panel's depth has tap behind tap,
 * each with all channels, instead of channel behind channel. */
void bc_gather_pixels(const bc_map_job *job, const bc_places *places, float *panel,
                      bc_tap_set *met);

/* Panels of the job's channels: their weights, packed before or now, or turned from blocks of
 * another width. */
void bc_make_weight_panels(const bc_map_job *job);

/* The job's panels by number. */
bc_range bc_job_panels(const bc_map_job *job);

/* Some panels, each of which meets all blocks of rows in turn. `coming` may be NULL. */
void bc_multiply_blocks(const bc_map_job *job, const bc_rows *blocks, int64_t count,
                        bc_range panels, bc_coming *coming);

/* NHWC: finds the job's rows, pixels of the walk's source, each with all channels of a tap: j->rows
 * [segments][rows of all tiles], and where their results are, j->results [rows]. `source` is the
 * element that the walk counts as number `origin`. */
void bc_find_pixel_rows(const bc_map_job *job, const float *source, int64_t origin);

/* met [rows]: the segments in which such a row is no pad. */
void bc_find_met_taps(const bc_map_job *job, bc_tap_set *met);

/* The job's rows, when they are there. */
bc_rows bc_all_rows(const bc_map_job *job);

/* ---- parts.c: rows that leave out taps on pads ---- */

/* Makes parts of the job's rows, which j->rows [segments][rows of all tiles] has, up to
 * BC_MOST_TAP_BITS segments. met [rows]: which of them a row meets. A segment is `apart` elements
 * behind the one before it in panels. results [rows]: where the rows' are. */
void bc_make_parts(const bc_map_job *job, const bc_tap_set *met, int64_t apart,
                   float *const *results);

/* ---- ahead.c: what the job reads next, to be fetched while it multiplies ---- */

enum { BC_MOST_EXPECTED = 4 };

/* What is read next, one after the other, beginning with the first. */
typedef struct bc_expected {
  bc_coming parts[BC_MOST_EXPECTED];
} bc_expected;

/* NCHW: the pixels that are gathered when the job's positions, some of `all`, are done with: those
 * of the next images, if there are many. */
void bc_expect_panels(const bc_map_job *job, bc_range all, bc_expected *expected);

/* NHWC: the pixels of the rows that come after the job's, which are some of `all`. */
bc_coming bc_expect_pixels(const bc_map_job *job, bc_range all);

/* Panels of weights that were packed before, and then `coming`, to be fetched while all rows meet
 * as many; behind them `coming` goes on where `both` has ended. */
bc_coming bc_expect_weights(const bc_map_job *job, bc_range panels, bc_coming *coming);
void bc_go_on(const bc_coming *both, bc_coming *coming);

/* ---- filters.c, pixels.c, turned.c: products of NCHW, of NHWC, of NCHW's small images ---- */

void bc_multiply_filters(bc_map_job *job);
void bc_multiply_pixels(bc_map_job *job);
void bc_multiply_turned(bc_map_job *job);

/* ---- pointwise.c: products of NCHW and of NHWC where each pixel is met once ---- */

void bc_multiply_pointwise_filters(bc_map_job *job);
void bc_multiply_pointwise_pixels(bc_map_job *job);

#endif
