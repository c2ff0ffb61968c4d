/*
 * Parameters to move, for the tests of gradient descent.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BLASCONV_TESTS_DESCENT_PARAMETERS_H
#define BLASCONV_TESTS_DESCENT_PARAMETERS_H

#include "support.h"

#include <blasconv/train.h>

enum { descent_kinds = 5, descent_tensors = 8 };

/** Elements of each tensor: none, few, a task, one more, several tasks. */
extern const int64_t descent_sizes[descent_tensors];

/** Random tensors of all the sizes, every other one decaying, with zero state. */
typedef struct descent_network {
  support_tensor values[descent_tensors], gradient[descent_tensors], state[descent_tensors];
  blasconv_parameter parameters[descent_tensors];
} descent_network;

descent_network *descent_network_create(int32_t states, support_random *random);

/** Checks the guards. */
void descent_network_free(descent_network *net);

/** The same bits in both. */
bool descent_network_same(const descent_network *one, const descent_network *other);

/** A step that must not be refused. */
void descent_step(const blasconv_optimizer *optimizer, int64_t t, const blasconv_parameter *list,
                  int64_t count, int32_t threads);

/** An optimizer of a kind by its number. */
blasconv_optimizer descent_rule(int kind, float rate, float decay);

#endif
