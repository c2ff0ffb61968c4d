/* Google Benchmark for C. shim.cc is the only file of the project that knows it. */
#ifndef BENCH_SHIM_H
#define BENCH_SHIM_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A benchmark while it runs. */
typedef struct bench_state bench_state;

/* One benchmark: sets up, iterates while bench_keep_running(), reports, cleans up. */
typedef void bench_function(bench_state *state, void *context);

/* Takes Google Benchmark's own flags out of the command line, argv [*argc + 1]. Returns whether
 * they make it print on stdout. */
bool bench_initialize(int *argc, char **argv);

/* A line of context for the JSON output. */
void bench_add_context(const char *key, const char *value);

/* Registers function(context) under a name; each of its iterations reports its own time. */
void bench_register(const char *name, bench_function *function, void *context, int64_t iterations);

/* Runs what was registered and what the filter lets through. */
void bench_run_registered(void);

/* True before each iteration; false when all are done, or after bench_fail(). */
bool bench_keep_running(bench_state *state);

/* The time of the iteration under way. */
void bench_set_seconds(bench_state *state, double seconds);

void bench_set_counter(bench_state *state, const char *name, double value);
void bench_set_label(bench_state *state, const char *label);

/* Ends the benchmark as failed: what was measured is discarded. */
void bench_fail(bench_state *state, const char *message);

#ifdef __cplusplus
}
#endif

#endif
