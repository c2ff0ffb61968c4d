/*
 * How far the training is: a line that changes on a terminal, plain lines elsewhere.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* Seconds between two lines. */
static const double terminal_pause = 0.1, plain_pause = 5;

double progress_now(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void progress_begin(progress *watch, bool quiet, int64_t epochs, int64_t steps, int64_t batch,
                    int64_t first_step)
{
  const double now = progress_now();
  *watch = (progress){.quiet = quiet,
                      .terminal = isatty(STDOUT_FILENO) == 1,
                      .epochs = epochs,
                      .steps = steps,
                      .batch = batch,
                      .first_step = first_step,
                      .started = now,
                      .shown = now};
}

/* Goes back to an empty line. */
static void wipe(const progress *watch)
{
  if (watch->terminal)
    fputs("\r\033[K", stdout);
}

void progress_step(progress *watch, const report_row *row)
{
  const double now = progress_now();
  if (watch->quiet || now - watch->shown < (watch->terminal ? terminal_pause : plain_pause))
    return;
  watch->shown = now;
  const double made = (double)(row->step - watch->first_step), passed = now - watch->started;
  const double speed = made * (double)watch->batch / (passed - watch->testing);
  const int left = (int)(passed / made * (double)(watch->steps - row->step) + 0.5);
  wipe(watch);
  printf("epoch %lld/%lld  step %lld/%lld  loss %.3f  accuracy %.1f %%  %.0f images/s  "
         "%d:%02d left%s",
         (long long)row->epoch, (long long)watch->epochs, (long long)row->step,
         (long long)watch->steps, row->train_loss, 100 * row->train_accuracy, speed, left / 60,
         left % 60, watch->terminal ? "" : "\n");
  fflush(stdout);
}

void progress_epoch(progress *watch, const report_row *row, double testing)
{
  watch->testing += testing;
  progress_say(watch,
               "epoch %lld/%lld: %.1f s, training loss %.4f, accuracy %.2f %%; test loss %.4f, "
               "accuracy %.2f %%\n",
               (long long)row->epoch, (long long)watch->epochs, row->seconds, row->train_loss,
               100 * row->train_accuracy, row->test_loss, 100 * row->test_accuracy);
}

void progress_say(progress *watch, const char *format, ...)
{
  if (watch->quiet)
    return;
  va_list arguments;
  va_start(arguments, format);
  wipe(watch);
  vprintf(format, arguments);
  va_end(arguments);
  fflush(stdout);
}
