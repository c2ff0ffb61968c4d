#include "tiles.h"

#include "maps.h"
#include "panel.h"

#include <math.h>

/* Operands lie in the second-level cache, packed unless their rows are neighbours: rows that are
 * farther from each other than MOST_STEP share too few sets of it. Where both are packed, few rows
 * and lanes may be deeper. */
enum {
  MOST_DEPTH = 288,
  MOST_PACKED_DEPTH = 512,
  PACKED = 150 << 10, /* floats of both */
  MOST_STEP = 256
};

/* Columns that come from memory take a third of that cache, which will have the next ones too; but
 * are not so few that adding to results counts. For each lane, since CPUs with longer vectors have
 * larger caches; the size itself is not asked for, because the depth decides about bits. */
enum { LEAST_COLUMNS_OF_LANE = 9, FAR_FLOATS_OF_LANE = 2700 };

/* c [rows][lanes] = a b, lanes being neighbours in c. */
typedef struct product {
  const bc_product_kernels *kernels;
  bc_operand a, b; /* [rows][depth], [depth][lanes] */
  bc_result c;
  int64_t rows, lanes;
  bool add;
  bool rows_stay, panels_stay;  /* they are read where they are */
  const float *next_a, *next_b; /* where the operands of what follows begin */
  float *panels;                /* [panels][depth][lanes of a panel] */
  float *copies;                /* [row][depth], or if a lies in columns [block][depth][its rows] */
  const float **at;             /* [row] */
  float **results;              /* [row] */
} product;

static int64_t panel_elements(int64_t lanes, int64_t depth)
{
  return bc_round_up(lanes, bc_cpu_kernels()->product->lanes) * depth;
}

/* Copies of a block of rows, packed or not. */
static int64_t copied_elements(int64_t rows, int64_t depth)
{
  return bc_round_up(bc_min(BC_ROW_BLOCK, rows), bc_cpu_kernels()->product->packed_rows) * depth;
}

static size_t pointer_bytes(void)
{
  return bc_workspace_book_words(BC_ROW_BLOCK + BC_MOST_TILE_ROWS);
}

size_t bc_tiles_bytes(int64_t m, int64_t n, int64_t k)
{
  const int64_t depth = bc_min(k, MOST_PACKED_DEPTH);
  return bc_workspace_book(panel_elements(bc_max(m, n), depth)) +
         bc_workspace_book(copied_elements(bc_max(m, n), depth)) + 2 * pointer_bytes();
}

/* Rows of neighbours that are so far apart. */
static bool stays(int64_t step)
{
  return bc_cpu_kernels()->product->reads_in_place && step > 1 && step <= MOST_STEP;
}

/* far: both are packed from columns in memory. */
static int64_t packed_depth(int64_t rows, int64_t lanes, bool far)
{
  const int64_t width = bc_cpu_kernels()->product->lanes;
  const int64_t least = far ? LEAST_COLUMNS_OF_LANE * width : MOST_DEPTH;
  const int64_t room = far ? FAR_FLOATS_OF_LANE * width : PACKED;
  return bc_max(least, bc_min(MOST_PACKED_DEPTH, room / (rows + lanes)));
}

static int64_t depth_of_block(int64_t rows, int64_t lanes, int64_t k, bool stays, bool far)
{
  return bc_even_block(bc_max(1, k), stays ? MOST_DEPTH : packed_depth(rows, lanes, far), 8);
}

/* Columns of the gradient [depth][filters] are no neighbours: lanes run along the depth. */
void bc_tiles_work(double products, double m, double n, double k, int64_t a_step, int64_t b_step,
                   bool lowered, bc_work *work)
{
  const bc_product_kernels *kernels = bc_cpu_kernels()->product;
  const double lanes = ceil(m / (double)kernels->lanes), rows = ceil(n / (double)kernels->rows);
  const double tiles = products * lanes * rows;
  const int64_t block = depth_of_block((int64_t)n, (int64_t)m, (int64_t)k,
                                       stays(a_step) || stays(b_step), !lowered && a_step > 1);
  work->tiles = tiles * ceil(k / (double)block);
  work->segments = work->tiles;
  work->multiplications = tiles * (double)(kernels->lanes * kernels->rows) * k;
  work->packed = products * k * ((stays(a_step) ? 0.0 : m) + (stays(b_step) ? 0.0 : n));
}

static const float *first_of_panel(const product *p, bc_range depth, int64_t lane)
{
  return p->b.data + depth.begin * p->b.row_step + lane * p->b.column_step;
}

static void pack_panel(const product *p, bc_range depth, int64_t lane, float *panel)
{
  const int64_t width = p->kernels->lanes, lanes = bc_min(width, p->lanes - lane);
  const float *from = first_of_panel(p, depth, lane);
  const int64_t n = bc_range_length(depth);
  if (p->b.row_step == 1)
    bc_cpu_kernels()->transpose(from, p->b.column_step, lanes, n, panel, width);
  else
    bc_copy_rows(from, p->b.row_step, n, lanes, panel, width);
}

/* Copies of columns of some rows: [blocks][depth][packed rows]. */
static void copy_columns(const product *p, const float *from, int64_t rows, int64_t columns)
{
  const int64_t width = p->kernels->packed_rows;
  for (int64_t k = 0; k < columns; ++k)
    p->kernels->put_row(&(bc_row_source){.from = from + k * p->a.column_step,
                                         .step = 1,
                                         .n = rows,
                                         .width = width,
                                         .block_step = width * columns},
                        p->copies + k * width);
}

/* Finds some rows over part of the depth, or copies of them that lie close together. Returns the
 * step from a row's factor to the next. */
