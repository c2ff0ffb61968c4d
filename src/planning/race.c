#include "race.h"

#include <stdbool.h>

/* Runs of each after which more would change little. */
enum { ENOUGH_ROUNDS = 200 };

/* What a run takes at least: a coarse clock must not make it 0, which means that it never ran. */
static const double shortest = 1e-9;

static void run_once(const bc_race *race, size_t runner, double begin, double *least)
{
  race->run(race->context, runner);
  const double took = race->now(race->context) - begin;
  if (*least == 0.0 || took < *least)
    *least = took > shortest ? took : shortest;
}

void bc_race_hold(const bc_race *race, double *least)
{
  for (size_t i = 0; i < race->runners; ++i)
    least[i] = 0.0;
  for (int round = 0; round < ENOUGH_ROUNDS; ++round)
    for (size_t i = 0; i < race->runners; ++i) {
      const bool first = round == 0 && i == 0;
      const double begin = race->now(race->context);
      if (!first && begin - race->start + least[i] >= race->budget)
        return;
      run_once(race, i, begin, &least[i]);
    }
}
