#include "window.h"

#include "algorithms/blocks.h"
#include "cpu.h"
#include "kernels/depthwise.h"
#include "kernels/kernels.h"

#include <string.h>

enum {
  WINDOW_ELEMENTS = 1 << 12, /* half of a first-level cache */
  MOST_COLUMNS = 512,
  LEAST_TRANSPOSED = 16 /* channels in a window where copies are transposes */
};

static void halve(int64_t *size)
{
  *size = bc_count_blocks(*size, 2);
}

/* Most results of a phase. */
static int64_t most(const bc_sums *sums, int axis)
{
  return bc_sweep_count(&sums->axes[axis], 0);
}

bc_cut bc_cut_choose(const bc_geometry *g, const bc_sums *sums, size_t room, bc_cut_bytes *bytes)
{
  const int64_t rows = most(sums, BC_HEIGHT), columns = most(sums, BC_WIDTH);
  bc_cut cut = {.rows = rows,
                .columns = bc_even_block(columns, MOST_COLUMNS, BC_DEPTHWISE_LANES),
                .groups = 1};
  while (cut.rows > 4 && bc_window_of(sums, cut.rows, cut.columns).channel > WINDOW_ELEMENTS)
    halve(&cut.rows);
  cut.rows = bc_even_block(rows, cut.rows, 4);
  const int64_t channel = bc_window_of(sums, cut.rows, cut.columns).channel;
  const int64_t channels =
      bc_max(sums->from.pixel == 1 ? 1 : LEAST_TRANSPOSED, WINDOW_ELEMENTS / bc_max(1, channel));
  cut.groups = bc_max(1, bc_min(g->groups, channels / sums->from_channels));
  while (bytes(sums, &cut) > room && (cut.groups > 1 || cut.rows > 1 || cut.columns > 1))
    halve(cut.groups > 1 ? &cut.groups : cut.rows > 1 ? &cut.rows : &cut.columns);
  return cut;
}

int64_t bc_cut_count(const bc_sums *sums, const bc_cut *cut)
{
  return sums->axes[BC_DEPTH].results * bc_count_blocks(most(sums, BC_HEIGHT), cut->rows) *
         bc_count_blocks(most(sums, BC_WIDTH), cut->columns);
}

bc_box bc_cut_box(const bc_sums *sums, const bc_cut *cut, int64_t index)
{
  const int64_t rows = most(sums, BC_HEIGHT), columns = most(sums, BC_WIDTH);
  const int64_t row_blocks = bc_count_blocks(rows, cut->rows);
  const int64_t column_blocks = bc_count_blocks(columns, cut->columns);
  return (bc_box){.plane = index / column_blocks / row_blocks,
                  .rows = bc_block(index / column_blocks % row_blocks, cut->rows, rows),
                  .columns = bc_block(index % column_blocks, cut->columns, columns)};
}

/* Columns of the source under tap r and those `period` further on are columns of one segment. */
static int64_t period_of(const bc_sweep *columns)
{
  int64_t period = 1;
  while (period < columns->axis->kernel && period * columns->apart % columns->stride != 0)
    ++period;
  return period;
}

/* More elements than any workspace has: pads and dilations of billions may come to more than an
 * integer holds. */
static const int64_t too_many = (int64_t)1 << 40;

static int64_t elements_of(int64_t count, int64_t elements)
{
  return count > too_many / bc_max(elements, 1) ? too_many : count * elements;
}

bc_window bc_window_of(const bc_sums *sums, int64_t rows, int64_t columns)
{
  const bc_sweep *height = &sums->axes[BC_HEIGHT], *width = &sums->axes[BC_WIDTH];
  bc_window w = {.planes = sums->axes[BC_DEPTH].most_taps,
                 .rows = (rows - 1) * height->stride + height->reach + 1,
                 .segments = period_of(width)};
  w.segment_shift = w.segments * width->apart / width->stride;
  /* With several segments the reach is that of the taps, which are `apart` from each other. */
  const int64_t shifts =
      w.segments > 1 ? (width->axis->kernel - 1) / w.segments * w.segment_shift : 0;
  w.segment = columns + (w.segments > 1 ? shifts : width->reach / width->stride);
  w.row = elements_of(w.segments, w.segment);
  w.plane = elements_of(w.rows, w.row);
  w.channel = elements_of(w.planes, w.plane);
  return w;
}

