#define _POSIX_C_SOURCE 200809L
#include "workload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The numbers of a layer, in the order of the columns of a file. */
enum {
  IN_CHANNELS,
  IN_HEIGHT,
  IN_WIDTH,
  OUT_CHANNELS,
  KERNEL_HEIGHT,
  KERNEL_WIDTH,
  STRIDE_HEIGHT,
  STRIDE_WIDTH,
  PAD_HEIGHT,
  PAD_WIDTH,
  DILATION_HEIGHT,
  DILATION_WIDTH,
  GROUPS,
  COLUMNS
};

static blasconv_problem problem_of(const int64_t n[COLUMNS])
{
  blasconv_problem problem =
      blasconv_problem_2d(0, n[IN_CHANNELS], n[IN_HEIGHT], n[IN_WIDTH], n[OUT_CHANNELS],
                          n[KERNEL_HEIGHT], n[KERNEL_WIDTH]);
  for (int axis = 0; axis < 2; ++axis) {
    problem.strides[axis] = n[STRIDE_HEIGHT + axis];
    problem.dilations[axis] = n[DILATION_HEIGHT + axis];
    problem.pads_begin[axis] = problem.pads_end[axis] = n[PAD_HEIGHT + axis];
  }
  problem.groups = n[GROUPS];
  return problem;
}

static bool read_integer(const char *text, char **end, int64_t *value)
{
  errno = 0;
  *value = strtoll(text, end, 10);
  return *end != text && errno == 0;
}

/* Whether the sizes make a convolution; says so on stderr if not. */
static bool valid(const blasconv_problem *problem, const char *where)
{
  int64_t output[BLASCONV_MAX_RANK];
  const blasconv_status status = blasconv_problem_output(problem, output);
  if (status != BLASCONV_SUCCESS)
    fprintf(stderr, "%s: %s\n", where, blasconv_status_string(status));
  return status == BLASCONV_SUCCESS;
}

/* Text up to the end, cut to the size of a name. */
static void copy_name(char name[BENCH_NAME_SIZE], const char *begin, size_t length)
{
  snprintf(name, BENCH_NAME_SIZE, "%.*s", (int)length, begin);
}

/* "name,repeat,in_channels,..." */
static bool read_layer(char *line, bench_layer *layer)
{
  const size_t length = strcspn(line, ",");
  char *text = line + length;
  int64_t numbers[COLUMNS];
  if (*text != ',' || !read_integer(text + 1, &text, &layer->repeat) || layer->repeat < 1)
    return false;
  for (int i = 0; i < COLUMNS; ++i)
    if (*text != ',' || !read_integer(text + 1, &text, &numbers[i]))
      return false;
  copy_name(layer->name, line, length);
  layer->problem = problem_of(numbers);
  return text[strspn(text, "\r\n")] == '\0';
}

/* Room for one more layer. */
static bench_layer *add_layer(bench_network *network)
{
  bench_layer *more = realloc(network->layers, (network->count + 1) * sizeof *more);
  if (more == NULL)
    return NULL;
  network->layers = more;
  return &network->layers[network->count++];
}

static bool read_layers(FILE *file, const char *path, bench_network *network)
{
  char line[512];
  for (int number = 1; fgets(line, sizeof line, file) != NULL; ++number) {
    if (number == 1 && strncmp(line, "layer,", 6) == 0)
      continue;
    char where[600];
    snprintf(where, sizeof where, "%s:%d", path, number);
    bench_layer *layer = add_layer(network);
    if (layer == NULL || !read_layer(line, layer)) {
      fprintf(stderr, "%s: not a layer\n", where);
      return false;
    }
    if (!valid(&layer->problem, where))
      return false;
  }
  return true;
}

bool bench_network_read(const char *path, bench_network *network)
{
  const char *slash = strrchr(path, '/'), *base = slash != NULL ? slash + 1 : path;
  *network = (bench_network){.layers = NULL};
  copy_name(network->name, base, strcspn(base, "."));
  FILE *file = fopen(path, "r");
  if (file == NULL) {
    perror(path);
    return false;
  }
  const bool read = read_layers(file, path, network);
  fclose(file);
  if (read && network->count == 0)
    fprintf(stderr, "%s: no layers\n", path);
  return read && network->count > 0;
}

void bench_network_free(bench_network *network)
{
  free(network->layers);
  *network = (bench_network){.layers = NULL};
}
