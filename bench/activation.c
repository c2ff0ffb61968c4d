#include "activation.h"

#include <math.h>

double bench_activation(blasconv_activation a, double x)
{
  const double alpha = (double)a.alpha, root_2 = 1.4142135623730951,
               root_2_over_pi = 0.79788456080286536;
  switch (a.kind) {
  case BLASCONV_RELU:
    return fmax(x, 0.0);
  case BLASCONV_LEAKY_RELU:
    return x > 0.0 ? x : alpha * x;
  case BLASCONV_CLIPPED_RELU:
    return fmin(fmax(x, 0.0), alpha);
  case BLASCONV_ELU:
    return x > 0.0 ? x : alpha * expm1(x);
  case BLASCONV_SIGMOID:
    return 1.0 / (1.0 + exp(-x));
  case BLASCONV_TANH:
    return tanh(x);
  case BLASCONV_SILU:
    return x / (1.0 + exp(-x));
  case BLASCONV_GELU_ERF:
    return 0.5 * x * (1.0 + erf(x / root_2));
  case BLASCONV_GELU_TANH:
    return 0.5 * x * (1.0 + tanh(root_2_over_pi * (x + 0.044715 * x * x * x)));
  default:
    return x;
  }
}
