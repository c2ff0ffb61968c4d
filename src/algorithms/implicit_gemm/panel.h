/* A panel of some lanes by many rows, a tile at a time. */
#ifndef BC_PANEL_H
#define BC_PANEL_H

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

/* Rows of so many in tiles as they take time: a tile of few waits for its sums to be added. */
int64_t bc_filled_rows(int64_t count);

/* To be fetched evenly with so many pieces of tiles. */
bc_coming bc_expect(const float *first, int64_t step, int64_t rows, int64_t length, int64_t pieces);

/* Multiplies the panel's lanes by all rows. places [lanes]: where they are in the result, from
 * where a row begins. coming: fetched further, or NULL. */
void bc_multiply_panel(const bc_product_kernels *kernels, const bc_rows *rows, const float *panel,
                       int64_t panel_step, int64_t lanes, const int64_t *places, bc_coming *coming);

#endif
