/*
 * The steps of the epilogue: scale and shift and the residual over feature maps, and all steps on
 * blocks of every view, which must have the bits of the functions over maps one after another.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "epilogue.h"
#include "exact_activation.h"
#include "maps_sheet.h"

#include <math.h>
#include <string.h>

static const struct {
  int64_t batch, channels, pixels;
} shapes[] = {{1, 1, 1},    {2, 1, 40000}, {3, 2, 1},     {2, 3, 7},    {2, 3, 7000},
              {1, 3, 1025}, {2, 16, 515},  {1, 64, 600},  {1, 256, 70}, {2, 257, 9},
              {1, 513, 3},  {3, 1000, 1},  {1, 17001, 2}, {40, 5, 100}};

enum { shape_count = sizeof shapes / sizeof *shapes, layouts = 2 };

static maps_sheet create_sheet(int shape, int layout, support_random *random)
{
  const blasconv_maps maps =
      blasconv_maps_nchw(shapes[shape].batch, shapes[shape].channels, shapes[shape].pixels);
  return maps_sheet_create(layout == 0 ? maps : maps_other(&maps), random);
}

/* Numbers whose sums and products are no numbers, or whose signs matter. */
static void add_extremes(support_tensor *tensor, support_random *random)
{
  static const float extremes[] = {INFINITY, -INFINITY, NAN, 0.0f, -0.0f, 3e38f, 1e-40f};
  for (int i = 0; i < 7; ++i)
    tensor->data[support_random_between(random, 0, tensor->count - 1)] = extremes[i];
}

static bool same_number(float one, float other)
{
  return (isnan(one) && isnan(other)) || memcmp(&one, &other, sizeof one) == 0;
}

/* The product of two floats is exact in double, so that each step is rounded once. */
static float scaled(float x, float scale, float shift)
{
  const float product = (float)((double)x * (double)scale);
  return product + shift;
}

START_TEST(scale_and_shift_are_rounded_one_after_the_other)
{
  support_random random = support_random_start(1);
  int fused_differs = 0;
  for (int i = 0; i < shape_count; ++i)
    for (int layout = 0; layout < layouts; ++layout) {
      maps_sheet s = create_sheet(i, layout, &random);
      add_extremes(&s.input, &random);
      support_tensor in_place = support_tensor_copy(&s.input);
      support_tensor serial = support_tensor_poisoned(s.input.count);
      maps_scale_shift(&s.maps, s.input.data, s.scale.data, s.shift.data, 8, s.output.data);
      maps_scale_shift(&s.maps, s.input.data, s.scale.data, s.shift.data, 1, serial.data);
      maps_scale_shift(&s.maps, in_place.data, s.scale.data, s.shift.data, 0, in_place.data);
      ck_assert(support_tensor_same(&s.output, &serial));
      ck_assert(support_tensor_same(&s.output, &in_place));
      for (int64_t j = 0; j < s.input.count; ++j) {
        const int64_t c = maps_channel(&s.maps, j);
        const float x = s.input.data[j], scale = s.scale.data[c], shift = s.shift.data[c];
        support_assert(same_number(s.output.data[j], scaled(x, scale, shift)), "shape %d, %d: %lld",
                       i, layout, (long long)j);
        fused_differs += !same_number(s.output.data[j], fmaf(x, scale, shift));
      }
      support_tensor_free(&serial);
      support_tensor_free(&in_place);
      maps_sheet_free(&s);
    }
  ck_assert_int_gt(fused_differs, 1000);
}
END_TEST

