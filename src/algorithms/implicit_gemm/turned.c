/* NCHW, small images: rows are pixels, turned or copied side by side, and panels are the weights of
 * filters, so sums of a pixel lie beside each other. The result has those of a filter beside each
 * other. */
#include "job.h"

#include "kernels/kernels.h"

/* Where pixels of some places are: each channel's first tap, from the job's first channel on. All
 * of them meet the one segment. */
static void find_pixels(const bc_map_job *j, const bc_places *places, const float **at,
                        bc_tap_set *met)
{
  const float *first = bc_map_source(j->ctx) + j->depth.begin * j->walk.source.channel;
  for (int64_t i = 0; i < places->count; ++i) {
    at[i] = first + places->source[i];
    met[i] = 1;
  }
}

/* The same of copies, in a panel [depth][lanes]. A segment is a tap, or all that there is. */
static void copy_pixels(const bc_map_job *j, const bc_places *places, float *panel,
                        const float **at, bc_tap_set *met)
{
  const bool are_taps = j->segments == j->walk.taps;
  for (int64_t i = 0; i < places->lanes; ++i)
    met[i] = are_taps ? 0 : 1;
  bc_gather_pixels(j, places, panel, are_taps ? met : NULL);
  for (int64_t i = 0; i < places->count; ++i)
    at[i] = panel + i;
}

/* Puts pixels among the job's rows from number `first` on, and where their results are. */
static void add_rows(const bc_map_job *j, const bc_places *places, const float **at, int64_t first)
{
  const int64_t all = bc_tiled_rows(j), length = bc_range_length(j->depth) / j->segments;
  for (int64_t segment = 0; segment < j->segments; ++segment)
    for (int64_t i = 0; i < places->count; ++i)
      j->rows[segment * all + first + i] = at[i] + segment * length * j->ctx->kernels->lanes;
  for (int64_t i = 0; i < places->count; ++i)
    j->results[first + i] = j->ctx->tensors->result + places->result[i];
}

/* Rows that are read where they are, or gathered tap by tap. */
static void gather_rows(bc_map_job *j, bc_tap_set *met)
{
  const int64_t lanes = j->ctx->kernels->lanes, n = bc_range_length(j->positions);
  const bool stay = bc_rows_stay(&j->walk);
  bc_places places;
  j->step = stay ? j->walk.source.channel : lanes;
  for (int64_t first = 0; first < n; first += lanes) {
    const float *at[BC_MOST_LANES];
    bc_find_places(&j->walk, j->group, j->positions.begin + first, bc_min(lanes, n - first), lanes,
                   &places);
    if (stay)
      find_pixels(j, &places, at, met + first);
    else
      copy_pixels(j, &places, j->copies + first * bc_range_length(j->depth), at, met + first);
    add_rows(j, &places, at, first);
  }
}

/* Source pixels of the slabs that the positions' taps meet, counted over all images from the first
 * to the last. A slab is a plane of a volume, a row of an image, or a pixel of what has but one
 * row. */
static bc_range met_pixels(const bc_map_job *j)
{
  const bc_walk *walk = &j->walk;
  int number = BC_DEPTH;
  while (number < BC_WIDTH && walk->axes[number].source == 1 && walk->axes[number].count == 1)
    ++number;
  const bc_walk_axis *axis = &walk->axes[number];
  const int64_t pixels = bc_source_pixels(walk), slab = pixels / axis->source;
  const int64_t in_slab = walk->positions / axis->count, last = j->positions.end - 1;
  const int64_t reach = (axis->taps - 1) * axis->tap_step;
  const int64_t begin = axis->source_begin + bc_min(0, reach) +
                        j->positions.begin % walk->positions / in_slab * axis->source_step;
  const int64_t end = axis->source_begin + bc_max(0, reach) + 1 +
                      last % walk->positions / in_slab * axis->source_step;
  return (bc_range){j->positions.begin / walk->positions * pixels +
                        bc_max(0, bc_min(axis->source, begin)) * slab,
                    last / walk->positions * pixels + bc_max(0, bc_min(axis->source, end)) * slab};
}

/* Whether those pixels have room, turned, where rows would be gathered: not if strides pass over
 * most of them. */
static bool can_turn_pixels(const bc_map_job *j, bc_range all)
{
  return !bc_rows_stay(&j->walk) && j->segments == j->walk.taps &&
         bc_range_length(all) * (bc_range_length(j->depth) / j->segments) <=
             (int64_t)(j->ctx->areas.copies / sizeof *j->copies);
}

