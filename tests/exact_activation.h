/*
 * Activations and their derivatives in long double, and how near the library must come.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BLASCONV_TESTS_EXACT_ACTIVATION_H
#define BLASCONV_TESTS_EXACT_ACTIVATION_H

#include <blasconv/blasconv.h>

typedef long double exact_function(long double x, long double alpha);

typedef struct exact_activation {
  const char *name;
  blasconv_activation_kind kind;
  float alpha;
  exact_function *value; /**< of the input */
  exact_function *slope; /**< the derivative, as a function of what is saved */
  blasconv_saved saved;
  /** Bounds of the errors in ulp, 0 for exactly rounded. The ulp is that of the exact result, or
   * of `share` of |x| (slopes: of `slope_floor`) if that is larger. */
  long double bound, share, slope_bound, slope_floor;
} exact_activation;

extern const exact_activation exact_activations[]; /**< [exact_activation_count] */
extern const int exact_activation_count;

#endif
