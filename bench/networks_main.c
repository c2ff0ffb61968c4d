#include "networks_main.h"

#include "activations.h"
#include "between.h"
#include "depthwise.h"
#include "layouts.h"
#include "machine.h"
#include "networks.h"
#include "peak.h"
#include "plans.h"
#include "report.h"
#include "scaling.h"
#include "training.h"

#include <stdlib.h>
#include <string.h>

/* Reads the files that --networks names. */
static bool read_networks(bench_session *session)
{
  const bench_options *options = &session->options;
  for (const char *item = options->networks; *item != '\0'; item += *item == ',') {
    const size_t length = strcspn(item, ",");
    char path[4096];
    snprintf(path, sizeof path, "%s/%.*s.csv", options->shapes_dir, (int)length, item);
    item += length;
    bench_network *more =
        realloc(session->networks, (session->network_count + 1) * sizeof *session->networks);
    if (more == NULL)
      return false;
    session->networks = more;
    if (!bench_network_read(path, &more[session->network_count++]))
      return false;
  }
  return session->network_count > 0;
}

static bool read_workload(bench_session *session)
{
  if (session->options.shapes == NULL)
    return read_networks(session);
  session->networks = calloc(1, sizeof *session->networks);
  if (session->networks == NULL)
    return false;
  session->network_count = 1;
  return bench_network_read(session->options.shapes, session->networks);
}

static void free_workload(bench_session *session)
{
  for (size_t i = 0; i < session->network_count; ++i)
    bench_network_free(&session->networks[i]);
  free(session->networks);
}

static void begin(bench_session *session)
{
  session->cpu = bench_cpu_name();
  fprintf(session->out, "%s\n%s\n", blasconv_version_string(), session->cpu);
  for (int i = 0; i < session->options.threads.count; ++i) {
    bench_peak_warm_up((int)session->options.threads.values[i]);
    fprintf(session->out, "threads: %d, peak: %.1f GFLOP/s of fused multiply-adds\n",
            (int)session->options.threads.values[i], bench_session_peak(session, i));
  }
  fflush(session->out);
  bench_add_context("library", blasconv_version_string());
  bench_add_context("cpu", session->cpu);
}

/* Runs everything. Returns the exit status. */
static int run(bench_session *session)
{
  begin(session);
  bench_cases cases = bench_networks_register(session);
  bench_scaling *scaling = bench_scaling_register(session);
  bench_layouts *layouts = bench_layouts_register(session);
  bench_depthwise *depthwise = bench_depthwise_register(session);
  const bool own_workload = session->options.shapes != NULL;
  bench_activations *activations = own_workload ? NULL : bench_activations_register(session);
  bench_between *between = own_workload ? NULL : bench_between_register(session);
  bench_plans *plans = bench_plans_register(session);
  bench_training *training = own_workload ? NULL : bench_training_register(session);
  bench_run_registered();
  bench_session_progress_end();

  bench_report_print(session, &cases);
  bench_scaling_print(scaling);
  bench_layouts_print(layouts);
  bench_depthwise_print(depthwise);
  bench_activations_print(activations);
  bench_between_print(between);
  bench_plans_print(plans);
  bench_training_print(training);
  const char *folder = session->options.csv_dir;
  const bool written = folder == NULL || bench_report_write(session, &cases, folder);

  bench_training_free(training);
  bench_plans_free(plans);
  bench_between_free(between);
  bench_activations_free(activations);
  bench_depthwise_free(depthwise);
  bench_layouts_free(layouts);
  bench_scaling_free(scaling);
  free(cases.cases);
  return written && session->failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int bench_networks_main(int argc, char **argv)
{
  static bench_session session;
  if (!bench_options_take(&argc, argv, &session.options))
    return EXIT_FAILURE;
  if (session.options.help) {
    fputs(bench_usage, stdout);
    return EXIT_SUCCESS;
  }
  session.out = bench_initialize(&argc, argv) ? stderr : stdout;
  if (argc > 1) {
    fprintf(stderr, "blasconv-bench: no option %s, see networks --help\n", argv[1]);
    return EXIT_FAILURE;
  }
  const int status = read_workload(&session) ? run(&session) : EXIT_FAILURE;
  free_workload(&session);
  return status;
}
