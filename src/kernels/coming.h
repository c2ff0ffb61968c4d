/* What will be read soon, fetched bit by bit while something else is computed. */
#ifndef BC_COMING_H
#define BC_COMING_H

#include <stddef.h>
#include <stdint.h>

enum { BC_CACHE_LINE = 16 /* floats */ };

/* [rows][length], rows being `step` elements apart. */
typedef struct bc_stretch {
  const float *first;
  int64_t step, rows, length;
} bc_stretch;

/* What is fetched need not be memory of a tensor. */
typedef struct bc_coming {
  bc_stretch what;
  int64_t at_once;              /* lines of the cache */
  int64_t row, at;              /* what of it is to be fetched next */
  const struct bc_coming *then; /* the same of another matrix, or NULL */
} bc_coming;

/* The next lines, into the second-level cache: the first holds what is computed with. */
static inline void bc_fetch(bc_coming *coming)
{
  for (int64_t i = 0; i < coming->at_once; ++i) {
    if (coming->row == coming->what.rows) {
      if (coming->then == NULL)
        return;
      *coming = *coming->then;
    }
    __builtin_prefetch(coming->what.first + coming->row * coming->what.step + coming->at, 0, 2);
    coming->at += BC_CACHE_LINE;
    if (coming->at >= coming->what.length) {
      coming->at = 0;
      ++coming->row;
    }
  }
}

#endif
