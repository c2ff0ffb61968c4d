/* Tiles of a matrix product and the panels that they read: the inner loops of implicit_gemm.
 * product.c is compiled once for each instruction set; tables differ in the size of a tile and, as
 * only some have fused multiply-adds, in the last bits. */
#ifndef BC_PRODUCT_H
#define BC_PRODUCT_H

#include <stdbool.h>
#include <stdint.h>

enum {
  BC_MOST_TILE_ROWS = 8,
  BC_MOST_LANES = 32,
  BC_MOST_WIDE_LANES = 2 * BC_MOST_LANES, /* of two panels */
  BC_MOST_DEPTH = 512,
  BC_CACHE_LINE = 16 /* floats */
};

/* What will be read after the tiles at hand, to be fetched meanwhile: [rows][length], rows being
 * `step` elements apart. It need not be memory of a tensor. */
typedef struct bc_coming {
  const float *first; /* of the row at hand, which is the first of so many that are left */
  int64_t step, rows, length;
  int64_t at;                   /* what of the row is to be fetched next */
  int64_t at_once;              /* lines of the cache */
  bool far;                     /* much else is read before: into the second-level cache */
  const struct bc_coming *then; /* the same of another matrix, or NULL */
} bc_coming;

/* Rows by a panel: results[i][offset + lane] (+)= sum over k of row i's factor k * panel[k][lane],
 * for all lanes of one panel or two, or but for half of the last one's. The depth is cut into
 * segments of the same length, which a row may have anywhere. */
typedef struct bc_panel_product {
  int64_t rows;                /* any number: they are cut into tiles of the table's */
  const float *const *rows_at; /* [segments][rows]: where a row's segment begins; */
  int64_t segment_step;        /* pointers from one segment to the next */
  int64_t segments, length;
  int64_t step;            /* elements from a row's factor to the next */
  const float *panel;      /* [segments * length][lanes] */
  const float *beside;     /* another, whose lanes come next in the result; or NULL */
  int64_t panel_step;      /* elements from one row of them to the next */
  const int64_t *panel_at; /* [segments]: where each is in a panel; NULL: one behind the other */
  float *const *results;   /* [rows] */
  int64_t offset;
  const int64_t *shifts; /* [length], for what slides: where a term is, from where that begins */
  bool add;              /* to what is there; else it is not read */
  bool half;             /* of the last panel's lanes: the others are neither read nor written */
  bc_coming *coming;     /* some is fetched with every piece of a segment; or NULL */
} bc_panel_product;

/* Rows and panels each of which lies as far behind the one before as that behind its own, as with
 * one tap and no stride: results[i * result_step + lane] (+)= sum over k of row i's factor k *
 * panel[k][lane]. Nothing is looked up, which counts where the depth is small. */
typedef struct bc_even_product {
  int64_t rows, depth;
  int64_t lanes;       /* of all panels; what the last one has behind them is not kept */
  const float *first;  /* row 0's factor 0 */
  int64_t row_step;    /* elements from a row of a tile to the next, */
  int64_t tile_step;   /* from a tile, of packed_rows, to the next, */
  int64_t step;        /* and from a row's factor to the next: 1, or any if rows are neighbours, */
  float *packed_rows;  /* a tile of them, packed with the first of several panels; or NULL */
  const float *panels; /* [panels][depth][lanes of a panel], */
  int64_t panel_step;  /* elements from one to the next */
  const float *apart;  /* where whole panels are [depth][lanes] yet, or NULL: with the first */
  int64_t apart_step;  /* tile they are copied from there, whose rows are so far apart, */
  float *copies;       /* to `panels` */
  float *results;
  int64_t result_step;
  bool add;          /* to what is there; else it is not read */
  bc_coming *coming; /* some is fetched with every piece of a tile's depth; or NULL */
} bc_even_product;

/* What a panel takes of one tap: lane l of channel c is source[c * source_step + offsets[l]] where
 * inside[l] is -1, and zero where it is 0. */
typedef struct bc_lanes_source {
  const float *source;
  int64_t source_step;    /* elements from a channel to the next */
  const int64_t *offsets; /* [lanes] */
  const int32_t *inside;  /* [lanes] */
  int64_t lane_step;      /* from an offset to the next within a run of lanes */
  int64_t runs;
  const int64_t *run_ends; /* [runs]: the lane behind the last of each */
  int64_t readable, limit; /* source[readable] to before source[limit] is memory of the tensor */
} bc_lanes_source;

/* n numbers, `step` elements from one to the next, and where they go: so many side by side, a
 * tile's rows or lanes, the next so many `block_step` elements behind the first. */
typedef struct bc_row_source {
  const float *from;
  int64_t step, n;
  int64_t width, block_step;
} bc_row_source;

typedef struct bc_product_kernels {
  int64_t rows, lanes; /* of a tile */
  int64_t wide_rows;   /* of a tile of two panels; or 0: there are none */
  int64_t packed_rows; /* side by side, where rows are packed */
  int64_t piece;       /* terms of a segment after which some of what is coming is fetched */
  bool reads_in_place; /* what lies far apart as fast as copies that lie together */
  void (*multiply)(const bc_panel_product *product);
  void (*multiply_evenly)(const bc_even_product *product);
  /* multiply() with as many rows as a tile has, one segment, and the lanes of each term anywhere;
   * or the rows' factors of each term, the panel being packed and the results fetched before. */
  void (*slide_panel)(const bc_panel_product *product);
  void (*slide_rows)(const bc_panel_product *product);
  /* Writes the lanes of `channels` channels, each panel_step behind the one before. */
  void (*gather)(const bc_lanes_source *from, int64_t channels, float *panel, int64_t panel_step);
  /* Writes a row of such blocks. */
  void (*put_row)(const bc_row_source *row, float *to);
} bc_product_kernels;

/* Panels that are multiplied together. */
static inline int64_t bc_panels_at_once(const bc_product_kernels *kernels)
{
  return kernels->wide_rows > 0 ? 2 : 1;
}

/* Rows of a tile of so many lanes, of one panel or two. */
static inline int64_t bc_rows_of_tile(const bc_product_kernels *kernels, int64_t lanes)
{
  return 2 * lanes > 3 * kernels->lanes ? kernels->wide_rows : kernels->rows;
}

extern const bc_product_kernels bc_product_kernels_generic, bc_product_kernels_avx2,
    bc_product_kernels_avx512;

#endif
