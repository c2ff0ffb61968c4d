#define _POSIX_C_SOURCE 200809L
#include "machine.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *bench_cpu_name(void)
{
  static char name[128] = "unknown CPU";
  char line[256];
  FILE *file = fopen("/proc/cpuinfo", "r");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    const char *colon = strchr(line, ':');
    if (strncmp(line, "model name", 10) != 0 || colon == NULL)
      continue;
    colon += strspn(colon, ": ");
    snprintf(name, sizeof name, "%.*s", (int)strcspn(colon, "\n"), colon);
    break;
  }
  if (file != NULL)
    fclose(file);
  return name;
}

/* BENCH_SHAPES_FROM_PROGRAM is the way from the program's folder to the shapes. */
const char *bench_shapes_folder(void)
{
  static char path[4096];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  path[length > 0 ? length : 0] = '\0';
  char *slash = strrchr(path, '/');
  const size_t kept = slash != NULL ? (size_t)(slash + 1 - path) : 0;
  snprintf(path + kept, sizeof path - kept, "%s", BENCH_SHAPES_FROM_PROGRAM);
  return path;
}
