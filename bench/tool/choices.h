/* Measured choices in a file. */
#ifndef BENCH_CHOICES_H
#define BENCH_CHOICES_H

#include <blasconv/blasconv.h>
#include <stdbool.h>

/* A store with what a file holds; an empty one if there is no such file. Says on stderr if lines of
 * it are of no use. NULL, having said so, if it cannot be read. */
blasconv_choices *bench_choices_read(const char *path);

/* Writes the store to a file. Returns false, having said so on stderr, if that fails. */
bool bench_choices_write(const blasconv_choices *choices, const char *path);

#endif
