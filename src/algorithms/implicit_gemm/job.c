#include "job.h"

enum { SHALLOW = 96 };

void bc_find_job_areas(const bc_map_context *ctx, int thread, bc_map_job *j)
{
  const bc_map_areas *a = &ctx->areas;
  char *area =
      (char *)bc_workspace_of_thread(&ctx->plan->schedule.workspace, ctx->workspace, thread);
  j->panels = (float *)(void *)area;
  j->views = (bc_panel_view *)(void *)(area += a->panels);
  j->places = (int64_t *)(void *)(area += a->views);
  j->rows = (const float **)(void *)(area += a->places);
  j->results = (float **)(void *)(area += a->rows);
  j->copies = (float *)(void *)(area += a->results);
  j->sums = (bc_turned_sums *)(void *)(area + a->copies);
}

const float *bc_group_weights(const bc_map_job *j)
{
  return j->ctx->tensors->weights + bc_weights_offset(&j->ctx->plan->geometry, j->group);
}

const float *bc_packed_block(const bc_map_job *j, int64_t channel)
{
  const int64_t width = j->ctx->kernels->lanes;
  const int64_t blocks = bc_count_blocks(j->walk.result_channels, width);
  return j->packed +
         ((j->group * blocks + channel / width) * j->walk.depth + j->depth.begin) * width;
}

/* Some rows by all panels. */
static void multiply_rows(const bc_map_job *j, const bc_rows *rows, bc_coming *coming)
{
  const bc_range all = bc_job_lanes(j);
  const int64_t lanes = j->ctx->kernels->lanes;
  for (int64_t lane = all.begin, i = 0; lane < all.end; lane += lanes, ++i)
    bc_multiply_panel(j->ctx->kernels, rows, j->views[i].first, j->views[i].step,
                      bc_min(lanes, all.end - lane), j->places + i * lanes, coming);
}

/* Panels that are shallow, and copied, so in the cache: tiles are short, and it counts that results
 * are written in long runs. */
static bool has_shallow_panels(const bc_map_job *j)
{
  return j->walk.taps_last && bc_range_length(j->depth) <= SHALLOW && !bc_panels_stay(&j->walk);
}

void bc_multiply_job(const bc_map_job *j, bc_coming *coming)
{
  const int64_t count = bc_range_length(bc_job_rows(j));
  const int64_t at_once = has_shallow_panels(j) ? 2 * j->ctx->kernels->rows : count;
  bc_rows rows = {.segments = j->segments,
                  .length = bc_range_length(j->depth) / j->segments,
                  .step = j->step,
                  .segment_step = bc_round_up(count, j->ctx->kernels->rows),
                  .add = j->add};
  for (int64_t row = 0; row < count; row += at_once) {
    rows.count = bc_min(at_once, count - row);
    rows.at = j->rows + row;
    rows.results = j->results + row;
    multiply_rows(j, &rows, coming);
  }
}