START_TEST(residual_is_the_sum)
{
  support_random random = support_random_start(2);
  for (int i = 0; i < shape_count; ++i)
    for (int layout = 0; layout < layouts; ++layout) {
      maps_sheet s = create_sheet(i, layout, &random);
      add_extremes(&s.input, &random);
      add_extremes(&s.gradient, &random);
      support_tensor over_input = support_tensor_copy(&s.input);
      support_tensor over_residual = support_tensor_copy(&s.gradient);
      support_tensor serial = support_tensor_poisoned(s.input.count);
      maps_residual(&s.maps, s.input.data, s.gradient.data, 8, s.output.data);
      maps_residual(&s.maps, s.input.data, s.gradient.data, 1, serial.data);
      maps_residual(&s.maps, over_input.data, s.gradient.data, 2, over_input.data);
      maps_residual(&s.maps, s.input.data, over_residual.data, 2, over_residual.data);
      for (int64_t j = 0; j < s.input.count; ++j) {
        const float sum = s.input.data[j] + s.gradient.data[j];
        ck_assert(same_number(s.output.data[j], sum) && same_number(serial.data[j], sum));
        ck_assert(same_number(over_input.data[j], sum) && same_number(over_residual.data[j], sum));
      }
      support_tensor_free(&serial);
      support_tensor_free(&over_residual);
      support_tensor_free(&over_input);
      maps_sheet_free(&s);
    }
}
END_TEST

/* ---- the epilogue ---- */

/* What the functions over maps give one after another, in `result`. */
static void apply_steps(const bc_epilogue *e, const blasconv_maps *maps, float *result)
{
  maps_forward(maps, result, e->bias, NULL, 1, result);
  if (e->scale != NULL)
    maps_scale_shift(maps, result, e->scale, e->shift, 1, result);
  if (e->place == BLASCONV_RESIDUAL_BEFORE_ACTIVATION)
    maps_residual(maps, result, e->residual, 1, result);
  maps_forward(maps, result, NULL, &e->activation, 1, result);
  if (e->place == BLASCONV_RESIDUAL_AFTER_ACTIVATION)
    maps_residual(maps, result, e->residual, 1, result);
}

/* Of the maps of one image, a block of channels and pixels; and where it begins. */
typedef struct block {
  bc_block_view view;
  int64_t channel, offset;
} block;

static block random_block(const blasconv_maps *maps, bool whole, support_random *random)
{
  const bool nhwc = maps->layout == BLASCONV_NHWC;
  const int64_t channel = whole ? 0 : support_random_between(random, 0, maps->channels - 1);
  const int64_t pixel = whole ? 0 : support_random_between(random, 0, maps->pixels - 1);
  block b = {{maps->channels - channel, maps->pixels - pixel, nhwc ? 1 : maps->pixels,
              nhwc ? maps->channels : 1},
             channel,
             0};
  if (!whole) {
    b.view.channels = support_random_between(random, 1, b.view.channels);
    b.view.pixels = support_random_between(random, 1, b.view.pixels);
  }
  b.offset = channel * b.view.channel_step + pixel * b.view.pixel_step;
  return b;
}

/* In the block `result` is `applied`, elsewhere what it was. */
static void check_block(const maps_sheet *s, const block *b, const support_tensor *applied,
                        const support_tensor *result)
{
  support_tensor expected = support_tensor_copy(&s->input);
  for (int64_t i = 0; i < b->view.channels; ++i)
    for (int64_t j = 0; j < b->view.pixels; ++j) {
      const int64_t at = b->offset + i * b->view.channel_step + j * b->view.pixel_step;
      expected.data[at] = applied->data[at];
    }
  ck_assert(support_tensor_same(&expected, result));
  support_tensor_check(result, "block");
  support_tensor_free(&expected);
}

/* Fills the block with NaN; returns it. */
static float *poison_block(const block *b, float *data)
{
  for (int64_t i = 0; i < b->view.channels; ++i)
    for (int64_t j = 0; j < b->view.pixels; ++j)
      data[i * b->view.channel_step + j * b->view.pixel_step] = NAN;
  return data;
}

