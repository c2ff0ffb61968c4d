#include "job.h"

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
  j->met = (bc_met_rows *)(void *)(area += a->results);
  j->copies = (float *)(void *)(area += a->met);
  j->sums = (bc_turned_sums *)(void *)(area + a->copies);
}

const float *bc_group_weights(const bc_map_job *j)
{
  return j->ctx->tensors->weights + bc_weights_offset(&j->ctx->plan->geometry, j->group);
}

const float *bc_packed_block(const bc_map_job *j, int64_t channel)
{
  const int64_t width = bc_job_width(j);
  const int64_t blocks = bc_count_blocks(j->walk.result_channels, width);
  return j->packed +
         ((j->group * blocks + channel / width) * j->walk.depth + j->depth.begin) * width;
}

bc_range bc_job_panels(const bc_map_job *j)
{
  return (bc_range){0, bc_count_blocks(bc_range_length(bc_job_lanes(j)), j->ctx->kernels->lanes)};
}

void bc_multiply_panels(const bc_map_job *j, const bc_rows *blocks, int64_t count, bc_range panels,
                        bc_coming *coming)
{
  const int64_t width = j->ctx->kernels->lanes, all = bc_range_length(bc_job_lanes(j));
  for (int64_t i = panels.begin; i < panels.end; ++i)
    for (int64_t block = 0; block < count; ++block)
      bc_multiply_panel(j->ctx->kernels, &blocks[block], j->views[i].first, j->views[i].step,
                        bc_min(width, all - i * width), j->places + i * width, coming);
}

bc_rows bc_all_rows(const bc_map_job *j)
{
  return (bc_rows){.count = bc_range_length(bc_job_rows(j)),
                   .segments = j->segments,
                   .length = bc_range_length(j->depth) / j->segments,
                   .step = j->step,
                   .at = j->rows,
                   .segment_step = bc_tiled_rows(j),
                   .results = j->results,
                   .add = j->add};
}
