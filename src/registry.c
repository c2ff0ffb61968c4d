#include "algorithm.h"

/* Ordered: of algorithms that cost about the same, a plan takes the first. */
static const bc_algorithm *const algorithms[] = {
    &bc_depthwise,      &bc_gemv,        &bc_winograd,  &bc_implicit_gemm,
    &bc_pointwise_gemm, &bc_im2col_gemm, &bc_reference,
};

_Static_assert(sizeof algorithms / sizeof *algorithms <= BC_MOST_ALGORITHMS, "one row too many");

const bc_algorithm *bc_registry_row(size_t index)
{
  return index < sizeof algorithms / sizeof *algorithms ? algorithms[index] : NULL;
}

const char *blasconv_algorithm_name(size_t index)
{
  const bc_algorithm *algorithm = bc_registry_row(index);
  return algorithm == NULL ? NULL : algorithm->name;
}
