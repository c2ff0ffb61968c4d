#include "networks.h"

#include "execution.h"
#include "prove.h"
#include "sgemm_alone.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 200 };

int bench_case_threads(const bench_case *c)
{
  return (int)c->session->options.threads.values[c->threads_index];
}

static void write_name(const bench_case *c, const char *layer, char name[NAME_SIZE])
{
  snprintf(name, NAME_SIZE, "%s/%s/%s/batch:%" PRId64 "/threads:%d", c->network->name, layer,
           bench_pass_name(c->pass), c->problem.batch, bench_case_threads(c));
}

/* ---------------------------------------------------------------------------------------------
 * One case
 * ------------------------------------------------------------------------------------------ */

static double run_sgemm(const void *context)
{
  return bench_sgemm_run(context);
}

static void report(const bench_case *c, bench_state *state, size_t workspace_bytes)
{
  const bench_figures *f = &c->figures;
  const double gflops = 1e-9 * f->flops / f->ours;
  bench_set_counter(state, "GFLOP/s", gflops);
  bench_set_counter(state, "share_of_sgemm", f->sgemm / f->ours);
  bench_set_counter(state, "share_of_peak", gflops / f->peak);
  bench_set_counter(state, "peak_GFLOP/s", f->peak);
  bench_set_counter(state, "median_ms", 1e3 * f->ours);
  bench_set_counter(state, "sgemm_ms", 1e3 * f->sgemm);
  bench_set_counter(state, "naive_ms", 1e3 * f->naive);
  bench_set_counter(state, "workspace_bytes", (double)workspace_bytes);
  bench_set_label(state, c->algorithm);
}

/* Times what was proved. */
static void measure(bench_case *c, bench_state *state, const bench_execution *e, double naive)
{
  bench_sgemm *sgemm = bench_sgemm_create(&c->problem, c->pass, bench_case_threads(c));
  if (sgemm == NULL) {
    bench_session_fail(c->session, state, c->layer->name, "too large for one call of the BLAS");
    return;
  }
  const bench_runner runners[] = {{bench_execution_run, e}, {run_sgemm, sgemm}};
  double medians[2];
  bench_alternate(c->session, state, runners, 2, medians);
  c->figures = (bench_figures){.flops = 2.0 * bench_multiplications(&c->problem),
                               .ours = medians[0],
                               .naive = naive,
                               .sgemm = medians[1],
                               .peak = bench_session_peak(c->session, c->threads_index)};
  c->algorithm = blasconv_plan_algorithm(e->plan);
  c->measured = true;
  report(c, state, e->workspace_bytes);
  bench_sgemm_destroy(sgemm);
}

/* Proves, then times. */
static void run_on(bench_case *c, bench_state *state, const char *name,
                   const bench_operands *operands)
{
  const int threads = bench_case_threads(c);
  const blasconv_options options = bench_plan_options(c->session->options.algorithm, threads);
  bench_execution execution;
  const blasconv_status status =
      bench_execution_create(&c->problem, c->pass, &options, operands, &execution);
  if (status != BLASCONV_SUCCESS) {
    bench_session_fail(c->session, state, name, blasconv_status_string(status));
    return;
  }
  bench_execution_run(&execution);
  const bench_proof proof = bench_prove(&c->problem, c->pass, threads, operands);
  if (proof.right)
    measure(c, state, &execution, proof.naive_seconds);
  else
    bench_session_fail(c->session, state, name, proof.reason);
  bench_execution_destroy(&execution);
}

static void run_case(bench_state *state, void *context)
{
  bench_case *c = context;
  char name[NAME_SIZE];
  write_name(c, c->layer->name, name);
  bench_session_progress(c->session, name);
  bench_operands operands = bench_operands_allocate(&c->problem, 0);
  bench_operands_fill(&operands, c->pass);
  run_on(c, state, name, &operands);
  bench_operands_free(&operands);
}

/* ---------------------------------------------------------------------------------------------
 * A network
 * ------------------------------------------------------------------------------------------ */

size_t bench_network_sum(const bench_case *first, const char *algorithm, bench_figures *sum)
{
  size_t summed = 0;
  *sum = (bench_figures){.peak = 0.0};
  for (size_t i = 0; i < first->network->count; ++i) {
    const bench_case *c = first + i;
    if (!c->measured || (algorithm != NULL && strcmp(c->algorithm, algorithm) != 0))
      continue;
    const double repeat = (double)c->layer->repeat;
    sum->flops += repeat * c->figures.flops;
    sum->ours += repeat * c->figures.ours;
    sum->naive += repeat * c->figures.naive;
    sum->sgemm += repeat * c->figures.sgemm;
    ++summed;
  }
  sum->peak = bench_samples_median(&first->session->peaks[first->threads_index]);
  return summed;
}

/* Reports what the cases of a network come to; computes nothing. */
static void run_total(bench_state *state, void *context)
{
  const bench_case *first = context;
  bench_figures sum;
  if (bench_network_sum(first, NULL, &sum) < first->network->count) {
    bench_fail(state, "not all layers of the network were timed");
    return;
  }
  while (bench_keep_running(state))
    bench_set_seconds(state, sum.ours);
  const bench_case total = {.figures = sum, .algorithm = "all"};
  report(&total, state, 0);
}

/* Registers the layers of a network at one pass, batch and number of threads. */
static void register_network(const bench_case *like, bench_cases *all)
{
  char name[NAME_SIZE];
  bench_case *first = &all->cases[all->count];
  for (size_t i = 0; i < like->network->count; ++i) {
    bench_case *c = &all->cases[all->count++];
    *c = *like;
    c->layer = &like->network->layers[i];
    c->problem = c->layer->problem;
    c->problem.batch = like->problem.batch;
    write_name(c, c->layer->name, name);
    bench_session_register(like->session, name, run_case, c);
  }
  write_name(first, "total", name);
  bench_register(name, run_total, first, 1);
}

bench_cases bench_networks_register(bench_session *session)
{
  size_t layers = 0;
  for (size_t i = 0; i < session->network_count; ++i)
    layers += session->networks[i].count;
  bench_cases all = {.count = 0};
  all.cases = calloc(layers * BENCH_PASSES * BENCH_MAX_LIST * BENCH_MAX_LIST, sizeof *all.cases);
  if (all.cases == NULL)
    return all;
  for (size_t i = 0; i < session->network_count; ++i) {
    const bench_list batches = session->options.batches;
    for (int b = 0; b < batches.count; ++b)
      for (int t = 0; t < session->options.threads.count; ++t)
        for (int pass = 0; pass < BENCH_PASSES; ++pass) {
          bench_case like = {.session = session, .network = &session->networks[i]};
          like.problem.batch = batches.values[b];
          like.pass = (blasconv_pass)pass;
          like.threads_index = t;
          if (session->options.passes[pass])
            register_network(&like, &all);
        }
  }
  return all;
}
