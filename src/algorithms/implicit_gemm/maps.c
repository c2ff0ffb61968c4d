#include "maps.h"

#include "algorithms/blocks.h"
#include "cpu.h"
#include "panel.h"
#include "parallel.h"
#include "weights.h"

#include <string.h>

/* What stands for a pad in the table of pixels. */
static const float zeros[BC_MOST_DEPTH];

typedef struct context {
  const blasconv_plan *plan;
  const bc_tensors *tensors;
  const bc_product_kernels *kernels;
  bc_map_areas areas;
  bool has_gaps; /* some positions meet no tap, as with strides longer than the kernel */
  void *workspace;
} context;

static const float *source(const context *ctx)
{
  return ctx->plan->request.pass == BLASCONV_FORWARD ? ctx->tensors->input : ctx->tensors->output;
}

/* What a task computes of one walk, in one block of its depth. */
typedef struct job {
  const context *ctx;
  bc_walk walk;
  const float *packed; /* the walk's weights of all groups, if they are packed; else NULL */
  int64_t group;
  bc_range channels, positions, depth;
  int64_t segments, step; /* of rows, as a tile has them */
  bool add;
  float *panels; /* these are in bc_map_areas */
  int64_t *places;
  const float **rows;
  float **results;
  float *copies;
} job;

static void find_buffers(const context *ctx, int thread, job *j)
{
  const bc_map_areas *a = &ctx->areas;
  char *area =
      (char *)bc_workspace_of_thread(&ctx->plan->schedule.workspace, ctx->workspace, thread);
  j->panels = (float *)(void *)area;
  j->places = (int64_t *)(void *)(area += a->panels);
  j->rows = (const float **)(void *)(area += a->places);
  j->results = (float **)(void *)(area += a->rows);
  j->copies = (float *)(void *)(area + a->results);
}

static bc_range row_range(const job *j)
{
  return j->walk.taps_last ? j->channels : j->positions;
}

static bc_range lane_range(const job *j)
{
  return j->walk.taps_last ? j->positions : j->channels;
}

static int64_t count_panels(const job *j)
{
  return bc_count_blocks(bc_range_length(lane_range(j)), j->ctx->kernels->lanes);
}

/* The packed weights of the block of `width` channels of the result that begins at `channel`, over
 * the job's depth. */
static const float *packed_block(const job *j, int64_t channel, int64_t width)
{
  const int64_t blocks = bc_count_blocks(j->walk.result_channels, width);
  return j->packed +
         ((j->group * blocks + channel / width) * j->walk.depth + j->depth.begin) * width;
}

static const float *group_weights(const job *j)
{
  return j->ctx->tensors->weights + bc_weights_offset(&j->ctx->plan->geometry, j->group);
}

/* Panel number `index` in the workspace. */
static float *own_panel(const job *j, int64_t index)
{
  return j->panels + index * bc_range_length(j->depth) * j->ctx->kernels->lanes;
}

/* ---- NCHW: rows are filters ---- */

/* A filter's weights over the depth are neighbours. */
static bool are_rows(const bc_walk *walk)
{
  return walk->weights.source == walk->taps && (walk->taps == 1 || walk->weights.tap == 1);
}

/* Copies the weights of each filter, so that rows follow each other: those of long filters lie at
 * distances of which powers of two share few sets of the caches. */
static void copy_filters(job *j)
{
  const int64_t n = bc_range_length(j->depth), rows = bc_range_length(j->channels);
  const float *first =
      group_weights(j) + j->channels.begin * j->walk.weights.result + j->depth.begin;
  for (int64_t row = 0; row < rows; ++row) {
    float *copy = j->copies + row * n;
    const float *from = first + row * j->walk.weights.result;
    if (row + 1 < rows)
      bc_expect_row(from + j->walk.weights.result, n);
    memcpy(copy, from, (size_t)n * sizeof *copy);
    j->rows[row] = copy;
  }
  j->step = 1;
}

/* The filters' tiles, packed before or now. */
static void pack_filters(job *j)
{
  const int64_t width = j->ctx->kernels->rows, tile = width * bc_range_length(j->depth);
  if (j->packed == NULL)
    bc_pack_weights(&j->walk, group_weights(j), j->channels, j->depth,
                    &(bc_packing){j->copies, width, tile});
  for (int64_t row = 0; row < bc_range_length(j->channels); ++row) {
    const int64_t first = row - row % width;
    const float *rows = j->packed == NULL ? j->copies + first / width * tile
                                          : packed_block(j, j->channels.begin + first, width);
    j->rows[row] = rows + row % width;
  }
  j->step = width;
}

