/* The weight gradient as matrix products. Tiles of the gradient are tasks, each summed in place,
 * over images and blocks of pixels in order:
 *
 *   tile [filters][depth] += output gradient [filters][columns] * patches^T [columns][depth].
 *
 * Columns are the pixels of one image, or of several small images side by side. */
#include "blocks.h"

#include "cpu.h"
#include "kernels/kernels.h"
#include "parallel.h"
#include "sgemm.h"
#include "slots.h"

enum {
  TILE_FILTERS = 256,
  TILE_DEPTH = 288,
  LEAST_DEPTH = 144,
  LEAST_COLUMNS = 256,
  MOST_COLUMNS = 448,
  MOST_IN_PLACE = 2048, /* columns where no patches are lowered */
  JOINED_COLUMNS = 256  /* images are put side by side up to about so many columns */
};

static int64_t count_tiles(const bc_geometry *g, const bc_blocks *blocks)
{
  return g->groups * bc_count_blocks(g->out_channels, blocks->filters) *
         bc_count_blocks(g->patch_rows, blocks->depth);
}

/* A unit is a block of pixels of one image, or `images` whole images. */
static int64_t count_units(const bc_geometry *g, const bc_blocks *blocks)
{
  return bc_count_blocks(g->batch, blocks->images) * bc_count_blocks(g->out_pixels, blocks->pixels);
}

/* Whether the output gradients of several images have to be put side by side: in NHWC they lie so.
 */
static bool joins_gradients(const bc_geometry *g, const bc_blocks *blocks)
{
  return blocks->images > 1 && g->layout == BLASCONV_NCHW;
}

static bool lowers(const bc_geometry *g, const bc_blocks *blocks, const bc_weights_method *method)
{
  return method->patches == bc_lowered_patches || !bc_patches_are_input(g, blocks->images);
}

/* Whether patches are pixels, each a row of memory: one that is read in parts takes longer. */
static bool reads_rows(const bc_geometry *g, const bc_blocks *blocks,
                       const bc_weights_method *method)
{
  return g->layout == BLASCONV_NHWC && !lowers(g, blocks, method);
}

/* What a task has in its workspace: room for patches [depth][columns] if they are not in place, and
 * for the output gradient [filters][columns] if it has to be put together. */
static size_t patches_bytes(const bc_geometry *g, const bc_blocks *blocks,
                            const bc_weights_method *method)
{
  return lowers(g, blocks, method)
             ? bc_workspace_book(blocks->depth * blocks->images * blocks->pixels)
             : 0;
}

static size_t gradient_bytes(const bc_geometry *g, const bc_blocks *blocks)
{
  return joins_gradients(g, blocks)
             ? bc_workspace_book(blocks->filters * blocks->images * blocks->pixels)
             : 0;
}

/* Both, and what a product needs. */
static size_t area_bytes(const bc_geometry *g, const bc_blocks *blocks,
                         const bc_weights_method *method)
{
  const size_t product =
      method->multiply == NULL
          ? 0
          : method->multiply_bytes(blocks->depth, blocks->filters, blocks->images * blocks->pixels);
  return patches_bytes(g, blocks, method) + gradient_bytes(g, blocks) + product;
}

/* Halves the larger extent until the areas fit into the room, or nothing is left to halve. */
static void shrink_to_room(const bc_geometry *g, size_t room, const bc_weights_method *method,
                           bc_blocks *blocks)
{
  while (area_bytes(g, blocks, method) > room) {
    int64_t *columns = blocks->images > 1 ? &blocks->images : &blocks->pixels;
    int64_t *larger = blocks->images > 1 || *columns >= blocks->depth ? columns : &blocks->depth;
    if (*larger == 1)
      return;
    *larger /= 2;
  }
}

/* A block of at most so many pixels of an image, such that slots get equally many blocks if there
 * are `others` tasks without them. */
