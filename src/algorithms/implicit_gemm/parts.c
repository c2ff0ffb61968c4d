/* Rows that are pixels, sorted by what they meet, so that taps on pads are left out. */
#include "job.h"

/* Rows [begin, end) in the order of tiles, which meet these segments; their pointers are put to at
 * [segments][rows], and where the panel has a segment to panel_at. */
static bc_rows make_part(const bc_map_job *j, bc_range rows, bc_tap_set met, int64_t apart,
                         int64_t *panel_at, const float **at)
{
  const int64_t all = bc_tiled_rows(j);
  bc_rows part = {.count = bc_range_length(rows),
                  .length = bc_range_length(j->depth) / j->segments,
                  .step = j->step,
                  .at = at,
                  .segment_step = bc_range_length(rows),
                  .panel_at = panel_at,
                  .results = j->met->results + rows.begin,
                  .add = j->add};
  for (int64_t segment = 0; segment < j->segments; ++segment) {
    if ((met >> segment & 1) == 0)
      continue;
    panel_at[part.segments++] = segment * apart;
    for (int64_t i = rows.begin; i < rows.end; ++i)
      *at++ = j->rows[segment * all + j->met->cut.order[i]];
  }
  return part;
}

/* All tiles of a part but the last are full: one that ends early does so before a row that meets
 * more. */
void bc_make_parts(const bc_map_job *j, const bc_tap_set *met, int64_t apart, float *const *results)
{
  bc_met_rows *m = j->met;
  const float **at = (const float **)(void *)(m + 1);
  const int64_t n = bc_range_length(j->positions);
  bc_make_row_tiles(met, n, j->ctx->kernels->rows, &m->cut);
  for (int64_t i = 0; i < n; ++i)
    m->results[i] = results[m->cut.order[i]];
  m->count = 0;
  for (int64_t i = 0, end; i < m->cut.count; i = end) {
    const bc_row_tile *first = &m->cut.tile[i];
    for (end = i + 1; end < m->cut.count && m->cut.tile[end].taps == first->taps;)
      ++end;
    const bc_range rows = {first->rows.begin, m->cut.tile[end - 1].rows.end};
    bc_rows *part = &m->parts[m->count];
    *part = make_part(j, rows, first->taps, apart, m->panel_at[m->count], at);
    at += part->segments * part->count;
    ++m->count;
  }
}
