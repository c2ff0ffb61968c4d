#include "beside_copy.h"

enum { NAME_SIZE = 200 };

int bench_beside_copy_threads(const bench_session *session)
{
  return (int)session->options.threads.values[0];
}

static void write_name(const bench_beside_copy *c, char name[NAME_SIZE])
{
  snprintf(name, NAME_SIZE, "%s/%s/%s/threads:%d", c->group, c->shape, c->what,
           bench_beside_copy_threads(c->session));
}

void bench_beside_copy_register(const bench_beside_copy *c, bench_function *function, void *context)
{
  char name[NAME_SIZE];
  write_name(c, name);
  bench_session_register(c->session, name, function, context);
}

void bench_beside_copy_begin(const bench_beside_copy *c)
{
  char name[NAME_SIZE];
  write_name(c, name);
  bench_session_progress(c->session, name);
}

void bench_beside_copy_measure(bench_beside_copy *c, bench_state *state, bench_runner runner,
                               const bench_copy *copy)
{
  const bench_runner runners[] = {runner, {bench_copy_run, copy}};
  double medians[2];
  bench_alternate(c->session, state, runners, 2, medians);
  c->seconds = medians[0];
  c->copy_seconds = medians[1];
  c->measured = true;
  bench_set_counter(state, "share_of_copy", c->copy_seconds / c->seconds);
  bench_set_counter(state, "median_ms", 1e3 * c->seconds);
  bench_set_counter(state, "copy_ms", 1e3 * c->copy_seconds);
}

void bench_beside_copy_fail(const bench_beside_copy *c, bench_state *state, const char *reason)
{
  char name[NAME_SIZE];
  write_name(c, name);
  bench_session_fail(c->session, state, name, reason);
}

void bench_beside_copy_print(const bench_beside_copy *c, const char *title, const char *copy,
                             int width, bool *titled)
{
  FILE *out = c->session->out;
  if (!c->measured)
    return;
  if (!*titled)
    fprintf(out, "\n%s, threads: %d; GB/s read and written, share of %s\n", title,
            bench_beside_copy_threads(c->session), copy);
  *titled = true;
  fprintf(out, "  %-13s %-*s %7.1f  %5.2f\n", c->shape, width, c->what,
          1e-9 * c->bytes / c->seconds, c->copy_seconds / c->seconds);
}
