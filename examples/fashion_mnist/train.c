/*
 * The training: steps, epochs, tests, checkpoints.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "train.h"

#include "stop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The orders of the pictures, one a stream; the network draws from those below. */
static const uint64_t first_order_stream = UINT64_C(1) << 33;

static const double gradient_limit = 5; /* of the norm */
static const float weight_decay = 0.01f, weight_decay_of_sgd = 5e-4f;

/* ---------------------------------------------------------------------------------------------
 * Beginning
 * ------------------------------------------------------------------------------------------ */

/* A twentieth of the run to warm up, but no more than 200 steps. */
static blasconv_schedule make_schedule(double rate, int64_t steps)
{
  blasconv_schedule schedule = blasconv_schedule_of(BLASCONV_SCHEDULE_COSINE, rate);
  schedule.warm_up = steps / 20 < 200 ? steps / 20 : 200;
  schedule.period = steps - schedule.warm_up;
  return schedule;
}

static blasconv_optimizer make_optimizer(const run_options *chosen)
{
  const blasconv_optimizer_kind kind = (blasconv_optimizer_kind)chosen->optimizer;
  blasconv_optimizer optimizer = blasconv_optimizer_of(kind, (float)chosen->rate);
  optimizer.weight_decay = kind == BLASCONV_ADAMW ? weight_decay : weight_decay_of_sgd;
  return optimizer;
}

static bool allocate(training *run)
{
  run->order = malloc((size_t)run->all->training.count * sizeof *run->order);
  run->test.probabilities =
      malloc((size_t)run->all->test.count * FASHION_CLASSES * sizeof *run->test.probabilities);
  if (run->order != NULL && run->test.probabilities != NULL)
    return data_batch_create(run->chosen->batch, &run->batch);
  fprintf(stderr, "out of memory for the training\n");
  return false;
}

/* All that decides what is computed: options and data. */
static void describe(const training *run, char text[CHECKPOINT_RUN_SIZE])
{
  options_describe(run->chosen, text, CHECKPOINT_RUN_SIZE);
  const size_t length = strlen(text);
  snprintf(text + length, CHECKPOINT_RUN_SIZE - length, " (data %08" PRIx32 ")", run->all->sum);
}

static bool resume(training *run)
{
  char description[CHECKPOINT_RUN_SIZE];
  memcpy(description, run->state.run, sizeof description);
  return !run->chosen->resume ||
         checkpoint_read(run->path, description, run->steps, &run->state, run->network);
}

/* The pictures of an epoch, each as likely as the others to come at any time. */
static void shuffle(training *run, int64_t epoch)
{
  const int64_t count = run->all->training.count;
  blasconv_random random =
      blasconv_random_start((uint64_t)run->chosen->seed, first_order_stream + (uint64_t)epoch);
  for (int64_t i = 0; i < count; ++i)
    run->order[i] = i;
  blasconv_random_shuffle(&random, count, run->order);
}

bool training_create(const run_options *chosen, const data *all, cnn *network, training *run)
{
  *run = (training){.chosen = chosen, .all = all, .network = network};
  run->epoch_steps = all->training.count / chosen->batch;
  run->steps = run->epoch_steps * chosen->epochs;
  if (run->steps == 0) {
    fprintf(stderr, "a batch is larger than the training set of %" PRId64 " pictures\n",
            all->training.count);
    return false;
  }
  run->schedule = make_schedule(chosen->rate, run->steps);
  run->optimizer = make_optimizer(chosen);
  describe(run, run->state.run);
  const bool named = chosen->checkpoint != NULL ? snprintf(run->path, FILE_PATH_SIZE, "%s",
                                                           chosen->checkpoint) < FILE_PATH_SIZE
                                                : file_join(chosen->out, "checkpoint", run->path);
  if (!named || !allocate(run) || !resume(run))
    return false;
  const int64_t made = run->state.progress.steps;
  shuffle(run, made / run->epoch_steps);
  return report_begin(&run->table, chosen->out, made);
}

