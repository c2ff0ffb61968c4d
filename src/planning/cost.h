/* The cost model: how long a run takes, from what an algorithm says that it does. */
#ifndef BC_COST_H
#define BC_COST_H

#include <stdint.h>

/* What all tasks of a run do together. Fields that an algorithm has no use for are 0. */
typedef struct bc_work {
  double products;        /* calls of bc_sgemm() */
  double m, n, k;         /* their extents, on average */
  double tiles;           /* calls of the product kernel */
  double multiplications; /* of these */
  double moved;           /* elements that are copied, transposed or added outside of SGEMM */
  int64_t run;            /* how many of them lie side by side, at least 1 */
  double plain;           /* multiplications of plain loops outside of SGEMM */
  double vectors; /* multiplications of vector loops outside of SGEMM, vectors counted as full */
  double loops;   /* such loops: how often one begins */
} bc_work;

/* The average size of the blocks that `size` cuts `whole` into. */
double bc_mean_block(int64_t whole, int64_t size);

/* Seconds that `tasks` take, one after the other. The number of threads plays no part: if the
 * choice of the algorithm depended on it, so would the bits of the results. Good for comparing
 * algorithms on one problem: on machines other than that of docs/performance.md all of them err
 * alike. */
double bc_cost(const bc_work *work, int64_t tasks);

#endif
