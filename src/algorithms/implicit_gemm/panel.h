/* One or two panels of some lanes by many rows, a tile at a time. */
#ifndef BC_PANEL_H
#define BC_PANEL_H

#include "geometry.h"
#include "kernels/product.h"

/* Rows of a product. */
typedef struct bc_rows {
  int64_t count;
  int64_t segments, length; /* the depth, as a tile has it */
  int64_t step;
  const float *const *at;  /* [segments][count] */
  int64_t segment_step;    /* pointers from one segment to the next */
  const int64_t *panel_at; /* [segments], as a tile has it, or NULL */
  float *const *results;   /* [count]: where lane 0 of a row is */
  bool add;                /* to what is there */
} bc_rows;

/* What the rows are multiplied by. */
typedef struct bc_panels {
  const float *first;    /* [depth][lanes of a panel] */
  const float *beside;   /* the panel of the lanes behind those, or NULL */
  int64_t step;          /* elements from one row of a panel to the next */
  int64_t lanes;         /* of both */
  const int64_t *places; /* [lanes]: where they are in the result, from where a row begins */
} bc_panels;

/* Rows of so many in tiles as they take time: a tile of few waits for its sums to be added. */
int64_t bc_filled_rows(int64_t count);

/* Copies rows of neighbours: [rows][length], `step` and `to_step` elements apart. */
void bc_copy_rows(const float *from, int64_t step, int64_t rows, int64_t length, float *to,
                  int64_t to_step);

/* To be fetched evenly with so many pieces of tiles. */
bc_coming bc_expect(const float *first, int64_t step, int64_t rows, int64_t length, int64_t pieces);

/* Pieces of the tiles of a product of these extents, each of which fetches something. */
int64_t bc_count_pieces(const bc_product_kernels *kernels, int64_t rows, int64_t lanes,
                        int64_t depth);

/* Multiplies the panels' lanes by all rows. coming: fetched further, or NULL. */
void bc_multiply_panels(const bc_product_kernels *kernels, const bc_rows *rows,
                        const bc_panels *panels, bc_coming *coming);

#endif
