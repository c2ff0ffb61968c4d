/* The elements of a block and those of the image that they come from, a grid at a time. */
#include "lowering.h"

bc_rectangle bc_next_rectangle(const bc_geometry *geometry, bc_range pixels, int64_t *next)
{
  const int64_t width = geometry->axes[BC_WIDTH].output, height = geometry->axes[BC_HEIGHT].output;
  const int64_t row = *next / width, column = *next % width, left = pixels.end - *next;
  const bool whole = column == 0 && left >= width;
  const bc_rectangle rectangle = {.plane = row / height,
                                  .first_row = row % height,
                                  .rows = whole ? bc_min(left / width, height - row % height) : 1,
                                  .columns = {column, bc_min(width, column + left)}};
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
  const bc_range planes = tap->met[BC_DEPTH];
  const bool missed = rectangle.plane < planes.begin || rectangle.plane >= planes.end;
  const bc_range rows = intersect(
      (bc_range){rectangle.first_row, rectangle.first_row + rectangle.rows}, tap->met[BC_HEIGHT]);
  return (bc_rectangle){rectangle.plane, rows.begin, missed ? 0 : bc_range_length(rows),
                        intersect(rectangle.columns, tap->met[BC_WIDTH])};
}

/* The input pixel under the tap when the filter stands at an output pixel; its column may lie
 * outside. */
static int64_t input_pixel(const bc_geometry *geometry, const bc_tap *tap, int64_t plane,
                           int64_t row, int64_t column)
{
  const int64_t output[] = {plane, row, column};
  int64_t pixel = 0;
  for (int i = 0; i < BLASCONV_MAX_RANK; ++i)
    pixel =
        pixel * geometry->axes[i].input + output[i] * geometry->axes[i].stride + tap->offsets[i];
  return pixel;
}

/* A visit, and what is needed to find its places. */
typedef struct walk {
  const bc_geometry *geometry;
  const bc_tap *tap;
  const bc_patches *patches;
  bc_grid_visitor *visit;
  void *context;
} walk;

static int64_t block_offset(const walk *w, int64_t pixel, int64_t row)
{
  return (pixel - w->patches->pixels.begin) * w->patches->pixel_step +
         (row - w->patches->rows.begin) * w->patches->row_step;
}

static void visit_at(const walk *w, const bc_grid *grid, int64_t plane, int64_t row, int64_t column,
                     int64_t element)
{
  const bc_geometry *g = w->geometry;
  const int64_t pixel = input_pixel(g, w->tap, plane, row, column);
  w->visit(w->context, grid,
           pixel * g->input.pixel + w->tap->first_channel * g->input.channel + element,
           block_offset(w, bc_output_pixel(g, plane, row, column), w->tap->first_row) + element);
}

/* Columns of the grid are pixels, planes are channels. */
static void visit_pixels(const walk *w, bc_rectangle met)
{
  const bc_geometry *g = w->geometry;
  const bc_axis *axes = g->axes;
  const bc_grid grid = {.planes = w->tap->rows,
                        .rows = met.rows,
                        .columns = bc_range_length(met.columns),
                        .plane_step = g->input.channel,
                        .row_step = axes[BC_HEIGHT].stride * axes[BC_WIDTH].input,
                        .column_step = axes[BC_WIDTH].stride,
                        .packed_plane_step = w->tap->rows_apart * w->patches->row_step,
                        .packed_row_step = axes[BC_WIDTH].output};
  visit_at(w, &grid, met.plane, met.first_row, met.columns.begin, 0);
}

/* Columns of the grid are channels of neighbouring taps, rows and planes are pixels. */
static void visit_channels(const walk *w, bc_rectangle met)
{
  const bc_geometry *g = w->geometry;
  const bc_axis *axes = g->axes;
  const int64_t pixel = g->input.pixel, packed_pixel = w->patches->pixel_step;
  const bc_grid grid = {.planes = met.rows,
                        .rows = bc_range_length(met.columns),
                        .columns = w->tap->rows,
                        .plane_step = axes[BC_HEIGHT].stride * axes[BC_WIDTH].input * pixel,
                        .row_step = axes[BC_WIDTH].stride * pixel,
                        .column_step = 1,
                        .packed_plane_step = axes[BC_WIDTH].output * packed_pixel,
                        .packed_row_step = packed_pixel};
  visit_at(w, &grid, met.plane, met.first_row, met.columns.begin, 0);
}

/* The elements of neighbouring taps at one output column where only some of them meet the input. */
static void visit_edge(const walk *w, bc_rectangle met, int64_t column)
{
  const bc_geometry *g = w->geometry;
  const bc_axis *width = &g->axes[BC_WIDTH];
  const int64_t channels = g->in_channels;
  const int64_t before = (column * width->stride + w->tap->offsets[BC_WIDTH]) * channels +
                         w->tap->first_channel; /* elements of the input's row before the first */
  const int64_t begin = bc_max(0, -before);
  const int64_t end = bc_min(w->tap->rows, width->input * channels - before);
  const bc_grid grid = {.planes = 1, .rows = 1, .columns = end - begin, .column_step = 1};
  if (begin < end)
    for (int64_t row = met.first_row; row < met.first_row + met.rows; ++row)
      visit_at(w, &grid, met.plane, row, column, begin);
}

static void visit_edges(const walk *w, bc_rectangle rectangle, bc_rectangle met)
{
  if (w->tap->taps == 1)
    return;
  const int64_t left = bc_min(rectangle.columns.end, w->tap->met[BC_WIDTH].begin);
  const int64_t right = bc_max(left, bc_max(rectangle.columns.begin, w->tap->met[BC_WIDTH].end));
  for (int64_t column = rectangle.columns.begin; column < left; ++column)
    visit_edge(w, met, column);
  for (int64_t column = right; column < rectangle.columns.end; ++column)
    visit_edge(w, met, column);
}

void bc_visit_grids(const bc_geometry *geometry, const bc_tap *tap, const bc_patches *patches,
                    bc_grid_visitor *visit, void *context)
{
  const walk w = {geometry, tap, patches, visit, context};
  for (int64_t next = patches->pixels.begin; next < patches->pixels.end;) {
    const bc_rectangle rectangle = bc_next_rectangle(geometry, patches->pixels, &next);
    const bc_rectangle met = bc_meet_input(rectangle, tap);
    if (met.rows == 0)
      continue;
    if (geometry->layout == BLASCONV_NHWC) {
      visit_edges(&w, rectangle, met);
      if (bc_range_length(met.columns) > 0)
        visit_channels(&w, met);
    } else if (bc_range_length(met.columns) > 0)
      visit_pixels(&w, met);
  }
}
