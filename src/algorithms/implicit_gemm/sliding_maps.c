#include "sliding.h"

#include "algorithms/blocks.h"
#include "cpu.h"
#include "kernels/kernels.h"
#include "kernels/product.h"
#include "parallel.h"
#include "weights.h"

#include <string.h>

static const bc_product_kernels *kernels(void)
{
  return bc_cpu_kernels()->product;
}

/* The copied rows under some rows of output: [channels][rows][phases][length]. Phase p has columns
 * p, p + stride, ..., counted from the first pad. */
typedef struct strip {
  int64_t rows, phases, length;
} strip;

static strip strip_of(const bc_geometry *g, int64_t output_rows)
{
  const bc_axis *width = &g->axes[BC_WIDTH];
  const int64_t reach = (width->kernel - 1) * width->dilation;
  return (strip){.rows = bc_sliding_input_rows(g, output_rows),
                 .phases = width->stride,
                 .length = width->output + reach / width->stride};
}

static size_t thread_bytes(const bc_geometry *g, int64_t output_rows)
{
  const strip s = strip_of(g, output_rows);
  return bc_workspace_book(g->in_channels * s.rows * s.phases * s.length) +
         bc_workspace_book_words(g->patch_rows) + bc_workspace_book_words(2 * g->out_channels);
}

bool bc_sliding_maps_serve(const bc_geometry *g, const bc_request *request)
{
  return request->pass == BLASCONV_FORWARD && !request->accumulate && g->layout == BLASCONV_NCHW &&
         bc_slides(g) && g->out_channels >= kernels()->rows &&
         g->axes[BC_WIDTH].output >= kernels()->lanes && thread_bytes(g, 1) <= request->room;
}

bc_schedule bc_sliding_maps_prepare(const bc_geometry *g, const bc_request *request)
{
  return bc_sliding_schedule(g, request, thread_bytes);
}

bc_work bc_sliding_maps_work(const bc_geometry *g, const bc_schedule *schedule)
{
  const strip s = strip_of(g, schedule->blocks.pixels);
  const bc_product_kernels *k = kernels();
  const double rows = (double)(g->batch * g->axes[BC_HEIGHT].output);
  const double halves = (double)bc_count_blocks(g->axes[BC_WIDTH].output, k->lanes / 2);
  const double tiles = rows * halves / 2.0 * (double)bc_count_blocks(g->out_channels, k->rows);
  /* Nothing is looked up for a tile, nor packed: it costs half of another, beside its terms. */
  return (bc_work){.tiles = tiles / 2.0,
                   .multiplications = tiles * (double)(k->lanes * k->rows * g->patch_rows),
                   .moved = (double)(schedule->tasks * g->in_channels * s.rows) *
                            (double)(s.phases * s.length),
                   .run = s.length};
}

typedef struct job {
  const bc_sliding_context *ctx;
  const bc_geometry *g;
  const bc_product_kernels *kernels;
  strip strip;
  bc_sliding_unit unit;
  float *copy;           /* the strip */
  int64_t *shifts;       /* [patch rows]: from where its first column's first tap is */
  const float **rows_at; /* [filters]: their weights, `step` elements from one to the next */
  float **results;       /* [filters]: where their maps of the image begin */
  int64_t step;
} job;

/* A phase of a row of the input, zero where there is none. */
static void copy_phase(const job *j, const float *row, int64_t phase, float *to)
{
  const bc_axis *width = &j->g->axes[BC_WIDTH];
  const int64_t stride = width->stride, length = j->strip.length;
  const int64_t first = phase - width->pad_begin; /* may be a pad */
  const int64_t begin = first < 0 ? bc_min(length, bc_count_blocks(-first, stride)) : 0;
  const int64_t last = bc_count_blocks(bc_max(0, width->input - first), stride);
  const int64_t end = bc_max(begin, bc_min(length, last));
  memset(to, 0, (size_t)begin * sizeof *to);
  if (begin < end)
    bc_cpu_kernels()->gather(
        &(bc_grid){.planes = 1, .rows = 1, .columns = end - begin, .column_step = stride},
        row + first + begin * stride, to + begin);
  memset(to + end, 0, (size_t)(length - end) * sizeof *to);
}

static void copy_row(const job *j, const float *map, int64_t row, float *to)
{
  const bc_axis *height = &j->g->axes[BC_HEIGHT];
  if (row < 0 || row >= height->input) {
    memset(to, 0, (size_t)(j->strip.phases * j->strip.length) * sizeof *to);
    return;
  }
  for (int64_t phase = 0; phase < j->strip.phases; ++phase)
    copy_phase(j, map + row * j->g->axes[BC_WIDTH].input, phase, to + phase * j->strip.length);
}

