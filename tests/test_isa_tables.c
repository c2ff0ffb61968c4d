/*
 * The tables of kernels that this CPU can run give the same bits.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "exact_activation.h"
#include "isa_tables.h"
#include "kernels/normalization.h"
#include "norm_layer.h"

#include <string.h>

/* Kernels for a bias a channel and for sums, in every table. */
START_TEST(dense_kernels_give_the_same_bits)
{
  const bc_kernels *tables[isa_tables_most];
  const int n = isa_tables_runnable(tables);
  support_random random = support_random_start(1);
  for (int i = 0; i < exact_activation_count; ++i)
    for (int64_t channels = 1; channels <= 70; ++channels) {
      const blasconv_activation activation = {exact_activations[i].kind,
                                              exact_activations[i].alpha};
      support_tensor input = support_tensor_random(channels, &random);
      support_tensor bias = support_tensor_random(channels, &random);
      support_tensor gradient = support_tensor_random(channels, &random);
      support_tensor results[isa_tables_most][2];
      double sums[isa_tables_most][70] = {{0.0}};
      for (int t = 0; t < n; ++t) {
        results[t][0] = support_tensor_poisoned(channels);
        results[t][1] = support_tensor_poisoned(channels);
        tables[t]->activate(activation, input.data, NULL, bias.data, 1, results[t][0].data,
                            channels);
        tables[t]->differentiate(activation, input.data, bias.data, 1, gradient.data,
                                 results[t][1].data, channels);
        tables[t]->add_to_sums(sums[t], gradient.data, channels);
        ck_assert(support_tensor_same(&results[0][0], &results[t][0]));
        ck_assert(support_tensor_same(&results[0][1], &results[t][1]));
        ck_assert(memcmp(sums[0], sums[t], sizeof sums[0]) == 0);
      }
      for (int t = 0; t < n; ++t) {
        support_tensor_free(&results[t][0]);
        support_tensor_free(&results[t][1]);
      }
      support_tensor_free(&input);
      support_tensor_free(&bias);
      support_tensor_free(&gradient);
    }
}
END_TEST

START_TEST(normalization_kernels_give_the_same_bits)
{
  const bc_kernels *tables[isa_tables_most];
  const int n = isa_tables_runnable(tables);
  support_random random = support_random_start(2);
  for (int i = 0; i < norm_shape_count; ++i) {
    const norm_shape *s = &norm_shapes[i];
    const bc_slab slab = {s->batch, s->channels * s->pixels, s->channels < 64 ? s->channels : 64,
                          s->pixels};
    norm_layer l = norm_layer_of_shape(i, 3.0f, &random), other = norm_layer_copy(&l);
    const float *numbers = l.scale.data, *more = l.shift.data;
    const bc_normalizer normalizer = {numbers, more, more, numbers};
    const bc_normalizer_slope slope = {numbers, more, more, numbers, more};
    double means[64];
    bc_sums sums[2][64], squares[2][64];
    for (int64_t c = 0; c < slab.channels; ++c)
      means[c] = (double)numbers[c] + 3.0;
    for (int t = 0; t < n; ++t) {
      const bc_normalization_kernels *kernels = tables[t]->normalization;
      norm_layer *to = t == 0 ? &l : &other;
      const int which = t != 0;
      kernels->sum(&slab, l.input.data, means, l.gradient.data, sums[which]);
      kernels->sum(&slab, l.input.data, means, NULL, squares[which]);
      kernels->normalize(&slab, &normalizer, l.input.data, to->output.data);
      kernels->differentiate(&slab, &slope, l.input.data, l.gradient.data, to->input_gradient.data);
      const size_t bytes = (size_t)slab.channels * sizeof(bc_sums);
      ck_assert(t == 0 || memcmp(sums[0], sums[1], bytes) == 0);
      ck_assert(t == 0 || memcmp(squares[0], squares[1], bytes) == 0);
      ck_assert(t == 0 || support_tensor_same(&l.output, &other.output));
      ck_assert(t == 0 || support_tensor_same(&l.input_gradient, &other.input_gradient));
    }
    norm_layer_free(&l);
    norm_layer_free(&other);
  }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("isa_tables");
  support_add(suite, dense_kernels_give_the_same_bits);
  support_add(suite, normalization_kernels_give_the_same_bits);
  return support_run(suite);
}