/* Rows that are read from those pixels, turned: [pixels][channels], as NHWC has them. Each
 * is moved once, not for each tap that meets it. */
static void turn_pixels(bc_map_job *j, bc_range all, bc_tap_set *met)
{
  const bc_walk *walk = &j->walk;
  const int64_t pixels = bc_source_pixels(walk);
  const int64_t channels = bc_range_length(j->depth) / j->segments;
  const float *from = bc_depth_source(j);
  for (int64_t p = all.begin, end; p < all.end; p = end) {
    end = bc_min(all.end, (p / pixels + 1) * pixels);
    bc_cpu_kernels()->transpose(from + bc_place_in_images(walk->source, pixels, p),
                                walk->source.channel, channels, end - p,
                                j->copies + (p - all.begin) * channels, channels);
  }
  bc_map_job turned = *j;
  turned.walk.source = (bc_steps){.image = pixels * channels, .channel = 1, .pixel = channels};
  turned.walk.source_channels = channels;
  turned.walk.taps_last = false;
  turned.depth = (bc_range){0, bc_range_length(j->depth)};
  bc_find_pixel_rows(&turned, j->copies, all.begin * channels);
  bc_find_met_taps(j, met);
  j->step = 1;
}

/* The job's rows: each tap is a segment if the depth has all of them. */
static void make_rows(bc_map_job *j)
{
  const int64_t taps = j->walk.taps;
  bc_tap_set met[BC_MOST_PLACES];
  float *sums[BC_ROW_BLOCK];
  j->segments = taps <= BC_MOST_TAP_BITS && bc_range_length(j->depth) % taps == 0 ? taps : 1;
  const bc_range pixels = met_pixels(j);
  if (can_turn_pixels(j, pixels))
    turn_pixels(j, pixels, met);
  else
    gather_rows(j, met);
  for (int64_t i = 0; i < bc_range_length(j->positions); ++i)
    sums[i] = j->sums->of_row[i];
  bc_make_parts(j, met, j->ctx->kernels->lanes, sums);
}

/* Some channels of the result, which make one or two panels. */
typedef struct channel_block {
  int64_t first, count;
  bc_panels panels;
} channel_block;

/* Where the channel's result is for a row. */
static float *result_at(const bc_map_job *j, int64_t row, int64_t channel)
{
  return j->results[row] + channel * j->walk.result.channel;
}

/* Puts the sums of rows there whose results are neighbours. */
static void put_neighbours(const bc_map_job *j, const channel_block *channels, bc_range rows)
{
  const bc_kernels *kernels = bc_cpu_kernels();
  bc_turned_sums *s = j->sums;
  const int64_t n = bc_range_length(rows), step = j->walk.result.channel;
  float *to = result_at(j, rows.begin, channels->first);
  kernels->transpose(s->of_row[rows.begin], BC_MOST_WIDE_LANES, n, channels->count,
                     j->add ? s->of_channel[0] : to, j->add ? BC_ROW_BLOCK : step);
  for (int64_t i = 0; i < channels->count && j->add; ++i)
    kernels->add(to + i * step, s->of_channel[i], n);
}

/* The same of all rows, one by one: with a stride their results are no neighbours. */
static void put_each(const bc_map_job *j, const channel_block *channels)
{
  bc_turned_sums *s = j->sums;
  const int64_t n = bc_range_length(j->positions);
  bc_cpu_kernels()->transpose(s->of_row[0], BC_MOST_WIDE_LANES, n, channels->count,
                              s->of_channel[0], BC_ROW_BLOCK);
  for (int64_t i = 0; i < channels->count; ++i) {
    const int64_t channel = (channels->first + i) * j->walk.result.channel;
    for (int64_t row = 0; row < n && j->add; ++row)
      j->results[row][channel] += s->of_channel[i][row];
    for (int64_t row = 0; row < n && !j->add; ++row)
      j->results[row][channel] = s->of_channel[i][row];
  }
}

static void put_sums(const bc_map_job *j, const channel_block *channels)
{
  const int64_t n = bc_range_length(j->positions);
  if (j->walk.axes[BC_WIDTH].result_step > 1) {
    put_each(j, channels);
    return;
  }
  for (int64_t row = 0, end; row < n; row = end) {
    for (end = row + 1; end < n && j->results[end] == j->results[end - 1] + 1;)
      ++end;
    put_neighbours(j, channels, (bc_range){row, end});
  }
}

