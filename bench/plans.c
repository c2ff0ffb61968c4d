#include "plans.h"

#include "execution.h"

#include <math.h>
#include <stdlib.h>

typedef struct pass_case {
  bench_session *session;
  blasconv_pass pass;
  bool measured;
  double seconds; /* a plan */
} pass_case;

struct bench_plans {
  pass_case cases[BENCH_PASSES];
};

/* A plan for each layer, made and destroyed. Returns the seconds a plan, NaN if one is refused. */
static double run_plans(const void *context)
{
  const pass_case *c = context;
  const bench_network *network = &c->session->networks[0];
  const blasconv_options options =
      bench_plan_options(c->session->options.algorithm, (int)c->session->options.threads.values[0]);
  const double begin = bench_now();
  for (size_t i = 0; i < network->count; ++i) {
    blasconv_problem problem = network->layers[i].problem;
    problem.batch = c->session->options.batches.values[0];
    blasconv_plan *plan = NULL;
    if (blasconv_plan_create(&problem, c->pass, &options, &plan) != BLASCONV_SUCCESS)
      return NAN;
    blasconv_plan_destroy(plan);
  }
  return (bench_now() - begin) / (double)network->count;
}

static void write_name(const pass_case *c, char *name, size_t size)
{
  snprintf(name, size, "plan/%s/%s", c->session->networks[0].name, bench_pass_name(c->pass));
}

static void run_case(bench_state *state, void *context)
{
  pass_case *c = context;
  char name[200];
  write_name(c, name, sizeof name);
  bench_session_progress(c->session, name);
  if (isnan(run_plans(c))) {
    bench_session_fail(c->session, state, name, "a plan is refused");
    return;
  }
  bench_alternate(c->session, state, &(bench_runner){run_plans, c}, 1, &c->seconds);
  c->measured = true;
  bench_set_counter(state, "median_us", 1e6 * c->seconds);
}

bench_plans *bench_plans_register(bench_session *session)
{
  bench_plans *plans = calloc(1, sizeof *plans);
  char name[200];
  for (int pass = 0; plans != NULL && pass < BENCH_PASSES; ++pass) {
    pass_case *c = &plans->cases[pass];
    *c = (pass_case){.session = session, .pass = (blasconv_pass)pass};
    write_name(c, name, sizeof name);
    if (session->options.passes[pass])
      bench_session_register(session, name, run_case, c);
  }
  return plans;
}

void bench_plans_print(const bench_plans *plans)
{
  bool titled = false;
  for (int pass = 0; plans != NULL && pass < BENCH_PASSES; ++pass) {
    const pass_case *c = &plans->cases[pass];
    if (!c->measured)
      continue;
    if (!titled)
      fprintf(c->session->out, "\nMaking and destroying a plan, microseconds\n");
    titled = true;
    fprintf(c->session->out, "  %-17s %6.2f\n", bench_pass_name(c->pass), 1e6 * c->seconds);
  }
}

void bench_plans_free(bench_plans *plans)
{
  free(plans);
}
