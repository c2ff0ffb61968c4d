/*
 * The kernels of implicit_gemm, in every table that this CPU can run, against plain loops in
 * double: products of every number of rows, panels gathered from any runs of lanes near the ends of
 * a tensor, rows of packed weights.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "isa_tables.h"
#include "kernels/product.h"
#include "support.h"

#include <math.h>

enum { most_segments = 5, most_length = 131 /* pieces of 64 */, cases = 400 };
enum { most_tiles = 4, most_rows = most_tiles * BC_MOST_TILE_ROWS };

/* ---------------------------------------------------------------------------------------------
 * Tiles
 * ------------------------------------------------------------------------------------------ */

typedef struct operands {
  const bc_product_kernels *kernels;
  int64_t segments, length, step, gap; /* gap: elements between one segment of a row and the next */
  int64_t panel_step;                  /* of the panel's rows, which may overlap */
  const int64_t *panel_at;             /* [segments]: where each is in a panel, or NULL */
  int64_t beside;                      /* from the panel to the one beside it; 0: there is none */
  const int64_t *shifts;               /* or where they begin, for slide_panel(), */
  bool rows_slide;                     /* or where the rows' factors are, for slide_rows() */
  support_tensor rows, panel;          /* [rows][segments][length step + gap], [depth][lanes] */
} operands;

static const float *segment_of(const operands *o, int64_t row, int64_t segment)
{
  return o->rows.data + (row * o->segments + segment) * (o->length * o->step + o->gap);
}

static int64_t panel_row(const operands *o, int64_t k)
{
  if (o->panel_at != NULL)
    return o->panel_at[k / o->length] + k % o->length * o->panel_step;
  return o->shifts == NULL || o->rows_slide ? k * o->panel_step : o->shifts[k];
}

static int64_t factor_place(const operands *o, int64_t k)
{
  return o->rows_slide ? o->shifts[k] : k * o->step;
}

static void run_kernel(const operands *o, const bc_panel_product *product)
{
  if (o->shifts == NULL)
    o->kernels->multiply(product);
  else if (o->rows_slide)
    o->kernels->slide_rows(product);
  else
    o->kernels->slide_panel(product);
}

/* terms: of all of them, without their signs. */
static double expected_sum(const operands *o, int64_t row, int64_t lane, double *terms)
{
  const float *panel = o->panel.data + lane / o->kernels->lanes * o->beside;
  const int64_t in_panel = lane % o->kernels->lanes;
  double sum = 0.0;
  for (int64_t segment = 0; segment < o->segments; ++segment)
    for (int64_t k = 0; k < o->length; ++k) {
      const double term = (double)segment_of(o, row, segment)[factor_place(o, k)] *
                          (double)panel[panel_row(o, segment * o->length + k) + in_panel];
      sum += term;
      *terms += fabs(term);
    }
  return sum;
}

static void check_product(const operands *o, int64_t rows, bool add, bool half,
                          support_random *random)
{
  const int64_t halves = (o->beside > 0 ? 4 : 2) - (half ? 1 : 0);
  const int64_t lanes = halves * o->kernels->lanes / 2;
  const int64_t offset = 3, step = offset + lanes + 2;
  const float *at[most_segments * most_rows] = {NULL};
  float *results[most_rows];
  /* What is fetched need not be there. */
  const bc_coming then = {
      .first = o->rows.data, .step = 1000, .rows = 3, .length = 9, .at_once = 2};
  bc_coming coming = {.step = 20, .rows = 2, .length = 40, .at_once = 1, .then = &then};
  support_tensor before = support_tensor_random(rows * step, random);
  support_tensor result = support_tensor_copy(&before);
  for (int64_t row = 0; row < rows; ++row) {
    results[row] = result.data + row * step;
    for (int64_t segment = 0; segment < o->segments; ++segment)
      at[segment * most_rows + row] = segment_of(o, row, segment);
  }
  run_kernel(o, &(bc_panel_product){.rows = rows,
                                    .rows_at = at,
                                    .segment_step = most_rows,
                                    .segments = o->segments,
                                    .length = o->length,
                                    .step = o->step,
                                    .panel = o->panel.data,
                                    .beside = o->beside > 0 ? o->panel.data + o->beside : NULL,
                                    .panel_step = o->panel_step,
                                    .panel_at = o->panel_at,
                                    .shifts = o->shifts,
                                    .results = results,
                                    .offset = offset,
                                    .add = add,
                                    .half = half,
                                    .coming = add ? &coming : NULL});
  for (int64_t i = 0; i < rows * step; ++i) {
    const int64_t lane = i % step - offset;
    double wanted = (double)before.data[i], terms = fabs(wanted);
    if (lane >= 0 && lane < lanes)
      wanted = expected_sum(o, i / step, lane, &terms) + (add ? wanted : 0.0);
    support_assert(fabs((double)result.data[i] - wanted) <= 1e-6 * terms,
                   "row %d, lane %d: %g, not %g", (int)(i / step), (int)lane,
                   (double)result.data[i], wanted);
  }
  support_tensor_check(&result, "result");
  support_tensor_free(&result);
  support_tensor_free(&before);
}

