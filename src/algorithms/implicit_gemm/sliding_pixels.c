#include "sliding.h"

#include "algorithms/blocks.h"
#include "cpu.h"
#include "kernels/product.h"
#include "parallel.h"
#include "weights.h"

/* Results are fetched so many tiles before they are written: one tile is shorter than memory takes.
 */
enum { TILES_AHEAD = 2 };

static const bc_product_kernels *kernels(void)
{
  return bc_cpu_kernels()->product;
}

static int64_t panels_of(const bc_geometry *g)
{
  return bc_count_blocks(g->out_channels, kernels()->lanes);
}

/* Of weights that were not packed before. */
static int64_t panel_elements(const bc_geometry *g)
{
  return panels_of(g) * g->patch_rows * kernels()->lanes;
}

/* Of a thread's areas, in their order: panels, shifts, the strip. */
static size_t thread_bytes(const bc_geometry *g, int64_t output_rows)
{
  return bc_workspace_book(panel_elements(g)) + bc_workspace_book_words(g->patch_rows) +
         bc_workspace_book(bc_strip_of(g, output_rows).elements);
}

bool bc_sliding_pixels_serve(const bc_geometry *g, const bc_request *request)
{
  return request->pass == BLASCONV_FORWARD && !request->accumulate && g->layout == BLASCONV_NHWC &&
         bc_slides(g) && g->out_channels % (kernels()->lanes / 2) == 0 &&
         g->axes[BC_WIDTH].output >= kernels()->rows && thread_bytes(g, 1) <= request->room;
}

bc_schedule bc_sliding_pixels_prepare(const bc_geometry *g, const bc_request *request)
{
  return bc_sliding_schedule(g, request, thread_bytes);
}

bc_work bc_sliding_pixels_work(const bc_geometry *g, const bc_schedule *schedule)
{
  const bc_product_kernels *k = kernels();
  const double rows = (double)(g->batch * g->axes[BC_HEIGHT].output);
  const double halves = (double)bc_count_blocks(g->out_channels, k->lanes / 2);
  const double tiles =
      rows * halves / 2.0 * (double)bc_count_blocks(g->axes[BC_WIDTH].output, k->rows);
  const bc_strip strip = bc_strip_of(g, schedule->blocks.pixels);
  return (bc_work){.tiles = tiles / 2.0, /* as in sliding_maps.c */
                   .multiplications = tiles * (double)(k->lanes * k->rows * g->patch_rows),
                   .moved = (double)schedule->tasks * (double)strip.elements,
                   .run = strip.row};
}

typedef struct job {
  const bc_sliding_context *ctx;
  const bc_geometry *g;
  const bc_product_kernels *kernels;
  bc_sliding_unit unit;
  bc_strip strip;
  float *own_panels;   /* [panels][patch rows][lanes] */
  const float *panels; /* these, or those that were packed before */
  int64_t *shifts;     /* [patch rows]: from where a pixel's first tap is */
  float *copy;         /* the strip */
} job;

static void find_shifts(const job *j)
{
  const bc_geometry *g = j->g;
  const bc_axis *height = &g->axes[BC_HEIGHT], *width = &g->axes[BC_WIDTH];
  int64_t *shift = j->shifts;
  for (int64_t down = 0; down < height->kernel; ++down)
    for (int64_t right = 0; right < width->kernel; ++right)
      for (int64_t channel = 0; channel < g->in_channels; ++channel)
        *shift++ = down * height->dilation * j->strip.row +
                   right * width->dilation * j->strip.column + channel;
}

static void find_panels(job *j)
{
  const bc_geometry *g = j->g;
  const bc_tensors *tensors = j->ctx->tensors;
  j->panels = tensors->packed;
  if (j->panels != NULL)
    return;
  const bc_walk walk = bc_walk_at(g, BLASCONV_FORWARD, 0);
  bc_pack_weights(
      &walk, tensors->weights, (bc_range){0, g->out_channels}, (bc_range){0, g->patch_rows},
      &(bc_packing){j->own_panels, j->kernels->lanes, g->patch_rows * j->kernels->lanes});
  j->panels = j->own_panels;
}

