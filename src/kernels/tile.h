/* A tile of a matrix product, rows by one to four vectors, all of which stay in registers: for
 * product.c and even_product.c. */
#ifndef BC_TILE_H
#define BC_TILE_H

#include "product.h"

/* A tile's rows as a list, since compilers keep variables with names in registers, but not the
 * elements of an array. Where there are 32 of those a tile can be of two panels: an instruction in
 * three is no multiplication then, where it is nearly every other with one panel. */
#define SIX_ROWS(use) use(0) use(1) use(2) use(3) use(4) use(5)
#if defined(__AVX512F__) || defined(BC_WIDE_TILES)
#define EACH_ROW(use) SIX_ROWS(use) use(6) use(7)
enum { ROWS = 8, WIDE_ROWS = 6 };
#else
#define EACH_ROW(use) SIX_ROWS(use)
enum { ROWS = 6, WIDE_ROWS = 0 };
#endif
/* Terms after which some of what is coming is fetched: more lines at once than a CPU can wait for
 * hold up the tile. */
enum { PIECE = WIDE_ROWS > 0 ? 32 : 64 };
/* Terms at a time, which spares some of the instructions around them. */
enum { TOGETHER = 4 };

#include "vectors.h"

enum { WIDTH = BC_VECTOR_LANES, LANES = 2 * WIDTH };
/* As most tiles have them. */
enum { PACKED_ROWS = WIDE_ROWS > 0 ? WIDE_ROWS : ROWS };

_Static_assert((int)ROWS <= (int)BC_MOST_TILE_ROWS && (int)LANES <= (int)BC_MOST_LANES,
               "a tile is too large");

/* Vectors of a tile's row. */
enum { HALF = 1, ONE_PANEL = 2, ONE_AND_HALF = 3, TWO_PANELS = 4 };

/* The sums of row i. */
#define DECLARE(i) floats a##i = {0}, b##i = {0}, c##i = {0}, d##i = {0};

/* Adds a term: row i's factor, at row##i[place], times the vectors a to d. */
#define ADD(i)                                                                                     \
  if ((i) < rows) {                                                                                \
    const floats factor = row##i[place] - (floats){0};                                             \
    a##i += factor * a;                                                                            \
    if (vectors > 1)                                                                               \
      b##i += factor * b;                                                                          \
    if (vectors > 2)                                                                               \
      c##i += factor * c;                                                                          \
    if (vectors > 3)                                                                               \
      d##i += factor * d;                                                                          \
  }

/* Puts row i's sums to where `to` is, or adds them to what is there. */
#define PUT(sum, to) store(add ? (sum) + load(to) : (sum), to)
#define PUT_ROW(i, to)                                                                             \
  {                                                                                                \
    PUT(a##i, to);                                                                                 \
    if (vectors > 1)                                                                               \
      PUT(b##i, (to) + WIDTH);                                                                     \
    if (vectors > 2)                                                                               \
      PUT(c##i, (to) + LANES);                                                                     \
    if (vectors > 3)                                                                               \
      PUT(d##i, (to) + LANES + WIDTH);                                                             \
  }

#endif
