#include "maps.h"

#include "job.h"
#include "parallel.h"

static void multiply(bc_map_job *j)
{
  if (j->ctx->evenly && j->walk.taps_last)
    bc_multiply_pointwise_filters(j);
  else if (j->ctx->evenly)
    bc_multiply_pointwise_pixels(j);
  else if (!j->walk.taps_last)
    bc_multiply_pixels(j);
  else if (j->ctx->rows_are_pixels)
    bc_multiply_turned(j);
  else
    bc_multiply_filters(j);
}

static void run_positions(bc_map_job *j)
{
  j->add = j->ctx->plan->request.accumulate;
  for (int64_t k = 0; k < j->walk.depth; k = j->depth.end) {
    j->depth = bc_next_depth(&j->walk, k, j->ctx->plan->schedule.blocks.depth);
    multiply(j);
    j->add = true;
  }
}

static void run_walk(bc_map_job *j, bc_range positions)
{
  const bc_blocks *blocks = &j->ctx->plan->schedule.blocks;
  const bool has_panels = !j->ctx->rows_are_pixels && !j->ctx->evenly; /* of all its positions */
  const int64_t block = has_panels ? bc_min(blocks->pixels, blocks->panels) : blocks->pixels;
  for (int64_t p = positions.begin; p < positions.end; p += block) {
    j->positions = (bc_range){p, bc_min(p + block, positions.end)};
    run_positions(j);
  }
}

typedef void result_visitor(const bc_map_job *j, bc_block_view view, int64_t offset);

/* Visits the job's channels at `positions`, which are counted over all images in the result's own
 * order, as blocks. */
static void visit_results(const bc_map_job *j, bc_range positions, result_visitor *visit)
{
  const bc_walk *walk = &j->walk;
  const int64_t pixels =
      walk->axes[BC_DEPTH].result * walk->axes[BC_HEIGHT].result * walk->axes[BC_WIDTH].result;
  const int64_t start = j->group * walk->result.group + j->channels.begin * walk->result.channel;
  for (int64_t p = positions.begin, end = 0; p < positions.end; p = end) {
    end = walk->taps_last ? bc_min(positions.end, (p / pixels + 1) * pixels)
                          : positions.end; /* in NHWC images follow each other */
    visit(j, bc_view(walk->result, bc_range_length(j->channels), end - p),
          start + bc_place_in_images(walk->result, pixels, p));
  }
}

static void clear(const bc_map_job *j, bc_block_view view, int64_t offset)
{
  bc_clear_block(view, j->ctx->tensors->result + offset);
}

static void apply_epilogue(const bc_map_job *j, bc_block_view view, int64_t offset)
{
  bc_epilogue_apply(&j->ctx->tensors->epilogue, view,
                    j->group * j->walk.result_channels + j->channels.begin, offset,
                    j->ctx->tensors->result + offset);
}

/* Part of the images: all rows of some, or some rows of the result of one. */
typedef struct image_part {
  bc_range images, rows;
  bool is_band;
} image_part;

/* Positions of the walk whose results are in the part. Bands are of results with one plane, of
 * which a walk has that or nothing. */
static bc_range positions_of(const bc_walk *walk, const image_part *part)
{
  const bc_walk_axis *height = &walk->axes[BC_HEIGHT];
  const int64_t first = part->images.begin * walk->positions;
  const int64_t width = walk->axes[BC_DEPTH].count * walk->axes[BC_WIDTH].count;
  const int64_t begin = bc_max(0, part->rows.begin - height->result_begin);
  const int64_t end = bc_max(0, part->rows.end - height->result_begin);
  if (!part->is_band)
    return (bc_range){first, part->images.end * walk->positions};
  return (bc_range){
      first + bc_min(height->count, bc_count_blocks(begin, height->result_step)) * width,
      first + bc_min(height->count, bc_count_blocks(end, height->result_step)) * width};
}

/* The part's pixels of the result. */
static bc_range pixels_of(const bc_walk *walk, int64_t in_image, const image_part *part)
{
  const int64_t width = walk->axes[BC_WIDTH].result, first = part->images.begin * in_image;
  if (!part->is_band)
    return (bc_range){first, part->images.end * in_image};
  return (bc_range){first + part->rows.begin * width, first + part->rows.end * width};
}

