#include "shim.h"

#include <benchmark/benchmark.h>

#include <cstring>

namespace
{

/* The benchmark prints its own tables. */
class SilentReporter : public benchmark::BenchmarkReporter
{
public:
  bool ReportContext(const Context &) override
  {
    return true;
  }
  void ReportRuns(const std::vector<Run> &) override
  {
  }
};

bool google_prints = false;

bool begins_with(const char *text, const char *beginning)
{
  return std::strncmp(text, beginning, std::strlen(beginning)) == 0;
}

benchmark::State *unwrap(bench_state *state)
{
  return reinterpret_cast<benchmark::State *>(state);
}

} // namespace

bool bench_initialize(int *argc, char **argv)
{
  for (int i = 1; i < *argc; ++i)
    if (begins_with(argv[i], "--benchmark_format") ||
        begins_with(argv[i], "--benchmark_list_tests"))
      google_prints = true;
  benchmark::Initialize(argc, argv);
  return google_prints;
}

void bench_add_context(const char *key, const char *value)
{
  benchmark::AddCustomContext(key, value);
}

void bench_register(const char *name, bench_function *function, void *context, int64_t iterations)
{
  benchmark::RegisterBenchmark(name,
                               [function, context](benchmark::State &state) {
                                 function(reinterpret_cast<bench_state *>(&state), context);
                               })
      ->Iterations(iterations)
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond);
}

void bench_run_registered()
{
  SilentReporter silent;
  if (google_prints)
    benchmark::RunSpecifiedBenchmarks();
  else
    benchmark::RunSpecifiedBenchmarks(&silent);
  benchmark::Shutdown();
}

bool bench_keep_running(bench_state *state)
{
  return unwrap(state)->KeepRunning();
}

void bench_set_seconds(bench_state *state, double seconds)
{
  unwrap(state)->SetIterationTime(seconds);
}

void bench_set_counter(bench_state *state, const char *name, double value)
{
  unwrap(state)->counters[name] = value;
}

void bench_set_label(bench_state *state, const char *label)
{
  unwrap(state)->SetLabel(label);
}

void bench_fail(bench_state *state, const char *message)
{
  unwrap(state)->SkipWithError(message);
}
