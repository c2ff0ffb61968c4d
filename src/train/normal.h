/* The inverse of the normal distribution function. */
#ifndef BC_NORMAL_H
#define BC_NORMAL_H

#include <stdint.h>

/* A word -> the middle of one of 2^52 equal parts of (-1/2, 1/2), exactly. */
static inline double bc_normal_centred(uint64_t word)
{
  return (double)((int64_t)(word >> 12) * 2 + 1 - ((int64_t)1 << 52)) * 0x1p-53;
}

/* What a normal number is below with probability 1/2 + `centred`; |centred| <= 1/2 - 2^-53. */
double bc_normal_quantile(double centred);

#endif
