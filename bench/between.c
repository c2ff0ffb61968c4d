#include "between.h"

#include "beside_copy.h"
#include "operands.h"

#include <blasconv/train.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct shape {
  const char *name;
  blasconv_layout layout;
  int64_t batch, channels, side; /* maps are squares */
} shape;

static const shape shapes[] = {
    {"nchw_1x32x56x56", BLASCONV_NCHW, 1, 32, 56},    /* 0.4 MB */
    {"nchw_8x64x112x112", BLASCONV_NCHW, 8, 64, 112}, /* 26 MB */
    {"nhwc_1x56x56x32", BLASCONV_NHWC, 1, 32, 56},
    {"nhwc_8x112x112x64", BLASCONV_NHWC, 8, 64, 112},
};

/* What is timed, all of it as large as the shape or less. */
typedef struct maps {
  blasconv_problem window; /* of pooling */
  blasconv_maps sizes;     /* of what is normalised */
  int threads;
  float *input, *gradient,
      *output; /* the gradient of the output; the output, or the other gradient */
  int32_t *winners;
  blasconv_batch_norm norm;
} maps;

static blasconv_status pool(const maps *m)
{
  return blasconv_pooling_forward(&m->window, BLASCONV_POOLING_MAX, m->input, m->threads, m->output,
                                  NULL);
}

static blasconv_status pool_and_mark(const maps *m)
{
  return blasconv_pooling_forward(&m->window, BLASCONV_POOLING_MAX, m->input, m->threads, m->output,
                                  m->winners);
}

static blasconv_status pool_backward(const maps *m)
{
  return blasconv_pooling_backward(&m->window, BLASCONV_POOLING_MAX, m->gradient, m->winners,
                                   m->threads, m->output);
}

static blasconv_status average(const maps *m)
{
  return blasconv_pooling_forward(&m->window, BLASCONV_POOLING_AVERAGE, m->input, m->threads,
                                  m->output, NULL);
}

static blasconv_status average_backward(const maps *m)
{
  return blasconv_pooling_backward(&m->window, BLASCONV_POOLING_AVERAGE, m->gradient, NULL,
                                   m->threads, m->output);
}

static blasconv_status normalise(const maps *m)
{
  return blasconv_batch_norm_inference(&m->sizes, &m->norm, m->input, m->threads, m->output);
}

static blasconv_status train(const maps *m)
{
  return blasconv_batch_norm_forward(&m->sizes, &m->norm, m->input, m->threads, m->output);
}

static blasconv_status train_backward(const maps *m)
{
  return blasconv_batch_norm_backward(&m->sizes, &m->norm, m->input, m->gradient, m->threads,
                                      m->output, NULL, NULL);
}

/* A function, its window, and what it reads and writes: whole maps, and pooled ones. */
typedef struct function {
  const char *name;
  blasconv_status (*run)(const maps *m);
  int64_t size, stride, pad;
  double whole, pooled;
} function;

static const function functions[] = {
    {"max_2x2", pool, 2, 2, 0, 1, 1},
    {"max_2x2_winners", pool_and_mark, 2, 2, 0, 1, 2},
    {"max_2x2_backward", pool_backward, 2, 2, 0, 1, 2},
    {"max_3x3_stride_2", pool, 3, 2, 1, 1, 1},
    {"max_3x3_stride_2_winners", pool_and_mark, 3, 2, 1, 1, 2},
    {"max_3x3_stride_2_backward", pool_backward, 3, 2, 1, 1, 2},
    {"average_3x3", average, 3, 1, 1, 1, 1},
    {"average_3x3_backward", average_backward, 3, 1, 1, 1, 1},
    {"batch_norm_inference", normalise, 1, 1, 0, 1, 1},
    {"batch_norm", train, 1, 1, 0, 2, 1}, /* the input twice: statistics come first */
    {"batch_norm_backward", train_backward, 1, 1, 0, 4, 1} /* input and gradient twice */
};

enum { FUNCTIONS = sizeof functions / sizeof *functions, SHAPES = sizeof shapes / sizeof *shapes };

typedef struct between_case {
  bench_beside_copy beside;
  const function *function;
  const shape *shape;
} between_case;

struct bench_between {
  between_case cases[SHAPES][FUNCTIONS];
};

typedef struct call {
  const function *function;
  const maps *maps;
} call;

static double run_function(const void *context)
{
  const call *c = context;
  const double begin = bench_now();
  c->function->run(c->maps);
  return bench_now() - begin;
}

static int64_t pooled_elements(const between_case *c)
{
  const int64_t side =
      (c->shape->side + 2 * c->function->pad - c->function->size) / c->function->stride + 1;
  return c->shape->batch * c->shape->channels * side * side;
}