int64_t bc_window_elements(const bc_window *window, int64_t channels)
{
  return elements_of(channels, window->channel) + BC_DEPTHWISE_LANES;
}

int64_t bc_window_tap(const bc_window *window, const bc_sums *sums, const bc_phase *phase,
                      int64_t i)
{
  const bc_sweep *width = &sums->axes[BC_WIDTH];
  if (window->segments == 1)
    return (phase->offset - width->low + i * width->apart) / width->stride;
  return i % window->segments * window->segment + i / window->segments * window->segment_shift;
}

bc_range bc_window_planes(const bc_sums *sums, const bc_box *box, bc_phase *phase)
{
  const bc_sweep *depth = &sums->axes[BC_DEPTH];
  *phase = bc_sweep_phase(depth, box->plane % depth->step);
  return bc_phase_inside(depth, phase, box->plane / depth->step);
}

/* Part of the window: one segment of the rows in one plane. */
typedef struct part {
  int64_t rows, columns;        /* floats of the segment that are used */
  bc_range rows_in, columns_in; /* those in the source */
  int64_t pixel;                /* of the source: the first that is in */
  int64_t place;                /* of the first row's segment in a channel's window */
  int64_t segment, left;        /* its number, and the column of the source where it begins */
} part;

static part find_part(const bc_window *w, const bc_sums *sums, const bc_box *box, int64_t tap,
                      int64_t source_plane, int64_t segment)
{
  const bc_sweep *height = &sums->axes[BC_HEIGHT], *width = &sums->axes[BC_WIDTH];
  const int64_t top = box->rows.begin * height->stride + height->low;
  const int64_t left = box->columns.begin * width->stride + width->low + segment * width->apart;
  part p = {.rows = (bc_range_length(box->rows) - 1) * height->stride + height->reach + 1,
            .columns = w->segment,
            .place = tap * w->plane + segment * w->segment,
            .segment = segment,
            .left = left};
  p.rows_in = bc_places_inside(top, 1, p.rows, height->sources);
  p.columns_in = bc_places_inside(left, width->stride, p.columns, width->sources);
  p.pixel = (source_plane * height->sources + top + p.rows_in.begin) * width->sources + left +
            p.columns_in.begin * width->stride;
  return p;
}

typedef void part_visitor(const bc_window *w, const bc_sums *sums, const part *p,
                          const float *source, int64_t channels, int64_t next, float *buffer);

static void visit_parts(const bc_window *w, const bc_sums *sums, const bc_box *box,
                        part_visitor *visit, const float *source, int64_t channels, int64_t next,
                        float *buffer)
{
  const bc_sweep *depth = &sums->axes[BC_DEPTH];
  bc_phase phase;
  const bc_range taps = bc_window_planes(sums, box, &phase);
  const int64_t first = box->plane / depth->step * depth->stride + phase.offset;
  for (int64_t tap = taps.begin; tap < taps.end; ++tap)
    for (int64_t segment = 0; segment < w->segments; ++segment) {
      const part p = find_part(w, sums, box, tap, first + tap * depth->apart, segment);
      visit(w, sums, &p, source, channels, next, buffer);
    }
}

static void clear(float *row, int64_t begin, int64_t end)
{
  for (int64_t i = begin; i < end; ++i)
    row[i] = 0.0f;
}

static void clear_part(const bc_window *w, const bc_sums *sums, const part *p, const float *source,
                       int64_t channels, int64_t next, float *buffer)
{
  (void)sums;
  (void)source;
  (void)channels;
  (void)next;
  for (int64_t i = 0; i < p->rows; ++i) {
    float *row = buffer + p->place + i * w->row;
    const bool in = i >= p->rows_in.begin && i < p->rows_in.end;
    clear(row, 0, in ? p->columns_in.begin : p->columns);
    clear(row, in ? p->columns_in.end : p->columns, p->columns);
  }
}

