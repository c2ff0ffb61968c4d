#include "tiles.h"

#include "cpu.h"
#include "panel.h"

#include <math.h>

/* Operands lie in the second-level cache; few rows and lanes may be deeper. */
enum { LEAST_DEPTH = 288, MOST_DEPTH = 512, OPERANDS = 150 << 10 /* floats of both */ };

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
  float *panels;      /* [panels][depth][lanes of a panel] */
  float *packed_rows; /* [depth][rows of a tile] */
} product;

static int64_t panel_elements(int64_t lanes, int64_t depth)
{
  return bc_round_up(lanes, bc_cpu_kernels()->product->lanes) * depth;
}

size_t bc_tiles_bytes(int64_t m, int64_t n, int64_t k)
{
  const int64_t depth = bc_min(k, MOST_DEPTH);
  return bc_workspace_book(panel_elements(bc_max(m, n), depth)) +
         bc_workspace_book(bc_cpu_kernels()->product->packed_rows * depth);
}

/* far: both come from columns in memory. */
static int64_t depth_of_block(int64_t rows, int64_t lanes, int64_t k, bool far)
{
  const int64_t width = bc_cpu_kernels()->product->lanes, both = rows + lanes;
  int64_t least = LEAST_DEPTH, room = OPERANDS;
  if (far) {
    least = LEAST_COLUMNS_OF_LANE * width;
    room = FAR_FLOATS_OF_LANE * width;
  }
  return bc_even_block(bc_max(1, k), bc_max(least, bc_min(MOST_DEPTH, room / both)), 8);
}

/* Columns of the gradient [depth][filters] are no neighbours: lanes run along the depth. */
void bc_tiles_work(double products, double m, double n, double k, bool in_rows, bool lowered,
                   bc_work *work)
{
  const bc_product_kernels *kernels = bc_cpu_kernels()->product;
  const double lanes = ceil(2.0 * m / (double)kernels->lanes) / 2.0;
  const double rows = ceil(n / (double)kernels->packed_rows), tiles = products * lanes * rows;
  const int64_t block = depth_of_block((int64_t)n, (int64_t)m, (int64_t)k, in_rows && !lowered);
  work->tiles = tiles * ceil(k / (double)block);
  work->multiplications = tiles * (double)(kernels->lanes * kernels->packed_rows) * k;
  work->packed = in_rows ? 0.0 : products * k * m;
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

static bc_coming expect(bc_extract e, int64_t pieces)
{
  return bc_expect(e.first, e.step, e.rows, e.length, pieces);
}

/* While part of the depth is multiplied: the next part of the operands, or behind the last one
 * those of the next unit. */
static void expect_next(const product *p, bc_range depth, const bc_weights_unit *unit,
                        bc_coming *coming, bc_coming *lanes)
{
  const int64_t n = bc_range_length(depth), left = bc_min(n, unit->k - depth.end);
  const int64_t pieces = bc_count_pieces(p->kernels, p->rows, p->lanes, n);
  bc_extract a = unit->next_a, b = unit->next_b;
  if (left > 0) {
    const float *const next_a = p->a.data + depth.end * p->a.column_step;
    const float *const next_b = p->b.data + depth.end * p->b.row_step;
    a = bc_extract_of((bc_operand){next_a, p->a.row_step, p->a.column_step}, p->rows, left);
    b = bc_extract_of((bc_operand){next_b, p->b.row_step, p->b.column_step}, left, p->lanes);
  }
  *coming = expect(a, pieces);
  *lanes = expect(b, pieces);
  coming->then = lanes;
  coming->far = lanes->far = true;
  lanes->at_once = coming->at_once += lanes->at_once;
}

/* Few panels of which the last is half of one: a tile of one and a half copies none. */
static bool ends_with_half(const product *p)
{
  const int64_t width = p->kernels->lanes;
  return p->lanes > width && p->lanes < 3 * width && p->lanes % width == width / 2;
}

/* All rows by all lanes over part of the depth, while what comes next is fetched. Panels that lie
 * in rows are copied by the first tile of rows, and rows that lie in columns by the first panel of
 * each tile. */
static void multiply_depth(const product *p, bc_range depth, const bc_weights_unit *unit)
{
  const bc_product_kernels *k = p->kernels;
  const int64_t n = bc_range_length(depth), width = k->lanes;
  const float *b = first_of_panel(p, depth, 0);
  const bool are_panels = p->b.row_step == width && p->lanes == width;
  const bool are_copied = p->b.column_step == 1 && !are_panels && !ends_with_half(p);
  bc_coming coming, lanes;
  expect_next(p, depth, unit, &coming, &lanes);
  for (int64_t lane = are_copied ? p->lanes / width * width : 0; lane < p->lanes && !are_panels;
       lane += width)
    pack_panel(p, depth, lane, p->panels + lane * n);
  k->multiply_evenly(
      &(bc_even_product){.rows = p->rows,
                         .depth = n,
                         .lanes = p->lanes,
                         .first = p->a.data + depth.begin * p->a.column_step,
                         .row_step = p->a.row_step,
                         .tile_step = k->packed_rows * p->a.row_step,
                         .step = p->a.column_step,
                         .packed_rows = p->a.column_step == 1 ? NULL : p->packed_rows,
                         .panels = are_panels ? b : p->panels,
                         .panel_step = width * n,
                         .apart = are_copied ? b : NULL,
                         .apart_step = p->b.row_step,
                         .copies = p->panels,
                         .results = p->c.data,
                         .result_step = p->c.row_step,
                         .add = p->add || depth.begin > 0,
                         .coming = &coming});
}

void bc_tiles_multiply(const bc_weights_unit *unit)
{
  /* Where columns of c are neighbours, its transpose is computed. */
  const bool turned = unit->c.column_step != 1;
  const bc_operand a = unit->a, b = unit->b;
  const bc_result c = unit->c;
  product p = {.kernels = bc_cpu_kernels()->product,
               .a = turned ? (bc_operand){b.data, b.column_step, b.row_step} : a,
               .b = turned ? (bc_operand){a.data, a.column_step, a.row_step} : b,
               .c = turned ? (bc_result){c.data, c.column_step, c.row_step} : c,
               .rows = turned ? unit->n : unit->m,
               .lanes = turned ? unit->m : unit->n,
               .add = unit->beta != 0.0f};
  const int64_t block =
      depth_of_block(p.rows, p.lanes, unit->k, !unit->lowered && p.a.row_step == 1);
  p.panels = unit->workspace;
  p.packed_rows = p.panels + bc_workspace_book(panel_elements(p.lanes, block)) / sizeof(float);
  for (int64_t begin = 0; begin < unit->k; begin += block)
    multiply_depth(&p, (bc_range){begin, bc_min(unit->k, begin + block)}, unit);
}
