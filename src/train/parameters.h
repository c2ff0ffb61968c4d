/* The tensors that learn, taken as one sequence of elements. */
#ifndef BC_PARAMETERS_H
#define BC_PARAMETERS_H

#include "geometry.h"

#include <blasconv/train.h>

/* Parameters one after the other. */
typedef struct bc_parameters {
  const blasconv_parameter *list; /* [count] */
  int64_t count;
  int64_t elements; /* of all of them */
} bc_parameters;

/* Checks the sizes of a list with `states` arrays of state each, and counts its elements. */
blasconv_status bc_parameters_check(const blasconv_parameter *list, int64_t count, int32_t states,
                                    bc_parameters *parameters);

/* What is done with the elements `range` of one parameter. */
typedef void bc_visit(void *context, const blasconv_parameter *parameter, bc_range range);

/* Visits the elements `range` of the sequence, a parameter at a time and in order. */
void bc_parameters_visit(const bc_parameters *parameters, bc_range range, bc_visit *visit,
                         void *context);

#endif
