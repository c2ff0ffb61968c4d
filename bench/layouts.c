#include "layouts.h"

#include "execution.h"

#include <inttypes.h>
#include <stdlib.h>

enum { LAYOUTS = 2 };

typedef struct layout_case {
  bench_session *session;
  const bench_network *network;
  blasconv_pass pass;
  bool measured;
  double seconds[LAYOUTS]; /* of all layers: in NCHW, in NHWC */
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

static void add(double sums[LAYOUTS], const double seconds[LAYOUTS], int64_t repeat)
{
  for (int i = 0; i < LAYOUTS; ++i)
    sums[i] += (double)repeat * seconds[i];
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
    problem.layout = (blasconv_layout)i;
    made = bench_execution_create(&problem, c->pass, &options, &operands, &executions[i]) ==
               BLASCONV_SUCCESS &&
           made;
  }
  const bench_runner runners[LAYOUTS] = {{bench_execution_run, &executions[BLASCONV_NCHW]},
                                         {bench_execution_run, &executions[BLASCONV_NHWC]}};
  double seconds[LAYOUTS];
  if (made) {
    bench_take_turns(runners, LAYOUTS, c->session->options.quick ? 5 : 15, seconds);
    add(c->seconds, seconds, layer->repeat);
  }
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
  c->seconds[BLASCONV_NCHW] = c->seconds[BLASCONV_NHWC] = 0.0;
  for (size_t i = 0; i < c->network->count; ++i)
    if (!run_layer(c, &c->network->layers[i])) {
      bench_session_fail(c->session, state, name, "a plan is refused");
      return;
    }
  while (bench_keep_running(state))
    bench_set_seconds(state, c->seconds[BLASCONV_NHWC]);
  c->measured = true;
  bench_set_counter(state, "nhwc_speed_of_nchw",
                    c->seconds[BLASCONV_NCHW] / c->seconds[BLASCONV_NHWC]);
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
    FILE *out = c->session->out;
    if (!c->measured)
      continue;
    if (!titled)
      fprintf(out,
              "\nNHWC against NCHW, batch %" PRId64 ", %d threads\n"
              "  network            pass              NHWC/NCHW\n",
              batch_of(c->session), (int)c->session->options.threads.values[0]);
    titled = true;
    fprintf(out, "  %-18s %-17s %9.2f\n", c->network->name, bench_pass_name(c->pass),
            c->seconds[BLASCONV_NCHW] / c->seconds[BLASCONV_NHWC]);
  }
}

void bench_layouts_free(bench_layouts *layouts)
{
  if (layouts == NULL)
    return;
  free(layouts->cases);
  free(layouts);
}
