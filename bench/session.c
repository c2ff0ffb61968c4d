#define _POSIX_C_SOURCE 200809L
#include "session.h"

#include "peak.h"

#include <unistd.h>

static int64_t iterations(const bench_session *session)
{
  return session->options.quick ? 5 : 15;
}

void bench_session_register(bench_session *session, const char *name, bench_function *function,
                            void *context)
{
  bench_register(name, function, context, iterations(session));
  ++session->planned;
}

/* The beginning of the line, and what was on it erased. */
static const char clear_line[] = "\r\033[K";

void bench_session_progress(bench_session *session, const char *name)
{
  ++session->started;
  if (isatty(STDERR_FILENO))
    fprintf(stderr, "%s[%d of %d] %s", clear_line, session->started, session->planned, name);
}

void bench_session_progress_end(void)
{
  if (isatty(STDERR_FILENO))
    fputs(clear_line, stderr);
}

void bench_session_fail(bench_session *session, bench_state *state, const char *name,
                        const char *reason)
{
  bench_session_progress_end();
  fprintf(stderr, "FAILED %s: %s\n", name, reason);
  bench_fail(state, reason);
  ++session->failures;
}

void bench_alternate(const bench_session *session, bench_state *state, const bench_runner *runners,
                     int count, double *medians)
{
  const double iteration_seconds = session->options.quick ? 0.005 : 0.02;
  const size_t turns_at_most = BENCH_MAX_SAMPLES / (size_t)iterations(session);
  bench_samples samples[BENCH_MAX_RUNNERS];
  for (int i = 0; i < count; ++i) {
    samples[i].count = 0;
    runners[i].run(runners[i].context); /* warms caches and threads up */
  }
  while (bench_keep_running(state)) {
    const double begin = bench_now();
    const size_t before = samples[0].count;
    double first = 0.0;
    size_t turns;
    do {
      bench_turn(runners, count, samples);
      turns = samples[0].count - before;
      first += samples[0].seconds[samples[0].count - 1];
    } while (turns < turns_at_most && bench_now() - begin < iteration_seconds);
    bench_set_seconds(state, first / (double)turns);
  }
  for (int i = 0; i < count; ++i)
    medians[i] = bench_samples_median(&samples[i]);
}

double bench_session_peak(bench_session *session, int index)
{
  return bench_peak_again(&session->peaks[index], (int)session->options.threads.values[index]);
}
