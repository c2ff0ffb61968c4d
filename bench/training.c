#include "training.h"

#include "sgemm_clock.h"
#include "training_case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* TURN_STEPS: after the other side's turn the first step finds cold caches and a sleeping thread,
 * which no training meets. */
enum { MOST_LAYERS = 32, COUNTED_STEPS = 20, TURN_STEPS = 40 };

/* One number of threads: a step, and where its time goes. */
typedef struct share {
  int threads;
  double step;         /* seconds, median of the alternating run */
  double inside_sgemm; /* of the threads' time */
  double loss, update; /* seconds a step, as the layers' are */
  cnn_view layers[MOST_LAYERS];
} share;

struct bench_training {
  bench_session *session;
  share shares[2]; /* [count]: one thread, all */
  int count;
  int64_t layers;
  bool measured;
};

static const char benchmark_name[] = "training/fashion-mnist/batch:64";

/* Steps whose parts are timed, each of them and each product: apart from those that are compared.
 */
static bool look_inside(const bench_training_case *c, bench_training *training, share *s)
{
  double seconds = 0.0;
  training->layers = cnn_layers(c->network);
  cnn_reset_seconds(c->network);
  bench_sgemm_clock_start();
  for (int i = 0; i < COUNTED_STEPS; ++i)
    seconds += bench_training_case_run(c);
  s->inside_sgemm = bench_sgemm_clock_stop() / (seconds * s->threads);
  s->loss = cnn_loss_seconds(c->network) / COUNTED_STEPS;
  s->update = cnn_update_seconds(c->network) / COUNTED_STEPS;
  for (int64_t i = 0; i < training->layers && i < MOST_LAYERS; ++i) {
    s->layers[i] = cnn_layer_view(c->network, i);
    for (int pass = 0; pass < 3; ++pass)
      s->layers[i].seconds[pass] /= COUNTED_STEPS;
  }
  return isfinite(seconds) && training->layers <= MOST_LAYERS;
}

static void report(const bench_training *training, bench_state *state)
{
  const share *all = &training->shares[training->count - 1];
  bench_set_counter(state, "images_per_second", BENCH_TRAINING_BATCH / all->step);
  bench_set_counter(state, "speedup", training->shares[0].step / all->step);
  bench_set_counter(state, "share_inside_sgemm", all->inside_sgemm);
}

/* The mean of a turn, seconds a step. */
static double run_turn(const void *training_case)
{
  double seconds = 0.0;
  for (int i = 0; i < TURN_STEPS; ++i)
    seconds += bench_training_case_run(training_case);
  return seconds / TURN_STEPS;
}

static void run_case(bench_state *state, void *context)
{
  bench_training *training = context;
  bench_training_case cases[2] = {{NULL, NULL, NULL}};
  bench_runner runners[2];
  double medians[2];
  bool good = true;
  bench_session_progress(training->session, benchmark_name);
  for (int i = 0; i < training->count; ++i) {
    good = good && bench_training_case_create(training->shares[i].threads, &cases[i]);
    runners[i] = (bench_runner){run_turn, &cases[i]};
  }
  if (good) {
    bench_alternate(training->session, state, runners, training->count, medians);
    for (int i = 0; i < training->count; ++i) {
      training->shares[i].step = medians[i];
      good = look_inside(&cases[i], training, &training->shares[i]) && isfinite(medians[i]) && good;
    }
  }
  training->measured = good;
  if (good)
    report(training, state);
  else
    bench_session_fail(training->session, state, benchmark_name, "it could not be trained");
  for (int i = 0; i < training->count; ++i)
    bench_training_case_destroy(&cases[i]);
}

bench_training *bench_training_register(bench_session *session)
{
  bench_training *training = calloc(1, sizeof *training);
  if (training == NULL)
    return NULL;
  const bench_list *threads = &session->options.threads;
  int64_t most = 1;
  for (int i = 0; i < threads->count; ++i)
    most = threads->values[i] > most ? threads->values[i] : most;
  training->session = session;
  training->shares[training->count++].threads = 1;
  if (most > 1)
    training->shares[training->count++].threads = (int)most;
  bench_session_register(session, benchmark_name, run_case, training);
  return training;
}

static void print_share(const bench_training *training, const share *s)
{
  FILE *out = training->session->out;
  fprintf(out,
          "\nTraining: network of examples/fashion_mnist, batch %d, threads %d: %.2f ms a step, "
          "%.0f images/s, %.0f %% of it inside SGEMM\n",
          BENCH_TRAINING_BATCH, s->threads, 1e3 * s->step, BENCH_TRAINING_BATCH / s->step,
          100.0 * s->inside_sgemm);
  fprintf(out, "  %-12s %9s %9s %9s  milliseconds\n", "layer", "forward", "backward", "weights");
  for (int64_t i = 0; i < training->layers; ++i) {
    const cnn_view *l = &s->layers[i];
    fprintf(out, "  %-12s %9.3f %9.3f %9.3f\n", l->name, 1e3 * l->seconds[0], 1e3 * l->seconds[1],
            1e3 * l->seconds[2]);
  }
  fprintf(out, "  %-12s %9.3f\n  %-12s %9.3f\n", "loss", 1e3 * s->loss, "update", 1e3 * s->update);
}

void bench_training_print(const bench_training *training)
{
  if (training == NULL || !training->measured)
    return;
  for (int i = 0; i < training->count; ++i)
    print_share(training, &training->shares[i]);
  const share *all = &training->shares[training->count - 1];
  if (training->count > 1)
    fprintf(training->session->out, "  %d threads: %.2f times the speed of one\n", all->threads,
            training->shares[0].step / all->step);
}

void bench_training_free(bench_training *training)
{
  free(training);
}
