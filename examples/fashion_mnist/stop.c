/*
 * SIGTERM and SIGINT as a question that the training asks.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "stop.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t noted;

static void note(int signal)
{
  noted = signal;
}

void stop_watch(void)
{
  /* Restarting system calls, so that a signal does not spoil the reading or writing of a file. */
  struct sigaction action = {.sa_handler = note, .sa_flags = (int)(SA_RESETHAND | SA_RESTART)};
  sigemptyset(&action.sa_mask);
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
}

int stop_signal(void)
{
  return noted;
}
