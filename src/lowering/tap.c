/* Which rows of a block belong to which taps, and where these meet the input. */
#include "lowering.h"

bc_patches bc_patches_at(const bc_geometry *geometry, bc_range rows, bc_range pixels,
                         int64_t images, float *data)
{
  bc_patches patches = {rows, pixels, data, 1, 1};
  if (geometry->layout == BLASCONV_NHWC)
    patches.pixel_step = bc_range_length(rows);
  else
    patches.row_step = images * bc_range_length(pixels);
  return patches;
}

bc_range bc_next_patch_rows(const bc_geometry *geometry, bc_range channels, int64_t most,
                            int64_t *next)
{
  const int64_t n = bc_range_length(channels), left = n * geometry->taps - *next;
  /* The channels of a tap are neighbours in NHWC, and so are taps with all their channels. */
  const bool split = geometry->layout == BLASCONV_NHWC && n < geometry->in_channels;
  const int64_t run = split ? bc_min(most, n - *next % n) : most;
  const int64_t begin = split ? *next / n * geometry->in_channels + channels.begin + *next % n
                              : channels.begin * geometry->row_of_channel + *next;
  const int64_t length = bc_min(run, left);
  *next += length;
  return (bc_range){begin, begin + length};
}

/* The tap's place on each axis, from its number. */
static void locate(const bc_geometry *geometry, int64_t number, int64_t place[BLASCONV_MAX_RANK])
{
  for (int i = BC_WIDTH; i >= BC_DEPTH; --i) {
    place[i] = number % geometry->axes[i].kernel;
    number /= geometry->axes[i].kernel;
  }
}

/* Fills offsets, met, empty and full from the place of the first tap; tap->taps is known. */
static void meet_axes(const bc_geometry *geometry, const int64_t place[BLASCONV_MAX_RANK],
                      bc_tap *tap)
{
  tap->empty = false;
  tap->full = true;
  for (int i = 0; i < BLASCONV_MAX_RANK; ++i) {
    const bc_axis *axis = &geometry->axes[i];
    const int64_t last = i == BC_WIDTH ? place[i] + tap->taps - 1 : place[i];
    const bc_range met = {bc_axis_inside(axis, place[i]).begin, bc_axis_inside(axis, last).end};
    tap->offsets[i] = place[i] * axis->dilation - axis->pad_begin;
    tap->met[i] = (bc_range){met.begin, bc_max(met.begin, met.end)};
    tap->empty = tap->empty || bc_range_length(tap->met[i]) == 0;
    tap->full = tap->full && bc_range_length(tap->met[i]) == axis->output;
  }
}

/* The rows [first_row, end) at most: one tap of the channels that the block has of it. */
static bc_tap tap_of_channels(const bc_geometry *geometry, int64_t first_row, int64_t end,
                              int64_t place[BLASCONV_MAX_RANK])
{
  locate(geometry, first_row % geometry->taps, place);
  return (bc_tap){.first_row = first_row,
                  .rows_apart = geometry->taps,
                  .rows = bc_count_blocks(end - first_row, geometry->taps),
                  .first_channel = first_row / geometry->taps,
                  .taps = 1};
}

/* The rows [first_row, end) at most: to the end of the tap, or of its row of taps where these are
 * neighbours. */
static bc_tap channels_of_taps(const bc_geometry *geometry, int64_t first_row, int64_t end,
                               int64_t place[BLASCONV_MAX_RANK])
{
  const int64_t channels = geometry->in_channels, first = first_row / channels;
  const bc_axis *width = &geometry->axes[BC_WIDTH];
  locate(geometry, first, place);
  const int64_t last =
      bc_taps_are_neighbours(geometry) ? first - place[BC_WIDTH] + width->kernel : first + 1;
  end = bc_min(end, last * channels);
  return (bc_tap){.first_row = first_row,
                  .rows_apart = 1,
                  .rows = end - first_row,
                  .first_channel = first_row % channels,
                  .taps = bc_count_blocks(end, channels) - first};
}

bc_tap bc_next_tap(const bc_geometry *geometry, bc_range rows, int64_t *next)
{
  int64_t place[BLASCONV_MAX_RANK];
  bc_tap tap;
  if (geometry->layout == BLASCONV_NHWC) {
    tap = channels_of_taps(geometry, *next, rows.end, place);
    *next += tap.rows;
  } else {
    tap = tap_of_channels(geometry, *next, rows.end, place);
    if (++*next == rows.begin + geometry->taps)
      *next = rows.end; /* every tap has been, with all its channels */
  }
  meet_axes(geometry, place, &tap);
  return tap;
}