/* The segments of some operands in a panel, the last one first, or NULL. */
static const int64_t *find_segments(const operands *o, bool wanted, int64_t at[most_segments])
{
  for (int64_t segment = 0; segment < o->segments; ++segment)
    at[segment] = (o->segments - 1 - segment) * o->length * o->panel_step;
  return wanted ? at : NULL;
}

/* The beside of some operands: none, or behind so many elements of a panel, and some more. */
static int64_t find_beside(const bc_product_kernels *kernels, bool wanted, int64_t elements,
                           support_random *random)
{
  return wanted && kernels->wide_rows > 0 ? elements + support_random_between(random, 1, 9) : 0;
}

START_TEST(any_rows_and_segments)
{
  const bc_kernels *tables[isa_tables_most];
  support_random random = support_random_start(1);
  for (int table = isa_tables_runnable(tables) - 1; table >= 0; --table)
    for (int i = 0; i < cases; ++i) {
      operands o = {.kernels = tables[table]->product,
                    .segments = support_random_between(&random, 0, most_segments),
                    .length = support_random_between(&random, 0, most_length),
                    .step = support_random_between(&random, 1, 7),
                    .gap = support_random_between(&random, 0, 9)};
      const int64_t rows = support_random_between(&random, 1, most_tiles * o.kernels->rows);
      o.rows = support_tensor_random(rows * o.segments * (o.length * o.step + o.gap), &random);
      const int64_t lanes = o.kernels->lanes, depth = o.segments * o.length;
      const bool half = i / 2 % 2 == 0;
      o.panel_step = support_random_between(&random, half ? lanes : lanes - 3, lanes + 9);
      int64_t at[most_segments];
      o.panel_at = find_segments(&o, i / 8 % 2 == 0, at);
      const int64_t elements = depth * o.panel_step + lanes;
      o.beside = find_beside(o.kernels, i / 4 % 2 == 0, elements, &random);
      o.panel = support_tensor_random(o.beside + elements, &random);
      for (int64_t k = 0; half && k < depth; ++k) /* not to be used */
        o.panel.data[o.beside + k * o.panel_step + lanes - 1] = NAN;
      check_product(&o, rows, i % 2 == 0, half, &random);
      support_tensor_free(&o.panel);
      support_tensor_free(&o.rows);
    }
}
END_TEST

/* Operands that lie as packing leaves them: loops of their own. */
START_TEST(packed_operands)
{
  const bc_kernels *tables[isa_tables_most];
  support_random random = support_random_start(7);
  for (int table = isa_tables_runnable(tables) - 1; table >= 0; --table)
    for (int i = 0; i < cases; ++i) {
      const bc_product_kernels *kernels = tables[table]->product;
      const int64_t steps[] = {1, kernels->lanes, kernels->packed_rows};
      operands o = {.kernels = kernels,
                    .segments = support_random_between(&random, 0, most_segments),
                    .length = support_random_between(&random, 0, most_length),
                    .step = steps[i / 2 % 3],
                    .gap = support_random_between(&random, 0, 9),
                    .panel_step = kernels->lanes};
      const int64_t depth = o.segments * o.length;
      const int64_t rows = support_random_between(&random, 1, most_tiles * kernels->rows);
      o.rows = support_tensor_random(rows * o.segments * (o.length * o.step + o.gap), &random);
      if (i / 12 % 2 == 0) /* taps between each other: every third row of a panel */
        o.panel_step *= 3;
      int64_t at[most_segments];
      o.panel_at = find_segments(&o, i / 24 % 2 == 0, at);
      o.beside = find_beside(kernels, i / 6 % 2 == 0, depth * o.panel_step, &random);
      o.panel = support_tensor_random(o.beside + depth * o.panel_step, &random);
      check_product(&o, rows, i % 2 == 0, i % 5 == 0, &random);
      support_tensor_free(&o.panel);
      support_tensor_free(&o.rows);
    }
}
END_TEST

enum { most_shift = 200 };

/* A panel of `length` lanes of which each row begins anywhere, or rows whose factors are anywhere.
 */
static void check_sliding(const bc_kernels *table, bool rows_slide, int i, support_random *random)
{
  int64_t shifts[most_length];
  operands o = {.kernels = table->product,
                .segments = 1,
                .length = support_random_between(random, 1, most_length),
                .step = rows_slide ? 1 : support_random_between(random, 1, 7),
                .gap = rows_slide ? most_shift : 0,
                .panel_step = table->product->lanes,
                .shifts = shifts,
                .rows_slide = rows_slide};
  const bool half = i / 2 % 2 == 0;
  if (!rows_slide && half && o.kernels->wide_rows > 0 && i / 4 % 2 == 0)
    o.beside = o.kernels->lanes; /* the lanes that follow */
  const int64_t lanes = o.beside + (half ? o.kernels->lanes / 2 : o.kernels->lanes);
  for (int64_t k = 0; k < o.length; ++k)
    shifts[k] = support_random_between(random, 0, most_shift);
  o.rows = support_tensor_random(o.kernels->rows * (o.length * o.step + o.gap), random);
  o.panel = support_tensor_random(
      rows_slide ? (o.length - 1) * o.panel_step + lanes : most_shift + lanes, random);
  check_product(&o, o.kernels->rows, i % 2 == 0, half, random);
  support_tensor_free(&o.panel);
  support_tensor_free(&o.rows);
}

