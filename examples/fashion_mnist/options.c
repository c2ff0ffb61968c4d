/*
 * The command line.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "options.h"

#include <blasconv/train.h>
#include <errno.h>
#include <fashion.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char options_usage[] =
    "usage: fashion-mnist [OPTION]...\n"
    "\n"
    "Trains a network on the 60,000 pictures of Fashion-MNIST and tests it on 10,000 others.\n"
    "\n"
    "What to train:\n"
    "  --model=NAME        cnn (default), dense (one hidden layer) or linear\n"
    "  --epochs=COUNT      how often each picture is shown (default: 6)\n"
    "  --batch=COUNT       pictures a step (default: 128)\n"
    "  --optimizer=NAME    adamw (default), adam, momentum, nesterov or sgd\n"
    "  --rate=NUMBER       highest learning rate; it rises to it during the first steps and falls\n"
    "                      to 0 along a cosine (default: 0.002, adam and adamw; 0.05, the others)\n"
    "  --initializer=NAME  he_normal (default), he_uniform, glorot_normal, glorot_uniform,\n"
    "                      lecun_normal or orthogonal\n"
    "  --seed=NUMBER       of everything random (default: 1)\n"
    "  --threads=COUNT     changes the time, not the result (default: all cores)\n"
    "  --exact             convolutions as plain sums of products: without Winograd\n"
    "  --data=FOLDER       the files of Fashion-MNIST (default:\n"
    "                      " FASHION_FOLDER ")\n"
    "\n"
    "What to keep:\n"
    "  --out=FOLDER        gets the results, made if it is not there (default: out):\n"
    "                        training.csv      loss and accuracy of every epoch\n"
    "                        filters.png       filters of the first layer, before and after\n"
    "                        feature_maps_N.png  what convolution N makes of some test pictures\n"
    "                        confusion.png     which classes were taken for which\n"
    "                        mistakes.png      the worst mistakes\n"
    "  --no-pictures       no pictures (--pictures: the default)\n"
    "  --quiet             print errors alone\n"
    "\n"
    "Interruptions:\n"
    "  --checkpoint=FILE   all that is needed to go on; replaced after every epoch, never harmed\n"
    "                      by a crash (default: checkpoint in the folder of the results)\n"
    "  --checkpoint-every=STEPS  and also after so many steps (default: 200; 0: epochs alone)\n"
    "  --resume            go on from the checkpoint, with the same options: the result has the\n"
    "                      same bits as without an interruption\n"
    "  --stop-after=STEP   save and leave after this step of the run\n"
    "\n"
    "Exit status: 0 done (or stopped by --stop-after); 1 files that cannot be used; 2 wrong\n"
    "options; 128 + N stopped by signal N, SIGTERM (143) or SIGINT (130), after saving. A second\n"
    "signal kills at once, and the last checkpoint stays.\n";

/* A name that stands for a number. The list ends with a NULL. */
typedef struct choice {
  const char *name;
  int64_t value;
} choice;

static const choice models[] = {
    {"cnn", MODEL_CNN}, {"dense", MODEL_DENSE}, {"linear", MODEL_LINEAR}, {NULL, 0}};

static const choice optimizers[] = {
    {"adamw", BLASCONV_ADAMW},       {"adam", BLASCONV_ADAM}, {"momentum", BLASCONV_MOMENTUM},
    {"nesterov", BLASCONV_NESTEROV}, {"sgd", BLASCONV_SGD},   {NULL, 0}};

static const choice initializers[] = {{"he_normal", BLASCONV_INIT_HE_NORMAL},
                                      {"he_uniform", BLASCONV_INIT_HE_UNIFORM},
                                      {"glorot_normal", BLASCONV_INIT_GLOROT_NORMAL},
                                      {"glorot_uniform", BLASCONV_INIT_GLOROT_UNIFORM},
                                      {"lecun_normal", BLASCONV_INIT_LECUN_NORMAL},
                                      {"orthogonal", BLASCONV_INIT_ORTHOGONAL},
                                      {NULL, 0}};

typedef enum value_kind { TEXT, WHOLE, NUMBER, CHOICE, ON, OFF } value_kind;

/* An option, where it goes in `run_options`, and what it may be. */
typedef struct option {
  const char *name; /* ends with '=' if a value follows */
  size_t offset;
  value_kind kind;
  int64_t low, high;     /* WHOLE */
  const choice *choices; /* CHOICE */
} option;