static void copy_strip(const job *j)
{
  const bc_geometry *g = j->g;
  const bc_axis *height = &g->axes[BC_HEIGHT];
  const int64_t top = j->unit.rows.begin * height->stride - height->pad_begin;
  float *to = j->copy;
  for (int64_t channel = 0; channel < g->in_channels; ++channel) {
    const float *map =
        j->ctx->tensors->input + j->unit.image * g->input.image + channel * g->input.channel;
    for (int64_t row = 0; row < j->strip.rows; ++row, to += j->strip.phases * j->strip.length)
      copy_row(j, map, top + row, to);
  }
}

/* Where each tap begins, from where the first column of the first row does. */
static void find_shifts(const job *j)
{
  const bc_geometry *g = j->g;
  const bc_axis *height = &g->axes[BC_HEIGHT], *width = &g->axes[BC_WIDTH];
  const int64_t row_length = j->strip.phases * j->strip.length;
  int64_t *shift = j->shifts;
  for (int64_t channel = 0; channel < g->in_channels; ++channel)
    for (int64_t down = 0; down < height->kernel; ++down)
      for (int64_t right = 0; right < width->kernel; ++right) {
        const int64_t row = channel * j->strip.rows + down * height->dilation;
        const int64_t column = right * width->dilation;
        *shift++ =
            row * row_length + column % width->stride * j->strip.length + column / width->stride;
      }
}

/* Packed weights are [blocks][depth][width]. */
static void find_weights(job *j)
{
  const bc_tensors *tensors = j->ctx->tensors;
  const int64_t depth = j->g->patch_rows, width = bc_packed_width(tensors->packed_form);
  const float *packed = tensors->packed;
  for (int64_t filter = 0; filter < j->g->out_channels; ++filter)
    j->rows_at[filter] = packed == NULL ? tensors->weights + filter * depth
                                        : packed + filter / width * width * depth + filter % width;
  j->step = packed == NULL ? 1 : width;
}

/* Where so many columns are left: half a panel's, a panel's, or, where tiles can have two, one and
 * a half: rows are as many as with one. */
static int64_t lanes_of_tile(const bc_product_kernels *k, int64_t columns)
{
  const int64_t half = k->lanes / 2;
  if (bc_panels_at_once(k) == 2 && columns >= 3 * half)
    return 3 * half;
  return columns > half ? k->lanes : half;
}

/* A row of output of some filters: their weights and the rows that they slide over stay in the
 * first-level cache. The last tile begins earlier rather than to be smaller. */
static void slide_filters(const job *j, int64_t row, int64_t filter)
{
  const bc_product_kernels *k = j->kernels;
  const int64_t columns = j->g->axes[BC_WIDTH].output;
  const int64_t down = (row - j->unit.rows.begin) * j->g->axes[BC_HEIGHT].stride;
  const float *first = j->copy + down * j->strip.phases * j->strip.length;
  bc_panel_product tile = {.rows = k->rows,
                           .rows_at = j->rows_at + filter,
                           .segments = 1,
                           .length = j->g->patch_rows,
                           .step = j->step,
                           .shifts = j->shifts,
                           .results = j->results + filter};
  for (int64_t column = 0, lanes; column < columns; column += lanes) {
    lanes = lanes_of_tile(k, columns - column);
    const int64_t begin = bc_min(column, columns - lanes);
    tile.panel = first + begin;
    tile.beside = lanes > k->lanes ? tile.panel + k->lanes : NULL;
    tile.half = lanes != k->lanes;
    tile.offset = row * columns + begin;
    k->slide_panel(&tile);
  }
}

/* Again, the last tile begins earlier. */
static void slide_row(const job *j, int64_t row)
{
  const int64_t filters = j->g->out_channels, at_once = j->kernels->rows;
  for (int64_t filter = 0; filter < filters; filter += at_once)
    slide_filters(j, row, bc_min(filter, filters - at_once));
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
           .strip = strip_of(g, rows),
           .unit = bc_sliding_unit_at(g, rows, task)};
  j.shifts = (int64_t *)(void *)area;
  j.rows_at = (const float **)(void *)(area += bc_workspace_book_words(g->patch_rows));
  j.results = (float **)(void *)(j.rows_at + g->out_channels);
  j.copy = (float *)(void *)(area + bc_workspace_book_words(2 * g->out_channels));
  for (int64_t filter = 0; filter < g->out_channels; ++filter)
    j.results[filter] =
        ctx->tensors->result + j.unit.image * g->output.image + filter * g->output.channel;
  return j;
}

static void run_task(void *argument, int64_t task, int thread)
{
  const bc_sliding_context *ctx = argument;
  job j = find_job(ctx, task, thread);
  find_shifts(&j);
  find_weights(&j);
  copy_strip(&j);
  for (int64_t row = j.unit.rows.begin; row < j.unit.rows.end; ++row)
    slide_row(&j, row);
  bc_sliding_epilogue(ctx, &j.unit);
}

void bc_sliding_maps_run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace)
{
  bc_sliding_context ctx = {plan, tensors, workspace};
  bc_parallel_for(plan->threads, plan->schedule.tasks, run_task, &ctx);
}