static void find_filters(job *j)
{
  j->segments = 1;
  for (int64_t c = j->channels.begin; c < j->channels.end; ++c)
    j->results[c - j->channels.begin] = j->ctx->tensors->result + c * j->walk.result.channel;
  if (j->packed == NULL && are_rows(&j->walk))
    copy_filters(j);
  else
    pack_filters(j);
}

/* Fills a panel with the job's depth of the places. */
static void gather_pixels(const job *j, const bc_places *places, float *panel)
{
  const bc_product_kernels *k = j->ctx->kernels;
  const bc_walk *walk = &j->walk;
  int32_t inside[BC_MOST_LANES];
  bc_depth_run run;
  for (int64_t next = 0; bc_next_run(walk, j->depth, &next, &run);) {
    const int64_t begin = run.first_channel * walk->source.channel + run.shift;
    bc_meet_source(walk, &run, places, inside);
    k->gather(&(bc_lanes_source){.source = source(j->ctx) + begin,
                                 .source_step = walk->source.channel,
                                 .offsets = places->source,
                                 .inside = inside,
                                 .lane_step = walk->axes[BC_WIDTH].source_step,
                                 .runs = places->runs,
                                 .run_ends = places->run_ends,
                                 .readable = -begin,
                                 .limit = walk->source_size - begin},
              run.channels, panel + (run.first - j->depth.begin) * k->lanes, run.step * k->lanes);
  }
}

static void gather_panels(const job *j)
{
  const int64_t lanes = j->ctx->kernels->lanes;
  bc_places places;
  for (int64_t p = j->positions.begin, i = 0; p < j->positions.end; p += lanes, ++i) {
    const int64_t count = bc_min(lanes, j->positions.end - p);
    bc_find_places(&j->walk, j->group, p, count, lanes, &places);
    gather_pixels(j, &places, own_panel(j, i));
    memcpy(j->places + i * lanes, places.result, (size_t)count * sizeof *j->places);
  }
}

/* ---- NHWC: rows are pixels ---- */

/* Columns of the source at which all that the run takes is in the image. */
static bc_range whole_columns(const bc_walk *walk, const bc_depth_run *run)
{
  const int64_t pixel = walk->source.pixel, end = run->first_channel + run->channels;
  if (walk->joined == 1)
    return (bc_range){INT64_MIN, INT64_MAX}; /* bc_meet_source() looked */
  return (bc_range){-(run->first_channel / pixel),
                    walk->axes[BC_WIDTH].source - bc_count_blocks(end, pixel) + 1};
}

/* A copy of what joined taps meet around a place where they reach over the edge of the image. */
static const float *copy_pixels(const job *j, const bc_depth_run *run, const bc_places *places,
                                int64_t place, float *copy)
{
  const int64_t pixel = j->walk.source.pixel, n = run->channels;
  const int64_t first = places->at[BC_WIDTH][place] * pixel + run->first_channel;
  const int64_t begin = bc_max(0, -first);
  const int64_t end = bc_min(n, j->walk.axes[BC_WIDTH].source * pixel - first);
  const float *from = source(j->ctx) + places->source[place] + run->shift + run->first_channel;
  memset(copy, 0, (size_t)n * sizeof *copy);
  if (begin < end)
    memcpy(copy + begin, from + begin, (size_t)(end - begin) * sizeof *copy);
  return copy;
}

/* Where a run's channels are for each of the places. */
static void find_run(const job *j, const bc_depth_run *run, const bc_places *places,
                     int64_t segment)
{
  const int64_t depth = bc_range_length(j->depth), tile_rows = j->ctx->kernels->rows;
  const int64_t offset = run->shift + run->first_channel;
  const float *from = source(j->ctx);
  const bc_range whole = whole_columns(&j->walk, run);
  int32_t inside[BC_MOST_PLACES];
  bc_meet_source(&j->walk, run, places, inside);
  for (int64_t first = 0; first < places->lanes; first += tile_rows) {
    const float **rows = j->rows + first * j->segments + segment * tile_rows;
    for (int64_t place = first; place < first + tile_rows; ++place) {
      const int64_t column = places->at[BC_WIDTH][place];
      float *copy = j->copies + place * depth + run->first - j->depth.begin;
      if (!inside[place])
        *rows++ = zeros;
      else if (column >= whole.begin && column < whole.end)
        *rows++ = from + (places->source[place] + offset);
      else
        *rows++ = copy_pixels(j, run, places, place, copy);
    }
  }
}

