/* Checks of a problem's kind and of its axes, one by one. */
#ifndef BC_AXES_H
#define BC_AXES_H

#include "geometry.h"

/* false: it overflows. */
static inline bool bc_multiply(int64_t a, int64_t b, int64_t *product)
{
  return !__builtin_mul_overflow(a, b, product);
}

static inline bool bc_add(int64_t a, int64_t b, int64_t *sum)
{
  return !__builtin_add_overflow(a, b, sum);
}

static inline blasconv_status bc_refuse(blasconv_status status, const char *text,
                                        const char **reason)
{
  *reason = text;
  return status;
}

/* The struct, its layout, direction and rank. */
blasconv_status bc_kind_check(const blasconv_problem *problem, const char **reason);

/* Axis `index` of the problem, and the extent that follows from it. */
blasconv_status bc_axis_check(const blasconv_problem *problem, int index, bc_axis *axis,
                              const char **reason);

#endif