static void check_epilogue(const bc_epilogue *e, const maps_sheet *s, support_random *random)
{
  support_tensor applied = support_tensor_copy(&s->input);
  apply_steps(e, &s->maps, applied.data);
  for (int k = 0; k < 4; ++k) {
    const block b = random_block(&s->maps, k == 0, random);
    support_tensor result = support_tensor_copy(&s->input);
    if (k % 2 == 0)
      bc_epilogue_apply(e, b.view, b.channel, b.offset, result.data + b.offset);
    else /* from another tensor, over what is not read */
      bc_epilogue_map(e, b.view, b.channel, b.offset, s->input.data + b.offset,
                      poison_block(&b, result.data + b.offset));
    check_block(s, &b, &applied, &result);
    support_tensor_free(&result);
  }
  support_tensor_free(&applied);
}

/* Every combination of the steps, each activation. */
START_TEST(epilogue_is_its_steps_one_after_another)
{
  support_random random = support_random_start(3);
  int activation = 0;
  for (int i = 0; i < shape_count; ++i)
    for (int layout = 0; layout < layouts; ++layout) {
      maps_sheet s = create_sheet(i, layout, &random);
      s.maps.batch = 1; /* the epilogue goes image by image */
      for (int steps = 0; steps < 24; ++steps, ++activation) {
        const exact_activation *a = &exact_activations[activation % exact_activation_count];
        const bc_epilogue e = {.activation = {steps / 12 ? a->kind : BLASCONV_IDENTITY, a->alpha},
                               .bias = steps % 2 ? s.bias.data : NULL,
                               .scale = steps / 2 % 2 ? s.scale.data : NULL,
                               .shift = steps / 2 % 2 ? s.shift.data : NULL,
                               .residual = steps / 4 % 3 ? s.gradient.data : NULL,
                               .place = (blasconv_residual)(steps / 4 % 3)};
        check_epilogue(&e, &s, &random);
      }
      maps_sheet_free(&s);
    }
}
END_TEST

/* Whatever is element-wise knows no layout. */
START_TEST(both_layouts_give_the_same_bits)
{
  support_random random = support_random_start(4);
  for (int i = 0; i < shape_count; ++i) {
    maps_sheet s = create_sheet(i, 0, &random);
    const blasconv_maps other_maps = maps_other(&s.maps);
    const exact_activation *a = &exact_activations[i % exact_activation_count];
    const blasconv_activation activation = {a->kind, a->alpha};
    support_tensor input = maps_tensor_other(&s.maps, &s.input);
    support_tensor gradient = maps_tensor_other(&s.maps, &s.gradient);
    support_tensor output = support_tensor_poisoned(input.count);
    for (int function = 0; function < 4; ++function) {
      switch (function) {
      case 0:
        maps_forward(&s.maps, s.input.data, s.bias.data, &activation, 2, s.output.data);
        maps_forward(&other_maps, input.data, s.bias.data, &activation, 2, output.data);
        break;
      case 1:
        maps_scale_shift(&s.maps, s.input.data, s.scale.data, s.shift.data, 2, s.output.data);
        maps_scale_shift(&other_maps, input.data, s.scale.data, s.shift.data, 2, output.data);
        break;
      case 2:
        maps_residual(&s.maps, s.input.data, s.gradient.data, 2, s.output.data);
        maps_residual(&other_maps, input.data, gradient.data, 2, output.data);
        break;
      default:
        maps_backward(&s.maps, s.input.data, s.bias.data, &activation, s.gradient.data, 2, 0,
                      s.output.data, NULL);
        maps_backward(&other_maps, input.data, s.bias.data, &activation, gradient.data, 2, 0,
                      output.data, NULL);
      }
      support_tensor expected = maps_tensor_other(&s.maps, &s.output);
      support_assert(support_tensor_same(&expected, &output), "shape %d, function %d", i, function);
      support_tensor_free(&expected);
    }
    support_tensor_check(&output, "output");
    support_tensor_free(&output);
    support_tensor_free(&gradient);
    support_tensor_free(&input);
    maps_sheet_free(&s);
  }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("maps_steps");
  support_add(suite, scale_and_shift_are_rounded_one_after_the_other);
  support_add(suite, residual_is_the_sum);
  support_add(suite, epilogue_is_its_steps_one_after_another);
  support_add(suite, both_layouts_give_the_same_bits);
  return support_run(suite);
}
