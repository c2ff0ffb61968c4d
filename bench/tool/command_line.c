#define _GNU_SOURCE /* getopt_long */
#include "command_line.h"

#include "measure.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char bench_tool_usage[] =
    "usage: blasconv-bench [OPTION]... PROBLEM...\n"
    "       blasconv-bench networks [OPTION]...     (see blasconv-bench networks --help)\n"
    "\n"
    "Times convolutions. A problem is one argument, in words:\n"
    "\n"
    "  blasconv-bench \"n8 c64 k64 in56x56 f3x3 p1\"\n"
    "  blasconv-bench --verify \"in56x56 c32 k32 g32 f3 nhwc bias clipped-relu=6\"\n"
    "  blasconv-bench --pass all 'mb8ic64ih56oc64oh56kh3ph1n\"conv1\"'\n"
    "\n"
    "  n, c, k, g      images, input channels, filters, groups (1)\n"
    "  in, f           extents of the input and of a filter: in56x56 f3x3\n"
    "  s, d, p, op     strides (1), dilations (1), pads (0; p1:2x0:1), output padding (0)\n"
    "  nhwc, transposed, forward, backward-data, backward-weights, bias, scale,\n"
    "  residual=before, residual=after, relu, leaky-relu=A, clipped-relu=A, elu=A, sigmoid, tanh,\n"
    "  silu, gelu-erf, gelu-tanh, algorithm=NAME, threads=N, exact, accumulate, limit=BYTES,\n"
    "  packed, offset=N, library-workspace, name=NAME; see blasconv-bench(1)\n"
    "\n"
    "What to run:\n"
    "  --batch FILE              a problem a line, # for comments; - is stdin\n"
    "  --pass PASS               forward, backward-data, backward-weights or all\n"
    "  --layout LAYOUT           nchw or nhwc\n"
    "  --algorithm NAME          a name of --list; all: each that can serve; auto: the library's\n"
    "                            choice\n"
    "  --threads LIST            numbers, separated by commas\n"
    "  --workspace-limit BYTES   such as 65536, 64K, 1M\n"
    "  --planning HOW            estimate or measure\n"
    "  --choices FILE            what was measured in earlier runs, and in this one\n"
    "\n"
    "How to run it:\n"
    "  --verify                  check each result against naive loops in double precision\n"
    "  --min-time SECONDS        time at least so long (0.2)\n"
    "  --repetitions N           and at least so often (5); 0: do not time\n"
    "\n"
    "What to print:\n"
    "  --describe                what the plan will do, in words\n"
    "  --csv, --json             for programs\n"
    "  --list                    the algorithms\n"
    "  --version                 the library, the BLAS and its kernels\n"
    "  --help                    this\n"
    "\n"
    "Exit status: 0, or 1 if a result is wrong or a problem is refused, or 2 if the command line "
    "or\n"
    "problem cannot be read.\n";

/* Numbers beyond the letters, for getopt_long(). */
enum {
  BATCH = 256,
  PASS,
  LAYOUT,
  ALGORITHM,
  THREADS,
  WORKSPACE_LIMIT,
  PLANNING,
  CHOICES,
  VERIFY,
  MIN_TIME,
  REPETITIONS,
  DESCRIBE,
  CSV,
  JSON,
  LIST,
  VERSION,
  HELP
};

