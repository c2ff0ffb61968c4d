/*
 * learning: experiments that show how a convolutional network works. docs/learning.md walks through
 * them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "lesson.h"

#include <fashion.h>
#include <restart.h>
#include <stdlib.h>
#include <string.h>

typedef struct section {
  const char *name;
  const char *what;
  bool (*teach)(const lesson *here);
} section;

static const section sections[] = {
    {"templates", "a filter is a template, a map says where it fits", lesson_templates},
    {"stack", "channels, 20 filters, bias and activation", lesson_stack},
    {"linear", "two linear layers are one", lesson_linear},
    {"xor", "what no linear network learns, and ReLU does", lesson_xor},
    {"initial-values", "how signals and gradients pass a network at its first step",
     lesson_initial_values},
    {"loss-curves", "how the same network learns from each of those", lesson_loss_curves},
    {"backward", "the gradients of a convolution, number by number", lesson_backward},
    {"descent", "a bowl, four rules to roll down, and a filter that learns", lesson_descent},
    {"dense", "a dense layer is a convolution", lesson_dense}};

enum { SECTIONS = sizeof sections / sizeof sections[0] };

static void print_usage(FILE *stream)
{
  fputs("usage: learning SECTION FOLDER [DATASET]\n"
        "\n"
        "Experiments that show how a convolutional network works; docs/learning.md explains them.\n"
        "\n"
        "  SECTION  all, or one of\n",
        stream);
  for (int i = 0; i < SECTIONS; ++i)
    fprintf(stream, "             %-15s %s\n", sections[i].name, sections[i].what);
  fputs("  FOLDER   an existing folder, which gets pictures and CSV files\n"
        "  DATASET  the folder with the files of Fashion-MNIST\n"
        "           (default: " FASHION_FOLDER ")\n",
        stream);
}

/* Teaches every section of a name. @return false if there is none, or one could not finish */
static bool teach(const char *name, const lesson *here)
{
  bool known = false, good = true;
  for (int i = 0; i < SECTIONS; ++i) {
    if (strcmp(name, "all") != 0 && strcmp(name, sections[i].name) != 0)
      continue;
    known = true;
    printf("\n== %s: %s\n", sections[i].name, sections[i].what);
    good = sections[i].teach(here) && good;
    fflush(stdout);
  }
  if (!known)
    print_usage(stderr);
  return known && good;
}

int main(int argc, char **argv)
{
  if (argc == 2 && strcmp(argv[1], "--help") == 0) {
    print_usage(stdout);
    return EXIT_SUCCESS;
  }
  if (argc < 3 || argc > 4) {
    print_usage(stderr);
    return EXIT_FAILURE;
  }
  bench_restart_for_long_run(argv);
  puts(blasconv_version_string());
  const lesson here = {argv[2], argc == 4 ? argv[3] : FASHION_FOLDER};
  return teach(argv[1], &here) ? EXIT_SUCCESS : EXIT_FAILURE;
}