/* All filters at the pixels of a tile. Meanwhile `coming` is fetched, where as many results will be
 * written. */
static void slide_filters(const job *j, bc_panel_product *tile, const float *coming)
{
  const int64_t filters = j->g->out_channels, lanes = j->kernels->lanes;
  const int64_t at_once = tile->rows * lanes;
  tile->panel = j->panels;
  for (tile->offset = 0; tile->offset < filters; tile->offset += lanes, coming += at_once) {
    for (int64_t i = 0; i < at_once; i += BC_CACHE_LINE)
      __builtin_prefetch(coming + i, 1);
    tile->half = 2 * (filters - tile->offset) <= lanes;
    j->kernels->slide_rows(tile);
    tile->panel += tile->length * lanes;
  }
}

/* The last tile begins earlier rather than to be smaller. */
static void slide_row(const job *j, int64_t row)
{
  const bc_geometry *g = j->g;
  const int64_t columns = g->axes[BC_WIDTH].output, at_once = j->kernels->rows;
  const int64_t step = g->axes[BC_WIDTH].stride * j->strip.column;
  const float *pixels =
      j->copy + (row - j->unit.rows.begin) * g->axes[BC_HEIGHT].stride * j->strip.row;
  float *results =
      j->ctx->tensors->result + j->unit.image * g->output.image + row * columns * g->out_channels;
  const float *rows_at[BC_MOST_TILE_ROWS];
  float *results_at[BC_MOST_TILE_ROWS];
  bc_panel_product tile = {.rows = at_once,
                           .rows_at = rows_at,
                           .segments = 1,
                           .length = g->patch_rows,
                           .results = results_at,
                           .shifts = j->shifts};
  for (int64_t column = 0; column < columns; column += at_once) {
    const int64_t first = bc_min(column, columns - at_once);
    for (int64_t i = 0; i < at_once; ++i) {
      rows_at[i] = pixels + (first + i) * step;
      results_at[i] = results + (first + i) * g->out_channels;
    }
    slide_filters(j, &tile, results + (first + TILES_AHEAD * at_once) * g->out_channels);
  }
}

static job find_job(const bc_sliding_context *ctx, int64_t task, int thread)
{
  const bc_geometry *g = &ctx->plan->geometry;
  const int64_t rows = ctx->plan->schedule.blocks.pixels;
  char *area =
      (char *)bc_workspace_of_thread(&ctx->plan->schedule.workspace, ctx->workspace, thread);
  job j = {.ctx = ctx,
           .g = g,
           .kernels = kernels(),
           .unit = bc_sliding_unit_at(g, rows, task),
           .strip = bc_strip_of(g, rows)};
  j.own_panels = (float *)(void *)area;
  j.shifts = (int64_t *)(void *)(area += bc_workspace_book(panel_elements(g)));
  j.copy = (float *)(void *)(area + bc_workspace_book_words(g->patch_rows));
  return j;
}

static void run_task(void *argument, int64_t task, int thread)
{
  const bc_sliding_context *ctx = argument;
  job j = find_job(ctx, task, thread);
  find_shifts(&j);
  find_panels(&j);
  bc_copy_strip(j.g, &j.strip, ctx->tensors->input + j.unit.image * j.g->input.image,
                j.unit.rows.begin, j.copy);
  for (int64_t row = j.unit.rows.begin; row < j.unit.rows.end; ++row)
    slide_row(&j, row);
  bc_sliding_epilogue(ctx, &j.unit);
}

void bc_sliding_pixels_run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace)
{
  bc_sliding_context ctx = {plan, tensors, workspace};
  bc_parallel_for(plan->threads, plan->schedule.tasks, run_task, &ctx);
}