static int64_t pixel_block(const bc_geometry *g, size_t room, int64_t others, int64_t most)
{
  const int64_t fitting = (int64_t)(room / bc_workspace_book(bc_count_weights(g)));
  int64_t parts = bc_max(1, bc_min(bc_count_blocks(BC_ENOUGH_TASKS, bc_max(1, others)), fitting));
  while (parts > 1 && g->out_pixels / parts < LEAST_COLUMNS)
    parts = bc_count_blocks(parts, 2);
  const int64_t blocks = bc_round_up(bc_count_blocks(g->out_pixels, most), parts);
  return bc_even_block(g->out_pixels, bc_count_blocks(g->out_pixels, blocks), 32);
}

/* Blocks of the depth up to `most`, such that few tiles are a multiple of four, as threads mostly
 * are, if there is a way; `others` are tiles beside those of the depth. */
static int64_t shared_depth(const bc_geometry *g, int64_t others, int64_t most)
{
  const int64_t whole = g->patch_rows, fewest = bc_count_blocks(whole, most);
  for (int64_t blocks = fewest; others * blocks < BC_ENOUGH_TASKS; ++blocks) {
    const int64_t depth = bc_min(whole, bc_round_up(bc_count_blocks(whole, blocks), 32));
    if (depth < LEAST_DEPTH)
      break;
    if (others * bc_count_blocks(whole, depth) % 4 == 0)
      return depth;
  }
  return most;
}

bc_schedule bc_weights_prepare(const bc_geometry *g, const bc_request *request,
                               const bc_weights_method *method)
{
  bc_blocks blocks = {.filters = bc_even_block(g->out_channels, TILE_FILTERS, 32),
                      .depth = bc_even_block(g->patch_rows, TILE_DEPTH, 32),
                      .images = bc_max(1, bc_min(g->batch, JOINED_COLUMNS / g->out_pixels))};
  const int64_t others = g->groups * bc_count_blocks(g->out_channels, blocks.filters);
  if (!reads_rows(g, &blocks, method))
    bc_split_for_tasks(BC_ENOUGH_TASKS, g->patch_rows, others, LEAST_DEPTH, 32, &blocks.depth);
  blocks.depth = shared_depth(g, others, blocks.depth);
  blocks.pixels = pixel_block(g, request->room,
                              count_tiles(g, &blocks) * bc_count_blocks(g->batch, blocks.images),
                              lowers(g, &blocks, method) ? MOST_COLUMNS : MOST_IN_PLACE);
  shrink_to_room(g, request->room, method, &blocks);
  bc_schedule schedule = bc_slots_schedule(g, count_tiles(g, &blocks), count_units(g, &blocks),
                                           area_bytes(g, &blocks, method), request);
  blocks.slots = schedule.blocks.slots;
  schedule.blocks = blocks;
  return schedule;
}

bc_work bc_weights_work(const bc_geometry *g, const bc_schedule *schedule,
                        const bc_weights_method *method)
{
  const bc_blocks *blocks = &schedule->blocks;
  const double products = (double)count_tiles(g, blocks) * (double)count_units(g, blocks);
  const double rows = bc_mean_block(g->patch_rows, blocks->depth);
  const double filters = bc_mean_block(g->out_channels, blocks->filters);
  const double columns =
      bc_mean_block(g->batch, blocks->images) * bc_mean_block(g->out_pixels, blocks->pixels);
  const double gradient = joins_gradients(g, blocks) ? products * columns * filters : 0.0;
  const double patches = lowers(g, blocks, method) ? products * columns * rows : 0.0;
  const double slots = blocks->slots > 1 ? (double)blocks->slots : 0.0;
  bc_work work = {.moved = gradient + patches + slots * (double)bc_count_weights(g),
                  .run = bc_copied_run(g)};
  if (method->multiply == NULL) {
    work.products = products;
    work.turned = bc_turns_operand(g, BLASCONV_BACKWARD_WEIGHTS);
    work.m = rows;
    work.n = filters;
    work.k = columns;
    work.far_weights = bc_far_weights(g, BLASCONV_BACKWARD_WEIGHTS);
  } else {
    method->multiply_work(products, rows, filters, columns, g->layout == BLASCONV_NHWC,
                          lowers(g, blocks, method), &work);
  }
  return work;
}

