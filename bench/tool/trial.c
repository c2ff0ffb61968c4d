#include "trial.h"

#include "copy.h"
#include "execution.h"
#include "peak.h"
#include "sgemm_alone.h"
#include "verify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is needed while one is under way. */
typedef struct trial {
  bench_bench *bench;
  const bench_notation *notation;
  bench_record *record;
  blasconv_options options;
  bench_operands operands;
  bench_execution execution;
  void *packed;
  float *before, *bias_before; /* accumulate: the written tensors before the first execution */
} trial;

static void end_as(bench_record *record, const char *status, const char *reason)
{
  snprintf(record->status, sizeof record->status, "%s", status);
  snprintf(record->reason, sizeof record->reason, "%s", reason);
}

/* ---------------------------------------------------------------------------------------------
 * The plan
 * ------------------------------------------------------------------------------------------ */

static blasconv_options options_of(const bench_bench *bench, const bench_notation *n)
{
  blasconv_options options = bench_notation_options(n);
  options.planning = bench->command->measure ? BLASCONV_MEASURE : BLASCONV_ESTIMATE;
  options.choices = bench->choices;
  return options;
}

/* Returns whether there is a plan. */
static bool plan(trial *t)
{
  bench_record *record = t->record;
  char message[sizeof record->reason];
  t->options.message = message;
  t->options.message_size = sizeof message;
  const blasconv_status status = blasconv_plan_create(&t->notation->problem, t->notation->pass,
                                                      &t->options, &t->execution.plan);
  t->options.message = NULL;
  t->options.message_size = 0;
  if (status != BLASCONV_SUCCESS) {
    end_as(record, "refused", message);
    return false;
  }
  snprintf(record->algorithm, sizeof record->algorithm, "%s",
           blasconv_plan_algorithm(t->execution.plan));
  record->workspace_bytes = (int64_t)blasconv_plan_workspace_size(t->execution.plan);
  if (t->bench->command->describe)
    blasconv_plan_describe(t->execution.plan, record->description, sizeof record->description);
  return true;
}

/* ---------------------------------------------------------------------------------------------
 * The tensors
 * ------------------------------------------------------------------------------------------ */

/* A copy of data [count] that was filled with noise. */
static float *fill_and_keep(float *data, int64_t count, uint32_t seed)
{
  bench_fill(data, count, seed);
  float *copy = bench_floats(count);
  memcpy(copy, data, (size_t)count * sizeof *copy);
  return copy;
}

static void add_epilogue(trial *t)
{
  const bench_notation *n = t->notation;
  bench_operands *operands = &t->operands;
  const int64_t filters = n->problem.out_channels;
  if (n->bias)
    bench_operands_add(operands, BENCH_BIAS, filters);
  if (n->scale_shift) {
    bench_operands_add(operands, BENCH_SCALE, filters);
    bench_operands_add(operands, BENCH_SHIFT, filters);
  }
  if (n->residual != BLASCONV_RESIDUAL_NONE)
    bench_operands_add(operands, BENCH_RESIDUAL, operands->count[BENCH_OUTPUT]);
  for (int i = BENCH_BIAS; i < BENCH_ALL_TENSORS; ++i)
    if (operands->data[i] != NULL)
      bench_fill(operands->data[i], operands->count[i], (uint32_t)i + 1);
}

/* What is written is NaN before, unless it is added to. */
static void prepare_written(trial *t)
{
  bench_operands *operands = &t->operands;
  const int written = bench_written(t->notation->pass);
  const bool bias_gradient =
      t->notation->pass == BLASCONV_BACKWARD_WEIGHTS && operands->data[BENCH_BIAS] != NULL;
  if (t->notation->accumulate) {
    t->before = fill_and_keep(operands->data[written], operands->count[written], 11);
    if (bias_gradient)
      t->bias_before = fill_and_keep(operands->data[BENCH_BIAS], operands->count[BENCH_BIAS], 12);
  } else if (bias_gradient) {
    memset(operands->data[BENCH_BIAS], 0xFF, (size_t)operands->count[BENCH_BIAS] * sizeof(float));
  }
}

