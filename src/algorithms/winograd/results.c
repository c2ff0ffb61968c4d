/* From sums at points to the result tensor. */
#include "job.h"

/* Where results over the edge of the image go. */
typedef struct nowhere {
  float channels[BC_MOST_CHANNELS];
} nowhere;

typedef struct view {
  float *data;
  int64_t row_step, pixel_step;
} view;

static void find_elements(const bc_tiling *t, int64_t row, int64_t column, const bc_pixels *pixels,
                          const view *to, nowhere *outside, float **elements)
{
  const int64_t rows = t->height.form.results, columns = t->width.form.results;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) {
      const int64_t y = row * rows + i, x = column * columns + j;
      elements[i * columns + j] = y < pixels->rows.end && x < pixels->columns.end
                                      ? to->data + (y - pixels->rows.begin) * to->row_step +
                                            (x - pixels->columns.begin) * to->pixel_step
                                      : outside->channels;
    }
}

/* The tiles of a region, the first of which is number `tile` of the block: some channels, `first`
 * of the block's being the first of them. */
static void collect_region(const bc_winograd_job *job, const bc_region *region, int64_t tile,
                           const view *to, int64_t first, int64_t channels)
{
  const bc_tiling *t = job->tiling;
  const int64_t lanes = job->kernels->winograd->lanes;
  const int64_t row = bc_sum_row(bc_range_length(job->filters));
  const bc_pixels pixels = bc_region_results(t, region);
  nowhere outside;
  float *elements[BC_MOST_POINTS * BC_MOST_POINTS];
  for (int64_t i = region->rows.begin; i < region->rows.end; ++i)
    for (int64_t j = region->columns.begin; j < region->columns.end; ++j, ++tile) {
      find_elements(t, i, j, &pixels, to, &outside, elements);
      t->transforms->results(&(bc_winograd_collect){.values = job->sums + tile * row + first,
                                                    .point_step = job->areas->sums,
                                                    .value_step = lanes,
                                                    .elements = elements,
                                                    .element_step = lanes,
                                                    .vectors = channels / lanes});
    }
}

/* Adds rows [n][length] to rows elsewhere. */
static void add_rows(const bc_kernels *k, const float *rows, int64_t step, int64_t n,
                     int64_t length, float *to, int64_t to_step)
{
  for (int64_t i = 0; i < n; ++i)
    k->add(to + i * to_step, rows + i * step, length);
}

void bc_put_columns(const bc_winograd_job *job, const float *rows, int64_t row_step, int64_t n,
                    int64_t columns, bool add, float *to, int64_t to_step)
{
  const bc_kernels *k = job->kernels;
  if (!add) {
    k->transpose(rows, row_step, n, columns, to, to_step);
    return;
  }
  k->transpose(rows, row_step, n, columns, job->turned, n);
  add_rows(k, job->turned, n, columns, n, to, to_step);
}

/* Puts [pixels][slice] of some channels where they belong, `to` on. */
static void put_slice(const bc_winograd_job *job, const bc_pixels *pixels, int64_t channels,
                      float *to)
{
  const bc_kernels *k = job->kernels;
  const bc_steps *steps = &job->tiling->sums.to;
  const bool accumulate = job->plan->request.accumulate;
  const int64_t length = bc_run_length(pixels);
  for (int64_t run = 0; run < bc_count_runs(pixels); ++run) {
    const float *from = job->pixels + run * length * BC_SLICE;
    float *first = to + run * pixels->width * steps->pixel;
    if (steps->pixel == 1) {
      bc_put_columns(job, from, BC_SLICE, length, channels, accumulate, first, steps->channel);
    } else if (accumulate) {
      add_rows(k, from, BC_SLICE, length, channels, first, steps->pixel);
    } else {
      const bc_grid grid = {.planes = 1,
                            .rows = length,
                            .columns = channels,
                            .row_step = BC_SLICE,
                            .column_step = 1,
                            .packed_row_step = steps->pixel};
      k->gather(&grid, from, first);
    }
  }
}

static void apply_epilogue(const bc_winograd_job *job, const bc_pixels *pixels)
{
  const bc_sums *sums = &job->tiling->sums;
  const bc_block_view run = bc_view(sums->to, bc_range_length(job->filters), bc_run_length(pixels));
  for (int64_t i = 0; i < bc_count_runs(pixels); ++i) {
    const int64_t offset = job->group * sums->to.group + pixels->first +
                           i * pixels->width * sums->to.pixel +
                           job->filters.begin * sums->to.channel;
    bc_epilogue_apply(&job->tensors->epilogue, run,
                      job->group * sums->to_channels + job->filters.begin, offset,
                      job->tensors->result + offset);
  }
}

static void collect_region_results(const bc_winograd_job *job, const bc_region *region,
                                   int64_t tile)
{
  const bc_steps *steps = &job->tiling->sums.to;
  const bc_pixels pixels = bc_region_results(job->tiling, region);
  float *block = job->tensors->result + job->group * steps->group + pixels.first +
                 job->filters.begin * steps->channel;
  const int64_t channels = bc_range_length(job->filters);
  int64_t first = 0;
  if (steps->channel == 1 && !job->plan->request.accumulate) {
    first = channels / BC_SLICE * BC_SLICE;
    const view tensor = {block, pixels.width * steps->pixel, steps->pixel};
    collect_region(job, region, tile, &tensor, 0, first);
  }
  for (; first < channels; first += BC_SLICE) {
    const view copy = {job->pixels, bc_range_length(pixels.columns) * BC_SLICE, BC_SLICE};
    collect_region(job, region, tile, &copy, first, BC_SLICE);
    put_slice(job, &pixels, bc_min(BC_SLICE, channels - first), block + first * steps->channel);
  }
  apply_epilogue(job, &pixels);
}

void bc_collect_results(const bc_winograd_job *job)
{
  for (int64_t tile = job->tiles.begin; tile < job->tiles.end;) {
    const bc_region region = bc_next_region(job->tiling, tile, job->tiles.end, BC_REGION_PIXELS);
    collect_region_results(job, &region, tile - job->tiles.begin);
    tile += bc_count_tiles(&region);
  }
}
