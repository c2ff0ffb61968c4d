/*
 * Trains a network on Fashion-MNIST: see options_usage in options.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "model.h"
#include "pictures.h"
#include "stop.h"
#include "train.h"

#include <restart.h>
#include <stdio.h>
#include <stdlib.h>

enum { EXIT_USAGE = 2, EXIT_SIGNAL = 128 };

/* Draws what has become of the network since `before`. */
static bool draw(const training *run, const snapshot *before)
{
  snapshot after;
  const bool good =
      snapshot_take(run->all, run->network, run->chosen->batch, &after) &&
      pictures_draw(run->chosen->out, run->all, before, &after, run->test.probabilities);
  snapshot_free(&after);
  return good;
}

static int train(const run_options *chosen, const data *all, cnn *network, const snapshot *before)
{
  training run;
  training_end end = TRAINING_FAILED;
  if (training_create(chosen, all, network, &run))
    end = training_run(&run);
  if (end == TRAINING_DONE && chosen->pictures && !draw(&run, before))
    end = TRAINING_FAILED;
  training_destroy(&run);
  if (end == TRAINING_STOPPED && stop_signal() != 0)
    return EXIT_SIGNAL + stop_signal();
  return end == TRAINING_FAILED ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Builds the network and looks at it before it learns. */
static int build_and_train(const run_options *chosen, const data *all)
{
  cnn *network = NULL;
  snapshot before = {0};
  int status = EXIT_FAILURE;
  if (model_create(chosen, &network) &&
      (!chosen->pictures || snapshot_take(all, network, chosen->batch, &before)))
    status = train(chosen, all, network, &before);
  snapshot_free(&before);
  cnn_destroy(network);
  return status;
}

int main(int argc, char **argv)
{
  run_options chosen;
  data all;
  if (!options_read(argc, argv, &chosen))
    return EXIT_USAGE;
  if (chosen.help) {
    fputs(options_usage, stdout);
    return EXIT_SUCCESS;
  }
  bench_restart_for_long_run(argv);
  stop_watch();
  if (!chosen.quiet)
    puts(blasconv_version_string());
  if (!file_make_folder(chosen.out) || !data_read(chosen.data, &all))
    return EXIT_FAILURE;
  const int status = build_and_train(&chosen, &all);
  data_free(&all);
  return status;
}
