#include "activations.h"

#include "activation.h"
#include "beside_copy.h"
#include "operands.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct activation {
  const char *name;
  blasconv_activation parameters;
} activation;

static const activation kinds[] = {
    {"identity", {BLASCONV_IDENTITY, 0.0f}},
    {"relu", {BLASCONV_RELU, 0.0f}},
    {"leaky_relu", {BLASCONV_LEAKY_RELU, 0.1f}},
    {"clipped_relu", {BLASCONV_CLIPPED_RELU, 6.0f}},
    {"elu", {BLASCONV_ELU, 1.0f}},
    {"sigmoid", {BLASCONV_SIGMOID, 0.0f}},
    {"tanh", {BLASCONV_TANH, 0.0f}},
    {"silu", {BLASCONV_SILU, 0.0f}},
    {"gelu_erf", {BLASCONV_GELU_ERF, 0.0f}},
    {"gelu_tanh", {BLASCONV_GELU_TANH, 0.0f}},
};

typedef struct shape {
  const char *name;
  int64_t batch, channels, pixels;
} shape;

static const shape shapes[] = {
    {"1x32x56x56", 1, 32, 56 * 56},    /* 0.4 MB in, as much out */
    {"8x64x112x112", 8, 64, 112 * 112} /* 26 MB in, as much out */
};

enum { KINDS = sizeof kinds / sizeof *kinds, SHAPES = sizeof shapes / sizeof *shapes };

typedef struct kernel_case {
  bench_beside_copy beside;
  const activation *activation;
  const shape *shape;
} kernel_case;

struct bench_activations {
  kernel_case cases[SHAPES][KINDS];
};

/* What is timed: input and output [batch][channels][pixels], bias [channels]. */
typedef struct maps {
  const kernel_case *c;
  int threads;
  float *input, *output, *bias;
} maps;

static int64_t elements(const shape *s)
{
  return s->batch * s->channels * s->pixels;
}

static blasconv_status apply(const maps *m)
{
  const shape *s = m->c->shape;
  const blasconv_maps sizes = blasconv_maps_nchw(s->batch, s->channels, s->pixels);
  return blasconv_bias_activation_forward(&sizes, m->input, m->bias, &m->c->activation->parameters,
                                          m->threads, m->output);
}

static double run_kernel(const void *context)
{
  const double begin = bench_now();
  apply(context);
  return bench_now() - begin;
}

/* Whether a sample of the output is what it should be; inputs are within [-8, 8], so a few units in
 * the last place are a few millionths. */
static bool right(const maps *m)
{
  const shape *s = m->c->shape;
  for (int64_t i = 0; i < elements(s); i += 997) {
    const float x = m->input[i] + m->bias[i / s->pixels % s->channels];
    const double expected = bench_activation(m->c->activation->parameters, (double)x);
    if (!(fabs((double)m->output[i] - expected) <= 4e-6))
      return false;
  }
  return true;
}

static maps make_maps(const kernel_case *c)
{
  const int64_t count = elements(c->shape);
  maps m = {c, bench_beside_copy_threads(c->beside.session), bench_floats(count),
            bench_floats(count), bench_floats(c->shape->channels)};
  bench_fill(m.input, count, 1);
  for (int64_t i = 0; i < count; ++i)
    m.input[i] *= 7.0f;
  bench_fill(m.bias, c->shape->channels, 2);
  memset(m.output, 0xFF, (size_t)count * sizeof(float)); /* all NaN */
  return m;
}

static void run_case(bench_state *state, void *context)
{
  kernel_case *c = context;
  bench_beside_copy_begin(&c->beside);
  maps m = make_maps(c);
  const bench_copy copy = {m.input, m.output, elements(c->shape), m.threads};
  if (apply(&m) == BLASCONV_SUCCESS && right(&m))
    bench_beside_copy_measure(&c->beside, state, (bench_runner){run_kernel, &m}, &copy);
  else
    bench_beside_copy_fail(&c->beside, state, "differs from the definition");
  free(m.input);
  free(m.output);
  free(m.bias);
}

bench_activations *bench_activations_register(bench_session *session)
{
  bench_activations *activations = calloc(1, sizeof *activations);
  for (int s = 0; activations != NULL && s < SHAPES; ++s)
    for (int k = 0; k < KINDS; ++k) {
      kernel_case *c = &activations->cases[s][k];
      const double bytes = 2.0 * (double)elements(&shapes[s]) * sizeof(float);
      *c = (kernel_case){{.session = session,
                          .group = "bias_activation",
                          .shape = shapes[s].name,
                          .what = kinds[k].name,
                          .bytes = bytes},
                         &kinds[k],
                         &shapes[s]};
      bench_beside_copy_register(&c->beside, run_case, c);
    }
  return activations;
}

void bench_activations_print(const bench_activations *activations)
{
  bool titled = false;
  for (int s = 0; activations != NULL && s < SHAPES; ++s)
    for (int k = 0; k < KINDS; ++k)
      bench_beside_copy_print(&activations->cases[s][k].beside, "Bias and activation",
                              "a plain copy", 13, &titled);
}

void bench_activations_free(bench_activations *activations)
{
  free(activations);
}
