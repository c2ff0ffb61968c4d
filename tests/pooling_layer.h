/*
 * Pooling as sums and maxima over lists of pixels, written from the header alone, and layers of
 * random sizes with their tensors.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BLASCONV_TESTS_POOLING_LAYER_H
#define BLASCONV_TESTS_POOLING_LAYER_H

#include "support.h"

#include <blasconv/train.h>

/** The pixels of one window that lie in the image, in row-major order: [count] elements of the map.
 */
typedef struct pooling_window {
  int64_t *pixels;
  int64_t count, taps;
} pooling_window;

/** Its `pixels` are the caller's to free. */
pooling_window pooling_window_create(const blasconv_problem *p, int64_t row, int64_t column);

/** The pixel of `map` that is the maximum, -1 if the window is empty. */
int64_t pooling_window_winner(const pooling_window *w, const float *map);

/** What an average's sum is divided by. */
int64_t pooling_window_divisor(const pooling_window *w, blasconv_pooling_kind kind);

/** A problem with its tensors. */
typedef struct pooling_layer {
  blasconv_problem problem;
  int64_t maps, in_pixels, rows, columns, out_pixels;
  /* In NCHW whatever the problem's layout: they are turned for the library's functions. */
  support_tensor input, output_gradient; /* read */
  support_tensor output, input_gradient; /* written */
  support_tensor winners;                /* written; its floats are the bits of int32_t */
} pooling_layer;

/** The winners as what they are. */
int32_t *pooling_layer_winners(pooling_layer *l);

/** Random tensors, integers (with ties) or not; results are poisoned. */
pooling_layer pooling_layer_create(const blasconv_problem *problem, support_random *random);

/** Checks the guards of what was written and frees everything. */
void pooling_layer_free(pooling_layer *l);

void pooling_layer_forward(pooling_layer *l, blasconv_pooling_kind kind, int32_t threads,
                           bool winners);

void pooling_layer_backward(pooling_layer *l, blasconv_pooling_kind kind, int32_t threads);

/** Copies of what was written. */
typedef struct pooling_results {
  support_tensor output, winners, input_gradient;
} pooling_results;

pooling_results pooling_results_copy(const pooling_layer *l);

/** Whether the layer has the same bits again. */
bool pooling_results_same(const pooling_results *results, const pooling_layer *l);

void pooling_results_free(pooling_results *results);

/** A quarter are the halving that most networks use, and some are global; in either layout. */
blasconv_problem pooling_problem_random(int64_t most_pixels, support_random *random);

/** Windows of 3x3 as networks have them, in rows that are short, fill vectors, or have no room on
 * the stack. */
enum { pooling_row_count = 9 };
blasconv_problem pooling_problem_of_rows(int i, int64_t stride);

/** A few NaNs and infinities, and zeros of both signs. */
void pooling_special_values(support_tensor *tensor, support_random *random);

#endif
