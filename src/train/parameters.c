#include "parameters.h"

blasconv_status bc_parameters_check(const blasconv_parameter *list, int64_t count, int32_t states,
                                    bc_parameters *parameters)
{
  *parameters = (bc_parameters){list, count, 0};
  if (count < 0)
    return BLASCONV_BAD_SIZE;
  for (int64_t i = 0; i < count; ++i) {
    const blasconv_status status = bc_matrix_check(list[i].count, bc_max(states, 1));
    if (status != BLASCONV_SUCCESS)
      return status;
    if (!bc_count_add(list[i].count, &parameters->elements))
      return BLASCONV_OVERFLOW;
  }
  return BLASCONV_SUCCESS;
}

void bc_parameters_visit(const bc_parameters *parameters, bc_range range, bc_visit *visit,
                         void *context)
{
  int64_t first = 0; /* where a parameter begins in the sequence */
  for (int64_t i = 0; i < parameters->count && first < range.end; ++i) {
    const blasconv_parameter *parameter = parameters->list + i;
    const bc_range part = {bc_max(range.begin - first, 0),
                           bc_min(range.end - first, parameter->count)};
    if (part.begin < part.end)
      visit(context, parameter, part);
    first += parameter->count;
  }
}
