/* The problems to run, from arguments and files. */
#ifndef BENCH_PROBLEMS_H
#define BENCH_PROBLEMS_H

#include <notation.h>

typedef struct bench_problems {
  bench_notation *list; /* [count] */
  size_t count;
} bench_problems;

/* Adds the problem of a line. If it cannot be read, says on stderr why and where, and returns
 * false. where: what to call the line. */
bool bench_problems_add(bench_problems *problems, const char *line, const char *where);

/* Adds a problem for each line of a file, "-" for stdin, but for those that are empty or begin with
 * #. Says on stderr what is wrong, and returns false. */
bool bench_problems_read(bench_problems *problems, const char *path);

void bench_problems_free(bench_problems *problems);

#endif