/* Puts packed weights in the place of the weights. */
static bool pack(trial *t)
{
  bench_execution *e = &t->execution;
  const size_t bytes = blasconv_plan_packed_size(e->plan);
  t->packed = bench_floats((int64_t)(bytes / sizeof(float)) + 1);
  const blasconv_status status =
      blasconv_plan_pack(e->plan, t->operands.data[BENCH_WEIGHTS], t->packed, bytes);
  if (status != BLASCONV_SUCCESS)
    end_as(t->record, "refused", blasconv_status_string(status));
  e->arguments.weights = NULL;
  e->arguments.packed = t->packed;
  e->arguments.packed_bytes = bytes;
  return status == BLASCONV_SUCCESS;
}

/* Tensors and workspace for the plan. Returns whether it can be executed. */
static bool prepare(trial *t)
{
  const bench_notation *n = t->notation;
  t->operands = bench_operands_allocate(&n->problem, n->offset);
  bench_operands_fill(&t->operands, n->pass);
  add_epilogue(t);
  prepare_written(t);
  t->execution.arguments = bench_operands_arguments(&t->operands, n->pass);
  if (!n->library_workspace)
    bench_execution_add_workspace(&t->execution);
  return !n->packed || pack(t);
}

static bool execute(trial *t)
{
  const bench_execution *e = &t->execution;
  const blasconv_status status =
      blasconv_plan_execute(e->plan, &e->arguments, e->workspace, e->workspace_bytes);
  if (status != BLASCONV_SUCCESS)
    end_as(t->record, "failed", blasconv_status_string(status));
  return status == BLASCONV_SUCCESS;
}

static bool verify(trial *t)
{
  const bench_claim claim = {.problem = &t->notation->problem,
                             .pass = t->notation->pass,
                             .options = &t->options,
                             .algorithm = blasconv_plan_algorithm(t->execution.plan),
                             .operands = &t->operands,
                             .before = t->before,
                             .bias_before = t->bias_before};
  const bench_verdict verdict = bench_verify(&claim);
  t->record->error = verdict.error;
  t->record->bound = verdict.bound;
  t->record->checked = verdict.checked;
  t->record->elements = verdict.count;
  if (!verdict.right)
    end_as(t->record, "wrong", "the result differs from that of the naive loops");
  return verdict.right;
}

/* ---------------------------------------------------------------------------------------------
 * The times
 * ------------------------------------------------------------------------------------------ */

/* Runs that are too short for the clock, several at once. */
typedef struct several {
  bench_runner runner;
  int64_t runs;
} several;

static double run_several(const void *context)
{
  const several *s = context;
  double seconds = 0.0;
  for (int64_t i = 0; i < s->runs; ++i)
    seconds += s->runner.run(s->runner.context);
  return seconds / (double)s->runs;
}

static double run_sgemm(const void *context)
{
  return bench_sgemm_run(context);
}

/* Runs `runners` [count] in turns until the first of them has run long and often enough. medians
 * [count] gets the seconds of each. Returns the number of turns. */
static int64_t take_turns(const bench_command *command, const bench_runner *runners, int count,
                          double *medians)
{
  several groups[BENCH_MAX_RUNNERS];
  bench_runner turns[BENCH_MAX_RUNNERS];
  bench_samples samples[BENCH_MAX_RUNNERS];
  for (int i = count - 1; i >= 0; --i) { /* the last is the first */
    runners[i].run(runners[i].context);  /* warms caches and threads up */
    groups[i] = (several){runners[i], 1};
    turns[i] = (bench_runner){run_several, &groups[i]};
    samples[i].count = 0;
  }
  const double once = runners[0].run(runners[0].context);
  const double runs = fmin(command->min_seconds / 500.0 / fmax(once, 1e-7), 1e4);
  double seconds = 0.0;
  for (int i = 0; i < count && runs > 1.0; ++i)
    groups[i].runs = (int64_t)runs;
  const size_t least = command->repetitions > 0 ? (size_t)command->repetitions : 1;
  while ((samples[0].count < least || seconds < command->min_seconds) &&
         samples[0].count < BENCH_MAX_SAMPLES) {
    bench_turn(turns, count, samples);
    seconds += samples[0].seconds[samples[0].count - 1] * (double)groups[0].runs;
  }
  for (int i = 0; i < count; ++i)
    medians[i] = bench_samples_median(&samples[i]);
  return (int64_t)samples[0].count;
}

static double peak_of(bench_bench *bench, int threads)
{
  int i = 0;
  while (i < bench->peak_count && bench->peaks[i].threads != threads)
    ++i;
  if (i == BENCH_MOST_PEAKS)
    return bench_peak_gflops(threads);
  if (i == bench->peak_count) {
    bench->peaks[bench->peak_count++] = (bench_peak){.threads = threads};
    bench_peak_warm_up(threads);
  }
  return bench_peak_again(&bench->peaks[i].samples, threads);
}

