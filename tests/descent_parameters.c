/*
 * Parameters to move.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "descent_parameters.h"

#include <stdlib.h>

const int64_t descent_sizes[descent_tensors] = {0, 1, 7, 16384, 0, 16385, 100003, 3};

descent_network *descent_network_create(int32_t states, support_random *random)
{
  descent_network *net = calloc(1, sizeof *net);
  for (int i = 0; i < descent_tensors; ++i) {
    net->values[i] = support_tensor_random(descent_sizes[i], random);
    net->gradient[i] = support_tensor_random(descent_sizes[i], random);
    net->state[i] = support_tensor_poisoned(states * descent_sizes[i]);
    for (int64_t j = 0; j < net->state[i].count; ++j)
      net->state[i].data[j] = 0.0f;
    net->parameters[i] = (blasconv_parameter){descent_sizes[i], net->values[i].data,
                                              net->gradient[i].data, net->state[i].data, i % 2};
  }
  return net;
}

void descent_network_free(descent_network *net)
{
  for (int i = 0; i < descent_tensors; ++i) {
    support_tensor_check(&net->values[i], "values");
    support_tensor_check(&net->gradient[i], "gradient");
    support_tensor_check(&net->state[i], "state");
    support_tensor_free(&net->values[i]);
    support_tensor_free(&net->gradient[i]);
    support_tensor_free(&net->state[i]);
  }
  free(net);
}

bool descent_network_same(const descent_network *one, const descent_network *other)
{
  bool same = true;
  for (int i = 0; i < descent_tensors; ++i)
    same = same && support_tensor_same(&one->values[i], &other->values[i]) &&
           support_tensor_same(&one->gradient[i], &other->gradient[i]) &&
           support_tensor_same(&one->state[i], &other->state[i]);
  return same;
}

void descent_step(const blasconv_optimizer *optimizer, int64_t t, const blasconv_parameter *list,
                  int64_t count, int32_t threads)
{
  ck_assert_int_eq(blasconv_optimizer_step(optimizer, t, list, count, threads), BLASCONV_SUCCESS);
}

blasconv_optimizer descent_rule(int kind, float rate, float decay)
{
  blasconv_optimizer optimizer = blasconv_optimizer_of((blasconv_optimizer_kind)kind, rate);
  optimizer.weight_decay = decay;
  return optimizer;
}