static int64_t find_rows(const product *p, bc_range rows, bc_range depth)
{
  const bool along = p->a.column_step == 1;
  const int64_t n = bc_range_length(depth), m = bc_range_length(rows),
                width = p->kernels->packed_rows;
  const float *from = p->a.data + rows.begin * p->a.row_step + depth.begin * p->a.column_step;
  for (int64_t i = 0; i < m; ++i) {
    p->at[i] = p->rows_stay ? from + i
               : along      ? p->copies + i * n
                            : p->copies + i / width * width * n + i % width;
    p->results[i] = p->c.data + (rows.begin + i) * p->c.row_step;
  }
  if (p->rows_stay)
    return p->a.column_step;
  if (along)
    bc_copy_rows(from, p->a.row_step, m, n, p->copies, n);
  else
    copy_columns(p, from, m, n);
  return along ? 1 : width;
}

static const float *panel_at(const product *p, bc_range depth, int64_t lane)
{
  return p->panels_stay ? first_of_panel(p, depth, lane)
                        : p->panels + lane * bc_range_length(depth);
}

static void multiply_rows(const product *p, bc_range rows, bc_range depth, bc_coming *coming)
{
  const int64_t width = p->kernels->lanes, n = bc_range_length(depth);
  const int64_t panel_step = p->panels_stay ? p->b.row_step : width;
  const bc_rows all = {.count = bc_range_length(rows),
                       .segments = 1,
                       .length = n,
                       .step = find_rows(p, rows, depth),
                       .at = p->at,
                       .results = p->results,
                       .add = p->add || depth.begin > 0};
  const int64_t at_once = bc_panels_at_once(p->kernels) * width;
  int64_t places[BC_MOST_WIDE_LANES];
  for (int64_t lane = 0; lane < p->lanes; lane += at_once) {
    const int64_t lanes = bc_min(at_once, p->lanes - lane);
    for (int64_t i = 0; i < lanes; ++i)
      places[i] = lane + i;
    const bc_panels some = {.first = panel_at(p, depth, lane),
                            .beside = lanes > width ? panel_at(p, depth, lane + width) : NULL,
                            .step = panel_step,
                            .lanes = lanes,
                            .places = places};
    bc_multiply_panels(p->kernels, &all, &some, coming);
  }
}

/* An operand [rows][columns] that will be packed. */
static bc_coming expect(bc_operand o, int64_t rows, int64_t columns, int64_t pieces)
{
  return o.column_step == 1 ? bc_expect(o.data, o.row_step, rows, columns, pieces)
                            : bc_expect(o.data, o.column_step, columns, rows, pieces);
}

/* All rows by all lanes over part of the depth, while what begins at next_a and next_b is fetched.
 */
static void multiply_depth(const product *p, bc_range depth, const float *next_a,
                           const float *next_b)
{
  const int64_t n = bc_range_length(depth);
  const int64_t pieces = bc_count_pieces(p->kernels, p->rows, p->lanes, n);
  const bc_operand a = {next_a, p->a.row_step, p->a.column_step};
  const bc_operand b = {next_b, p->b.row_step, p->b.column_step};
  bc_coming lanes = expect(b, n, p->lanes, pieces);
  bc_coming coming = expect(a, p->rows, n, pieces);
  coming.then = &lanes;
  lanes.at_once = coming.at_once += lanes.at_once;
  for (int64_t lane = 0; lane < p->lanes && !p->panels_stay; lane += p->kernels->lanes)
    pack_panel(p, depth, lane, p->panels + lane * n);
  for (int64_t row = 0; row < p->rows; row += BC_ROW_BLOCK)
    multiply_rows(p, (bc_range){row, bc_min(p->rows, row + BC_ROW_BLOCK)}, depth, &coming);
}

void bc_tiles_multiply(const bc_weights_unit *unit)
{
  /* Where columns of c are neighbours, its transpose is computed. */
  const bool turned = unit->c.column_step != 1;
  const bc_operand a = unit->a, b = unit->b;
  const bc_result c = unit->c;
  char *area = unit->workspace;
  product p = {.kernels = bc_cpu_kernels()->product,
               .a = turned ? (bc_operand){b.data, b.column_step, b.row_step} : a,
               .b = turned ? (bc_operand){a.data, a.column_step, a.row_step} : b,
               .c = turned ? (bc_result){c.data, c.column_step, c.row_step} : c,
               .rows = turned ? unit->n : unit->m,
               .lanes = turned ? unit->m : unit->n,
               .add = unit->beta != 0.0f,
               .next_a = turned ? unit->next_b : unit->next_a,
               .next_b = turned ? unit->next_a : unit->next_b};
  const bool readable = (turned && unit->lowered) || p.lanes % p.kernels->lanes == 0;
  p.rows_stay = p.a.row_step == 1 && stays(p.a.column_step);
  p.panels_stay = p.b.column_step == 1 && stays(p.b.row_step) && readable;
  const int64_t block = depth_of_block(p.rows, p.lanes, unit->k, p.rows_stay || p.panels_stay,
                                       !unit->lowered && p.a.row_step == 1);
  p.panels = (float *)(void *)area;
  p.copies = (float *)(void *)(area += bc_workspace_book(panel_elements(p.lanes, block)));
  p.at = (const float **)(void *)(area += bc_workspace_book(copied_elements(p.rows, block)));
  p.results = (float **)(void *)(area + pointer_bytes());
  for (int64_t begin = 0; begin < unit->k; begin += block) {
    const int64_t end = bc_min(unit->k, begin + block);
    const bool is_last = end == unit->k;
    multiply_depth(&p, (bc_range){begin, end},
                   is_last ? p.next_a : p.a.data + end * p.a.column_step,
                   is_last ? p.next_b : p.b.data + end * p.b.row_step);
  }
}
