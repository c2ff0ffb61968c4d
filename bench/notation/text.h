/* Numbers and names out of a piece of text. A piece need not end with a NUL. */
#ifndef BENCH_NOTATION_TEXT_H
#define BENCH_NOTATION_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is left to read. */
typedef struct bench_text {
  const char *at, *end;
} bench_text;

/* Whether the next character is `c`; if so it is taken. */
bool bench_text_take(bench_text *text, char c);

/* Takes the digits that come next. Returns NULL, or why they make no number; then `text` stands at
 * the first character that is wrong. */
const char *bench_text_integer(bench_text *text, int64_t *value);

/* Takes an integer, and a K, M or G behind it, that stands for 1024, its square or its cube. */
const char *bench_text_bytes(bench_text *text, size_t *bytes);

/* Takes the whole rest as a finite float. */
const char *bench_text_float(bench_text *text, float *value);

/* Takes the whole rest as a name of fewer than `size` characters: letters, digits and . : _ - + * /
 * .
 */
const char *bench_text_name(bench_text *text, char *name, size_t size);

/* Whether the text is the word. */
bool bench_text_is(bench_text text, const char *word);

#endif