typedef struct context {
  const blasconv_plan *plan;
  const bc_tensors *tensors;
  void *workspace;
  const bc_weights_method *method;
} context;

/* A tile of the gradient, and the units that a task adds up into it. */
typedef struct tile {
  int64_t task; /* its number */
  int64_t group, slot;
  bc_range filters, depth, units;
} tile;

static tile find_tile(const blasconv_plan *plan, int64_t task)
{
  const bc_geometry *g = &plan->geometry;
  const bc_blocks *blocks = &plan->schedule.blocks;
  const int64_t filter_blocks = bc_count_blocks(g->out_channels, blocks->filters);
  const int64_t depth_blocks = bc_count_blocks(g->patch_rows, blocks->depth);
  const int64_t units = count_units(g, blocks);
  const bc_slot_task at = bc_slot_task_at(plan, task);
  return (tile){
      .task = task,
      .group = at.part / depth_blocks / filter_blocks,
      .slot = at.slot,
      .filters = bc_block(at.part / depth_blocks % filter_blocks, blocks->filters, g->out_channels),
      .depth = bc_block(at.part % depth_blocks, blocks->depth, g->patch_rows),
      .units = bc_slot_units(plan, units, at.slot),
  };
}

/* What a unit is of. */
typedef struct extent {
  bc_range images, pixels;
} extent;

static extent extent_of(const bc_geometry *g, const bc_blocks *blocks, int64_t unit)
{
  const int64_t pixel_blocks = bc_count_blocks(g->out_pixels, blocks->pixels);
  return (extent){bc_block(unit / pixel_blocks, blocks->images, g->batch),
                  bc_block(unit % pixel_blocks, blocks->pixels, g->out_pixels)};
}

/* The group's part of image 0. */
static const float *group_input(const context *ctx, const tile *t)
{
  return ctx->tensors->input + bc_input_offset(&ctx->plan->geometry, 0, t->group);
}

static const float *gradient_at(const context *ctx, const tile *t, const extent *e)
{
  const bc_geometry *g = &ctx->plan->geometry;
  return ctx->tensors->output + bc_output_offset(g, e->images.begin, t->group) +
         bc_place(g->output, t->filters.begin, e->pixels.begin);
}

/* The output gradient of the unit's images, [columns][filters]. */
static bc_operand gradient_columns(const context *ctx, const tile *t, const extent *e,
                                   float *buffer)
{
  const bc_geometry *g = &ctx->plan->geometry;
  const float *first = gradient_at(ctx, t, e);
  if (!joins_gradients(g, &ctx->plan->schedule.blocks)) /* in NHWC, pixel behind pixel */
    return (bc_operand){first, g->output.pixel, g->output.channel};
  const int64_t n = bc_range_length(e->pixels), columns = n * bc_range_length(e->images);
  const bc_grid grid = {.planes = bc_range_length(t->filters),
                        .rows = bc_range_length(e->images),
                        .columns = n,
                        .plane_step = g->output.channel,
                        .row_step = g->output.image,
                        .column_step = 1,
                        .packed_plane_step = columns,
                        .packed_row_step = n};
  bc_cpu_kernels()->gather(&grid, first, buffer);
  return (bc_operand){buffer, 1, columns};
}

