#include "lowering.h"

bc_tap bc_tap_of_row(const bc_geometry *geometry, int64_t patch_row)
{
  const bc_axis *h = &geometry->height, *w = &geometry->width;
  const int64_t r = patch_row / w->kernel % h->kernel;
  const int64_t s = patch_row % w->kernel;
  bc_tap tap = {.channel = patch_row / geometry->taps,
                .row_offset = r * h->dilation - h->pad_begin,
                .column_offset = s * w->dilation - w->pad_begin,
                .rows = bc_axis_inside(h, r),
                .columns = bc_axis_inside(w, s)};
  tap.empty = bc_range_length(tap.rows) <= 0 || bc_range_length(tap.columns) <= 0;
  return tap;
}

bc_range bc_columns_of_row(const bc_geometry *geometry, bc_range pixels, int64_t row)
{
  const int64_t width = geometry->width.output;
  return (bc_range){bc_max(0, pixels.begin - row * width), bc_min(width, pixels.end - row * width)};
}

bc_range bc_shift_pixels(const bc_geometry *geometry, const bc_tap *tap, bc_range pixels)
{
  const int64_t width = geometry->width.output;
  const int64_t first = tap->rows.begin * width + tap->columns.begin;
  const int64_t last = (tap->rows.end - 1) * width + tap->columns.end;
  const int64_t begin = bc_min(bc_max(pixels.begin, first), pixels.end);
  return (bc_range){begin, bc_max(begin, bc_min(pixels.end, last))};
}

void bc_shift_clear_edges(const bc_geometry *geometry, const bc_tap *tap, bc_range pixels,
                          float *row)
{
  const int64_t width = geometry->width.output;
  if (bc_range_length(tap->columns) == width)
    return;
  for (int64_t y = pixels.begin / width; y * width < pixels.end; ++y) {
    const bc_range columns = bc_columns_of_row(geometry, pixels, y);
    const int64_t start = y * width - pixels.begin;
    for (int64_t x = columns.begin; x < bc_min(columns.end, tap->columns.begin); ++x)
      row[start + x] = 0.0f;
    for (int64_t x = bc_max(columns.begin, tap->columns.end); x < columns.end; ++x)
      row[start + x] = 0.0f;
  }
}
