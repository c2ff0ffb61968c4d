#include "choices.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* All of a file. NULL if it cannot be read or there is no memory. */
static char *read_all(FILE *file, size_t *length)
{
  char *text = NULL;
  size_t size = 0;
  for (*length = 0; !feof(file) && !ferror(file);) {
    if (*length == size) {
      size += 65536;
      char *more = realloc(text, size);
      if (more == NULL)
        break;
      text = more;
    }
    *length += fread(text + *length, 1, size - *length, file);
  }
  if (feof(file))
    return text;
  free(text);
  return NULL;
}

static bool import(blasconv_choices *choices, FILE *file, const char *path)
{
  size_t length, taken;
  char *text = read_all(file, &length);
  if (text == NULL) {
    fprintf(stderr, "blasconv-bench: cannot read %s\n", path);
    return false;
  }
  const blasconv_status status = blasconv_choices_import(choices, text, length, &taken);
  free(text);
  if (status == BLASCONV_BAD_CHOICES)
    fprintf(stderr, "blasconv-bench: %s: %zu entries taken, others left out: %s\n", path, taken,
            blasconv_status_string(status));
  else if (status != BLASCONV_SUCCESS)
    fprintf(stderr, "blasconv-bench: %s: %s\n", path, blasconv_status_string(status));
  return status == BLASCONV_SUCCESS || status == BLASCONV_BAD_CHOICES;
}

blasconv_choices *bench_choices_read(const char *path)
{
  blasconv_choices *choices = NULL;
  if (blasconv_choices_create(NULL, &choices) != BLASCONV_SUCCESS) {
    fprintf(stderr, "blasconv-bench: no memory for choices\n");
    return NULL;
  }
  FILE *file = fopen(path, "r");
  if (file == NULL && errno == ENOENT)
    return choices;
  if (file == NULL)
    perror(path);
  const bool good = file != NULL && import(choices, file, path);
  if (file != NULL)
    fclose(file);
  if (good)
    return choices;
  blasconv_choices_destroy(choices);
  return NULL;
}

bool bench_choices_write(const blasconv_choices *choices, const char *path)
{
  const size_t length = blasconv_choices_export(choices, NULL, 0);
  char *text = malloc(length + 1);
  FILE *file = text != NULL ? fopen(path, "w") : NULL;
  bool good = file != NULL;
  if (good) {
    blasconv_choices_export(choices, text, length + 1);
    good = fwrite(text, 1, length, file) == length;
    good = fclose(file) == 0 && good;
  }
  if (!good)
    perror(path);
  free(text);
  return good;
}
