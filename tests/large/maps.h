/*
 * The element-wise functions on stacks of maps of more than 2^32 elements.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BLASCONV_TESTS_LARGE_MAPS_H
#define BLASCONV_TESTS_LARGE_MAPS_H

#include "tensor.h"

/** Runs all of them in both layouts. @return how many elements are wrong */
int large_maps_check(support_random *random);

#endif
