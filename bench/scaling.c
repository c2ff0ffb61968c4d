#include "scaling.h"

#include "copy.h"
#include "execution.h"
#include "operands.h"
#include "peak.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct layer_case {
  bench_scaling *scaling;
  const bench_layer *layer;
  blasconv_pass pass;
  bool measured;
  double seconds[BENCH_MAX_RUNNERS]; /* by the index of the threads */
} layer_case;

struct bench_scaling {
  bench_session *session;
  const bench_network *network;
  int64_t batch;
  int threads[BENCH_MAX_RUNNERS]; /* [steps]: 1, 2, 4, ... and the largest */
  int steps;
  layer_case *cases; /* [count] */
  size_t count;
  bench_samples peaks[BENCH_MAX_RUNNERS], copies[BENCH_MAX_RUNNERS]; /* what the machine gives */
  float *from, *to; /* [COPIED] each, once anything was measured */
};

enum { COPIED = 1 << 23 /* 32 MiB, past the caches */ };

static int64_t largest(bench_list list)
{
  int64_t max = list.values[0];
  for (int i = 1; i < list.count; ++i)
    max = list.values[i] > max ? list.values[i] : max;
  return max;
}

/* A plan for each number of threads, all on the same tensors. Fails unless all of them leave the
 * same bits. */
static const char *create_executions(const layer_case *c, const blasconv_problem *problem,
                                     const bench_operands *operands, bench_execution *executions)
{
  const bench_scaling *scaling = c->scaling;
  const int written = bench_written(c->pass);
  const size_t bytes = (size_t)operands->count[written] * sizeof(float);
  float *expected = bench_floats(operands->count[written]);
  const char *reason = NULL;
  for (int i = 0; i < scaling->steps; ++i) {
    const blasconv_options options =
        bench_plan_options(scaling->session->options.algorithm, scaling->threads[i]);
    const blasconv_status status =
        bench_execution_create(problem, c->pass, &options, operands, &executions[i]);
    if (status != BLASCONV_SUCCESS) {
      reason = blasconv_status_string(status);
      break;
    }
    if (isnan(bench_execution_run(&executions[i])))
      reason = "execution failed";
    if (i == 0)
      memcpy(expected, operands->data[written], bytes);
    else if (memcmp(expected, operands->data[written], bytes) != 0)
      reason = "other bits with another number of threads";
  }
  free(expected);
  return reason;
}

/* Between layers, so that neighbours at work are the same as for these. */
static void measure_machine(bench_scaling *scaling)
{
  if (scaling->from == NULL) {
    scaling->from = bench_floats(COPIED);
    scaling->to = bench_floats(COPIED);
    bench_fill(scaling->from, COPIED, 1);
  }
  for (int i = 0; i < scaling->steps; ++i) {
    const bench_copy copy = {scaling->from, scaling->to, COPIED, scaling->threads[i]};
    bench_copy_run(&copy);
    bench_samples_add(&scaling->copies[i], bench_copy_run(&copy));
    bench_peak_again(&scaling->peaks[i], scaling->threads[i]);
  }
}

static void report(const layer_case *c, bench_state *state)
{
  char counter[64];
  for (int i = 1; i < c->scaling->steps; ++i) {
    snprintf(counter, sizeof counter, "speedup_%d_threads", c->scaling->threads[i]);
    bench_set_counter(state, counter, c->seconds[0] / c->seconds[i]);
  }
}

static void write_name(const layer_case *c, char *name, size_t size)
{
  snprintf(name, size, "scaling/%s/%s/%s/batch:%" PRId64, c->scaling->network->name, c->layer->name,
           bench_pass_name(c->pass), c->scaling->batch);
}

static void run_case(bench_state *state, void *context)
{
  layer_case *c = context;
  bench_scaling *scaling = c->scaling;
  char name[200];
  write_name(c, name, sizeof name);
  bench_session_progress(scaling->session, name);
  blasconv_problem problem = c->layer->problem;
  problem.batch = scaling->batch;
  bench_operands operands = bench_operands_allocate(&problem, 0);
  bench_operands_fill(&operands, c->pass);
  bench_execution executions[BENCH_MAX_RUNNERS] = {{.plan = NULL}};
  const char *reason = create_executions(c, &problem, &operands, executions);
  if (reason == NULL) {
    bench_runner runners[BENCH_MAX_RUNNERS];
    for (int i = 0; i < scaling->steps; ++i)
      runners[i] = (bench_runner){bench_execution_run, &executions[i]};
    bench_alternate(scaling->session, state, runners, scaling->steps, c->seconds);
    measure_machine(scaling);
    c->measured = true;
    report(c, state);
  } else {
    bench_session_fail(scaling->session, state, name, reason);
  }
  for (int i = 0; i < scaling->steps; ++i)
    bench_execution_destroy(&executions[i]);
  bench_operands_free(&operands);
}

