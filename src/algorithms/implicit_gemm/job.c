#include "job.h"

void bc_find_job_areas(const bc_map_context *ctx, int thread, bc_map_job *j)
{
  const bc_map_areas *a = &ctx->areas;
  char *area =
      (char *)bc_workspace_of_thread(&ctx->plan->schedule.workspace, ctx->workspace, thread);
  j->panels = (float *)(void *)area;
  j->places = (int64_t *)(void *)(area += a->panels);
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
  const int64_t width = j->ctx->width;
  const int64_t blocks = bc_count_blocks(j->walk.result_channels, width);
  return j->packed +
         ((j->group * blocks + channel / width) * j->walk.depth + j->depth.begin) * width;
}

bc_range bc_job_panels(const bc_map_job *j)
{
  return (bc_range){0, bc_count_blocks(bc_range_length(bc_job_lanes(j)), j->ctx->kernels->lanes)};
}

/* The job's panel of that number, with the next one if they are multiplied together and it comes
 * before number `end`. */
static bc_panels panels_from(const bc_map_job *j, int64_t index, int64_t end)
{
  const int64_t width = j->ctx->kernels->lanes, all = bc_range_length(bc_job_lanes(j));
  const bool are_two = bc_panels_at_once(j->ctx->kernels) == 2 && index + 1 < end;
  return (bc_panels){.first = bc_panel(j, index),
                     .beside = are_two ? bc_panel(j, index + 1) : NULL,
                     .step = width,
                     .lanes = bc_min(are_two ? 2 * width : width, all - index * width),
                     .places = j->places + index * width};
}

void bc_multiply_blocks(const bc_map_job *j, const bc_rows *blocks, int64_t count, bc_range panels,
                        bc_coming *coming)
{
  for (int64_t i = panels.begin; i < panels.end;) {
    const bc_panels some = panels_from(j, i, panels.end);
    for (int64_t block = 0; block < count; ++block)
      bc_multiply_panels(j->ctx->kernels, &blocks[block], &some, coming);
    i += some.beside != NULL ? 2 : 1;
  }
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
