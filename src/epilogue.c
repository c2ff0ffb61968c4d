#include "epilogue.h"

#include "cpu.h"
#include "kernels/kernels.h"

/* Adding -0 changes no float, adding +0 would change -0. */
static const float NO_BIAS = -0.0f;

static void map_rows(const bc_epilogue *e, blasconv_activation activation, const float *bias,
                     bc_block_view v, float *block)
{
  const bc_kernels *kernels = bc_cpu_kernels();
  (void)e;
  if (v.channel_step == 1 && v.channels > 1)
    for (int64_t j = 0; j < v.pixels; ++j) {
      float *row = block + j * v.pixel_step;
      if (bias != NULL)
        kernels->activate_channels(activation, row, bias, row, v.channels);
      else
        kernels->activate(activation, row, NO_BIAS, row, v.channels);
    }
  else
    for (int64_t i = 0; i < v.channels; ++i)
      for (int64_t j = 0; j < v.pixels; j += v.pixel_step == 1 ? v.pixels : 1)
        kernels->activate(activation, block + i * v.channel_step + j * v.pixel_step,
                          bias ? bias[i] : NO_BIAS, block + i * v.channel_step + j * v.pixel_step,
                          v.pixel_step == 1 ? v.pixels : 1);
}

static void add_residual(bc_block_view v, const float *residual, float *block)
{
  for (int64_t i = 0; i < v.channels; ++i)
    for (int64_t j = 0; j < v.pixels; ++j)
      block[i * v.channel_step + j * v.pixel_step] +=
          residual[i * v.channel_step + j * v.pixel_step];
}

static void scale(bc_block_view v, const float *factor, const float *shift, float *block)
{
  for (int64_t i = 0; i < v.channels; ++i)
    for (int64_t j = 0; j < v.pixels; ++j) {
      float *x = block + i * v.channel_step + j * v.pixel_step;
      const volatile float product = *x * factor[i];
      *x = product + shift[i];
    }
}

void bc_epilogue_apply(const bc_epilogue *e, bc_block_view view, int64_t first_channel,
                       int64_t offset, float *block)
{
  const blasconv_activation identity = {BLASCONV_IDENTITY, 0.0f};
  const float *bias = e->bias ? e->bias + first_channel : NULL;
  const bool plain = e->scale == NULL && e->place != BLASCONV_RESIDUAL_BEFORE_ACTIVATION;
  if (bias != NULL && !plain)
    map_rows(e, identity, bias, view, block);
  if (e->scale != NULL)
    scale(view, e->scale + first_channel, e->shift + first_channel, block);
  if (e->place == BLASCONV_RESIDUAL_BEFORE_ACTIVATION)
    add_residual(view, e->residual + offset, block);
  if (e->activation.kind != BLASCONV_IDENTITY || (plain && bias != NULL))
    map_rows(e, e->activation, plain ? bias : NULL, view, block);
  if (e->place == BLASCONV_RESIDUAL_AFTER_ACTIVATION)
    add_residual(view, e->residual + offset, block);
}