static int64_t elements(const shape *s)
{
  return s->batch * s->channels * s->side * s->side;
}

static maps make_maps(const between_case *c)
{
  const shape *s = c->shape;
  const int64_t count = elements(s), pad = c->function->pad;
  maps m = {.window = blasconv_problem_pooling(s->batch, s->channels, s->side, s->side,
                                               c->function->size, c->function->stride),
            .sizes = s->layout == BLASCONV_NHWC
                         ? blasconv_maps_nhwc(s->batch, s->side * s->side, s->channels)
                         : blasconv_maps_nchw(s->batch, s->channels, s->side * s->side),
            .threads = bench_beside_copy_threads(c->beside.session),
            .input = bench_floats(count),
            .gradient = bench_floats(count),
            .output = bench_floats(count),
            .winners = malloc((size_t)count * sizeof *m.winners),
            .norm = blasconv_batch_norm_default()};
  m.window.layout = s->layout;
  for (int axis = 0; axis < 2; ++axis)
    m.window.pads_begin[axis] = m.window.pads_end[axis] = pad;
  bench_fill(m.input, count, 1);
  bench_fill(m.gradient, count, 2);
  m.norm.running_mean = bench_floats(s->channels);
  m.norm.running_variance = bench_floats(s->channels);
  m.norm.mean = bench_floats(s->channels);
  m.norm.inverse = bench_floats(s->channels);
  for (int64_t i = 0; i < s->channels; ++i) {
    m.norm.running_mean[i] = m.norm.mean[i] = 0.1f;
    m.norm.running_variance[i] = m.norm.inverse[i] = 1.5f;
  }
  return m;
}

static void free_maps(maps *m)
{
  free(m->input);
  free(m->gradient);
  free(m->output);
  free(m->winners);
  free(m->norm.running_mean);
  free(m->norm.running_variance);
  free(m->norm.mean);
  free(m->norm.inverse);
}

/* Runs it, after what it needs, on poisoned results: all of them must have been written. That they
 * are right is for the tests. */
static bool writes_all(const between_case *c, const maps *m)
{
  const bool whole = c->function->run == pool_backward;
  const int64_t count = whole ? elements(c->shape) : pooled_elements(c);
  if (whole && pool_and_mark(m) != BLASCONV_SUCCESS)
    return false;
  memset(m->output, 0xFF, (size_t)elements(c->shape) * sizeof(float)); /* all NaN */
  if (c->function->run(m) != BLASCONV_SUCCESS)
    return false;
  for (int64_t i = 0; i < count; ++i)
    if (isnan(m->output[i]))
      return false;
  return true;
}

static double moved_elements(const between_case *c)
{
  return c->function->whole * (double)elements(c->shape) +
         c->function->pooled * (double)pooled_elements(c);
}

static void measure(between_case *c, bench_state *state, const maps *m)
{
  const int64_t copied = (int64_t)(moved_elements(c) / 2.0); /* a copy reads and writes */
  float *from = bench_floats(copied), *to = bench_floats(copied);
  const call timed = {c->function, m};
  const bench_copy copy = {from, to, copied, m->threads};
  bench_fill(from, copied, 3);
  bench_beside_copy_measure(&c->beside, state, (bench_runner){run_function, &timed}, &copy);
  free(from);
  free(to);
}

static void run_case(bench_state *state, void *context)
{
  between_case *c = context;
  bench_beside_copy_begin(&c->beside);
  maps m = make_maps(c);
  if (writes_all(c, &m))
    measure(c, state, &m);
  else
    bench_beside_copy_fail(&c->beside, state, "does not write all of its result");
  free_maps(&m);
}

bench_between *bench_between_register(bench_session *session)
{
  bench_between *between = calloc(1, sizeof *between);
  for (int s = 0; between != NULL && s < SHAPES; ++s)
    for (int f = 0; f < FUNCTIONS; ++f) {
      between_case *c = &between->cases[s][f];
      *c = (between_case){{.session = session,
                           .group = "between",
                           .shape = shapes[s].name,
                           .what = functions[f].name},
                          &functions[f],
                          &shapes[s]};
      c->beside.bytes = moved_elements(c) * sizeof(float);
      bench_beside_copy_register(&c->beside, run_case, c);
    }
  return between;
}

void bench_between_print(const bench_between *between)
{
  bool titled = false;
  for (int s = 0; between != NULL && s < SHAPES; ++s)
    for (int f = 0; f < FUNCTIONS; ++f)
      bench_beside_copy_print(&between->cases[s][f].beside, "Pooling and batch normalisation",
                              "a plain copy of as many bytes", 25, &titled);
}

void bench_between_free(bench_between *between)
{
  free(between);
}
