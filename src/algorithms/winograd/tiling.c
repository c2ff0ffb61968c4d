#include "tiling.h"

#include "cpu.h"
#include "kernels/kernels.h"

static const bc_winograd_kernels *kernels(void)
{
  return bc_cpu_kernels()->winograd;
}

static bool has_taps(const bc_winograd_transforms *t, const bc_geometry *g)
{
  return t->height.taps == g->axes[BC_HEIGHT].kernel && t->width.taps == g->axes[BC_WIDTH].kernel;
}

static bool is_plain(const bc_axis *axis)
{
  return axis->stride == 1 && (axis->dilation == 1 || axis->kernel == 1);
}

const char *bc_tiling_reject(const bc_geometry *g)
{
  if (!bc_stands_on_each_pixel(&g->axes[BC_DEPTH]))
    return "filters reach along the depth, or it has strides or pads";
  if (!is_plain(&g->axes[BC_HEIGHT]) || !is_plain(&g->axes[BC_WIDTH]))
    return "a stride or a dilation is not 1";
  for (int64_t i = 0; i < kernels()->count; ++i)
    if (has_taps(&kernels()->transforms[i], g))
      return NULL;
  return "there are no transforms for filters of this size";
}

static bc_tiling_axis tile_axis(const bc_sweep *sweep, bc_winograd_axis form)
{
  return (bc_tiling_axis){.form = form,
                          .results = sweep->results,
                          .sources = sweep->sources,
                          .begin = bc_sweep_phase(sweep, 0).offset,
                          .tiles = bc_count_blocks(sweep->results, form.results)};
}

/* Products of all tiles of a plane, for a channel and a filter. */
static double count_products(const bc_winograd_transforms *t, const bc_sums *sums)
{
  return (double)(t->height.points * t->width.points) *
         (double)bc_count_blocks(sums->axes[BC_HEIGHT].results, t->height.results) *
         (double)bc_count_blocks(sums->axes[BC_WIDTH].results, t->width.results);
}

/* With the fewest products. */
static const bc_winograd_transforms *choose(const bc_geometry *g, const bc_sums *sums)
{
  const bc_winograd_transforms *best = NULL;
  for (int64_t i = 0; i < kernels()->count; ++i) {
    const bc_winograd_transforms *t = &kernels()->transforms[i];
    if (has_taps(t, g) && (best == NULL || count_products(t, sums) < count_products(best, sums)))
      best = t;
  }
  return best;
}

bc_tiling bc_tiling_of(const bc_geometry *g, blasconv_pass pass)
{
  const bool forward = pass != BLASCONV_BACKWARD_DATA;
  const bc_sums sums = bc_sums_of(g, forward);
  const bc_winograd_transforms *t = choose(g, &sums);
  bc_tiling tiling = {.transforms = t,
                      .height = tile_axis(&sums.axes[BC_HEIGHT], t->height),
                      .width = tile_axis(&sums.axes[BC_WIDTH], t->width),
                      .points = t->height.points * t->width.points,
                      .taps = g->taps,
                      .depth = g->axes[BC_DEPTH].output,
                      .sums = sums,
                      .turned = !forward};
  tiling.tiles = bc_max(1, g->batch) * tiling.depth * tiling.height.tiles * tiling.width.tiles;
  return tiling;
}

/* Source pixels along an axis that so many tiles meet. */
static int64_t tile_extent(const bc_tiling_axis *axis, int64_t tiles)
{
  return tiles * axis->form.results + axis->form.taps - 1;
}

/* The most tiles along an axis that meet no more than so many pixels; at least one. */
static int64_t most_tiles(const bc_tiling_axis *axis, int64_t pixels)
{
  return bc_max(1, (pixels - axis->form.taps + 1) / axis->form.results);
}

bc_region bc_next_region(const bc_tiling *t, int64_t tile, int64_t end, int64_t most)
{
  const int64_t columns = t->width.tiles, rows = t->height.tiles;
  const int64_t column = tile % columns, row = tile / columns % rows;
  const int64_t plane = tile / columns / rows;
  const int64_t whole_rows = bc_min((end - tile) / columns, rows - row);
  const int64_t fitting = most_tiles(&t->height, most / tile_extent(&t->width, columns));
  const int64_t in_row = most_tiles(&t->width, most / tile_extent(&t->height, 1));
  if (column == 0 && whole_rows > 0 && columns <= in_row)
    return (bc_region){plane, {row, row + bc_min(whole_rows, fitting)}, {0, columns}};
  return (bc_region){
      plane, {row, row + 1}, {column, bc_min(columns, column + bc_min(in_row, end - tile))}};
}

int64_t bc_count_tiles(const bc_region *region)
{
  return bc_range_length(region->rows) * bc_range_length(region->columns);
}

static bc_range clip(int64_t begin, int64_t end, int64_t extent)
{
  const int64_t first = bc_min(bc_max(0, begin), extent);
  return (bc_range){first, bc_max(first, bc_min(end, extent))};
}

static bc_range axis_sources(const bc_tiling_axis *axis, bc_range tiles)
{
  const int64_t begin = axis->begin + tiles.begin * axis->form.results;
  return clip(begin, begin + tile_extent(axis, bc_range_length(tiles)), axis->sources);
}

static bc_range axis_results(const bc_tiling_axis *axis, bc_range tiles)
{
  return clip(tiles.begin * axis->form.results, tiles.end * axis->form.results, axis->results);
}

/* Planes of `height` rows of `width` pixels each, in a tensor of these steps. */
static bc_pixels pixels_at(const bc_tiling *t, int64_t plane, bc_range rows, bc_range columns,
                           int64_t height, int64_t width, bc_steps steps)
{
  const int64_t row = plane % t->depth * height + rows.begin;
  return (bc_pixels){.rows = rows,
                     .columns = columns,
                     .width = width,
                     .first = plane / t->depth * steps.image +
                              (row * width + columns.begin) * steps.pixel};
}

bc_pixels bc_region_sources(const bc_tiling *t, const bc_region *region)
{
  return pixels_at(t, region->plane, axis_sources(&t->height, region->rows),
                   axis_sources(&t->width, region->columns), t->height.sources, t->width.sources,
                   t->sums.from);
}

bc_pixels bc_region_results(const bc_tiling *t, const bc_region *region)
{
  return pixels_at(t, region->plane, axis_results(&t->height, region->rows),
                   axis_results(&t->width, region->columns), t->height.results, t->width.results,
                   t->sums.to);
}

static bool has_whole_rows(const bc_pixels *pixels)
{
  return bc_range_length(pixels->columns) == pixels->width;
}

int64_t bc_count_runs(const bc_pixels *pixels)
{
  return has_whole_rows(pixels) ? 1 : bc_range_length(pixels->rows);
}

int64_t bc_run_length(const bc_pixels *pixels)
{
  return bc_range_length(pixels->columns) *
         (has_whole_rows(pixels) ? bc_range_length(pixels->rows) : 1);
}
