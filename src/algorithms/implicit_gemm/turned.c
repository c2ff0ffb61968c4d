/* NCHW, small images: rows are pixels, copied side by side, and panels are the weights of filters,
 * so sums of a pixel lie beside each other. The result has those of a filter beside each other. */
#include "job.h"

#include "kernels/kernels.h"

/* Copies the pixels of some positions: a panel of which each lane is a row. */
static void copy_rows(const bc_map_job *j, const bc_places *places, float *panel,
                      const float **rows)
{
  bc_gather_pixels(j, places, panel);
  for (int64_t i = 0; i < places->count; ++i)
    rows[i] = panel + i;
}

/* Rows where the source has them. */
static void find_rows(const bc_map_job *j, const bc_places *places, const float **rows)
{
  const float *first = bc_map_source(j->ctx) + j->depth.begin * j->walk.source.channel;
  for (int64_t i = 0; i < places->count; ++i)
    rows[i] = first + places->source[i];
}

/* The rows of the job's positions and their results, and how they are cut into tiles. */
static void gather_rows(bc_map_job *j)
{
  const int64_t lanes = j->ctx->kernels->lanes, n = bc_range_length(j->positions);
  const bool stay = bc_rows_stay(&j->walk);
  const float *rows[BC_ROW_BLOCK];
  bc_tap_set taps[BC_MOST_PLACES] = {0};
  bc_places places;
  for (int64_t first = 0; first < n; first += lanes) {
    const int64_t count = bc_min(lanes, n - first);
    bc_find_places(&j->walk, j->group, j->positions.begin + first, count, lanes, &places);
    bc_find_taps(&j->walk, &places, taps + first);
    if (stay)
      find_rows(j, &places, rows + first);
    else
      copy_rows(j, &places, j->copies + first * bc_range_length(j->depth), rows + first);
    for (int64_t i = 0; i < count; ++i)
      j->results[first + i] = j->ctx->tensors->result + places.result[i];
  }
  bc_make_row_tiles(taps, n, j->ctx->kernels->rows, &j->turned->cut);
  for (int64_t i = 0; i < n; ++i)
    j->rows[i] = rows[j->turned->cut.order[i]];
  j->step = stay ? j->walk.source.channel : lanes;
}

/* The terms of these taps. */
static void find_terms(const bc_map_job *j, bc_tap_set taps, bc_terms *terms)
{
  const int64_t n = bc_range_length(j->depth);
  int64_t tap = j->depth.begin % j->walk.taps;
  terms->taps = taps;
  terms->count = 0;
  for (int64_t k = 0; k < n; ++k) {
    terms->at[terms->count] = (int32_t)(k * j->ctx->kernels->lanes);
    terms->count += (int64_t)(taps >> tap % BC_MOST_TAP_BITS & 1);
    tap = tap + 1 < j->walk.taps ? tap + 1 : 0;
  }
}

/* The tiles of the job's rows. */
static void make_tiles(bc_map_job *j)
{
  bc_turned_rows *t = j->turned;
  for (int64_t i = 0; i < bc_range_length(j->positions); ++i)
    t->sums[i] = t->of_row[t->cut.order[i]];
  for (int64_t i = 0, sets = 0; i < t->cut.count; ++i) {
    const bc_row_tile *cut = &t->cut.tile[i];
    int64_t set = 0;
    while (set < sets && t->terms[set].taps != cut->taps)
      ++set;
    if (set == sets)
      find_terms(j, cut->taps, &t->terms[sets++]);
    const bool meets_all = t->terms[set].count == bc_range_length(j->depth);
    t->tile[i] = (bc_tile){.rows = bc_range_length(cut->rows),
                           .rows_at = j->rows + cut->rows.begin,
                           .segments = 1,
                           .length = t->terms[set].count,
                           .step = meets_all ? j->step : 1,
                           .panel_step = j->ctx->kernels->lanes,
                           .results = t->sums + cut->rows.begin,
                           .terms = meets_all ? NULL : t->terms[set].at};
  }
}

/* Some channels of the result, which make a panel. */
typedef struct channel_block {
  int64_t first, count;
  const float *panel; /* [depth][lanes] */
} channel_block;

/* Where the channel's result is for a row. */
static float *result_at(const bc_map_job *j, int64_t row, int64_t channel)
{
  return j->results[row] + channel * j->walk.result.channel;
}

/* Puts the sums of rows there whose results are neighbours. */
static void put_neighbours(const bc_map_job *j, const channel_block *channels, bc_range rows)
{
  const bc_kernels *kernels = bc_cpu_kernels();
  bc_turned_rows *s = j->turned;
  const int64_t n = bc_range_length(rows), step = j->walk.result.channel;
  float *to = result_at(j, rows.begin, channels->first);
  kernels->transpose(s->of_row[rows.begin], BC_MOST_LANES, n, channels->count,
                     j->add ? s->of_channel[0] : to, j->add ? BC_ROW_BLOCK : step);
  for (int64_t i = 0; i < channels->count && j->add; ++i)
    kernels->add(to + i * step, s->of_channel[i], n);
}

