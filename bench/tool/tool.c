#include "tool.h"

#include "choices.h"
#include "machine.h"
#include "trial.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* Exit statuses; those of a command line that cannot be read differ from those of bad results. */
enum { GOOD = EXIT_SUCCESS, BAD = EXIT_FAILURE, UNREADABLE = 2 };

typedef struct run {
  bench_bench bench;
  bench_record record;
  bool first, failed;
} run;

/* What this pass has nothing of is left out. */
static void set_pass(bench_notation *n, blasconv_pass pass)
{
  n->pass = pass;
  if (pass == BLASCONV_FORWARD) {
    n->accumulate = false;
    return;
  }
  n->scale_shift = false;
  n->residual = BLASCONV_RESIDUAL_NONE;
  n->activation = (blasconv_activation){BLASCONV_IDENTITY, 0.0f};
  n->bias = n->bias && pass == BLASCONV_BACKWARD_WEIGHTS;
  n->packed = n->packed && pass == BLASCONV_BACKWARD_DATA;
}

static void run_one(run *r, const bench_notation *notation, bool may_be_refused)
{
  const bench_command *command = r->bench.command;
  bench_trial(&r->bench, notation, &r->record);
  const bool good = strcmp(r->record.status, "ok") == 0 ||
                    (may_be_refused && strcmp(r->record.status, "refused") == 0);
  r->failed = r->failed || !good;
  bench_report_add(command->format, &r->record, r->first, stdout);
  r->first = false;
}

static void run_algorithms(run *r, bench_notation n)
{
  const char *asked = r->bench.command->algorithm, *name;
  if (asked == NULL) {
    run_one(r, &n, false);
  } else if (strcmp(asked, "all") == 0) {
    for (size_t i = 0; (name = blasconv_algorithm_name(i)) != NULL; ++i) {
      snprintf(n.algorithm, sizeof n.algorithm, "%s", name);
      run_one(r, &n, true);
    }
  } else {
    snprintf(n.algorithm, sizeof n.algorithm, "%s", strcmp(asked, "auto") == 0 ? "" : asked);
    run_one(r, &n, false);
  }
}

static void run_threads(run *r, bench_notation n)
{
  const bench_command *command = r->bench.command;
  if (n.threads == 0)
    n.threads = omp_get_max_threads();
  if (command->thread_counts == 0)
    run_algorithms(r, n);
  for (int i = 0; i < command->thread_counts; ++i) {
    n.threads = command->threads[i];
    run_algorithms(r, n);
  }
}

static void run_problem(run *r, bench_notation n)
{
  const bench_command *command = r->bench.command;
  bool any = false;
  if (command->layout != NULL)
    n.problem.layout = strcmp(command->layout, bench_notation_layout(BLASCONV_NHWC)) == 0
                           ? BLASCONV_NHWC
                           : BLASCONV_NCHW;
  if (command->limited)
    n.workspace_limit = command->workspace_limit;
  for (int pass = 0; pass < BENCH_TOOL_PASSES; ++pass)
    if (command->passes[pass]) {
      bench_notation of_pass = n;
      set_pass(&of_pass, (blasconv_pass)pass);
      run_threads(r, of_pass);
      any = true;
    }
  if (!any)
    run_threads(r, n);
}

static int run_all(const bench_command *command)
{
  static run r;
  r = (run){
      .bench = {.command = command, .cpu = bench_cpu_name(), .library = blasconv_version_string()},
      .first = true};
  if (command->choices != NULL && (r.bench.choices = bench_choices_read(command->choices)) == NULL)
    return BAD;
  bench_report_begin(command->format, r.bench.cpu, r.bench.library, stdout);
  for (size_t i = 0; i < command->problems.count; ++i)
    run_problem(&r, command->problems.list[i]);
  bench_report_end(command->format, stdout);
  if (r.bench.choices != NULL && !bench_choices_write(r.bench.choices, command->choices))
    r.failed = true;
  blasconv_choices_destroy(r.bench.choices);
  return r.failed ? BAD : GOOD;
}

static int list(void)
{
  for (size_t i = 0; blasconv_algorithm_name(i) != NULL; ++i)
    puts(blasconv_algorithm_name(i));
  return GOOD;
}

static int act(const bench_command *command)
{
  if (command->help)
    return fputs(bench_tool_usage, stdout), GOOD;
  if (command->version)
    return puts(blasconv_version_string()), GOOD;
  return command->list ? list() : run_all(command);
}

int bench_tool_main(int argc, char **argv)
{
  bench_command command;
  int status = bench_command_read(argc, argv, &command) ? act(&command) : UNREADABLE;
  bench_command_free(&command);
  if (fflush(stdout) != 0 || ferror(stdout)) {
    perror("blasconv-bench: stdout");
    status = BAD;
  }
  return status;
}