void bc_window_clear(const bc_window *window, const bc_sums *sums, const bc_box *box,
                     int64_t channels, float *buffer)
{
  if (channels == 1)
    visit_parts(window, sums, box, clear_part, NULL, 1, 0, buffer);
  else /* small maps have many edges */
    memset(buffer, 0, (size_t)(channels * window->channel) * sizeof *buffer);
}

static void transpose_part(const bc_window *w, const bc_sums *sums, const part *p,
                           const float *source, int64_t channels, int64_t next, float *buffer)
{
  (void)next;
  const bc_sweep *width = &sums->axes[BC_WIDTH];
  const int64_t pixel = sums->from.pixel;
  for (int64_t i = 0; i < bc_range_length(p->rows_in); ++i)
    bc_cpu_kernels()->transpose(
        source + (p->pixel + i * width->sources) * pixel, width->stride * pixel,
        bc_range_length(p->columns_in), channels,
        buffer + p->place + (p->rows_in.begin + i) * w->row + p->columns_in.begin, w->channel);
}

static void copy_part(const bc_window *w, const bc_sums *sums, const part *p, const float *source,
                      int64_t channels, int64_t next, float *buffer)
{
  const bc_sweep *width = &sums->axes[BC_WIDTH];
  const bc_grid grid = {.planes = channels,
                        .rows = bc_range_length(p->rows_in),
                        .columns = bc_range_length(p->columns_in),
                        .plane_step = sums->from.channel,
                        .row_step = width->sources,
                        .column_step = width->stride,
                        .packed_plane_step = w->channel,
                        .packed_row_step = w->row,
                        .next = next};
  float *to = buffer + p->place + p->rows_in.begin * w->row + p->columns_in.begin;
  if (width->stride == 1)
    bc_cpu_kernels()->depthwise->copy(&grid, source + p->pixel, to);
  else
    bc_cpu_kernels()->gather(&grid, source + p->pixel, to);
}

/* The two segments are the columns under even taps and under odd ones. */
static bool has_halves(const bc_window *w, const bc_sums *sums)
{
  const bc_sweep *width = &sums->axes[BC_WIDTH];
  return sums->from.pixel == 1 && width->stride == 2 && width->apart == 1 && w->segments == 2;
}

/* Both segments at once. */
static void divide_part(const bc_window *w, const bc_sums *sums, const part *p, const float *source,
                        int64_t channels, int64_t next, float *buffer)
{
  const bc_sweep *width = &sums->axes[BC_WIDTH];
  const int64_t first = bc_max(0, p->left), at = first - p->left;
  const bc_grid grid = {.planes = channels,
                        .rows = bc_range_length(p->rows_in),
                        .columns = bc_min(width->sources, p->left + 2 * w->segment) - first,
                        .plane_step = sums->from.channel,
                        .row_step = width->sources,
                        .column_step = 1,
                        .packed_plane_step = w->channel,
                        .packed_row_step = w->row,
                        .next = next};
  if (grid.columns <= 0)
    return;
  float *to = buffer + p->place + p->rows_in.begin * w->row;
  bc_cpu_kernels()->depthwise->divide(&grid, source + p->pixel - 2 * p->columns_in.begin + at,
                                      to + at % 2 * w->segment + at / 2,
                                      to + (1 - at % 2) * w->segment + (at + 1) / 2);
}

static void fill_part(const bc_window *w, const bc_sums *sums, const part *p, const float *source,
                      int64_t channels, int64_t next, float *buffer)
{
  const bool halves = has_halves(w, sums);
  if (bc_range_length(p->rows_in) == 0 || (halves && p->segment > 0))
    return;
  if (halves)
    divide_part(w, sums, p, source, channels, next, buffer);
  else if (bc_range_length(p->columns_in) == 0)
    return;
  else if (sums->from.pixel == 1)
    copy_part(w, sums, p, source, channels, next, buffer);
  else
    transpose_part(w, sums, p, source, channels, next, buffer);
}

void bc_window_fill(const bc_window *window, const bc_sums *sums, const bc_box *box,
                    const float *source, int64_t channels, int64_t next, float *buffer)
{
  visit_parts(window, sums, box, fill_part, source, channels, next, buffer);
}
