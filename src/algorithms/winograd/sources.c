/* From the source tensor to the values of its tiles at points. */
#include "job.h"

#include <string.h>

/* What stands for pixels on a pad, for all channels of a block. */
static const float zeros[BC_MOST_CHANNELS];

/* Pixels as tiles see them. */
typedef struct view {
  const float *data;            /* of the region's first pixel, and channel */
  int64_t row_step, pixel_step; /* in elements */
} view;

/* Elements of a tile: pixels of the region, or zeros. */
static void find_elements(const bc_tiling *t, int64_t row, int64_t column, const bc_pixels *pixels,
                          const view *from, const float **elements)
{
  const int64_t first_row = bc_tile_source(&t->height, row);
  const int64_t first_column = bc_tile_source(&t->width, column);
  const int64_t columns = t->width.form.points;
  for (int64_t i = 0; i < t->height.form.points; ++i) {
    const int64_t y = first_row + i;
    const bool inside = pixels->rows.begin <= y && y < pixels->rows.end;
    const float *line = from->data + (inside ? (y - pixels->rows.begin) * from->row_step : 0);
    for (int64_t j = 0; j < columns; ++j) {
      const int64_t x = first_column + j;
      elements[i * columns + j] = inside && pixels->columns.begin <= x && x < pixels->columns.end
                                      ? line + (x - pixels->columns.begin) * from->pixel_step
                                      : zeros;
    }
  }
}

/* All tiles of a region, the first of which is number `tile` of the block, over some channels. */
static void spread_region(const bc_winograd_job *job, const bc_region *region, int64_t tile,
                          const view *from, bc_range channels)
{
  const bc_tiling *t = job->tiling;
  const int64_t lanes = job->kernels->winograd->lanes;
  const int64_t row = bc_source_row(bc_range_length(job->depth));
  const bc_pixels pixels = bc_region_sources(t, region);
  const float *elements[BC_MOST_POINTS * BC_MOST_POINTS];
  for (int64_t i = region->rows.begin; i < region->rows.end; ++i)
    for (int64_t j = region->columns.begin; j < region->columns.end; ++j, ++tile) {
      find_elements(t, i, j, &pixels, from, elements);
      t->transforms->sources(&(bc_winograd_spread){
          .elements = elements,
          .element_step = lanes,
          .values = job->sources + tile * row + channels.begin - job->depth.begin,
          .point_step = job->areas->sources,
          .value_step = lanes,
          .vectors = bc_count_blocks(bc_range_length(channels), lanes)});
    }
}

/* Copies a slice of channels of the region as [pixels][slice], zeros behind the last channel. */
static void copy_slice(const bc_winograd_job *job, const bc_pixels *pixels, const float *from,
                       int64_t channels)
{
  const bc_steps *steps = &job->tiling->sums.from;
  const int64_t length = bc_run_length(pixels), runs = bc_count_runs(pixels);
  if (channels < BC_SLICE)
    memset(job->pixels, 0, (size_t)(runs * length * BC_SLICE) * sizeof *job->pixels);
  for (int64_t run = 0; run < runs; ++run) {
    const float *first = from + run * pixels->width * steps->pixel;
    float *to = job->pixels + run * length * BC_SLICE;
    if (steps->pixel == 1)
      job->kernels->transpose(first, steps->channel, channels, length, to, BC_SLICE);
    else
      for (int64_t i = 0; i < length; ++i)
        memcpy(to + i * BC_SLICE, first + i * steps->pixel, (size_t)channels * sizeof *to);
  }
}

static void spread_region_sources(const bc_winograd_job *job, const bc_region *region, int64_t tile)
{
  const bc_steps *steps = &job->tiling->sums.from;
  const bc_pixels pixels = bc_region_sources(job->tiling, region);
  const bool forward = job->plan->request.pass == BLASCONV_FORWARD;
  const float *group = (forward ? job->tensors->input : job->tensors->output) +
                       job->group * steps->group + pixels.first;
  bc_range channels = job->depth;
  if (steps->channel == 1) { /* all that are whole slices are taken as they are */
    const int64_t whole = bc_range_length(channels) / BC_SLICE * BC_SLICE;
    const view tensor = {group + channels.begin, pixels.width * steps->pixel, steps->pixel};
    const bc_range slices = {channels.begin, channels.begin + whole};
    spread_region(job, region, tile, &tensor, slices);
    channels.begin = slices.end;
  }
  for (int64_t c = channels.begin; c < channels.end; c += BC_SLICE) {
    const bc_range slice = {c, bc_min(c + BC_SLICE, channels.end)};
    const view copy = {job->pixels, bc_range_length(pixels.columns) * BC_SLICE, BC_SLICE};
    copy_slice(job, &pixels, group + c * steps->channel, bc_range_length(slice));
    spread_region(job, region, tile, &copy, slice);
  }
}

void bc_spread_sources(const bc_winograd_job *job)
{
  for (int64_t tile = job->tiles.begin; tile < job->tiles.end;) {
    const bc_region region = bc_next_region(job->tiling, tile, job->tiles.end, BC_REGION_PIXELS);
    spread_region_sources(job, &region, tile - job->tiles.begin);
    tile += bc_count_tiles(&region);
  }
}