static void choose_threads(bench_scaling *scaling, int most)
{
  for (int threads = 1; threads < most && scaling->steps < BENCH_MAX_RUNNERS - 1; threads *= 2)
    scaling->threads[scaling->steps++] = threads;
  scaling->threads[scaling->steps++] = most;
}

static void register_cases(bench_scaling *scaling)
{
  const bench_options *options = &scaling->session->options;
  char name[200];
  for (int pass = 0; pass < BENCH_PASSES; ++pass)
    for (size_t i = 0; options->passes[pass] && i < scaling->network->count; ++i) {
      layer_case *c = &scaling->cases[scaling->count++];
      *c = (layer_case){
          .scaling = scaling, .layer = &scaling->network->layers[i], .pass = (blasconv_pass)pass};
      write_name(c, name, sizeof name);
      bench_session_register(scaling->session, name, run_case, c);
    }
}

bench_scaling *bench_scaling_register(bench_session *session)
{
  const int most = (int)largest(session->options.threads);
  bench_scaling *scaling = most > 1 ? calloc(1, sizeof *scaling) : NULL;
  if (scaling == NULL)
    return NULL;
  const bench_network *network = &session->networks[0];
  scaling->session = session;
  scaling->network = network;
  scaling->batch = largest(session->options.batches);
  scaling->cases = calloc(network->count * BENCH_PASSES, sizeof *scaling->cases);
  if (scaling->cases == NULL) {
    free(scaling);
    return NULL;
  }
  choose_threads(scaling, most);
  register_cases(scaling);
  return scaling;
}

/* Weighted sums of a pass, seconds [steps]. False if a layer was not measured. */
static bool sum_pass(const bench_scaling *scaling, blasconv_pass pass, double *seconds)
{
  size_t summed = 0;
  for (int step = 0; step < scaling->steps; ++step)
    seconds[step] = 0.0;
  for (size_t i = 0; i < scaling->count; ++i) {
    const layer_case *c = &scaling->cases[i];
    if (c->pass != pass || !c->measured)
      continue;
    ++summed;
    for (int step = 0; step < scaling->steps; ++step)
      seconds[step] += (double)c->layer->repeat * c->seconds[step];
  }
  return summed == scaling->network->count;
}

/* Speeds [steps], and how many times the first each is. */
static void print_speeds(const bench_scaling *scaling, const char *what, const double *speeds)
{
  FILE *out = scaling->session->out;
  fprintf(out, "  %-17s", what);
  for (int i = 0; i < scaling->steps; ++i)
    fprintf(out, "  %d: %.1f (%.2f)", scaling->threads[i], speeds[i], speeds[i] / speeds[0]);
  fputc('\n', out);
}

static void print_machine(const bench_scaling *scaling)
{
  double peaks[BENCH_MAX_RUNNERS], copies[BENCH_MAX_RUNNERS];
  for (int i = 0; i < scaling->steps; ++i) {
    peaks[i] = bench_samples_median(&scaling->peaks[i]);
    copies[i] = 2e-9 * COPIED * sizeof(float) / bench_samples_median(&scaling->copies[i]);
  }
  print_speeds(scaling, "peak, GFLOP/s", peaks);
  print_speeds(scaling, "copy, GB/s", copies);
}

void bench_scaling_print(const bench_scaling *scaling)
{
  double seconds[BENCH_MAX_RUNNERS];
  bool titled = false;
  for (int pass = 0; scaling != NULL && pass < BENCH_PASSES; ++pass) {
    if (!sum_pass(scaling, (blasconv_pass)pass, seconds))
      continue;
    FILE *out = scaling->session->out;
    if (!titled)
      fprintf(out, "\nThreads: %s, batch %" PRId64 ", milliseconds (times the speed of one)\n",
              scaling->network->name, scaling->batch);
    titled = true;
    fprintf(out, "  %-17s", bench_pass_name((blasconv_pass)pass));
    for (int i = 0; i < scaling->steps; ++i)
      fprintf(out, "  %d: %.2f (%.2f)", scaling->threads[i], 1e3 * seconds[i],
              seconds[0] / seconds[i]);
    fputc('\n', out);
  }
  if (titled)
    print_machine(scaling);
}

void bench_scaling_free(bench_scaling *scaling)
{
  if (scaling != NULL) {
    free(scaling->cases);
    free(scaling->from);
    free(scaling->to);
  }
  free(scaling);
}
