/* What is fetched while tiles are multiplied, for product.c and even_product.c. */
#ifndef BC_COMING_H
#define BC_COMING_H

#include "product.h"
#include "vectors.h"

/* Turns to the next row that has anything to be fetched. Returns whether there is one. */
static bool turn_to_next_row(bc_coming *coming)
{
  do {
    if (coming->rows > 1) {
      --coming->rows;
      coming->first += coming->step;
      coming->at = 0;
    } else if (coming->then != NULL) {
      *coming = *coming->then;
    } else {
      return false;
    }
  } while (coming->at >= coming->length);
  return true;
}

/* Into the first-level cache what is read soon, though that holds the panel: fetched into the
 * second alone, such lines come up to a tenth slower. Others would only drive the panel out. */
INLINE void fetch_line(const float *line, bool far)
{
  if (far)
    __builtin_prefetch(line, 0, 2);
  else
    __builtin_prefetch(line);
}

/* The lines that are next, where they are not all in the row at hand. */
static __attribute__((noinline)) void fetch_across(bc_coming *coming)
{
  const float *first = coming->first;
  int64_t at = coming->at, length = coming->length;
  for (int64_t left = coming->at_once; left > 0; --left) {
    if (at >= length) {
      coming->at = at;
      if (!turn_to_next_row(coming))
        return;
      first = coming->first;
      at = coming->at;
      length = coming->length;
    }
    fetch_line(first + at, coming->far);
    at += BC_CACHE_LINE;
  }
  coming->at = at;
}

/* Mostly without a call, before which sums would go to memory. */
INLINE void fetch(bc_coming *coming)
{
  const int64_t at = coming->at, end = at + coming->at_once * BC_CACHE_LINE;
  if (end > coming->length) {
    fetch_across(coming);
    return;
  }
  coming->at = end;
  for (const float *line = coming->first + at; line < coming->first + end; line += BC_CACHE_LINE)
    fetch_line(line, coming->far);
}

#endif
