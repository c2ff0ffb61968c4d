/* A plan: a checked problem, a pass, and the decisions made for them. */
#ifndef BC_PLAN_H
#define BC_PLAN_H

#include "algorithm.h"

/* How a plan came to its algorithm. */
typedef enum bc_basis { BC_BY_NAME, BC_FROM_CHOICES, BC_BY_MEASURING, BC_BY_ESTIMATE } bc_basis;

typedef struct bc_decision {
  bc_basis basis;
  double seconds;                      /* of a run: by the cost model, or as it was measured */
  double measured[BC_MOST_ALGORITHMS]; /* of the registry's rows; 0: not timed */
} bc_decision;

struct blasconv_plan {
  blasconv_problem problem;
  blasconv_maps output; /* of the problem */
  blasconv_pass pass;   /* of the problem; the request has the geometry's */
  bc_geometry geometry;
  bc_request request;
  blasconv_activation activation;
  blasconv_residual residual;
  size_t workspace_limit;
  int threads_asked;
  bc_decision decision;
  const bc_algorithm *algorithm;
  bc_schedule schedule;
  int threads;
  uint64_t packed_checksums[BC_PACKED_FORMS]; /* of what packed weights follow from: see packed.c */
  blasconv_allocator allocator;
};

/* Threads asked for -> threads to use (0: the default); false if out of range. */
bool bc_threads_check(int32_t asked, int *threads);

/* The activation's kind is known and its alpha in range. */
bool bc_activation_check(const blasconv_activation *activation);

#endif
