/* What an algorithm is. A new one is a file in algorithms/ and a row in registry.c. */
#ifndef BC_ALGORITHM_H
#define BC_ALGORITHM_H

#include "geometry.h"
#include "workspace.h"

/* How an algorithm cuts its work. Follows from the problem, never from the number of threads: the
 * same blocks give the same bits. Fields that an algorithm has no use for are 0. */
typedef struct bc_blocks {
  int64_t filters;  /* filters of a group in a block */
  int64_t channels; /* input channels of a group that a task owns */
  int64_t depth;    /* rows of the patch matrix in a block */
  int64_t pixels;   /* columns of the patch matrix, output pixels of one image, in a block */
  int64_t images;   /* images side by side in a block */
  int64_t slots;    /* partial sums of the weight gradient, added in order at the end */
} bc_blocks;

/* What the caller decided, beside the problem. */
typedef struct bc_request {
  blasconv_pass pass;
  bool by_name; /* the algorithm was asked for */
  bool exact;
  bool accumulate;
  blasconv_activation activation;
} bc_request;

/* What the algorithm decided. */
typedef struct bc_schedule {
  bc_blocks blocks;
  int64_t tasks; /* more threads than this would idle */
  bc_workspace workspace;
} bc_schedule;

typedef struct bc_algorithm {
  const char *name;
  /* NULL, or in words why the algorithm cannot serve. Pure. */
  const char *(*reject)(const bc_geometry *geometry, const bc_request *request);
  /* Chooses blocks and books workspace. Pure. */
  bc_schedule (*prepare)(const bc_geometry *geometry, const bc_request *request);
  /* Computes the pass; arguments are checked, batch is at least 1, the bias gradient is not its
   * business. */
  void (*run)(const blasconv_plan *plan, const blasconv_arguments *arguments, void *workspace);
} bc_algorithm;

/* The rows of the registry in the order in which plans try them, NULL past the last. */
const bc_algorithm *bc_registry_row(size_t index);

extern const bc_algorithm bc_dense_gemm, bc_pointwise_gemm, bc_im2col_gemm, bc_reference;

#endif
