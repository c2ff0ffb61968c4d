#include "layouts.h"

#include "copy.h"
#include "execution.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { LAYOUTS = 2, COPY = LAYOUTS, RUNNERS };

/* Seconds of all layers of a network: in NCHW, in NHWC, and of a copy of as many bytes. */
typedef struct totals {
  double seconds[RUNNERS];
} totals;

typedef struct layout_case {
  bench_session *session;
  const bench_network *network;
  blasconv_pass pass;
  bool measured;
  totals all, depthwise; /* the copy's in the second alone */
} layout_case;

struct bench_layouts {
  layout_case *cases; /* [count] */
  size_t count;
};

static int64_t batch_of(const bench_session *session)
{
  const int64_t batch = session->options.batches.values[0];
  return session->options.quick && batch >= 4 ? batch / 4 : batch;
}

static bool is_depthwise(const blasconv_problem *problem)
{
  return problem->groups > 1 && problem->groups == problem->in_channels;
}

static void add(totals *sum, const double seconds[RUNNERS], int64_t repeat)
{
  for (int i = 0; i < RUNNERS; ++i)
    sum->seconds[i] += (double)repeat * seconds[i];
}

/* In turn, after a run of each that is not counted. */
static void measure(const layout_case *c, const bench_runner runners[RUNNERS],
                    double seconds[RUNNERS])
{
  static bench_samples samples[RUNNERS];
  const int turns = c->session->options.quick ? 5 : 15;
  bench_turn(runners, RUNNERS, samples);
  for (int i = 0; i < RUNNERS; ++i)
    samples[i].count = 0;
  for (int turn = 0; turn < turns; ++turn)
    bench_turn(runners, RUNNERS, samples);
  for (int i = 0; i < RUNNERS; ++i)
    seconds[i] = bench_samples_median(&samples[i]);
}

/* Both layouts on the same memory: they have as many elements, and the numbers do not matter.
 * Returns false if a plan is refused. */
static bool run_layer(layout_case *c, const bench_layer *layer)
{
  blasconv_problem problem = layer->problem;
  problem.batch = batch_of(c->session);
  const int threads = (int)c->session->options.threads.values[0];
  const blasconv_options options = bench_plan_options(c->session->options.algorithm, threads);
  bench_operands operands = bench_operands_allocate(&problem, 0);
  bench_operands_fill(&operands, c->pass);
  bench_execution executions[LAYOUTS] = {{0}};
  bool made = true;
  for (int i = 0; i < LAYOUTS; ++i) {
    problem.layout = i == 0 ? BLASCONV_NCHW : BLASCONV_NHWC;
    made = bench_execution_create(&problem, c->pass, &options, &operands, &executions[i]) ==
               BLASCONV_SUCCESS &&
           made;
  }
  const int64_t moved = (operands.count[BENCH_INPUT] + operands.count[BENCH_OUTPUT]) / 2;
  const bench_copy copy = {bench_floats(moved), bench_floats(moved), moved, threads};
  bench_fill((float *)copy.from, moved, 1);
  const bench_runner runners[RUNNERS] = {{bench_execution_run, &executions[0]},
                                         {bench_execution_run, &executions[1]},
                                         {bench_copy_run, &copy}};
  double seconds[RUNNERS];
  if (made) {
    measure(c, runners, seconds);
    add(&c->all, seconds, layer->repeat);
    if (is_depthwise(&problem))
      add(&c->depthwise, seconds, layer->repeat);
  }
  free((float *)copy.from);
  free(copy.to);
  for (int i = 0; i < LAYOUTS; ++i)
    bench_execution_destroy(&executions[i]);
  bench_operands_free(&operands);
  return made;
}

static void write_name(const layout_case *c, char *name, size_t size)
{
  snprintf(name, size, "layouts/%s/%s/batch:%" PRId64, c->network->name, bench_pass_name(c->pass),
           batch_of(c->session));
}

static void run_case(bench_state *state, void *context)
{
  layout_case *c = context;
  char name[200];
  write_name(c, name, sizeof name);
  bench_session_progress(c->session, name);
  c->all = c->depthwise = (totals){{0}};
  for (size_t i = 0; i < c->network->count; ++i)
    if (!run_layer(c, &c->network->layers[i])) {
      bench_session_fail(c->session, state, name, "a plan is refused");
      return;
    }
  while (bench_keep_running(state))
    bench_set_seconds(state, c->all.seconds[BLASCONV_NHWC]);
  c->measured = true;
  bench_set_counter(state, "nhwc_speed_of_nchw",
                    c->all.seconds[BLASCONV_NCHW] / c->all.seconds[BLASCONV_NHWC]);
}

bench_layouts *bench_layouts_register(bench_session *session)
{
  bench_layouts *layouts = calloc(1, sizeof *layouts);
  if (layouts == NULL)
    return NULL;
  layouts->cases = calloc(session->network_count * BENCH_PASSES, sizeof *layouts->cases);
  for (size_t i = 0; layouts->cases != NULL && i < session->network_count; ++i)
    for (int pass = 0; pass < BENCH_PASSES; ++pass) {
      char name[200];
      layout_case *c = &layouts->cases[layouts->count];
      if (!session->options.passes[pass])
        continue;
      *c = (layout_case){
          .session = session, .network = &session->networks[i], .pass = (blasconv_pass)pass};
      write_name(c, name, sizeof name);
      bench_register(name, run_case, c, 1);
      ++session->planned;
      ++layouts->count;
    }
  return layouts;
}

void bench_layouts_print(const bench_layouts *layouts)
{
  bool titled = false;
  for (size_t i = 0; layouts != NULL && i < layouts->count; ++i) {
    const layout_case *c = &layouts->cases[i];
    const double *all = c->all.seconds, *depthwise = c->depthwise.seconds;
    FILE *out = c->session->out;
    if (!c->measured)
      continue;
    if (!titled)
      fprintf(out,
              "\nNHWC against NCHW, batch %" PRId64 ", %d threads; depthwise layers against a copy "
              "of as many bytes\n  network            pass              NHWC/NCHW  copy/NCHW  "
              "copy/NHWC\n",
              batch_of(c->session), (int)c->session->options.threads.values[0]);
    titled = true;
    fprintf(out, "  %-18s %-17s %9.2f", c->network->name, bench_pass_name(c->pass),
            all[BLASCONV_NCHW] / all[BLASCONV_NHWC]);
    if (depthwise[COPY] > 0.0)
      fprintf(out, "  %9.2f  %9.2f", depthwise[COPY] / depthwise[BLASCONV_NCHW],
              depthwise[COPY] / depthwise[BLASCONV_NHWC]);
    fputc('\n', out);
  }
}

void bench_layouts_free(bench_layouts *layouts)
{
  if (layouts == NULL)
    return;
  free(layouts->cases);
  free(layouts);
}
