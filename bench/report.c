#define _POSIX_C_SOURCE 200809L
#include "report.h"

#include "operands.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

static double gflops(const bench_figures *f)
{
  return 1e-9 * f->flops / f->ours;
}

/* The first case of the network after the one that begins at `first`. */
static const bench_case *next_network(const bench_case *first)
{
  return first + first->network->count;
}

static const bench_case *end_of(const bench_cases *all)
{
  return all->cases + all->count;
}

/* ---------------------------------------------------------------------------------------------
 * The table
 * ------------------------------------------------------------------------------------------ */

static void print_network(const bench_case *first, FILE *out)
{
  bench_figures f;
  const size_t summed = bench_network_sum(first, NULL, &f);
  if (summed == 0)
    return;
  fprintf(out, "  %-13s %-17s %5" PRId64 " %7d ", first->network->name,
          bench_pass_name(first->pass), first->problem.batch, bench_case_threads(first));
  fprintf(out, "%10.2f %10.2f %12.1f %9.1f %9.2f %8.2f %8.0f", 1e3 * f.ours, 1e3 * f.sgemm,
          1e3 * f.naive, gflops(&f), f.sgemm / f.ours, gflops(&f) / f.peak, f.naive / f.ours);
  if (summed < first->network->count)
    fprintf(out, "  only %zu of %zu layers", summed, first->network->count);
  fputc('\n', out);
}

void bench_report_print(const bench_session *session, const bench_cases *all)
{
  fprintf(
      session->out,
      "\nConvolutions of each network: milliseconds a batch, all layers as often as they occur\n"
      "  %-13s %-17s %5s %7s %10s %10s %12s %9s %9s %8s %8s\n",
      "network", "pass", "batch", "threads", "ours", "SGEMM", "naive", "GFLOP/s", "of SGEMM",
      "of peak", "x naive");
  for (const bench_case *first = all->cases; first < end_of(all); first = next_network(first))
    print_network(first, session->out);
}

/* ---------------------------------------------------------------------------------------------
 * Files
 * ------------------------------------------------------------------------------------------ */

static void write_figures(const bench_case *c, const char *algorithm, const bench_figures *f,
                          FILE *file)
{
  fprintf(file, "%s,%" PRId64 ",%d,%s,%.5g,%.5g,%.5g,%.5g,%.4f,%.4f\n", bench_pass_name(c->pass),
          c->problem.batch, bench_case_threads(c), algorithm, 1e3 * f->ours, 1e3 * f->naive,
          1e3 * f->sgemm, gflops(f), f->sgemm / f->ours, gflops(f) / f->peak);
}

/* A line for the whole network, if all of it was timed, and one for each algorithm that it uses. */
static void write_network(const bench_case *first, FILE *file)
{
  bench_figures f;
  const char *algorithm;
  if (bench_network_sum(first, NULL, &f) < first->network->count)
    return;
  fprintf(file, "%s,", first->network->name);
  write_figures(first, "all", &f, file);
  for (size_t i = 0; (algorithm = blasconv_algorithm_name(i)) != NULL; ++i)
    if (bench_network_sum(first, algorithm, &f) > 0) {
      fprintf(file, "%s,", first->network->name);
      write_figures(first, algorithm, &f, file);
    }
}

static const char figure_columns[] =
    "pass,batch,threads,algorithm,ours_ms,naive_ms,sgemm_ms,gflops,share_of_sgemm,share_of_peak\n";

static void write_networks(const bench_session *session, const bench_cases *all, FILE *file)
{
  (void)session;
  fprintf(file, "network,%s", figure_columns);
  for (const bench_case *first = all->cases; first < end_of(all); first = next_network(first))
    write_network(first, file);
}

static void write_layers(const bench_session *session, const bench_cases *all, FILE *file)
{
  (void)session;
  fprintf(file, "network,layer,repeat,%s", figure_columns);
  for (const bench_case *c = all->cases; c < end_of(all); ++c)
    if (c->measured) {
      fprintf(file, "%s,%s,%" PRId64 ",", c->network->name, c->layer->name, c->layer->repeat);
      write_figures(c, c->algorithm, &c->figures, file);
    }
}

static void write_machine(const bench_session *session, const bench_cases *all, FILE *file)
{
  (void)all;
  fprintf(file, "%s; %s\n", session->cpu, blasconv_version_string());
}

bool bench_report_write(const bench_session *session, const bench_cases *all, const char *folder)
{
  static const struct {
    const char *name;
    void (*write)(const bench_session *session, const bench_cases *all, FILE *file);
  } files[] = {
      {"networks.csv", write_networks},
      {"layers.csv", write_layers},
      {"machine.txt", write_machine},
  };
  if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
    perror(folder);
    return false;
  }
  for (size_t i = 0; i < sizeof files / sizeof *files; ++i) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
    FILE *file = fopen(path, "w");
    if (file != NULL)
      files[i].write(session, all, file);
    if (file == NULL || fclose(file) != 0) {
      perror(path);
      return false;
    }
  }
  return true;
}
