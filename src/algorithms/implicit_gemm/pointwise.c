/* One tap and no stride: each pixel is met once, so rows and panels lie evenly, and nothing is
 * looked up. */
#include "job.h"

/* Rows are fetched so many tiles before they are multiplied, but for short ones, which CPUs see
 * coming. */
enum { TILES_AHEAD = 4, SHORT_ROW = 64 };

/* Panels that a map has to have, since the last one is cut: many where other maps would fill it and
 * so many weights meet it that tiles are nearly all of the time. */
enum { FEW_PANELS = 12, MANY_PANELS = 24, MANY_WEIGHTS = 1 << 16 };

static bool is_pointwise(const bc_walk *walk)
{
  for (int i = 0; i < BLASCONV_MAX_RANK; ++i)
    if (walk->axes[i].result_step != 1)
      return false;
  return bc_meets_pixels_in_order(walk) && walk->joined == 1;
}

static bool has_panels_enough(const bc_walk *walk, const bc_geometry *geometry)
{
  const bool many_weights = walk->result_channels * walk->depth >= MANY_WEIGHTS;
  const int64_t least = geometry->batch > 1 && many_weights ? MANY_PANELS : FEW_PANELS;
  return walk->positions >= least * bc_cpu_kernels()->product->lanes;
}

/* In NHWC few pixels better meet each panel of weights together. */
bool bc_lies_evenly(const bc_walk *walk, const bc_geometry *geometry)
{
  if (!is_pointwise(walk))
    return false;
  return walk->taps_last ? !bc_rows_are_pixels(walk) && has_panels_enough(walk, geometry)
                         : geometry->batch * walk->positions > BC_ROW_BLOCK;
}

/* The group's part of the result. */
static float *result_of(const bc_map_job *j)
{
  return j->ctx->tensors->result + j->group * j->walk.result.group;
}

void bc_multiply_pointwise_pixels(bc_map_job *j)
{
  const bc_walk *walk = &j->walk;
  const bc_product_kernels *k = j->ctx->kernels;
  const int64_t depth = bc_range_length(j->depth), pixel = walk->source.pixel;
  const bool are_fetched = pixel > SHORT_ROW && pixel - depth < BC_CACHE_LINE;
  const int64_t rows = bc_range_length(j->positions), lanes = bc_range_length(j->channels);
  const float *first = bc_depth_source(j) + j->positions.begin * pixel;
  bc_coming ahead = bc_expect(first + TILES_AHEAD * k->packed_rows * pixel, pixel, rows, depth,
                              bc_count_pieces(k, rows, lanes, depth));
  bc_make_weight_panels(j);
  k->multiply_evenly(
      &(bc_even_product){.rows = rows,
                         .depth = depth,
                         .lanes = lanes,
                         .first = first,
                         .row_step = pixel,
                         .tile_step = k->packed_rows * pixel,
                         .step = 1,
                         .panels = bc_panel(j, 0),
                         .panel_step = k->lanes * (bc_has_panels(j) ? walk->depth : depth),
                         .coming = are_fetched ? &ahead : NULL,
                         .results = result_of(j) + j->positions.begin * walk->result.pixel +
                                    j->channels.begin * walk->result.channel,
                         .result_step = walk->result.pixel,
                         .add = j->add});
}

/* The weights of the job's channels: rows where they are, or blocks that were packed before, or are
 * now, unless they are there. */
static void find_filters(const bc_map_job *j, bool are_there, bc_even_product *product)
{
  const bc_walk *walk = &j->walk;
  const int64_t width = j->ctx->kernels->packed_rows, channel = walk->weights.result;
  product->rows = bc_range_length(j->channels);
  if (j->packed == NULL && bc_weights_are_rows(walk)) {
    product->first = bc_group_weights(j) + j->channels.begin * channel + j->depth.begin;
    product->row_step = channel;
    product->tile_step = width * channel;
    product->step = 1;
    return;
  }
  product->row_step = 1;
  product->step = width;
  product->first = j->packed != NULL ? bc_packed_block(j, j->channels.begin) : j->copies;
  product->tile_step = bc_block_step(j);
  if (j->packed == NULL && !are_there)
    bc_pack_weights(walk, bc_group_weights(j), j->channels, j->depth,
                    &(bc_packing){j->copies, width, product->tile_step});
}

/* All filters by some panels, the job's first or those behind them. */
static void multiply_filters(bc_map_job *j, bool are_first, bc_even_product *product)
{
  const bc_range all = j->channels;
  const bool stay = !are_first && bc_range_length(all) <= BC_ROW_BLOCK;
  float *const results = product->results;
  for (int64_t row = all.begin; row < all.end; row += BC_ROW_BLOCK) {
    j->channels = (bc_range){row, bc_min(all.end, row + BC_ROW_BLOCK)};
    find_filters(j, stay, product);
    product->results = results + row * product->result_step;
    j->ctx->kernels->multiply_evenly(product);
    product->apart = NULL;
  }
  j->channels = all;
}

void bc_multiply_pointwise_filters(bc_map_job *j)
{
  const bc_walk *walk = &j->walk;
  const bc_range all = j->positions;
  const int64_t lanes = j->ctx->kernels->lanes, depth = bc_range_length(j->depth);
  const int64_t pixels = walk->positions, most = j->ctx->plan->schedule.blocks.panels;
  for (int64_t p = all.begin, end; p < all.end; p = end) {
    end = bc_min(bc_min(all.end, p + most), (p / pixels + 1) * pixels);
    const float *first = bc_depth_source(j) + bc_place_in_images(walk->source, pixels, p);
    const int64_t whole = (end - p) / lanes * lanes;
    if (whole < end - p)
      bc_copy_rows(first + whole, walk->source.channel, depth, end - p - whole,
                   j->panels + whole * depth, lanes);
    bc_coming next = {0};
    if (end < j->last_position)
      next =
          bc_expect(bc_depth_source(j) + bc_place_in_images(walk->source, pixels, end),
                    walk->source.channel, depth, end - p,
                    bc_count_pieces(j->ctx->kernels, bc_range_length(j->channels), end - p, depth));
    multiply_filters(
        j, p == all.begin,
        &(bc_even_product){.depth = depth,
                           .lanes = end - p,
                           .panels = j->panels,
                           .panel_step = lanes * depth,
                           .apart = first,
                           .apart_step = walk->source.channel,
                           .copies = j->panels,
                           .coming = &next,
                           .results = result_of(j) + bc_place_in_images(walk->result, pixels, p),
                           .result_step = walk->result.channel,
                           .add = j->add});
  }
}
