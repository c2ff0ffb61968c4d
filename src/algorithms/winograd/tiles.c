/* From a tensor to the values of its tiles at points. */
#include "algorithms/expect.h"
#include "job.h"

#include <string.h>

/* What stands for pixels on a pad or over the edge, for all channels of a block. */
static const float zeros[BC_MOST_CHANNELS];

/* Tiles along an axis: where the first begins, and how many pixels each has. */
typedef struct window {
  int64_t begin, step, pixels;
} window;

/* Tiles of a tensor, and where their values go: those of a tile and channel at values + tile *
 * tile_step + channel / panel * panel_step + channel % panel. */
typedef struct operand {
  const float *tensor; /* the group's part */
  bc_steps steps;
  window rows, columns;
  bc_pixels (*region_pixels)(const bc_tiling *tiling, const bc_region *region);
  void (*spread)(const bc_winograd_spread *tile);
  bc_range channels;
  float *values;
  int64_t point_step, tile_step, panel, panel_step;
} operand;

/* Pixels as tiles see them. */
typedef struct view {
  const float *data;            /* of the region's first pixel, and channel */
  int64_t row_step, pixel_step; /* in elements */
} view;

/* Elements of a tile: pixels of the region, or zeros. */
static void find_elements(const operand *o, int64_t row, int64_t column, const bc_pixels *pixels,
                          const view *from, const float **elements)
{
  const int64_t columns = o->columns.pixels;
  for (int64_t i = 0; i < o->rows.pixels; ++i) {
    const int64_t y = o->rows.begin + row * o->rows.step + i;
    const bool inside = pixels->rows.begin <= y && y < pixels->rows.end;
    const float *line = from->data + (inside ? (y - pixels->rows.begin) * from->row_step : 0);
    for (int64_t j = 0; j < columns; ++j) {
      const int64_t x = o->columns.begin + column * o->columns.step + j;
      elements[i * columns + j] = inside && pixels->columns.begin <= x && x < pixels->columns.end
                                      ? line + (x - pixels->columns.begin) * from->pixel_step
                                      : zeros;
    }
  }
}

/* A tile over some of the operand's channels, from number `first` on. */
static void spread_tile(const operand *o, const float **elements, int64_t tile, int64_t first,
                        int64_t channels)
{
  const int64_t lanes = bc_cpu_kernels()->winograd->lanes;
  for (int64_t c = 0; c < channels; c += o->panel) {
    const int64_t part = bc_min(o->panel, channels - c), at = first + c;
    o->spread(&(bc_winograd_spread){.elements = elements,
                                    .element_step = lanes,
                                    .values = o->values + tile * o->tile_step +
                                              at / o->panel * o->panel_step + at % o->panel,
                                    .point_step = o->point_step,
                                    .value_step = lanes,
                                    .vectors = bc_count_blocks(part, lanes)});
    for (int64_t i = 0; i < o->rows.pixels * o->columns.pixels && c + part < channels; ++i)
      elements[i] += part;
  }
}

/* All tiles of a region, the first of which is number `tile` of the block. */
static void spread_tiles(const operand *o, const bc_region *region, int64_t tile,
                         const bc_pixels *pixels, const view *from, int64_t first, int64_t channels)
{
  const float *elements[BC_MOST_POINTS * BC_MOST_POINTS];
  for (int64_t i = region->rows.begin; i < region->rows.end; ++i)
    for (int64_t j = region->columns.begin; j < region->columns.end; ++j, ++tile) {
      find_elements(o, i, j, pixels, from, elements);
      spread_tile(o, elements, tile, first, channels);
    }
}

/* Channels that are copied at a time: where they are neighbours, several cache lines of them. */
static int64_t slice_width(const operand *o)
{
  return o->steps.channel == 1 ? 4 * BC_SLICE : BC_SLICE;
}

/* Pixels far from each other, which no prefetcher of a CPU sees coming. */
enum { PIXELS_AHEAD = 32 };

/* Whole slices, so that no memory is copied a few bytes at a time. */
static void copy_pixels(const float *from, int64_t step, int64_t n, int64_t channels, float *to,
                        int64_t width)
{
  const int64_t whole = channels - channels % BC_SLICE;
  for (int64_t i = 0; i < n; ++i, from += step, to += width) {
    for (int64_t c = 0; c < whole; c += BC_SLICE) {
      __builtin_prefetch(from + PIXELS_AHEAD * step + c, 0, 2);
      memcpy(to + c, from + c, BC_SLICE * sizeof *to);
    }
    if (whole < channels)
      memcpy(to + whole, from + whole, (size_t)(channels - whole) * sizeof *to);
  }
}

