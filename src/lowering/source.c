/* About which part of an image lowering reads, so that it can be fetched before. */
#include "lowering.h"

/* Rows of the input that an output row meets under some taps of the height. */
static bc_range rows_under(const bc_axis *height, int64_t row, bc_range taps)
{
  const int64_t first = row * height->stride - height->pad_begin;
  return (bc_range){bc_max(0, first + taps.begin * height->dilation),
                    bc_min(height->input, first + (taps.end - 1) * height->dilation + 1)};
}

/* The taps of the height that the block's rows are of. */
static bc_range taps_of_height(const bc_geometry *g, bc_range rows)
{
  const int64_t kernel = g->axes[BC_WIDTH].kernel, channels = g->in_channels;
  if (g->layout == BLASCONV_NCHW)
    return (bc_range){0, g->axes[BC_HEIGHT].kernel};
  return (bc_range){rows.begin / channels / kernel, (rows.end - 1) / channels / kernel + 1};
}

/* NCHW: some rows of some maps, or all maps of several images. */
static bc_extract maps_extract(const bc_geometry *g, const float *image, int64_t images,
                               bc_range rows, bc_range input_rows)
{
  const int64_t width = g->axes[BC_WIDTH].input, first = rows.begin / g->taps;
  const int64_t channels = (rows.end - 1) / g->taps + 1 - first;
  const float *maps = image + first * g->input.channel;
  if (images > 1)
    return (bc_extract){maps, g->input.image, images, channels * g->input.channel};
  return (bc_extract){maps + input_rows.begin * width, g->input.channel, channels,
                      bc_range_length(input_rows) * width};
}

/* NHWC, some channels of one tap: of the pixels that a row meets, and of rows between these. */
static bc_extract channels_extract(const bc_geometry *g, const float *first, bc_range rows,
                                   bc_range input_rows)
{
  const bc_axis *width = &g->axes[BC_WIDTH];
  return (bc_extract){first + rows.begin % g->in_channels, width->stride * g->input.pixel,
                      bc_range_length(input_rows) * width->input / width->stride,
                      bc_range_length(rows)};
}

/* Taps of the height, rows of output and of input that belong together. */
typedef struct rows_met {
  bc_range taps, output, input;
} rows_met;

/* NHWC: whole pixels. Where one tap of a long stride is met, every other row of them or so. */
static bc_extract pixels_extract(const bc_geometry *g, const float *image, int64_t images,
                                 bc_range rows, const rows_met *met)
{
  const int64_t stride = g->axes[BC_HEIGHT].stride;
  const int64_t row = g->axes[BC_WIDTH].input * g->input.pixel;
  const float *first = image + met->input.begin * row;
  if (images > 1)
    return (bc_extract){image, g->input.image, images, g->input.image};
  if (bc_range_length(rows) < g->in_channels &&
      rows.begin / g->in_channels == (rows.end - 1) / g->in_channels)
    return channels_extract(g, first, rows, met->input);
  if (bc_range_length(met->taps) == 1 && stride > 1)
    return (bc_extract){first, stride * row, bc_range_length(met->output), row};
  return (bc_extract){first, row, bc_range_length(met->input), row};
}

bc_extract bc_lowered_extract(const bc_geometry *g, const float *image, int64_t images,
                              bc_range rows, bc_range pixels)
{
  const bc_axis *height = &g->axes[BC_HEIGHT];
  const int64_t width = g->axes[BC_WIDTH].output;
  rows_met met = {
      taps_of_height(g, rows), {pixels.begin / width, (pixels.end - 1) / width + 1}, {0, 0}};
  met.input.begin = rows_under(height, met.output.begin, met.taps).begin;
  met.input.end = rows_under(height, met.output.end - 1, met.taps).end;
  if (g->axes[BC_DEPTH].input > 1 || g->groups > 1 || met.input.end <= met.input.begin)
    return (bc_extract){0};
  return g->layout == BLASCONV_NCHW ? maps_extract(g, image, images, rows, met.input)
                                    : pixels_extract(g, image, images, rows, &met);
}