/* Where the pixels are in the result, and where their channels are for each tap of the depth. */
static void find_pixels(job *j)
{
  const int64_t count = bc_range_length(j->positions);
  bc_places places;
  bc_depth_run run;
  j->step = 1;
  j->segments = bc_count_blocks(bc_range_length(j->depth), j->walk.source_channels);
  bc_find_places(&j->walk, j->group, j->positions.begin, count,
                 bc_round_up(count, j->ctx->kernels->rows), &places);
  for (int64_t i = 0; i < count; ++i)
    j->results[i] = j->ctx->tensors->result + places.result[i];
  for (int64_t next = 0, segment = 0; bc_next_run(&j->walk, j->depth, &next, &run); ++segment)
    find_run(j, &run, &places, segment);
}

static void pack_panels(const job *j)
{
  const int64_t lanes = j->ctx->kernels->lanes;
  if (j->packed == NULL)
    bc_pack_weights(&j->walk, group_weights(j), j->channels, j->depth,
                    &(bc_packing){j->panels, lanes, lanes * bc_range_length(j->depth)});
  for (int64_t i = 0; i < bc_round_up(bc_range_length(j->channels), lanes); ++i)
    j->places[i] = j->channels.begin + i;
}

/* What the pixels behind these will read, those before `end`: of the last tap, which is the first
 * to come to new ones. */
static bc_coming expect_pixels(const job *j, int64_t end)
{
  const bc_walk *walk = &j->walk;
  const int64_t first = j->positions.end, rows = bc_min(BC_ROW_BLOCK, end - first);
  const int64_t tiles =
      count_panels(j) * bc_count_blocks(bc_range_length(j->positions), j->ctx->kernels->rows);
  bc_places places;
  bc_depth_run run = {0};
  if (rows == 0)
    return (bc_coming){0};
  for (int64_t next = 0; next < bc_range_length(j->depth);)
    bc_next_run(walk, j->depth, &next, &run);
  bc_find_places(walk, j->group, first, 1, 1, &places);
  return bc_expect(source(j->ctx) + places.source[0] + run.shift + run.first_channel,
                   walk->source.pixel * walk->axes[BC_WIDTH].source_step, rows, run.channels,
                   tiles);
}

/* ---- both ---- */

/* Panel number `index` of the job, which begins at `lane`. */
static const float *panel_at(const job *j, int64_t index, int64_t lane)
{
  return j->walk.taps_last || j->packed == NULL ? own_panel(j, index)
                                                : packed_block(j, lane, j->ctx->kernels->lanes);
}

/* All panels by some rows. */
static void multiply_rows(const job *j, bc_coming *coming)
{
  const bc_range all = lane_range(j);
  const int64_t lanes = j->ctx->kernels->lanes;
  const bc_rows rows = {.count = bc_range_length(row_range(j)),
                        .segments = j->segments,
                        .length = bc_range_length(j->depth) / j->segments,
                        .step = j->step,
                        .at = j->rows,
                        .results = j->results,
                        .add = j->add};
  for (int64_t lane = all.begin, i = 0; lane < all.end; lane += lanes, ++i)
    bc_multiply_panel(j->ctx->kernels, &rows, panel_at(j, i, lane), bc_min(lanes, all.end - lane),
                      j->places + i * lanes, coming);
}

static void multiply_filters(job *j)
{
  const bc_range all = j->channels;
  gather_panels(j);
  for (int64_t row = all.begin; row < all.end; row += BC_ROW_BLOCK) {
    j->channels = (bc_range){row, bc_min(all.end, row + BC_ROW_BLOCK)};
    find_filters(j);
    multiply_rows(j, NULL);
  }
  j->channels = all;
}

static void multiply_pixels(job *j)
{
  const bc_range all = j->positions;
  pack_panels(j);
  for (int64_t row = all.begin; row < all.end; row += BC_ROW_BLOCK) {
    j->positions = (bc_range){row, bc_min(all.end, row + BC_ROW_BLOCK)};
    find_pixels(j);
    bc_coming coming = expect_pixels(j, all.end);
    multiply_rows(j, &coming);
  }
  j->positions = all;
}

static void run_positions(job *j)
{
  j->add = j->ctx->plan->request.accumulate;
  for (int64_t k = 0; k < j->walk.depth; k = j->depth.end) {
    j->depth = bc_next_depth(&j->walk, k, j->ctx->plan->schedule.blocks.depth);
    if (j->walk.taps_last)
      multiply_filters(j);
    else
      multiply_pixels(j);
    j->add = true;
  }
}

