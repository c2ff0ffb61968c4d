/* How runs are timed within a budget. Knows nothing of plans or clocks, so that it can be tested.
 */
#ifndef BC_RACE_H
#define BC_RACE_H

#include <stddef.h>

typedef struct bc_race {
  size_t runners;
  double start;  /* when the budget began to run, by the clock below */
  double budget; /* seconds */
  double (*now)(void *context);
  void (*run)(void *context, size_t runner); /* once */
  void *context;
} bc_race;

/* Lets the runners run in turn, again and again, and keeps the least seconds of each in
 * least [runners], 0 for one that never ran.
 *
 * The first run is always made. Any other is started only if the budget lasts for as long as that
 * runner took at best so far: so it is exceeded by one run at most. Ends early when the numbers are
 * good enough. */
void bc_race_hold(const bc_race *race, double *least);

#endif
