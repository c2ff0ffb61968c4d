/* A plan: a checked problem, a pass, and the decisions made for them. */
#ifndef BC_PLAN_H
#define BC_PLAN_H

#include "algorithm.h"

struct blasconv_plan {
  blasconv_problem problem;
  blasconv_maps output; /* of the problem */
  blasconv_pass pass;   /* of the problem; the request has the geometry's */
  bc_geometry geometry;
  bc_request request;
  bool by_name; /* the algorithm was asked for */
  blasconv_activation activation;
  blasconv_residual residual;
  size_t workspace_limit;
  const bc_algorithm *algorithm;
  bc_schedule schedule;
  int threads;
  blasconv_allocator allocator;
};

/* Threads asked for -> threads to use (0: the default); false if out of range. */
bool bc_threads_check(int32_t asked, int *threads);

/* The activation's kind is known and its alpha in range. */
bool bc_activation_check(const blasconv_activation *activation);

#endif
