#define _POSIX_C_SOURCE 200809L
#include "problems.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The line, and a mark under the character that is wrong. */
static void explain(const char *line, const char *where, const bench_notation_error *error)
{
  const size_t length = strcspn(line, "\r\n");
  fprintf(stderr, "blasconv-bench: %s, character %zu: %s\n  ", where, error->position + 1,
          error->reason);
  for (size_t i = 0; i < length; ++i)
    fputc(line[i] >= ' ' && line[i] <= '~' ? line[i] : '?', stderr);
  fprintf(stderr, "\n  %*s^\n", (int)error->position, "");
}

bool bench_problems_add(bench_problems *problems, const char *line, const char *where)
{
  bench_notation_error error;
  bench_notation *more = realloc(problems->list, (problems->count + 1) * sizeof *more);
  if (more == NULL) {
    fprintf(stderr, "blasconv-bench: no memory for the problems\n");
    return false;
  }
  problems->list = more;
  if (!bench_notation_parse(line, &more[problems->count], &error)) {
    explain(line, where, &error);
    return false;
  }
  ++problems->count;
  return true;
}

static bool is_problem(const char *line)
{
  line += strspn(line, " \t\r\n");
  return *line != '\0' && *line != '#';
}

static bool read_lines(bench_problems *problems, FILE *file, const char *path)
{
  char *line = NULL;
  size_t size = 0;
  bool good = true;
  for (int number = 1; good && getline(&line, &size, file) >= 0; ++number) {
    char where[512];
    snprintf(where, sizeof where, "%s:%d", path, number);
    good = !is_problem(line) || bench_problems_add(problems, line, where);
  }
  free(line);
  if (good && ferror(file)) {
    perror(path);
    good = false;
  }
  return good;
}

bool bench_problems_read(bench_problems *problems, const char *path)
{
  if (strcmp(path, "-") == 0)
    return read_lines(problems, stdin, "stdin");
  FILE *file = fopen(path, "r");
  if (file == NULL) {
    perror(path);
    return false;
  }
  const bool good = read_lines(problems, file, path);
  fclose(file);
  return good;
}

void bench_problems_free(bench_problems *problems)
{
  free(problems->list);
  *problems = (bench_problems){.list = NULL};
}