static void run_walk(job *j, bc_range positions)
{
  const int64_t block = j->ctx->plan->schedule.blocks.pixels;
  for (int64_t p = positions.begin; p < positions.end; p += block) {
    j->positions = (bc_range){p, bc_min(p + block, positions.end)};
    run_positions(j);
  }
}

typedef void result_visitor(const job *j, bc_block_view view, int64_t offset);

/* Visits the job's channels at `positions`, which are counted over all images in the result's own
 * order, as blocks. */
static void visit_results(const job *j, bc_range positions, result_visitor *visit)
{
  const bc_walk *walk = &j->walk;
  const int64_t pixels =
      walk->axes[BC_DEPTH].result * walk->axes[BC_HEIGHT].result * walk->axes[BC_WIDTH].result;
  const int64_t start = j->group * walk->result.group + j->channels.begin * walk->result.channel;
  for (int64_t p = positions.begin, end = 0; p < positions.end; p = end) {
    end = walk->taps_last ? bc_min(positions.end, (p / pixels + 1) * pixels)
                          : positions.end; /* in NHWC images follow each other */
    visit(j, bc_view(walk->result, bc_range_length(j->channels), end - p),
          start + p / pixels * walk->result.image + p % pixels * walk->result.pixel);
  }
}

static void clear(const job *j, bc_block_view view, int64_t offset)
{
  bc_clear_block(view, j->ctx->tensors->result + offset);
}

static void apply_epilogue(const job *j, bc_block_view view, int64_t offset)
{
  bc_epilogue_apply(&j->ctx->tensors->epilogue, view,
                    j->group * j->walk.result_channels + j->channels.begin, offset,
                    j->ctx->tensors->result + offset);
}

/* All walks of some images. */
static void run_images(job *j, bc_range images)
{
  const blasconv_plan *plan = j->ctx->plan;
  const int64_t pixels = plan->geometry.in_pixels;
  const bc_range positions = {images.begin * pixels, images.end * pixels};
  if (!plan->request.accumulate && j->ctx->has_gaps)
    visit_results(j, positions, clear);
  for (int64_t i = 0; i < bc_count_walks(&plan->geometry, plan->request.pass); ++i) {
    j->walk = bc_walk_at(&plan->geometry, plan->request.pass, i);
    run_walk(j, (bc_range){images.begin * j->walk.positions, images.end * j->walk.positions});
    if (j->packed != NULL)
      j->packed += bc_packed_elements(&plan->geometry, &j->walk);
  }
  visit_results(j, positions, apply_epilogue);
}

static void run_task(void *argument, int64_t task, int thread)
{
  const context *ctx = argument;
  const blasconv_plan *plan = ctx->plan;
  const bc_geometry *g = &plan->geometry;
  const bc_blocks *blocks = &plan->schedule.blocks;
  job j = {
      .ctx = ctx, .walk = bc_walk_at(g, plan->request.pass, 0), .packed = ctx->tensors->packed};
  const int64_t channel_blocks = bc_count_blocks(j.walk.result_channels, blocks->filters);
  const int64_t rest = task / channel_blocks;
  j.group = rest % g->groups;
  j.channels = bc_block(task % channel_blocks, blocks->filters, j.walk.result_channels);
  find_buffers(ctx, thread, &j);
  if (blocks->images > 0) {
    run_images(&j, bc_block(rest / g->groups, blocks->images, g->batch));
    return;
  }
  const bc_range positions =
      bc_block(rest / g->groups, blocks->pixels, g->batch * j.walk.positions);
  run_walk(&j, positions);
  visit_results(&j, positions, apply_epilogue);
}

static bool has_gaps(const bc_geometry *geometry, blasconv_pass pass)
{
  for (int64_t i = 0; i < bc_count_walks(geometry, pass); ++i)
    if (bc_walk_at(geometry, pass, i).taps == 0)
      return true;
  return false;
}

void bc_maps_run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace)
{
  context ctx = {.plan = plan,
                 .tensors = tensors,
                 .kernels = bc_cpu_kernels()->product,
                 .areas = bc_find_map_areas(&plan->geometry, &plan->schedule.blocks),
                 .has_gaps = has_gaps(&plan->geometry, plan->request.pass),
                 .workspace = workspace};
  bc_parallel_for(plan->threads, plan->schedule.tasks, run_task, &ctx);
}