/* [channels][n], `step` elements from one channel to the next; the next slice's are fetched. */
static void copy_maps(const float *from, int64_t step, int64_t n, int64_t channels, float *to,
                      int64_t width)
{
  const float *next = from + BC_SLICE * step;
  for (int64_t c = 0; c < channels; ++c)
    bc_expect_row(next + c * step, n + BC_CACHE_LINE - 1);
  bc_cpu_kernels()->transpose(from, step, channels, n, to, width);
}

/* Copies some channels of the region as [pixels][width]: close together, since tensors have their
 * pixels at distances of which powers of two share few sets of the cache. Behind the last channel
 * nothing is written: what is made of that, no product reads. */
static void copy_region(const operand *o, const bc_pixels *pixels, const float *from,
                        int64_t channels, float *copy, int64_t width)
{
  const int64_t length = bc_run_length(pixels), runs = bc_count_runs(pixels);
  for (int64_t run = 0; run < runs; ++run) {
    const float *first = from + run * pixels->width * o->steps.pixel;
    float *to = copy + run * length * width;
    if (o->steps.channel == 1)
      copy_pixels(first, o->steps.pixel, length, channels, to, width);
    else
      copy_maps(first, o->steps.channel, length, channels, to, width);
  }
}

static void spread_region(const bc_winograd_job *job, const operand *o, const bc_region *region,
                          int64_t tile)
{
  const bc_pixels pixels = o->region_pixels(job->tiling, region);
  const float *block = o->tensor + pixels.first + o->channels.begin * o->steps.channel;
  const int64_t all = bc_range_length(o->channels);
  for (int64_t c = 0; c < all; c += slice_width(o)) {
    const int64_t channels = bc_min(slice_width(o), all - c);
    const int64_t width = bc_round_up(channels, BC_SLICE);
    const view copy = {job->pixels, bc_range_length(pixels.columns) * width, width};
    copy_region(o, &pixels, block + c * o->steps.channel, channels, job->pixels, width);
    spread_tiles(o, region, tile, &pixels, &copy, c, channels);
  }
}

static void spread(const bc_winograd_job *job, const operand *o)
{
  const int64_t most = BC_REGION_FLOATS / slice_width(o);
  for (int64_t tile = job->tiles.begin; tile < job->tiles.end;) {
    const bc_region region = bc_next_region(job->tiling, tile, job->tiles.end, most);
    spread_region(job, o, &region, tile - job->tiles.begin);
    tile += bc_count_tiles(&region);
  }
}

static window source_window(const bc_tiling_axis *axis)
{
  return (window){axis->begin, axis->form.results, axis->form.points};
}

void bc_spread_sources(const bc_winograd_job *job)
{
  const bc_tiling *t = job->tiling;
  const bool is_input = job->plan->request.pass != BLASCONV_BACKWARD_DATA;
  const float *tensor = is_input ? job->tensors->input : job->tensors->output;
  spread(job, &(operand){.tensor = tensor + job->group * t->sums.from.group,
                         .steps = t->sums.from,
                         .rows = source_window(&t->height),
                         .columns = source_window(&t->width),
                         .region_pixels = bc_region_sources,
                         .spread = t->transforms->sources,
                         .channels = job->channels,
                         .values = job->sources,
                         .point_step = job->areas->sources,
                         .tile_step = bc_source_row(bc_range_length(job->channels)),
                         .panel = BC_MOST_CHANNELS});
}

static window result_window(const bc_tiling_axis *axis)
{
  return (window){0, axis->form.results, axis->form.results};
}

void bc_spread_gradients(const bc_winograd_job *job)
{
  const bc_tiling *t = job->tiling;
  const int64_t lanes = bc_lanes();
  spread(job, &(operand){.tensor = job->tensors->output + job->group * t->sums.to.group,
                         .steps = t->sums.to,
                         .rows = result_window(&t->height),
                         .columns = result_window(&t->width),
                         .region_pixels = bc_region_results,
                         .spread = t->transforms->gradients,
                         .channels = job->filters,
                         .values = job->panels,
                         .point_step = job->areas->panels,
                         .tile_step = lanes,
                         .panel = lanes,
                         .panel_step = bc_range_length(job->tiles) * lanes});
}