/* The same of all rows, one by one: with a stride their results are no neighbours. */
static void put_each(const bc_map_job *j, const channel_block *channels)
{
  bc_turned_rows *s = j->turned;
  const int64_t n = bc_range_length(j->positions);
  bc_cpu_kernels()->transpose(s->of_row[0], BC_MOST_LANES, n, channels->count, s->of_channel[0],
                              BC_ROW_BLOCK);
  for (int64_t i = 0; i < channels->count; ++i) {
    const int64_t channel = (channels->first + i) * j->walk.result.channel;
    for (int64_t row = 0; row < n && j->add; ++row)
      j->results[row][channel] += s->of_channel[i][row];
    for (int64_t row = 0; row < n && !j->add; ++row)
      j->results[row][channel] = s->of_channel[i][row];
  }
}

static void put_sums(const bc_map_job *j, const channel_block *channels)
{
  const int64_t n = bc_range_length(j->positions);
  if (j->walk.axes[BC_WIDTH].result_step > 1) {
    put_each(j, channels);
    return;
  }
  for (int64_t row = 0, end; row < n; row = end) {
    for (end = row + 1; end < n && j->results[end] == j->results[end - 1] + 1;)
      ++end;
    put_neighbours(j, channels, (bc_range){row, end});
  }
}

/* Fetches results some rows ahead of the products: all at once they would hold up the panel. */
static void expect_results(const bc_map_job *j, const channel_block *channels, bc_range rows)
{
  for (int64_t row = bc_round_up(rows.begin, BC_CACHE_LINE); row < rows.end; row += BC_CACHE_LINE)
    for (int64_t i = 0; i < channels->count; ++i)
      __builtin_prefetch(result_at(j, row, channels->first + i), 1, 2);
}

/* The sums of the job's rows in a block of channels. */
static void sum_rows(const bc_map_job *j, const channel_block *channels, bc_coming *coming)
{
  const bc_product_kernels *kernels = j->ctx->kernels;
  for (int64_t i = 0; i < j->turned->cut.count; ++i) {
    bc_tile *tile = &j->turned->tile[i];
    tile->panel = channels->panel;
    tile->half = 2 * channels->count <= kernels->lanes;
    tile->coming = coming;
    expect_results(j, channels, j->turned->cut.tile[i].rows);
    if (tile->terms == NULL)
      kernels->multiply(tile);
    else
      kernels->pick(tile);
  }
}

/* The panel that is met next, of weights that were packed before: it comes from memory. */
static bc_coming expect_weights(const bc_map_job *j, int64_t panel)
{
  const int64_t lanes = j->ctx->kernels->lanes, n = bc_range_length(j->depth);
  return bc_expect(j->views[panel].first, lanes, n, lanes,
                   j->turned->cut.count * bc_count_blocks(n, BC_PIECE));
}

/* The sums of a panel, while the next panel and then some of what is coming are fetched. */
static void sum_and_expect(const bc_map_job *j, const channel_block *channels, bc_coming panel,
                           bc_coming *coming)
{
  panel.at_once += coming->at_once;
  panel.then = coming;
  sum_rows(j, channels, &panel);
  if (panel.then != coming)
    *coming = panel;
}

/* Rows that are the first to meet the panels have each fetched while the one before is multiplied.
 */
static void multiply_rows(const bc_map_job *j, bool are_first, bc_coming *coming)
{
  const int64_t lanes = j->ctx->kernels->lanes;
  for (int64_t first = j->channels.begin, i = 0; first < j->channels.end; first += lanes, ++i) {
    const channel_block channels = {first, bc_min(lanes, j->channels.end - first),
                                    j->views[i].first};
    if (j->packed != NULL && are_first && first + lanes < j->channels.end)
      sum_and_expect(j, &channels, expect_weights(j, i + 1), coming);
    else
      sum_rows(j, &channels, coming);
    put_sums(j, &channels);
  }
}

void bc_multiply_turned(bc_map_job *j)
{
  const bc_range positions = j->positions, channels = j->channels;
  const int64_t at_once =
      j->packed != NULL ? bc_range_length(channels) : j->ctx->plan->schedule.blocks.panels;
  for (int64_t c = channels.begin; c < channels.end; c += at_once) {
    j->channels = (bc_range){c, bc_min(channels.end, c + at_once)};
    bc_make_weight_panels(j);
    for (int64_t row = positions.begin; row < positions.end; row += BC_ROW_BLOCK) {
      j->positions = (bc_range){row, bc_min(positions.end, row + BC_ROW_BLOCK)};
      gather_rows(j);
      make_tiles(j);
      bc_expected expected;
      bc_expect_panels(j, positions, &expected);
      multiply_rows(j, row == positions.begin, &expected.parts[0]);
    }
    j->positions = positions;
  }
  j->channels = channels;
}
