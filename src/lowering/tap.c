#include "lowering.h"

bc_tap bc_tap_of_rows(const bc_geometry *geometry, bc_range rows)
{
  const bc_axis *h = &geometry->height, *w = &geometry->width;
  const int64_t r = rows.begin / w->kernel % h->kernel;
  const int64_t s = rows.begin % w->kernel;
  bc_tap tap = {.first_channel = rows.begin / geometry->taps,
                .channels = bc_count_blocks(bc_range_length(rows), geometry->taps),
                .row_offset = r * h->dilation - h->pad_begin,
                .column_offset = s * w->dilation - w->pad_begin,
                .rows = bc_axis_inside(h, r),
                .columns = bc_axis_inside(w, s)};
  tap.empty = bc_range_length(tap.rows) <= 0 || bc_range_length(tap.columns) <= 0;
  tap.full = bc_range_length(tap.rows) == h->output && bc_range_length(tap.columns) == w->output;
  return tap;
}

bc_grid bc_grid_of(const bc_geometry *geometry, const bc_tap *tap, bc_rectangle met, int64_t stride)
{
  return (bc_grid){.planes = tap->channels,
                   .rows = met.rows,
                   .columns = bc_range_length(met.columns),
                   .plane_step = geometry->in_pixels,
                   .row_step = geometry->height.stride * geometry->width.input,
                   .column_step = geometry->width.stride,
                   .packed_plane_step = geometry->taps * stride,
                   .packed_row_step = geometry->width.output};
}

bc_rectangle bc_next_rectangle(const bc_geometry *geometry, bc_range pixels, int64_t *next)
{
  const int64_t width = geometry->width.output;
  const int64_t row = *next / width, column = *next % width, left = pixels.end - *next;
  const bool whole = column == 0 && left >= width;
  const bc_rectangle rectangle = {
      row, whole ? left / width : 1, {column, whole ? width : bc_min(width, column + left)}};
  *next += rectangle.rows * bc_range_length(rectangle.columns);
  return rectangle;
}

static bc_range intersect(bc_range a, bc_range b)
{
  const int64_t begin = bc_max(a.begin, b.begin);
  return (bc_range){begin, bc_max(begin, bc_min(a.end, b.end))};
}

bc_rectangle bc_meet_input(bc_rectangle rectangle, const bc_tap *tap)
{
  const bc_range rows =
      intersect((bc_range){rectangle.first_row, rectangle.first_row + rectangle.rows}, tap->rows);
  return (bc_rectangle){rows.begin, bc_range_length(rows),
                        intersect(rectangle.columns, tap->columns)};
}

bc_range bc_shift_pixels(const bc_geometry *geometry, const bc_tap *tap, bc_range pixels)
{
  const int64_t width = geometry->width.output;
  const int64_t first = tap->rows.begin * width + tap->columns.begin;
  const int64_t last = (tap->rows.end - 1) * width + tap->columns.end;
  const int64_t begin = bc_min(bc_max(pixels.begin, first), pixels.end);
  return (bc_range){begin, bc_max(begin, bc_min(pixels.end, last))};
}

/* Columns [begin, end) of the rectangle's rows, in a row of the block that begins at first_pixel.
 */
static void clear_columns(bc_rectangle rectangle, int64_t begin, int64_t end, int64_t width,
                          int64_t first_pixel, float *row)
{
  for (int64_t y = 0; y < rectangle.rows; ++y)
    for (int64_t x = begin; x < end; ++x)
      row[(rectangle.first_row + y) * width + x - first_pixel] = 0.0f;
}

void bc_shift_clear_edges(const bc_geometry *geometry, const bc_tap *tap, bc_range pixels,
                          float *row)
{
  const int64_t width = geometry->width.output;
  if (bc_range_length(tap->columns) == width)
    return;
  for (int64_t next = pixels.begin; next < pixels.end;) {
    const bc_rectangle part = bc_next_rectangle(geometry, pixels, &next);
    clear_columns(part, part.columns.begin, bc_min(part.columns.end, tap->columns.begin), width,
                  pixels.begin, row);
    clear_columns(part, bc_max(part.columns.begin, tap->columns.end), part.columns.end, width,
                  pixels.begin, row);
  }
}
