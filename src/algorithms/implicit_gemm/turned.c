/* NCHW, small images: rows are pixels, copied side by side, and panels are the weights of filters,
 * so sums of a pixel lie beside each other. The result has those of a filter beside each other. */
#include "job.h"

#include "kernels/kernels.h"

/* Copies the pixels of the job's positions, as panels of which each lane is a row. */
static void gather_rows(bc_map_job *j)
{
  const int64_t lanes = j->ctx->kernels->lanes, n = bc_range_length(j->positions);
  bc_places places;
  for (int64_t first = 0; first < n; first += lanes) {
    const int64_t count = bc_min(lanes, n - first);
    float *panel = j->copies + first * bc_range_length(j->depth);
    bc_find_places(&j->walk, j->group, j->positions.begin + first, count, lanes, &places);
    bc_gather_pixels(j, &places, panel);
    for (int64_t i = 0; i < count; ++i) {
      j->rows[first + i] = panel + i;
      j->results[first + i] = j->ctx->tensors->result + places.result[i];
    }
  }
  j->step = lanes;
}

/* Some channels of the result, which make a panel. */
typedef struct channel_block {
  int64_t first, count;
  bc_panel_view panel;
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
  bc_turned_sums *s = j->sums;
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
  bc_turned_sums *s = j->sums;
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

/* The sums of the job's rows in a block of channels. Results are fetched some rows ahead of the
 * products: all at once they would hold up the panel. */
static void sum_rows(const bc_map_job *j, const channel_block *channels, bc_coming *coming)
{
  const bc_product_kernels *kernels = j->ctx->kernels;
  const int64_t n = bc_range_length(j->positions), at_once = 2 * kernels->rows;
  const bool half = 2 * channels->count <= kernels->lanes;
  int64_t places[BC_MOST_LANES];
  float *sums[BC_ROW_BLOCK];
  for (int64_t i = 0; i < kernels->lanes; ++i)
    places[i] = i;
  for (int64_t i = 0; i < n; ++i)
    sums[i] = j->sums->of_row[i];
  for (int64_t row = 0; row < n; row += at_once) {
    for (int64_t i = 0; i < channels->count; ++i)
      __builtin_prefetch(result_at(j, row, channels->first + i), 1, 2);
    const bc_rows rows = {.count = bc_min(at_once, n - row),
                          .segments = 1,
                          .length = bc_range_length(j->depth),
                          .step = j->step,
                          .at = j->rows + row,
                          .results = sums + row};
    bc_multiply_panel(kernels, &rows, channels->panel.first, channels->panel.step,
                      half ? kernels->lanes / 2 : kernels->lanes, places, coming);
  }
}

static void multiply_rows(const bc_map_job *j, bc_coming *coming)
{
  const int64_t lanes = j->ctx->kernels->lanes;
  for (int64_t first = j->channels.begin, i = 0; first < j->channels.end; first += lanes, ++i) {
    const channel_block channels = {first, bc_min(lanes, j->channels.end - first), j->views[i]};
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
      bc_expected expected;
      bc_expect_panels(j, positions, &expected);
      multiply_rows(j, &expected.parts[0]);
    }
    j->positions = positions;
  }
  j->channels = channels;
}
