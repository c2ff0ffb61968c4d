#include "depthwise.h"

#include "copy.h"
#include "execution.h"

#include <inttypes.h>
#include <stdlib.h>

enum { LAYOUTS = 2, COPY = LAYOUTS, RUNNERS, FLOATS_OF_LINE = 16 };

/* What is run through before a tensor is met again, in floats: 128 MiB, more than caches hold. */
static const int64_t far_away = INT64_C(1) << 25;

typedef struct depthwise_case {
  bench_session *session;
  const bench_network *network;
  blasconv_pass pass;
  int64_t batch;
  bool from_memory, measured;
  double seconds[RUNNERS]; /* of all layers: in NCHW, in NHWC, and of a copy of as many bytes */
} depthwise_case;

struct bench_depthwise {
  depthwise_case *cases; /* [count] */
  size_t count;
};

/* Memory that is used place after place, and then from the beginning again. */
typedef struct ring {
  float *memory;                 /* [places][stride] */
  int64_t places, stride, place; /* the place used last */
} ring;

/* A layer's plan, and a ring with input and output at each place. */
typedef struct layer_runner {
  bench_execution *execution;
  const bench_operands *operands; /* data[] of the input and the output is found in the ring */
  ring *ring;
  blasconv_pass pass;
} layer_runner;

typedef struct copy_runner {
  int64_t count;
  int threads;
  ring *ring;
} copy_runner;

static int64_t whole_lines(int64_t count)
{
  return (count + FLOATS_OF_LINE - 1) / FLOATS_OF_LINE * FLOATS_OF_LINE;
}

/* Places for `stride` floats each. */
static ring make_ring(int64_t stride, bool from_memory)
{
  const int64_t places = from_memory ? far_away / stride + 1 : 1;
  ring made = {.memory = bench_floats(places * stride), .places = places, .stride = stride};
  bench_fill(made.memory, places * stride, 1);
  return made;
}

static float *next_place(ring *r)
{
  r->place = (r->place + 1) % r->places;
  return r->memory + r->place * r->stride;
}

static double run_layer(const void *context)
{
  const layer_runner *runner = context;
  bench_operands operands = *runner->operands;
  operands.data[BENCH_INPUT] = next_place(runner->ring);
  operands.data[BENCH_OUTPUT] =
      operands.data[BENCH_INPUT] + whole_lines(operands.count[BENCH_INPUT]);
  runner->execution->arguments = bench_operands_arguments(&operands, runner->pass);
  return bench_execution_run(runner->execution);
}

static double run_copy(const void *context)
{
  const copy_runner *runner = context;
  float *from = next_place(runner->ring);
  const bench_copy copy = {from, from + whole_lines(runner->count), runner->count, runner->threads};
  return bench_copy_run(&copy);
}

static bool is_depthwise(const blasconv_problem *problem)
{
  return problem->groups > 1 && problem->groups == problem->in_channels;
}

static bool has_depthwise(const bench_network *network)
{
  bool has = false;
  for (size_t i = 0; i < network->count; ++i)
    has = has || is_depthwise(&network->layers[i].problem);
  return has;
}

/* Adds the medians of a layer that is there `repeat` times. */
static void measure(depthwise_case *c, const bench_runner runners[RUNNERS], int64_t repeat)
{
  double seconds[RUNNERS];
  bench_take_turns(runners, RUNNERS, c->session->options.quick ? 9 : 25, seconds);
  for (int i = 0; i < RUNNERS; ++i)
    c->seconds[i] += (double)repeat * seconds[i];
}

/* Plans a layer in both layouts. Returns false if that is refused. */
static bool plan_layer(const depthwise_case *c, blasconv_problem problem, int threads,
                       const bench_operands *operands, bench_execution executions[LAYOUTS])
{
  const blasconv_options options = bench_plan_options(c->session->options.algorithm, threads);
  bool made = true;
  for (int i = 0; i < LAYOUTS; ++i) {
    problem.layout = (blasconv_layout)i;
    made = bench_execution_create(&problem, c->pass, &options, operands, &executions[i]) ==
               BLASCONV_SUCCESS &&
           made;
  }
  return made;
}

/* Both layouts on the same memory: they have as many elements, and the numbers do not matter.
 * Returns false if a plan is refused. */