/* What the tile's unit of that number will read of the tensors. */
static void find_next(const context *ctx, const tile *t, int64_t unit, bc_weights_unit *before)
{
  const bc_geometry *g = &ctx->plan->geometry;
  const bc_blocks *blocks = &ctx->plan->schedule.blocks;
  const int64_t rows = bc_range_length(t->depth), filters = bc_range_length(t->filters);
  const extent e = extent_of(g, blocks, unit);
  const int64_t images = bc_range_length(e.images), pixels = bc_range_length(e.pixels);
  const float *input = group_input(ctx, t);
  if (before->lowered)
    before->next_a = bc_lowered_extract(g, input + bc_input_offset(g, e.images.begin, 0), images,
                                        t->depth, e.pixels);
  else
    before->next_a = bc_extract_of(
        bc_patches_in_place(g, input, e.images.begin, t->depth, e.pixels), rows, pixels);
  const float *gradient = gradient_at(ctx, t, &e);
  if (joins_gradients(g, blocks))
    before->next_b = (bc_extract){gradient, g->output.image, images, filters * g->output.channel};
  else
    before->next_b = bc_extract_of((bc_operand){gradient, g->output.pixel, g->output.channel},
                                   images * pixels, filters);
}

/* Where the tile lies, [filters][depth], in its slot's gradient. */
static float *tile_home(const context *ctx, const tile *t)
{
  const bc_geometry *g = &ctx->plan->geometry;
  return bc_slot_gradient(ctx->plan, ctx->tensors, ctx->workspace, t->slot) +
         bc_weights_offset(g, t->group) + t->filters.begin * g->patch_rows + t->depth.begin;
}

/* What comes after a unit: the tile's next one, or the first of the next task, which is most often
 * of the same thread. */
static void expect_next(const context *ctx, const tile *t, int64_t unit, bc_weights_unit *product)
{
  if (unit + 1 < t->units.end) {
    find_next(ctx, t, unit + 1, product);
  } else if (t->task + 1 < ctx->plan->schedule.tasks) {
    const tile next = find_tile(ctx->plan, t->task + 1);
    find_next(ctx, &next, next.units.begin, product);
  }
}

/* Adds one unit to the tile: as its transpose [depth][filters], so that patches come first. */
static void add_unit(const context *ctx, const tile *t, int64_t unit, float beta, float *area)
{
  const bc_geometry *g = &ctx->plan->geometry;
  const bc_blocks *blocks = &ctx->plan->schedule.blocks;
  const extent e = extent_of(g, blocks, unit);
  float *const own_gradient = area + patches_bytes(g, blocks, ctx->method) / sizeof *area;
  bc_weights_unit product = {
      .m = bc_range_length(t->depth),
      .n = bc_range_length(t->filters),
      .k = bc_range_length(e.images) * bc_range_length(e.pixels),
      .a = ctx->method->patches(g, group_input(ctx, t), e.images, t->depth, e.pixels, area),
      .b = gradient_columns(ctx, t, &e, own_gradient),
      .beta = beta,
      .c = {tile_home(ctx, t), 1, g->patch_rows},
      .workspace = own_gradient + gradient_bytes(g, blocks) / sizeof *area};
  product.lowered = product.a.data == area;
  if (ctx->method->multiply == NULL) {
    bc_sgemm(product.m, product.n, product.k, product.a, product.b, beta, product.c);
    return;
  }
  expect_next(ctx, t, unit, &product);
  ctx->method->multiply(&product);
}

static void sum_tile(void *argument, int64_t task, int thread)
{
  const context *ctx = argument;
  const bc_schedule *schedule = &ctx->plan->schedule;
  const tile t = find_tile(ctx->plan, task);
  const bool accumulate = bc_slot_accumulates(ctx->plan);
  for (int64_t unit = t.units.begin; unit < t.units.end; ++unit)
    add_unit(ctx, &t, unit, accumulate || unit > t.units.begin ? 1.0f : 0.0f,
             bc_workspace_of_thread(&schedule->workspace, ctx->workspace, thread));
}

void bc_weights_run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace,
                    const bc_weights_method *method)
{
  context ctx = {plan, tensors, workspace, method};
  bc_parallel_for(plan->threads, plan->schedule.tasks, sum_tile, &ctx);
  bc_slots_add_up(plan, tensors, workspace);
}
