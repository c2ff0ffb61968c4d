/* A plan: a checked problem, a pass, and the decisions made for them. */
#ifndef BC_PLAN_H
#define BC_PLAN_H

#include "algorithm.h"

struct blasconv_plan {
  blasconv_problem problem;
  bc_geometry geometry;
  bc_request request;
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
