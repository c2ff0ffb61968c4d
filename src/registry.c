#include "algorithm.h"

/* Ordered: a plan takes the first algorithm that does not reject its problem. */
static const bc_algorithm *const algorithms[] = {
    &bc_pointwise_gemm,
    &bc_depthwise,
    &bc_im2col_gemm,
    &bc_reference,
};

const bc_algorithm *bc_registry_row(size_t index)
{
  return index < sizeof algorithms / sizeof *algorithms ? algorithms[index] : NULL;
}

const char *blasconv_algorithm_name(size_t index)
{
  const bc_algorithm *algorithm = bc_registry_row(index);
  return algorithm == NULL ? NULL : algorithm->name;
}