static bool time_layer(depthwise_case *c, const bench_layer *layer)
{
  blasconv_problem problem = layer->problem;
  problem.batch = c->batch;
  const int threads = (int)c->session->options.threads.values[0];
  const bench_sizes s = bench_sizes_of(&problem);
  bench_operands operands = {
      .count = {[BENCH_INPUT] = s.batch * s.groups * s.channels * s.in_pixels,
                [BENCH_OUTPUT] = s.batch * s.groups * s.filters * s.out_pixels}};
  bench_operands_add(&operands, BENCH_WEIGHTS, s.groups * s.filters * s.channels * s.taps);
  bench_fill(operands.data[BENCH_WEIGHTS], operands.count[BENCH_WEIGHTS], 2);
  bench_execution executions[LAYOUTS] = {{0}};
  const bool made = plan_layer(c, problem, threads, &operands, executions);
  if (made) {
    const int64_t in = operands.count[BENCH_INPUT], out = operands.count[BENCH_OUTPUT];
    const int64_t moved = (in + out) / 2;
    ring tensors = make_ring(whole_lines(in) + whole_lines(out), c->from_memory);
    ring copied = make_ring(2 * whole_lines(moved), c->from_memory);
    const layer_runner nchw = {&executions[BLASCONV_NCHW], &operands, &tensors, c->pass};
    const layer_runner nhwc = {&executions[BLASCONV_NHWC], &operands, &tensors, c->pass};
    const copy_runner copy = {moved, threads, &copied};
    measure(c, (bench_runner[RUNNERS]){{run_layer, &nchw}, {run_layer, &nhwc}, {run_copy, &copy}},
            layer->repeat);
    free(copied.memory);
    free(tensors.memory);
  }
  for (int i = 0; i < LAYOUTS; ++i)
    bench_execution_destroy(&executions[i]);
  bench_operands_free(&operands);
  return made;
}

static const char *where(const depthwise_case *c)
{
  return c->from_memory ? "memory" : "caches";
}

static void write_name(const depthwise_case *c, char *name, size_t size)
{
  snprintf(name, size, "depthwise/%s/%s/batch:%" PRId64 "/%s", c->network->name,
           bench_pass_name(c->pass), c->batch, where(c));
}

static void run_case(bench_state *state, void *context)
{
  depthwise_case *c = context;
  char name[200];
  write_name(c, name, sizeof name);
  bench_session_progress(c->session, name);
  for (int i = 0; i < RUNNERS; ++i)
    c->seconds[i] = 0.0;
  for (size_t i = 0; i < c->network->count; ++i)
    if (is_depthwise(&c->network->layers[i].problem) && !time_layer(c, &c->network->layers[i])) {
      bench_session_fail(c->session, state, name, "a plan is refused");
      return;
    }
  while (bench_keep_running(state))
    bench_set_seconds(state, c->seconds[BLASCONV_NCHW]);
  c->measured = true;
  bench_set_counter(state, "nchw_of_copy", c->seconds[COPY] / c->seconds[BLASCONV_NCHW]);
  bench_set_counter(state, "nhwc_of_copy", c->seconds[COPY] / c->seconds[BLASCONV_NHWC]);
}

static void register_case(bench_depthwise *depthwise, const depthwise_case *c)
{
  depthwise_case *kept = &depthwise->cases[depthwise->count];
  char name[200];
  *kept = *c;
  write_name(kept, name, sizeof name);
  bench_register(name, run_case, kept, 1);
  ++c->session->planned;
  ++depthwise->count;
}

bench_depthwise *bench_depthwise_register(bench_session *session)
{
  bench_depthwise *depthwise = calloc(1, sizeof *depthwise);
  if (depthwise == NULL)
    return NULL;
  depthwise->cases = calloc(2 * session->network_count * BENCH_PASSES, sizeof *depthwise->cases);
  for (size_t i = 0; depthwise->cases != NULL && i < session->network_count; ++i)
    for (int pass = 0; pass < BENCH_PASSES; ++pass) {
      depthwise_case c = {
          .session = session, .network = &session->networks[i], .pass = (blasconv_pass)pass};
      if (!session->options.passes[pass] || !has_depthwise(c.network))
        continue;
      c.batch = session->options.batches.values[0];
      c.from_memory = true;
      register_case(depthwise, &c);
      c.batch = 1;
      c.from_memory = false;
      register_case(depthwise, &c);
    }
  return depthwise;
}

void bench_depthwise_print(const bench_depthwise *depthwise)
{
  bool titled = false;
  for (size_t i = 0; depthwise != NULL && i < depthwise->count; ++i) {
    const depthwise_case *c = &depthwise->cases[i];
    FILE *out = c->session->out;
    if (!c->measured)
      continue;
    if (!titled)
      fprintf(out,
              "\nDepthwise layers, %d threads: speed of a plain copy of as many bytes\n"
              "  network            pass              tensors in  batch  NCHW/copy  NHWC/copy\n",
              (int)c->session->options.threads.values[0]);
    titled = true;
    fprintf(out, "  %-18s %-17s %-10s  %5" PRId64 "  %9.2f  %9.2f\n", c->network->name,
            bench_pass_name(c->pass), where(c), c->batch,
            c->seconds[COPY] / c->seconds[BLASCONV_NCHW],
            c->seconds[COPY] / c->seconds[BLASCONV_NHWC]);
  }
}

void bench_depthwise_free(bench_depthwise *depthwise)
{
  if (depthwise == NULL)
    return;
  free(depthwise->cases);
  free(depthwise);
}