static bool is_depthwise(const blasconv_problem *problem)
{
  return problem->groups > 1 && problem->groups == problem->in_channels;
}

/* Floats that each of the three tensors has at least to be read or written once. */
static int64_t floats_moved(const bench_operands *operands)
{
  int64_t count = 0;
  for (int i = 0; i < BENCH_TENSORS; ++i)
    count += operands->count[i];
  return count;
}

static void report_times(const trial *t, const double *medians, const bench_runner *sgemm,
                         const bench_runner *copy)
{
  bench_record *r = t->record;
  const double seconds = medians[0];
  r->milliseconds = 1e3 * seconds;
  r->gflops = 2e-9 * bench_multiplications(&t->notation->problem) / seconds;
  r->peak_gflops = peak_of(t->bench, t->notation->threads);
  r->share_of_peak = r->gflops / r->peak_gflops;
  if (sgemm != NULL) {
    r->sgemm_milliseconds = 1e3 * medians[1];
    r->share_of_sgemm = medians[1] / seconds;
  }
  if (copy != NULL) {
    r->gigabytes_per_second = 1e-9 * 4.0 * (double)floats_moved(&t->operands) / seconds;
    r->share_of_copy = medians[sgemm != NULL ? 2 : 1] / seconds;
  }
}

static void measure(trial *t)
{
  const bench_notation *n = t->notation;
  bench_sgemm *sgemm = bench_sgemm_create(&n->problem, n->pass, n->threads);
  bench_runner runners[BENCH_MAX_RUNNERS] = {{bench_execution_run, &t->execution}};
  const bench_runner *sgemm_runner = NULL, *copy_runner = NULL;
  double medians[BENCH_MAX_RUNNERS];
  bench_copy copy = {.count = floats_moved(&t->operands) / 2, .threads = n->threads};
  float *from = NULL;
  int count = 1;
  if (sgemm != NULL) {
    sgemm_runner = &runners[count];
    runners[count++] = (bench_runner){run_sgemm, sgemm};
  }
  if (is_depthwise(&n->problem)) {
    copy.from = from = bench_floats(copy.count);
    copy.to = bench_floats(copy.count);
    bench_fill(from, copy.count, 1);
    copy_runner = &runners[count];
    runners[count++] = (bench_runner){bench_copy_run, &copy};
  }
  t->record->samples = take_turns(t->bench->command, runners, count, medians);
  if (isfinite(medians[0]))
    report_times(t, medians, sgemm_runner, copy_runner);
  else
    end_as(t->record, "failed", "an execution failed while it was timed");
  free(from);
  free(copy.to);
  bench_sgemm_destroy(sgemm);
}

/* ---------------------------------------------------------------------------------------------
 * All of it
 * ------------------------------------------------------------------------------------------ */

static void describe_trial(const trial *t)
{
  bench_record *r = t->record;
  const bench_notation *n = t->notation;
  bench_record_clear(r);
  bench_notation_print(n, r->problem, sizeof r->problem);
  snprintf(r->name, sizeof r->name, "%s", n->name);
  snprintf(r->pass, sizeof r->pass, "%s", bench_notation_pass(n->pass));
  snprintf(r->algorithm, sizeof r->algorithm, "%s", n->algorithm);
  snprintf(r->cpu, sizeof r->cpu, "%s", t->bench->cpu);
  snprintf(r->library, sizeof r->library, "%s", t->bench->library);
  r->threads = n->threads;
  end_as(r, "ok", "");
}

static void destroy(trial *t)
{
  free(t->before);
  free(t->bias_before);
  free(t->packed);
  bench_operands_free(&t->operands);
  bench_execution_destroy(&t->execution);
}

void bench_trial(bench_bench *bench, const bench_notation *notation, bench_record *record)
{
  const bench_command *command = bench->command;
  trial t = {.bench = bench,
             .notation = notation,
             .record = record,
             .options = options_of(bench, notation)};
  const bool timed = command->repetitions > 0;
  describe_trial(&t);
  if (plan(&t) && (timed || command->verify) && prepare(&t) && execute(&t) &&
      (!command->verify || verify(&t)) && timed)
    measure(&t);
  destroy(&t);
}