void training_destroy(training *run)
{
  free(run->order);
  free(run->test.probabilities);
  data_batch_destroy(&run->batch);
  report_end(&run->table);
}

/* ---------------------------------------------------------------------------------------------
 * Training
 * ------------------------------------------------------------------------------------------ */

/* How many steps are made. */
static int64_t made_steps(const training *run)
{
  return cnn_progress_get(run->network).steps;
}

static double accuracy_of_step(const training *run)
{
  const cnn_view last = cnn_layer_view(run->network, cnn_layers(run->network) - 1);
  return cnn_accuracy(run->batch.size, FASHION_CLASSES, last.output, run->batch.labels);
}

static void make_step(training *run)
{
  const int64_t step = made_steps(run), place = step % run->epoch_steps;
  double rate = 0, loss = 0;
  data_batch_fill(&run->batch, run->all, &run->all->training, run->order, place * run->batch.size,
                  run->batch.size);
  blasconv_schedule_rate(&run->schedule, step + 1, &rate);
  run->optimizer.learning_rate = (float)rate;
  cnn_step(run->network, run->batch.images, run->batch.labels, &run->optimizer, gradient_limit,
           &loss);
  run->state.loss_sum += loss;
  run->state.accuracy_sum += accuracy_of_step(run);
}

/* Loss and accuracy over the epoch so far; those of the test set are left at 0. */
static report_row row_of(const training *run)
{
  const int64_t made = made_steps(run), before = (made - 1) / run->epoch_steps;
  const double in_epoch = (double)(made - before * run->epoch_steps);
  return (report_row){.epoch = before + 1,
                      .step = made,
                      .train_loss = run->state.loss_sum / in_epoch,
                      .train_accuracy = run->state.accuracy_sum / in_epoch};
}

static void test(training *run)
{
  evaluate(run->network, run->all, (int32_t)run->chosen->threads, &run->batch, &run->test);
}

/* Tests the network, reports, and gets ready for the next epoch. */
static bool end_epoch(training *run)
{
  report_row row = row_of(run);
  const double start = progress_now();
  test(run);
  const double end = progress_now();
  row.seconds = run->table.seconds + end - run->watch.started;
  row.test_loss = run->test.loss;
  row.test_accuracy = run->test.accuracy;
  progress_epoch(&run->watch, &row, end - start);
  run->state.loss_sum = run->state.accuracy_sum = 0;
  shuffle(run, row.epoch);
  return report_add(&run->table, &row);
}

/* Writes a checkpoint, unless the last one is of this step. */
static bool save(training *run)
{
  const cnn_progress now = cnn_progress_get(run->network);
  if (now.steps == run->state.progress.steps)
    return true;
  run->state.progress = now;
  return checkpoint_write(run->path, &run->state, run->network);
}

/* What comes after a step: the end of an epoch, a checkpoint if it is time. */
static bool follow_step(training *run)
{
  const int64_t made = made_steps(run), every = run->chosen->checkpoint_every;
  const report_row row = row_of(run);
  const bool epoch_ends = made % run->epoch_steps == 0;
  progress_step(&run->watch, &row);
  if (epoch_ends && !end_epoch(run))
    return false;
  return !(epoch_ends || (every > 0 && made % every == 0)) || save(run);
}

static training_end stop(training *run)
{
  if (!save(run))
    return TRAINING_FAILED;
  progress_say(&run->watch, "stopped at step %" PRId64 " of %" PRId64 "; --resume goes on\n",
               made_steps(run), run->steps);
  return TRAINING_STOPPED;
}

training_end training_run(training *run)
{
  const int64_t last = run->chosen->stop_after > 0 ? run->chosen->stop_after : run->steps;
  progress_begin(&run->watch, run->chosen->quiet, run->chosen->epochs, run->steps, run->batch.size,
                 made_steps(run));
  if (made_steps(run) == run->steps)
    test(run);
  while (made_steps(run) < run->steps) {
    if (stop_signal() != 0 || made_steps(run) >= last)
      return stop(run);
    make_step(run);
    if (!follow_step(run))
      return TRAINING_FAILED;
  }
  return TRAINING_DONE;
}