/* All walks of some images, or of a band of one. */
static void run_images(bc_map_job *j, const image_part *part)
{
  const blasconv_plan *plan = j->ctx->plan;
  const bc_range pixels = pixels_of(&j->walk, plan->geometry.in_pixels, part);
  if (!plan->request.accumulate && j->ctx->has_gaps)
    visit_results(j, pixels, clear);
  for (int64_t i = 0; i < bc_count_walks(&plan->geometry, plan->request.pass); ++i) {
    j->walk = bc_walk_at(&plan->geometry, plan->request.pass, i);
    const bc_range positions = positions_of(&j->walk, part);
    j->last_position = positions.end;
    run_walk(j, positions);
    if (j->packed != NULL)
      j->packed += bc_packed_elements(&plan->geometry, &j->walk, j->ctx->width);
  }
  visit_results(j, pixels, apply_epilogue);
}

static image_part part_of(const bc_map_context *ctx, int64_t number)
{
  const bc_geometry *g = &ctx->plan->geometry;
  const bc_blocks *blocks = &ctx->plan->schedule.blocks;
  const int64_t rows = g->axes[BC_HEIGHT].input;
  return (image_part){.images = bc_block(number / blocks->bands, blocks->images, g->batch),
                      .rows = bc_share(number % blocks->bands, blocks->bands, rows),
                      .is_band = blocks->bands > 1};
}

static void run_task(void *argument, int64_t task, int thread)
{
  const bc_map_context *ctx = argument;
  const blasconv_plan *plan = ctx->plan;
  const bc_geometry *g = &plan->geometry;
  const bc_blocks *blocks = &plan->schedule.blocks;
  bc_map_job j = {.ctx = ctx,
                  .walk = bc_walk_at(g, plan->request.pass, 0),
                  .packed = ctx->tensors->packed,
                  .segments = 1};
  const int64_t channel_blocks = bc_count_blocks(j.walk.result_channels, blocks->filters);
  const int64_t rest = task / channel_blocks;
  j.group = rest % g->groups;
  const int64_t rows = ctx->kernels->packed_rows, lanes = ctx->kernels->lanes;
  j.channels = bc_even_range(task % channel_blocks, blocks->filters,
                             ctx->rows_are_pixels ? lanes : rows, j.walk.result_channels);
  bc_find_job_areas(ctx, thread, &j);
  if (blocks->images > 0) {
    const image_part part = part_of(ctx, rest / g->groups);
    run_images(&j, &part);
    return;
  }
  const int64_t all_positions = g->batch * j.walk.positions;
  const bc_range positions = bc_even_range(rest / g->groups, blocks->pixels,
                                           ctx->rows_are_pixels ? rows : lanes, all_positions);
  /* Most neighbouring tasks are of one thread. */
  const bool goes_on = g->groups == 1 && j.channels.end == j.walk.result_channels;
  j.last_position = goes_on ? all_positions : positions.end;
  run_walk(&j, positions);
  visit_results(&j, positions, apply_epilogue);
}

/* Packed weights of another form are no rows that lie evenly. */
static bool goes_evenly(const blasconv_plan *plan, const bc_walk *walk, int64_t width)
{
  return bc_lies_evenly(walk, &plan->geometry) &&
         (!walk->taps_last || width == bc_cpu_kernels()->product->packed_rows);
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
  const bc_walk walk = bc_walk_at(&plan->geometry, plan->request.pass, 0);
  const int form = tensors->packed != NULL ? tensors->packed_form
                                           : bc_best_form(&plan->geometry, plan->request.pass);
  bc_map_context ctx = {.plan = plan,
                        .tensors = tensors,
                        .kernels = bc_cpu_kernels()->product,
                        .areas = bc_find_map_areas(&walk, &plan->schedule.blocks),
                        .rows_are_pixels = bc_rows_are_pixels(&walk),
                        .width = bc_packed_width(form),
                        .evenly = goes_evenly(plan, &walk, bc_packed_width(form)),
                        .has_gaps = has_gaps(&plan->geometry, plan->request.pass),
                        .workspace = workspace};
  bc_parallel_for(plan->threads, plan->schedule.tasks, run_task, &ctx);
}
