#include "networks_options.h"

#include "machine.h"
#include "operands.h"

#include <errno.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NETWORKS "resnet50,vgg16,inception_v3,mobilenet_v1,efficientnet_b0,convnext_tiny"

const char bench_usage[] =
    "usage: blasconv-bench networks [OPTION]...\n"
    "\n"
    "Times the layers of networks, having proved each result against the algorithm `reference`.\n"
    "\n"
    "What to run:\n"
    "  --networks=LIST    of " NETWORKS "\n"
    "                     (default: all)\n"
    "  --shapes-dir=DIR   where the files of --networks are\n"
    "  --shapes=FILE      a file of your own in their place, in the same columns\n"
    "  --passes=LIST      of forward,backward_data,backward_weights (default: all)\n"
    "  --batch=LIST       images (default: 1,8)\n"
    "  --threads=LIST     threads (default: all cores)\n"
    "  --algorithm=NAME   instead of the library's choice\n"
    "  --quick            fewer repetitions\n"
    "\n"
    "What to keep:\n"
    "  --csv-dir=DIR      write networks.csv, layers.csv and machine.txt there\n"
    "  --benchmark_out=FILE, --benchmark_filter=REGEX and all other options of Google Benchmark\n"
    "\n"
    "Times are medians; the library and SGEMM alone, on ready matrices of the same sizes, take\n"
    "turns. The naive time is that of `reference` on the sample of the result that was proved,\n"
    "scaled to the whole. Shares: of the speed of SGEMM alone, and of the peak of fused\n"
    "multiply-adds, measured again with every layer.\n";

/* Calls take(options, item) for each item of a list separated by commas. */
static bool each_item(const char *list, bool (*take)(bench_options *, const char *),
                      bench_options *options)
{
  for (const char *item = list;; ++item) {
    const size_t length = strcspn(item, ",");
    char text[64];
    snprintf(text, sizeof text, "%.*s", (int)length, item);
    if (length >= sizeof text || !take(options, text))
      return false;
    item += length;
    if (*item == '\0')
      return true;
  }
}

static bool add_number(bench_list *list, const char *text)
{
  char *end;
  errno = 0;
  const int64_t value = strtoll(text, &end, 10);
  if (end == text || *end != '\0' || errno != 0 || value < 1 || value > 4096 ||
      list->count == BENCH_MAX_LIST)
    return false;
  list->values[list->count++] = value;
  return true;
}

static bool take_batch(bench_options *options, const char *text)
{
  return add_number(&options->batches, text);
}

static bool take_threads(bench_options *options, const char *text)
{
  return add_number(&options->threads, text);
}

static bool take_pass(bench_options *options, const char *text)
{
  for (int pass = 0; pass < BENCH_PASSES; ++pass)
    if (strcmp(text, bench_pass_name((blasconv_pass)pass)) == 0)
      return options->passes[pass] = true;
  return false;
}

static bool read_batches(bench_options *options, const char *value)
{
  return each_item(value, take_batch, options);
}

static bool read_threads(bench_options *options, const char *value)
{
  return each_item(value, take_threads, options);
}

static bool read_passes(bench_options *options, const char *value)
{
  return each_item(value, take_pass, options);
}

static bool read_algorithm(bench_options *options, const char *value)
{
  const char *name;
  for (size_t i = 0; (name = blasconv_algorithm_name(i)) != NULL; ++i)
    if (strcmp(name, value) == 0)
      options->algorithm = name;
  return options->algorithm != NULL;
}

/* An option that takes a value: kept as text, or read by a function. */
typedef struct option {
  const char *name;
  size_t offset; /* of a const char * in bench_options, if `read` is NULL */
  bool (*read)(bench_options *options, const char *value);
} option;

static const option table[] = {
    {"--networks=", offsetof(bench_options, networks), NULL},
    {"--shapes-dir=", offsetof(bench_options, shapes_dir), NULL},
    {"--shapes=", offsetof(bench_options, shapes), NULL},
    {"--csv-dir=", offsetof(bench_options, csv_dir), NULL},
    {"--algorithm=", 0, read_algorithm},
    {"--passes=", 0, read_passes},
    {"--batch=", 0, read_batches},
    {"--threads=", 0, read_threads},
};

typedef enum verdict { UNKNOWN, TAKEN, WRONG } verdict;

static verdict take_argument(bench_options *options, const char *argument)
{
  if (strcmp(argument, "--quick") == 0)
    return options->quick = true, TAKEN;
  if (strcmp(argument, "--help") == 0)
    return options->help = true, TAKEN;
  for (size_t i = 0; i < sizeof table / sizeof *table; ++i) {
    const size_t length = strlen(table[i].name);
    if (strncmp(argument, table[i].name, length) != 0)
      continue;
    const char *value = argument + length;
    if (table[i].read != NULL)
      return table[i].read(options, value) ? TAKEN : WRONG;
    memcpy((char *)options + table[i].offset, &value, sizeof value);
    return TAKEN;
  }
  return UNKNOWN;
}

static void set_defaults(bench_options *options)
{
  if (options->batches.count == 0)
    options->batches = (bench_list){{1, 8}, 2};
  if (options->threads.count == 0)
    options->threads = (bench_list){{omp_get_num_procs()}, 1};
  bool any = false;
  for (int pass = 0; pass < BENCH_PASSES; ++pass)
    any = any || options->passes[pass];
  for (int pass = 0; pass < BENCH_PASSES; ++pass)
    options->passes[pass] = options->passes[pass] || !any;
}

bool bench_options_take(int *argc, char **argv, bench_options *options)
{
  *options = (bench_options){.networks = NETWORKS, .shapes_dir = bench_shapes_folder()};
  int kept = 1;
  for (int i = 1; i < *argc; ++i)
    switch (take_argument(options, argv[i])) {
    case UNKNOWN:
      argv[kept++] = argv[i];
      break;
    case WRONG:
      fprintf(stderr, "blasconv-bench: cannot use %s\n", argv[i]);
      return false;
    case TAKEN:
      break;
    }
  argv[kept] = NULL;
  *argc = kept;
  set_defaults(options);
  return true;
}
