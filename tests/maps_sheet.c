/*
 * Random feature maps, and the functions over maps.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "maps_sheet.h"

int64_t maps_count(const blasconv_maps *maps)
{
  return maps->batch * maps->channels * maps->pixels;
}

int64_t maps_channel(const blasconv_maps *maps, int64_t i)
{
  return (maps->layout == BLASCONV_NHWC ? i : i / maps->pixels) % maps->channels;
}

blasconv_maps maps_other(const blasconv_maps *maps)
{
  return maps->layout == BLASCONV_NHWC
             ? blasconv_maps_nchw(maps->batch, maps->channels, maps->pixels)
             : blasconv_maps_nhwc(maps->batch, maps->pixels, maps->channels);
}

support_tensor maps_tensor_other(const blasconv_maps *maps, const support_tensor *tensor)
{
  const bool nhwc = maps->layout == BLASCONV_NHWC;
  const int64_t rows = nhwc ? maps->pixels : maps->channels;
  const int64_t columns = nhwc ? maps->channels : maps->pixels;
  support_tensor other = support_tensor_poisoned(tensor->count);
  for (int64_t i = 0; i < tensor->count; ++i) {
    const int64_t image = i / (rows * columns), row = i / columns % rows, column = i % columns;
    other.data[(image * columns + column) * rows + row] = tensor->data[i];
  }
  return other;
}

maps_sheet maps_sheet_create(blasconv_maps maps, support_random *random)
{
  const int64_t elements = maps_count(&maps);
  return (maps_sheet){maps,
                      support_tensor_random(elements, random),
                      support_tensor_random(elements, random),
                      support_tensor_poisoned(elements),
                      support_tensor_random(maps.channels, random),
                      support_tensor_random(maps.channels, random),
                      support_tensor_random(maps.channels, random)};
}

void maps_sheet_free(maps_sheet *sheet)
{
  support_tensor *const tensors[] = {&sheet->input, &sheet->gradient, &sheet->output,
                                     &sheet->bias,  &sheet->scale,    &sheet->shift};
  for (size_t i = 0; i < sizeof tensors / sizeof *tensors; ++i) {
    support_tensor_check(tensors[i], "maps");
    support_tensor_free(tensors[i]);
  }
}

void maps_forward(const blasconv_maps *maps, const float *input, const float *bias,
                  const blasconv_activation *activation, int32_t threads, float *output)
{
  ck_assert_int_eq(blasconv_bias_activation_forward(maps, input, bias, activation, threads, output),
                   BLASCONV_SUCCESS);
}

void maps_backward(const blasconv_maps *maps, const float *saved, const float *bias,
                   const blasconv_activation *activation, const float *output_gradient,
                   int32_t threads, int32_t accumulate, float *input_gradient, float *bias_gradient)
{
  ck_assert_int_eq(blasconv_bias_activation_backward(maps, saved, bias, activation, output_gradient,
                                                     threads, accumulate, input_gradient,
                                                     bias_gradient),
                   BLASCONV_SUCCESS);
}

void maps_scale_shift(const blasconv_maps *maps, const float *input, const float *scale,
                      const float *shift, int32_t threads, float *output)
{
  ck_assert_int_eq(blasconv_scale_shift_forward(maps, input, scale, shift, threads, output),
                   BLASCONV_SUCCESS);
}

void maps_residual(const blasconv_maps *maps, const float *input, const float *residual,
                   int32_t threads, float *output)
{
  ck_assert_int_eq(blasconv_residual_forward(maps, input, residual, threads, output),
                   BLASCONV_SUCCESS);
}
