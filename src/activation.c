/* What is known of each kind of activation. */
#include "plan.h"

#include <math.h>

bool bc_activation_check(const blasconv_activation *activation)
{
  switch (activation->kind) {
  case BLASCONV_LEAKY_RELU:
  case BLASCONV_ELU:
    return isfinite(activation->alpha) && activation->alpha >= 0.0f;
  case BLASCONV_CLIPPED_RELU:
    return isfinite(activation->alpha) && activation->alpha > 0.0f;
  case BLASCONV_IDENTITY:
  case BLASCONV_RELU:
  case BLASCONV_SIGMOID:
  case BLASCONV_TANH:
  case BLASCONV_SILU:
  case BLASCONV_GELU_ERF:
  case BLASCONV_GELU_TANH:
    return true;
  }
  return false;
}

blasconv_saved blasconv_activation_saves(blasconv_activation_kind kind)
{
  return kind == BLASCONV_SILU || kind == BLASCONV_GELU_ERF || kind == BLASCONV_GELU_TANH
             ? BLASCONV_SAVED_INPUT
             : BLASCONV_SAVED_OUTPUT;
}
