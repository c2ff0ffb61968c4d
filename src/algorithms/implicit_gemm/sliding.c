#include "sliding.h"

#include "algorithms/blocks.h"

#include <string.h>

enum { MOST_CHANNELS = 8, MOST_PATCH_ROWS = 256, MOST_REACH = 64, MOST_COLUMNS = 1 << 20 };

enum { MOST_PIXELS = 1024 };

/* Taps that are near each other, so that copied rows are not much more than what they meet. */
static bool is_near(const bc_axis *axis)
{
  return (axis->kernel - 1) * axis->dilation < MOST_REACH && axis->stride <= MOST_REACH;
}

static bool is_plane(const bc_axis *depth)
{
  return depth->input == 1 && bc_stands_on_each_pixel(depth);
}

bool bc_slides(const bc_geometry *g)
{
  return g->groups == 1 && g->in_channels <= MOST_CHANNELS && g->taps > 1 &&
         g->patch_rows <= MOST_PATCH_ROWS && is_plane(&g->axes[BC_DEPTH]) &&
         is_near(&g->axes[BC_HEIGHT]) && is_near(&g->axes[BC_WIDTH]) &&
         g->axes[BC_WIDTH].output <= MOST_COLUMNS;
}

int64_t bc_sliding_rows(const bc_geometry *g)
{
  return bc_even_block(g->axes[BC_HEIGHT].output, bc_max(1, MOST_PIXELS / g->axes[BC_WIDTH].output),
                       1);
}

int64_t bc_sliding_units(const bc_geometry *g, int64_t rows)
{
  return g->batch * bc_count_blocks(g->axes[BC_HEIGHT].output, rows);
}

int64_t bc_sliding_input_rows(const bc_geometry *g, int64_t rows)
{
  const bc_axis *height = &g->axes[BC_HEIGHT];
  return (rows - 1) * height->stride + (height->kernel - 1) * height->dilation + 1;
}

bc_schedule bc_sliding_schedule(const bc_geometry *g, const bc_request *request,
                                bc_sliding_bytes *thread_bytes)
{
  int64_t rows = bc_sliding_rows(g);
  while (rows > 1 && (thread_bytes(g, rows) > request->room ||
                      bc_sliding_units(g, rows) < bc_wanted_tasks(request)))
    rows = bc_count_blocks(rows, 2);
  return (bc_schedule){.blocks.pixels = rows,
                       .tasks = bc_sliding_units(g, rows),
                       .workspace.thread_bytes = thread_bytes(g, rows)};
}

bc_sliding_unit bc_sliding_unit_at(const bc_geometry *g, int64_t rows, int64_t number)
{
  const int64_t height = g->axes[BC_HEIGHT].output, blocks = bc_count_blocks(height, rows);
  return (bc_sliding_unit){.image = number / blocks,
                           .rows = bc_block(number % blocks, rows, height)};
}

void bc_sliding_epilogue(const bc_sliding_context *ctx, const bc_sliding_unit *unit)
{
  const bc_geometry *g = &ctx->plan->geometry;
  const int64_t columns = g->axes[BC_WIDTH].output;
  const int64_t offset =
      unit->image * g->output.image + unit->rows.begin * columns * g->output.pixel;
  bc_epilogue_apply(&ctx->tensors->epilogue,
                    bc_view(g->output, g->out_channels, bc_range_length(unit->rows) * columns), 0,
                    offset, ctx->tensors->result + offset);
}

bc_strip bc_strip_of(const bc_geometry *g, int64_t output_rows)
{
  const bool by_pixel = g->layout == BLASCONV_NHWC;
  const bc_axis *width = &g->axes[BC_WIDTH];
  bc_strip s = {.rows = bc_sliding_input_rows(g, output_rows),
                .columns =
                    (width->output - 1) * width->stride + (width->kernel - 1) * width->dilation + 1,
                .column = by_pixel ? g->in_channels : 1};
  s.row = s.columns * s.column;
  s.channel = by_pixel ? 1 : s.rows * s.row;
  s.elements = s.rows * s.columns * g->in_channels;
  return s;
}

/* A row of the input into one of the strip, zero where there is none. */
static void copy_row(const bc_geometry *g, const bc_strip *strip, const float *map, int64_t row,
                     float *to)
{
  const bc_axis *height = &g->axes[BC_HEIGHT], *width = &g->axes[BC_WIDTH];
  const int64_t column = strip->column, all = strip->columns;
  const bool inside = row >= 0 && row < height->input;
  const int64_t begin = inside ? bc_min(all, width->pad_begin) : all;
  const int64_t end = inside ? bc_max(begin, bc_min(all, width->pad_begin + width->input)) : all;
  memset(to, 0, (size_t)(begin * column) * sizeof *to);
  if (begin < end)
    memcpy(to + begin * column, map + row * width->input * column,
           (size_t)((end - begin) * column) * sizeof *to);
  memset(to + end * column, 0, (size_t)((all - end) * column) * sizeof *to);
}

void bc_copy_strip(const bc_geometry *g, const bc_strip *strip, const float *image, int64_t first,
                   float *copy)
{
  const bc_axis *height = &g->axes[BC_HEIGHT];
  const int64_t top = first * height->stride - height->pad_begin;
  const int64_t maps = g->layout == BLASCONV_NHWC ? 1 : g->in_channels;
  for (int64_t map = 0; map < maps; ++map)
    for (int64_t row = 0; row < strip->rows; ++row)
      copy_row(g, strip, image + map * g->input.channel, top + row,
               copy + map * strip->channel + row * strip->row);
}