static const option table[] = {
    {"--data=", offsetof(run_options, data), TEXT, 0, 0, NULL},
    {"--out=", offsetof(run_options, out), TEXT, 0, 0, NULL},
    {"--checkpoint=", offsetof(run_options, checkpoint), TEXT, 0, 0, NULL},
    {"--model=", offsetof(run_options, model), CHOICE, 0, 0, models},
    {"--optimizer=", offsetof(run_options, optimizer), CHOICE, 0, 0, optimizers},
    {"--initializer=", offsetof(run_options, initializer), CHOICE, 0, 0, initializers},
    {"--epochs=", offsetof(run_options, epochs), WHOLE, 1, 10000, NULL},
    {"--batch=", offsetof(run_options, batch), WHOLE, 1, 4096, NULL},
    {"--seed=", offsetof(run_options, seed), WHOLE, 0, INT64_MAX, NULL},
    {"--rate=", offsetof(run_options, rate), NUMBER, 0, 0, NULL},
    {"--threads=", offsetof(run_options, threads), WHOLE, 1, 4096, NULL},
    {"--checkpoint-every=", offsetof(run_options, checkpoint_every), WHOLE, 0, INT64_MAX, NULL},
    {"--stop-after=", offsetof(run_options, stop_after), WHOLE, 1, INT64_MAX, NULL},
    {"--exact", offsetof(run_options, exact), ON, 0, 0, NULL},
    {"--resume", offsetof(run_options, resume), ON, 0, 0, NULL},
    {"--quiet", offsetof(run_options, quiet), ON, 0, 0, NULL},
    {"--pictures", offsetof(run_options, pictures), ON, 0, 0, NULL},
    {"--no-pictures", offsetof(run_options, pictures), OFF, 0, 0, NULL},
    {"--help", offsetof(run_options, help), ON, 0, 0, NULL},
};

static bool read_text(const char *text, const char **value)
{
  *value = text;
  return *text != '\0';
}

static bool read_whole(const char *text, int64_t low, int64_t high, int64_t *value)
{
  char *end;
  errno = 0;
  *value = strtoll(text, &end, 10);
  return end != text && *end == '\0' && errno == 0 && *value >= low && *value <= high;
}

static bool read_number(const char *text, double *value)
{
  char *end;
  *value = strtod(text, &end);
  return end != text && *end == '\0' && isfinite(*value) && *value > 0 && *value <= 1000;
}

static bool read_choice(const char *text, const choice *choices, int64_t *value)
{
  for (; choices->name != NULL; ++choices)
    if (strcmp(choices->name, text) == 0) {
      *value = choices->value;
      return true;
    }
  return false;
}

static bool read_value(const option *found, const char *text, run_options *chosen)
{
  void *place = (char *)chosen + found->offset;
  switch (found->kind) {
  case TEXT:
    return read_text(text, place);
  case WHOLE:
    return read_whole(text, found->low, found->high, place);
  case NUMBER:
    return read_number(text, place);
  case CHOICE:
    return read_choice(text, found->choices, place);
  case ON:
  case OFF:
    *(bool *)place = found->kind == ON;
    return true;
  }
  return false;
}

/* What an option's value has to be, on stderr. */
static void explain(const option *found)
{
  if (found->kind == TEXT)
    fputs("a name is missing", stderr);
  if (found->kind == NUMBER)
    fputs("not a number above 0, up to 1000", stderr);
  if (found->kind == WHOLE && found->high < INT64_MAX)
    fprintf(stderr, "not a whole number from %" PRId64 " to %" PRId64, found->low, found->high);
  if (found->kind == WHOLE && found->high == INT64_MAX)
    fprintf(stderr, "not a whole number from %" PRId64 " on", found->low);
  if (found->kind == CHOICE)
    fputs("not one of", stderr);
  for (const choice *item = found->choices; item != NULL && item->name != NULL; ++item)
    fprintf(stderr, " %s", item->name);
}

static const option *find(const char *argument)
{
  for (size_t i = 0; i < sizeof table / sizeof *table; ++i) {
    const size_t length = strlen(table[i].name);
    const bool flag = table[i].name[length - 1] != '=';
    if (strncmp(argument, table[i].name, length) == 0 && (!flag || argument[length] == '\0'))
      return &table[i];
  }
  return NULL;
}

static bool take(const char *argument, run_options *chosen)
{
  const option *found = find(argument);
  if (found != NULL && read_value(found, argument + strlen(found->name), chosen))
    return true;
  fprintf(stderr, "fashion-mnist: %s: ", argument);
  if (found != NULL)
    explain(found);
  else
    fputs("no such option", stderr);
  fputs(" (see --help)\n", stderr);
  return false;
}

bool options_read(int argc, char **argv, run_options *chosen)
{
  *chosen = (run_options){.data = FASHION_FOLDER,
                          .out = "out",
                          .model = MODEL_CNN,
                          .optimizer = BLASCONV_ADAMW,
                          .initializer = BLASCONV_INIT_HE_NORMAL,
                          .epochs = 6,
                          .batch = 128,
                          .seed = 1,
                          .checkpoint_every = 200,
                          .pictures = true};
  for (int i = 1; i < argc; ++i)
    if (!take(argv[i], chosen))
      return false;
  const bool adaptive = chosen->optimizer == BLASCONV_ADAM || chosen->optimizer == BLASCONV_ADAMW;
  if (chosen->rate == 0)
    chosen->rate = adaptive ? 0.002 : 0.05;
  return true;
}

static const char *name_of(const choice *choices, int64_t value)
{
  while (choices->value != value)
    ++choices;
  return choices->name;
}

void options_describe(const run_options *chosen, char *text, size_t size)
{
  snprintf(text, size,
           "--model=%s --epochs=%" PRId64 " --batch=%" PRId64 " --optimizer=%s --rate=%.9g "
           "--initializer=%s --seed=%" PRId64 "%s",
           name_of(models, chosen->model), chosen->epochs, chosen->batch,
           name_of(optimizers, chosen->optimizer), chosen->rate,
           name_of(initializers, chosen->initializer), chosen->seed,
           chosen->exact ? " --exact" : "");
}
