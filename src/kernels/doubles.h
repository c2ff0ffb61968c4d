/* Vectors of doubles, in which floats are summed. */
#ifndef BC_DOUBLES_H
#define BC_DOUBLES_H

#include "vector_math.h"

enum { WIDTH = 4 /* on every instruction set */ };

typedef double doubles __attribute__((vector_size(WIDTH * sizeof(double))));

/* One conversion for compilers, unlike __builtin_convertvector(). */
INLINE doubles widened(const float *x)
{
  return (doubles){(double)x[0], (double)x[1], (double)x[2], (double)x[3]};
}

#endif
