/* What an algorithm is. A new one is a file in algorithms/ and a row in registry.c. */
#ifndef BC_ALGORITHM_H
#define BC_ALGORITHM_H

#include "epilogue.h"
#include "geometry.h"
#include "planning/cost.h"
#include "workspace.h"

/* How an algorithm cuts its work. What decides the order of a sum follows from the problem and the
 * workspace limit, never from the number of threads, so that the bits are the same. Fields that an
 * algorithm has no use for are 0. */
typedef struct bc_blocks {
  int64_t filters;  /* filters of a group in a block */
  int64_t channels; /* of a group, and of what a pass of maps writes, that a task owns */
  int64_t depth;    /* rows of the patch matrix in a block */
  int64_t panels;   /* filters whose weights are packed at a time */
  int64_t pixels;   /* columns of the patch matrix, output pixels of one image, in a block */
  int64_t images;   /* images side by side in a block */
  int64_t bands;    /* an image is cut into, if a task has less than one; else 1, or 0 */
  int64_t slots;    /* partial sums of the weight gradient, added in order at the end */
} bc_blocks;

/* What is to be computed, beside the geometry. */
typedef struct bc_request {
  blasconv_pass pass; /* of the geometry's convolution */
  bool exact;
  bool accumulate;     /* add to the result instead of overwriting it */
  bool packed_weights; /* executions are expected to read packed weights */
  int threads;         /* that share the tasks, at least 1: for blocks that no bit depends on */
  size_t room;         /* most bytes of workspace for one thread, shared bytes included */
} bc_request;

/* What the algorithm decided. */
typedef struct bc_schedule {
  bc_blocks blocks;
  int64_t tasks; /* more threads than this would idle */
  bc_workspace workspace;
} bc_schedule;

/* The tensors of an execution: those that the pass has no use for are NULL. Input and output are
 * those of the geometry's convolution, or their gradients. */
typedef struct bc_tensors {
  const float *input;   /* read by forward and backward weights */
  const float *output;  /* read by backward data and backward weights */
  const float *weights; /* read by forward and backward data, unless they are packed */
  const float *packed;  /* the same, as the algorithm packed them; else NULL */
  int packed_form;      /* how, see bc_algorithm */
  float *result;        /* written: output, input or weights */
  bc_epilogue epilogue; /* of the result of forward and backward data; nothing if it accumulates */
} bc_tensors;

enum { BC_PACKED_FORMS = 2 };

typedef struct bc_algorithm {
  const char *name;
  /* 0: results are plain sums of products. Else their errors are at most so many times those of a
   * plain sum, all of them those of the largest. */
  double error_growth;
  /* NULL, or in words why the algorithm cannot serve. Pure. */
  const char *(*reject)(const bc_geometry *geometry, const bc_request *request);
  /* Chooses blocks and books workspace, within the room if that can be. Pure. */
  bc_schedule (*prepare)(const bc_geometry *geometry, const bc_request *request);
  /* What all tasks of a run do together, for the cost model. Pure. */
  bc_work (*work)(const bc_geometry *geometry, const bc_request *request,
                  const bc_schedule *schedule);
  /* Computes the pass; batch is at least 1, the bias gradient is not its business. */
  void (*run)(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace);
  /* The form, below BC_PACKED_FORMS, in which packed weights are read fastest. Every form is read,
   * since this one may follow from extents, and the same filters serve images of any size. NULL:
   * there is but form 0. */
  int (*packed_form)(const bc_geometry *geometry, blasconv_pass pass);
  /* Floats of the packed weights in a form, and how to write a part of them, each of them once or
   * after it was cleared; they follow from the filters, not from batch, extents or blocks. Both
   * NULL: weights are taken as they are. */
  int64_t (*packed_elements)(const bc_geometry *geometry, blasconv_pass pass, int form);
  void (*pack)(const bc_geometry *geometry, blasconv_pass pass, int form, bc_part part,
               const float *weights, float *packed);
} bc_algorithm;

/* Room for all rows of the registry. */
enum { BC_MOST_ALGORITHMS = 8 };

/* The rows of the registry in order, NULL past the last. */
const bc_algorithm *bc_registry_row(size_t index);

extern const bc_algorithm bc_gemv, bc_pointwise_gemm, bc_depthwise, bc_im2col_gemm,
    bc_implicit_gemm, bc_winograd, bc_reference;

#endif