/* Fetches results some rows ahead of the products: all at once they would hold up the panel. */
static void expect_results(const bc_map_job *j, const channel_block *channels, bc_range rows)
{
  for (int64_t row = bc_round_up(rows.begin, BC_CACHE_LINE); row < rows.end; row += BC_CACHE_LINE)
    for (int64_t i = 0; i < channels->count; ++i)
      __builtin_prefetch(result_at(j, row, channels->first + i), 1, 2);
}

/* The sums of the job's rows in a block of channels. */
static void sum_rows(const bc_map_job *j, const channel_block *channels, bc_coming *coming)
{
  const bc_product_kernels *kernels = j->ctx->kernels;
  const int64_t tile = bc_rows_of_tile(kernels, channels->panels.lanes);
  const int64_t at_once = (tile == kernels->rows ? 2 : 3) * tile;
  int64_t done = 0;
  for (int64_t i = 0; i < j->met->count; ++i) {
    const bc_rows *part = &j->met->parts[i];
    for (int64_t row = 0; row < part->count; row += at_once) {
      bc_rows some = *part;
      some.count = bc_min(at_once, part->count - row);
      some.at += row;
      some.results += row;
      some.add = false; /* that comes after they are turned */
      expect_results(j, channels, (bc_range){done, done + some.count});
      bc_multiply_panels(kernels, &some, &channels->panels, coming);
      done += some.count;
    }
  }
}

/* The job's channels from number `first` on. Lanes are whole vectors, beside each other in the
 * sums.
 */
static channel_block find_channels(const bc_map_job *j, int64_t first, const int64_t *places)
{
  const bc_product_kernels *kernels = j->ctx->kernels;
  const int64_t width = kernels->lanes, left = j->channels.end - first;
  const int64_t count = bc_min(left, bc_panels_at_once(kernels) * width);
  const int64_t panel = (first - j->channels.begin) / width;
  return (channel_block){first,
                         count,
                         {.first = bc_panel(j, panel),
                          .beside = count > width ? bc_panel(j, panel + 1) : NULL,
                          .step = j->segments * width,
                          .lanes = bc_round_up(count, width / 2),
                          .places = places}};
}

/* Rows that are the first to meet the panels have each fetched while the one before is multiplied.
 */
static void multiply_rows(const bc_map_job *j, bool are_first, bc_coming *coming)
{
  const int64_t lanes = j->ctx->kernels->lanes, all = bc_job_panels(j).end;
  int64_t places[BC_MOST_WIDE_LANES];
  for (int64_t i = 0; i < BC_MOST_WIDE_LANES; ++i)
    places[i] = i;
  for (int64_t first = j->channels.begin; first < j->channels.end;) {
    const channel_block channels = find_channels(j, first, places);
    first += channels.count;
    if (bc_has_panels(j) && are_first && first < j->channels.end) {
      const int64_t next = (first - j->channels.begin) / lanes;
      const bc_range panels = {next, bc_min(all, next + bc_panels_at_once(j->ctx->kernels))};
      bc_coming both = bc_expect_weights(j, panels, coming);
      sum_rows(j, &channels, &both);
      bc_go_on(&both, coming);
    } else {
      sum_rows(j, &channels, coming);
    }
    put_sums(j, &channels);
  }
}

void bc_multiply_turned(bc_map_job *j)
{
  const bc_range positions = j->positions, channels = j->channels;
  const int64_t at_once =
      bc_has_panels(j) ? bc_range_length(channels) : j->ctx->plan->schedule.blocks.panels;
  for (int64_t c = channels.begin; c < channels.end; c += at_once) {
    j->channels = (bc_range){c, bc_min(channels.end, c + at_once)};
    bc_make_weight_panels(j);
    for (int64_t row = positions.begin; row < positions.end; row += BC_ROW_BLOCK) {
      j->positions = (bc_range){row, bc_min(positions.end, row + BC_ROW_BLOCK)};
      make_rows(j);
      bc_expected expected;
      bc_expect_panels(j, positions, &expected);
      multiply_rows(j, row == positions.begin, &expected.parts[0]);
    }
    j->positions = positions;
  }
  j->channels = channels;
}
