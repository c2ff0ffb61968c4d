/* What of a window lies in the image. Inlined with the step from one output column to the next as a
 * constant, 1 or 2, loads become a shuffle or none. */
#ifndef BC_WINDOWS_H
#define BC_WINDOWS_H

#include "pooling.h"
#include "runs.h"

/* The taps that meet the image when tap 0 stands at `position`, which is before its end. */
INLINE bc_range taps_inside(const bc_axis *axis, int64_t position)
{
  if (position >= 0 && position + (axis->kernel - 1) * axis->dilation < axis->input)
    return (bc_range){0, axis->kernel}; /* as mostly, and looked up for each output */
  return bc_places_inside(position, axis->dilation, axis->kernel, axis->input);
}

/* Pixels from the first tap to the last. */
INLINE int64_t reach(const bc_axis *axis)
{
  return (axis->kernel - 1) * axis->dilation + 1;
}

/* What of a window lies in the image: a grid of rows x columns pixels, maybe none. */
typedef struct window {
  int64_t first;         /* element of the image */
  int64_t rows, columns; /* taps */
  int64_t row_step;      /* elements from one row of taps to the next */
  int64_t column_step;
} window;

/* What the windows of a row of outputs have in common: their rows of taps, those within some rows
 * of the image, of which the last is not above all windows. */
INLINE window window_rows_within(const bc_pooling *p, int64_t output_row, bc_range within)
{
  const bc_axis *w = &p->width;
  bc_axis h = p->height;
  const int64_t top = output_row * h.stride - h.pad_begin;
  h.input = bc_range_length(within);
  const bc_range rows = taps_inside(&h, top - within.begin);
  return (window){.first = (top + rows.begin * h.dilation) * w->input - w->pad_begin,
                  .rows = bc_range_length(rows),
                  .columns = w->kernel,
                  .row_step = h.dilation * w->input,
                  .column_step = w->dilation};
}

INLINE window window_rows(const bc_pooling *p, int64_t output_row)
{
  return window_rows_within(p, output_row, (bc_range){0, p->height.input});
}

/* What windows of one column of outputs have in common. */
typedef struct window_columns {
  int64_t first; /* elements behind the first of the row */
  int64_t taps;
} window_columns;

INLINE window_columns columns_of(const bc_pooling *p, int64_t output_column)
{
  const bc_axis *w = &p->width;
  const int64_t left = output_column * w->stride;
  const bc_range taps = taps_inside(w, left - w->pad_begin);
  return (window_columns){left + taps.begin * w->dilation, bc_range_length(taps)};
}

INLINE window crossing(window row, window_columns columns)
{
  row.first += columns.first;
  row.columns = columns.taps;
  return row;
}

/* Rows that follow each other without a gap are one. */
INLINE window flattened(window area)
{
  if (area.row_step == area.columns * area.column_step) {
    area.columns *= area.rows;
    area.rows = 1;
  }
  return area;
}

/* What a sum is divided by; 0 only where there is nothing to sum. */
INLINE int64_t divisor(const bc_pooling *p, window area)
{
  return p->all_taps ? p->height.kernel * p->width.kernel : area.rows * area.columns;
}

/* Sums of more taps are taken in double. */
INLINE bool sums_are_float(const bc_pooling *p)
{
  return p->height.kernel * p->width.kernel <= BC_POOLING_FLOAT_TAPS;
}

/* Clears rows of an image up to `end`. Returns the new end of what is cleared. */
INLINE int64_t clear_rows(int64_t row_elements, int64_t cleared, int64_t end, float *image)
{
  if (end <= cleared)
    return cleared;
  memset(image + cleared * row_elements, 0,
         (size_t)((end - cleared) * row_elements) * sizeof *image);
  return end;
}

/* For a loop that passes over a range. */
INLINE int64_t skip(bc_range range, int64_t i)
{
  return i == range.begin ? range.end : i;
}

#endif
