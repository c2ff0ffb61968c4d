#include "geometry.h"

bc_range bc_axis_inside(const bc_axis *axis, int64_t tap)
{
  /* Input position 0 is met at output position -offset / stride, position input - 1 is the last. */
  const int64_t offset = tap * axis->dilation - axis->pad_begin;
  const int64_t last = axis->input - 1 - offset;
  const int64_t begin = offset >= 0 ? 0 : bc_count_blocks(-offset, axis->stride);
  const int64_t end = last < 0 ? 0 : last / axis->stride + 1;
  const int64_t clamped = bc_min(end, axis->output);
  return (bc_range){bc_min(begin, clamped), clamped};
}

bc_range bc_axis_outputs(const bc_axis *axis, bc_range inputs)
{
  const int64_t first = inputs.begin + axis->pad_begin - (axis->kernel - 1) * axis->dilation;
  const int64_t last = inputs.end - 1 + axis->pad_begin;
  const int64_t begin = first <= 0 ? 0 : bc_count_blocks(first, axis->stride);
  const int64_t end = last < 0 ? 0 : bc_min(axis->output, last / axis->stride + 1);
  return (bc_range){begin, end};
}

static bool every_axis(const bc_geometry *geometry, bool (*holds)(const bc_axis *axis))
{
  return holds(&geometry->axes[BC_DEPTH]) && holds(&geometry->axes[BC_HEIGHT]) &&
         holds(&geometry->axes[BC_WIDTH]);
}

bool bc_stands_on_each_pixel(const bc_axis *axis)
{
  return axis->kernel == 1 && axis->stride == 1 && axis->pad_begin == 0 &&
         axis->output == axis->input;
}

static bool covers_all(const bc_axis *axis)
{
  return axis->kernel == axis->input && (axis->dilation == 1 || axis->kernel == 1) &&
         axis->pad_begin == 0 && axis->output == 1;
}

bool bc_geometry_is_pointwise(const bc_geometry *geometry)
{
  return every_axis(geometry, bc_stands_on_each_pixel);
}

static void set_pixels(bc_geometry *g, int64_t pixels)
{
  const bc_axis one = {.input = 1, .kernel = 1, .stride = 1, .dilation = 1, .output = 1};
  g->axes[BC_DEPTH] = g->axes[BC_HEIGHT] = g->axes[BC_WIDTH] = one;
  g->axes[BC_WIDTH].input = g->axes[BC_WIDTH].output = pixels;
  g->in_pixels = g->out_pixels = pixels;
  g->taps = 1;
  g->patch_rows = g->in_channels;
  g->row_of_channel = 1;
  g->row_of_tap = g->in_channels;
}

/* Of one pixel each. */
static bc_steps channels_last(int64_t groups, int64_t channels)
{
  return (bc_steps){
      .image = groups * channels, .group = channels, .channel = 1, .pixel = groups * channels};
}

/* In NHWC the groups' parts of an image lie within each pixel. */
static bool is_one_pixel(const bc_geometry *g, bool keep_channels)
{
  return every_axis(g, covers_all) && (g->layout == BLASCONV_NCHW || g->groups == 1) &&
         (g->taps == 1 || !keep_channels);
}

void bc_geometry_simplify(bc_geometry *g, bool keep_channels)
{
  if (is_one_pixel(g, keep_channels)) {
    g->layout = BLASCONV_NHWC;
    g->in_channels = g->patch_rows;
    set_pixels(g, 1);
    g->input = channels_last(g->groups, g->in_channels);
    g->output = channels_last(g->groups, g->out_channels);
  }
  if (!bc_geometry_is_pointwise(g))
    return;
  set_pixels(g, g->in_pixels);
  if (g->layout == BLASCONV_NHWC && g->batch > 0) {
    set_pixels(g, g->batch * g->in_pixels);
    g->batch = 1;
  }
}