START_TEST(tiles_whose_terms_lie_anywhere)
{
  const bc_kernels *tables[isa_tables_most];
  support_random random = support_random_start(4);
  for (int table = isa_tables_runnable(tables) - 1; table >= 0; --table)
    for (int i = 0; i < cases; ++i) {
      check_sliding(tables[table], false, i, &random);
      check_sliding(tables[table], true, i, &random);
    }
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Panels
 * ------------------------------------------------------------------------------------------ */

/* Lanes in runs that begin anywhere in the source, some of them not inside. */
typedef struct lanes {
  int64_t offsets[BC_MOST_LANES], run_ends[BC_MOST_LANES], runs;
  int32_t inside[BC_MOST_LANES];
} lanes;

static lanes random_lanes(int64_t count, int64_t step, int64_t elements, support_random *random)
{
  lanes l = {.runs = 0};
  for (int64_t lane = 0, end = 0; lane < count; lane = end) {
    end = lane + support_random_between(random, 1, count - lane);
    const int64_t first = support_random_between(random, -4, elements);
    for (int64_t i = lane; i < end; ++i) {
      l.offsets[i] = first + (i - lane) * step;
      const bool within = l.offsets[i] >= 0 && l.offsets[i] < elements;
      l.inside[i] = within && support_random_between(random, 0, 4) > 0 ? -1 : 0;
    }
    l.run_ends[l.runs++] = end;
  }
  return l;
}

START_TEST(panels_of_any_runs)
{
  const bc_kernels *tables[isa_tables_most];
  support_random random = support_random_start(2);
  for (int table = isa_tables_runnable(tables) - 1; table >= 0; --table)
    for (int i = 0; i < cases; ++i) {
      const int64_t count = tables[table]->product->lanes,
                    step = support_random_between(&random, 1, 3);
      const int64_t channels = support_random_between(&random, 1, 4);
      const int64_t elements = support_random_between(&random, 1, 90);
      const int64_t panel_step = count * support_random_between(&random, 1, 3);
      const lanes l = random_lanes(count, step, elements, &random);
      support_tensor source = support_tensor_random(channels * elements, &random);
      support_tensor panel = support_tensor_poisoned((channels - 1) * panel_step + count);
      tables[table]->product->gather(&(bc_lanes_source){.source = source.data,
                                                        .source_step = elements,
                                                        .offsets = l.offsets,
                                                        .inside = l.inside,
                                                        .lane_step = step,
                                                        .runs = l.runs,
                                                        .run_ends = l.run_ends,
                                                        .readable = 0,
                                                        .limit = source.count},
                                     channels, panel.data, panel_step);
      for (int64_t c = 0; c < channels; ++c)
        for (int64_t lane = 0; lane < count; ++lane) {
          const float wanted = l.inside[lane] ? source.data[c * elements + l.offsets[lane]] : 0.0f;
          support_assert(panel.data[c * panel_step + lane] == wanted, "channel %d, lane %d", (int)c,
                         (int)lane);
        }
      support_tensor_check(&panel, "panel");
      support_tensor_free(&panel);
      support_tensor_free(&source);
    }
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Packed weights
 * ------------------------------------------------------------------------------------------ */

START_TEST(rows_of_blocks)
{
  const bc_kernels *tables[isa_tables_most];
  support_random random = support_random_start(3);
  for (int table = isa_tables_runnable(tables) - 1; table >= 0; --table)
    for (int i = 0; i < cases; ++i) {
      const bc_product_kernels *kernels = tables[table]->product;
      const int64_t width = i % 2 == 0 ? kernels->lanes : kernels->packed_rows;
      const int64_t n = support_random_between(&random, 1, 3 * width);
      const int64_t step = support_random_between(&random, 1, 3);
      const int64_t block_step = width + support_random_between(&random, 0, 9);
      support_tensor from = support_tensor_random((n - 1) * step + 1, &random);
      support_tensor to =
          support_tensor_poisoned((n - 1) / width * block_step + (n - 1) % width + 1);
      kernels->put_row(
          &(bc_row_source){
              .from = from.data, .step = step, .n = n, .width = width, .block_step = block_step},
          to.data);
      for (int64_t j = 0; j < n; ++j)
        ck_assert(to.data[j / width * block_step + j % width] == from.data[j * step]);
      support_tensor_check(&to, "blocks");
      support_tensor_free(&to);
      support_tensor_free(&from);
    }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("product");
  support_add(suite, any_rows_and_segments);
  support_add(suite, packed_operands);
  support_add(suite, tiles_whose_terms_lie_anywhere);
  support_add(suite, panels_of_any_runs);
  support_add(suite, rows_of_blocks);
  return support_run(suite);
}
