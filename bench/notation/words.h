/* The words of the notation: what each sets, and how its value is read. */
#ifndef BENCH_NOTATION_WORDS_H
#define BENCH_NOTATION_WORDS_H

#include "notation.h"
#include "text.h"

/* The sizes that have a number for each axis. */
enum {
  BENCH_INPUT_AXES,
  BENCH_KERNEL_AXES,
  BENCH_STRIDE_AXES,
  BENCH_DILATION_AXES,
  BENCH_PAD_AXES,
  BENCH_OUTPUT_PADDING_AXES,
  BENCH_AXES
};

/* Such a word as it stands there. */
typedef struct bench_axes {
  int32_t count;                                            /* numbers; 0: the word is not there */
  int64_t begin[BLASCONV_MAX_RANK], end[BLASCONV_MAX_RANK]; /* end: of pads, else as begin */
  const char *at;
} bench_axes;

/* Where words put what they say. */
typedef struct bench_word_target {
  bench_notation *notation;
  bench_axes *axes; /* [BENCH_AXES] */
} bench_word_target;

/* Takes the value of a word. Returns NULL or what is wrong with it, where `value` stands then. */
typedef const char *bench_word_take(bench_word_target *target, size_t argument, bench_text *value);

/* Things numbered below this are sizes, and a problem of benchdnn says them all. */
enum { BENCH_THINGS_OF_SIZE = 10 };

typedef struct bench_word {
  const char *name;
  int thing; /* what it sets; two words that set the same thing cannot stand in one line */
  bool has_value;
  bench_word_take *take;
  size_t argument;
} bench_word;

/* NULL if there is no such word. */
const bench_word *bench_word_find(bench_text name);

#endif
