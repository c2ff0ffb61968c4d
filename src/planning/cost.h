/* The cost model: how long a run takes, from what an algorithm says that it does. */
#ifndef BC_COST_H
#define BC_COST_H

#include <stdbool.h>
#include <stdint.h>

/* What all tasks of a run do together. Fields that an algorithm has no use for are 0. */
typedef struct bc_work {
  double products;        /* calls of bc_sgemm() */
  double m, n, k;         /* their extents, on average */
  bool turned;            /* their second operands lie column by column */
  double far_weights;     /* weights that they read from far away in short rows, or add to */
  double far_pixels;      /* pixels that come from memory or go there, and what takes as long */
  double tiles;           /* calls of the product kernel */
  double segments;        /* of the depth, in all of these */
  double multiplications; /* of these, tiles counted as full */
  double packed;          /* weights that are brought into the order in which tiles read them */
  double places;          /* where a tap meets the source: how often that is found out */
  double transformed;     /* values at points, of sources, filters and sums alike */
  double moved;           /* elements that are copied, transposed or added outside of SGEMM */
  int64_t run;            /* how many of them lie side by side, at least 1 */
  double plain;           /* multiplications of plain loops outside of SGEMM */
  double vectors; /* multiplications of vector loops outside of SGEMM, vectors counted as full */
  double loops;   /* such loops: how often one begins */
} bc_work;

/* The average size of the blocks that `size` cuts `whole` into. */
double bc_mean_block(int64_t whole, int64_t size);

/* What has a price; the cost is the sum of all of them. */
typedef enum bc_term {
  BC_TERM_RUN,     /* 1 */
  BC_TERM_TASK,    /* tasks */
  BC_TERM_CALL,    /* of the BLAS, which is handed products in pieces */
  BC_TERM_PRODUCT, /* multiplications of SGEMM */
  BC_TERM_TURNED,  /* those with a turned operand, which AVX-512 kernels read where it lies */
  BC_TERM_OPERAND, /* elements of its operands, of all pieces */
  BC_TERM_RESULT,  /* and of its results */
  BC_TERM_FAR_WEIGHT,
  BC_TERM_FAR_PIXEL,
  BC_TERM_TILE, /* from here on, the fields of bc_work */
  BC_TERM_SEGMENT,
  BC_TERM_MULTIPLICATION,
  BC_TERM_PACKED,
  BC_TERM_PLACE,
  BC_TERM_TRANSFORMED,
  BC_TERM_MOVED,
  BC_TERM_PIECE, /* runs of what is moved */
  BC_TERM_PLAIN,
  BC_TERM_VECTOR,
  BC_TERM_LOOP,
  BC_TERMS
} bc_term;

/* Seconds for one of each with our kernels for an instruction set; prices/ has them, and where they
 * come from. */
extern const double bc_prices_avx2[BC_TERMS], bc_prices_avx512[BC_TERMS];

/* How much of each `tasks` have that do this work. */
void bc_cost_terms(const bc_work *work, int64_t tasks, double terms[BC_TERMS]);

/* Seconds that they take, one after the other. The number of threads plays no part: if the choice
 * of the algorithm depended on it, so would the bits of the results. Good for comparing algorithms
 * on one problem: on machines other than that of the prices all of them err alike. */
double bc_cost(const bc_work *work, int64_t tasks);

#endif
