#include "job.h"

enum { SHALLOW = 96, PANELS_AHEAD = 2 };

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
  const int64_t width = j->ctx->kernels->lanes;
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

/* All rows by all panels, where these stay: the next few are fetched while a few are multiplied,
 * not all of the next block. They share the second-level cache with less then, which counts where
 * panels are read once. After the last few comes what `after` begins with, or nothing. */
static void multiply_few(const bc_map_job *j, const bc_rows *rows, const bc_coming *after)
{
  const bc_product_kernels *k = j->ctx->kernels;
  const int64_t panels = bc_job_panels(j).end;
  const int64_t pieces = PANELS_AHEAD * bc_count_blocks(rows->count, k->rows) *
                         bc_count_blocks(rows->length, k->piece);
  for (int64_t i = 0; i < panels; i += PANELS_AHEAD) {
    const bc_range few = {i, bc_min(panels, i + PANELS_AHEAD)};
    const float *first = few.end < panels ? j->views[few.end].first : after->first;
    bc_coming next = {0};
    if (first != NULL)
      next =
          bc_expect(first, j->walk.source.channel, rows->length, PANELS_AHEAD * k->lanes, pieces);
    bc_multiply_panels(j, rows, 1, few, &next);
  }
}

/* Panels that are shallow, and copied, so in the cache: tiles are short, and it counts that results
 * are written in long runs. */
static bool has_shallow_panels(const bc_map_job *j)
{
  return j->walk.taps_last && bc_range_length(j->depth) <= SHALLOW && !bc_panels_stay(&j->walk);
}

/* Panels that stay, and one block of rows. */
static bool meets_panels_once(const bc_map_job *j)
{
  return bc_panels_stay(&j->walk) && j->walk.result_channels <= BC_ROW_BLOCK;
}

void bc_multiply_job(const bc_map_job *j, bc_coming *coming)
{
  const int64_t count = bc_range_length(bc_job_rows(j));
  const int64_t at_once = has_shallow_panels(j) ? 2 * j->ctx->kernels->rows : count;
  bc_rows rows = {.segments = j->segments,
                  .length = bc_range_length(j->depth) / j->segments,
                  .step = j->step,
                  .segment_step = bc_tiled_rows(j),
                  .add = j->add};
  for (int64_t row = 0; row < count; row += at_once) {
    rows.count = bc_min(at_once, count - row);
    rows.at = j->rows + row;
    rows.results = j->results + row;
    if (meets_panels_once(j))
      multiply_few(j, &rows, coming);
    else
      bc_multiply_panels(j, &rows, 1, bc_job_panels(j), coming);
  }
}
