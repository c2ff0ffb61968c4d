/*
 * Tensors of billions of elements in little memory.
 *
 * One that is read repeats a chunk: the same pages, mapped over and over. One that is written is
 * mapped so too, and what is written there is lost, but for some windows that have pages of their
 * own: around its ends, around 2^31 and 2^32 elements, and at random places. A chunk is an odd
 * number of pages: an index that has lost its upper bits meets another element than it should.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BLASCONV_TESTS_LARGE_TENSOR_H
#define BLASCONV_TESTS_LARGE_TENSOR_H

#include "support.h"

enum { LARGE_MOST_WINDOWS = 16 };

/** Elements [begin, end). */
typedef struct large_window {
  int64_t begin, end;
} large_window;

typedef struct large_tensor {
  float *data;
  int64_t count;
  int window_count;
  large_window windows[LARGE_MOST_WINDOWS]; /**< where what is written stays */
} large_tensor;

/** To be read: -1, 0 and 1, so that sums of billions of products are exact in float. */
large_tensor large_tensor_read(int64_t count, support_random *random);

/** To be written: NaN in the windows. */
large_tensor large_tensor_written(int64_t count, support_random *random);

void large_tensor_free(large_tensor *tensor);

#endif
