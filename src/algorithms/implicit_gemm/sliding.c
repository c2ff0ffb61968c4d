#include "sliding.h"

#include "algorithms/blocks.h"

enum { MOST_CHANNELS = 8, MOST_PATCH_ROWS = 256, MOST_REACH = 64, MOST_COLUMNS = 1 << 20 };

enum { MOST_PIXELS = 1024 };

/* Taps that are near each other, so that copied rows are not much more than what they meet. */
static bool is_near(const bc_axis *axis)
{
  return (axis->kernel - 1) * axis->dilation < MOST_REACH && axis->stride <= MOST_REACH;
}

static bool is_plane(const bc_axis *depth)
{
  return depth->kernel == 1 && depth->input == 1 && depth->output == 1 && depth->pad_begin == 0;
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