static const struct option long_options[] = {
    {"batch", required_argument, NULL, BATCH},
    {"pass", required_argument, NULL, PASS},
    {"layout", required_argument, NULL, LAYOUT},
    {"algorithm", required_argument, NULL, ALGORITHM},
    {"threads", required_argument, NULL, THREADS},
    {"workspace-limit", required_argument, NULL, WORKSPACE_LIMIT},
    {"planning", required_argument, NULL, PLANNING},
    {"choices", required_argument, NULL, CHOICES},
    {"verify", no_argument, NULL, VERIFY},
    {"min-time", required_argument, NULL, MIN_TIME},
    {"repetitions", required_argument, NULL, REPETITIONS},
    {"describe", no_argument, NULL, DESCRIBE},
    {"csv", no_argument, NULL, CSV},
    {"json", no_argument, NULL, JSON},
    {"list", no_argument, NULL, LIST},
    {"version", no_argument, NULL, VERSION},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

/* ---------------------------------------------------------------------------------------------
 * Values
 * ------------------------------------------------------------------------------------------ */

static bool read_pass(bench_command *command, const char *value)
{
  bool known = false;
  for (int pass = 0; pass < BENCH_TOOL_PASSES; ++pass)
    if (strcmp(value, "all") == 0 || strcmp(value, bench_notation_pass((blasconv_pass)pass)) == 0)
      known = command->passes[pass] = true;
  return known;
}

static bool read_layout(bench_command *command, const char *value)
{
  command->layout = value;
  return strcmp(value, bench_notation_layout(BLASCONV_NCHW)) == 0 ||
         strcmp(value, bench_notation_layout(BLASCONV_NHWC)) == 0;
}

static bool read_algorithm(bench_command *command, const char *value)
{
  bool known = strcmp(value, "all") == 0 || strcmp(value, "auto") == 0;
  for (size_t i = 0; blasconv_algorithm_name(i) != NULL; ++i)
    known = known || strcmp(value, blasconv_algorithm_name(i)) == 0;
  command->algorithm = value;
  return known;
}

/* The number at the beginning of the text, from low to high. `text` moves behind it. */
static bool read_integer(const char **text, long low, long high, long *value)
{
  char *end;
  errno = 0;
  *value = strtol(*text, &end, 10);
  const bool good = end > *text && errno == 0 && *value >= low && *value <= high;
  *text = end;
  return good;
}

static bool read_threads(bench_command *command, const char *value)
{
  long number;
  do {
    if (command->thread_counts == BENCH_MOST_THREAD_COUNTS ||
        !read_integer(&value, 1, 4096, &number))
      return false;
    command->threads[command->thread_counts++] = (int)number;
  } while (*value++ == ',');
  return value[-1] == '\0';
}

/* By the notation, which has a word for it. */
static bool read_limit(bench_command *command, const char *value)
{
  char line[128];
  bench_notation notation;
  bench_notation_error error;
  if (strlen(value) > 32 || strpbrk(value, " \t\r\n") != NULL)
    return false;
  snprintf(line, sizeof line, "in1 limit=%s", value);
  if (!bench_notation_parse(line, &notation, &error))
    return false;
  command->limited = true;
  command->workspace_limit = notation.workspace_limit;
  return true;
}

static bool read_planning(bench_command *command, const char *value)
{
  command->measure = strcmp(value, "measure") == 0;
  return command->measure || strcmp(value, "estimate") == 0;
}

static bool read_seconds(bench_command *command, const char *value)
{
  char *end;
  command->min_seconds = strtod(value, &end);
  return end > value && *end == '\0' && command->min_seconds >= 0.0 &&
         isfinite(command->min_seconds);
}

static bool read_repetitions(bench_command *command, const char *value)
{
  return read_integer(&value, 0, BENCH_MAX_SAMPLES, &command->repetitions) && *value == '\0';
}

/* ---------------------------------------------------------------------------------------------
 * Options
 * ------------------------------------------------------------------------------------------ */

typedef enum outcome { GOOD, BAD_VALUE, EXPLAINED } outcome;

static outcome take_value(bench_command *command, int option, const char *value)
{
  switch (option) {
  case BATCH:
    return bench_problems_read(&command->problems, value) ? GOOD : EXPLAINED;
  case PASS:
    return read_pass(command, value) ? GOOD : BAD_VALUE;
  case LAYOUT:
    return read_layout(command, value) ? GOOD : BAD_VALUE;
  case ALGORITHM:
    return read_algorithm(command, value) ? GOOD : BAD_VALUE;
  case THREADS:
    return read_threads(command, value) ? GOOD : BAD_VALUE;
  case WORKSPACE_LIMIT:
    return read_limit(command, value) ? GOOD : BAD_VALUE;
  case PLANNING:
    return read_planning(command, value) ? GOOD : BAD_VALUE;
  case CHOICES:
    command->choices = value;
    return GOOD;
  case MIN_TIME:
    return read_seconds(command, value) ? GOOD : BAD_VALUE;
  case REPETITIONS:
    return read_repetitions(command, value) ? GOOD : BAD_VALUE;
  default:
    return EXPLAINED; /* getopt_long() has said what is wrong */
  }
}

static outcome take_option(bench_command *command, int option, const char *value)
{
  switch (option) {
  case VERIFY:
    return command->verify = true, GOOD;
  case DESCRIBE:
    return command->describe = true, GOOD;
  case CSV:
    return command->format = BENCH_CSV, GOOD;
  case JSON:
    return command->format = BENCH_JSON, GOOD;
  case LIST:
    return command->list = true, GOOD;
  case VERSION:
    return command->version = true, GOOD;
  case HELP:
    return command->help = true, GOOD;
  default:
    return take_value(command, option, value);
  }
}

static bool add_problem(bench_command *command, const char *argument, int number)
{
  char where[32];
  snprintf(where, sizeof where, "problem %d", number);
  if (bench_problems_add(&command->problems, argument, where))
    return true;
  if (strpbrk(argument, " \t") == NULL)
    fprintf(stderr, "A problem is one argument: put quotes around its words.\n");
  return false;
}

bool bench_command_read(int argc, char **argv, bench_command *command)
{
  *command = (bench_command){.min_seconds = 0.2, .repetitions = 5};
  int option, which;
  while ((option = getopt_long(argc, argv, "", long_options, &which)) != -1) {
    const outcome came = take_option(command, option, optarg);
    if (came == BAD_VALUE)
      fprintf(stderr, "blasconv-bench: --%s does not take '%s', see --help\n",
              long_options[which].name, optarg);
    if (came != GOOD)
      return false;
  }
  for (int i = optind; i < argc; ++i)
    if (!add_problem(command, argv[i], i - optind + 1))
      return false;
  if (command->problems.count > 0 || command->help || command->version || command->list)
    return true;
  fprintf(stderr, "blasconv-bench: no problem given, see --help\n");
  return false;
}

void bench_command_free(bench_command *command)
{
  bench_problems_free(&command->problems);
}
