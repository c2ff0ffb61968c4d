#include "notation.h"

#include "benchdnn.h"
#include "words.h"

#include <stdio.h>
#include <string.h>

/* The words of one line, while they are read. */
typedef struct reader {
  const char *line;
  bench_notation notation;
  bench_axes axes[BENCH_AXES];
  bench_benchdnn benchdnn;
  const char *benchdnn_word; /* NULL: there is none */
  uint64_t seen;             /* a bit for each thing that a word has set */
} reader;

bench_notation bench_notation_default(void)
{
  return (bench_notation){.problem = blasconv_problem_1d(1, 1, 1, 1, 1),
                          .pass = BLASCONV_FORWARD,
                          .workspace_limit = BLASCONV_NO_LIMIT};
}

/* ---------------------------------------------------------------------------------------------
 * Words
 * ------------------------------------------------------------------------------------------ */

/* Letters, and hyphens between letters. */
static bench_text take_name(bench_text *word)
{
  bench_text name = {word->at, word->at};
  while (name.end < word->end && ((*name.end >= 'a' && *name.end <= 'z') || *name.end == '-'))
    ++name.end;
  word->at = name.end;
  return name;
}

static const char *read_own_word(reader *r, bench_text *word)
{
  const char *begin = word->at;
  const bench_word *rule = bench_word_find(take_name(word));
  if (rule == NULL) {
    word->at = begin;
    return "there is no such word";
  }
  if ((r->seen >> rule->thing & 1) != 0) {
    word->at = begin;
    return "this has been said before";
  }
  r->seen |= UINT64_C(1) << rule->thing;
  if (rule->has_value)
    bench_text_take(word, '=');
  bench_word_target target = {&r->notation, r->axes};
  const char *reason = rule->take(&target, rule->argument, word);
  return reason == NULL && word->at < word->end ? "this does not belong to the word" : reason;
}

/* It says all sizes at once, so no word of our own may have said one, nor may say one later. */
static const char *read_benchdnn(reader *r, bench_text *word)
{
  const uint64_t sizes = (UINT64_C(1) << BENCH_THINGS_OF_SIZE) - 1;
  if ((r->seen & sizes) != 0)
    return "a problem of benchdnn cannot stand beside other sizes";
  r->seen |= sizes;
  r->benchdnn_word = word->at;
  return bench_benchdnn_read(word, &r->benchdnn, r->notation.name, sizeof r->notation.name);
}

static bool is_space(char c)
{
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Reads all words. Returns NULL, or what is wrong at `word->at`. */
static const char *read_words(reader *r, bench_text *word)
{
  const char *reason = NULL;
  *word = (bench_text){r->line, r->line};
  while (reason == NULL) {
    while (is_space(*word->at))
      ++word->at;
    if (*word->at == '\0')
      break;
    for (word->end = word->at; *word->end != '\0' && !is_space(*word->end);)
      ++word->end;
    reason = bench_benchdnn_is(*word) ? read_benchdnn(r, word) : read_own_word(r, word);
  }
  return reason;
}

/* ---------------------------------------------------------------------------------------------
 * What the words come to
 * ------------------------------------------------------------------------------------------ */

/* A number for each axis: from a word that has one for all or one for each. */
static const char *spread(const bench_axes *axes, int32_t rank, int64_t *begin, int64_t *end)
{
  if (axes->count > 1 && axes->count != rank)
    return "the word has another number of axes than the word in";
  for (int32_t axis = 0; axes->count > 0 && axis < rank; ++axis) {
    const int32_t from = axes->count == 1 ? 0 : axis;
    begin[axis] = axes->begin[from];
    end[axis] = axes->end[from];
  }
  return NULL;
}

static const char *resolve_axes(const reader *r, blasconv_problem *problem, const char **at)
{
  int64_t *const begins[BENCH_AXES] = {problem->input,      problem->kernel,
                                       problem->strides,    problem->dilations,
                                       problem->pads_begin, problem->output_padding};
  const char *reason = NULL;
  problem->rank = r->axes[BENCH_INPUT_AXES].count;
  if (problem->rank == 0)
    return "the word in with the input's extents is missing";
  for (int which = 0; which < BENCH_AXES && reason == NULL; ++which) {
    int64_t *end = which == BENCH_PAD_AXES ? problem->pads_end : begins[which];
    reason = spread(&r->axes[which], problem->rank, begins[which], end);
    if (reason != NULL)
      *at = r->axes[which].at;
  }
  return reason;
}

static const char *resolve(reader *r, const char **at)
{
  if (r->benchdnn_word == NULL)
    return resolve_axes(r, &r->notation.problem, at);
  *at = r->benchdnn_word;
  return bench_benchdnn_resolve(&r->benchdnn, &r->notation.problem);
}

bool bench_notation_parse(const char *text, bench_notation *notation, bench_notation_error *error)
{
  reader r = {.line = text, .notation = bench_notation_default()};
  bench_text word;
  const char *reason = read_words(&r, &word);
  if (reason == NULL)
    reason = resolve(&r, &word.at);
  if (reason == NULL) {
    *notation = r.notation;
    return true;
  }
  error->position = (size_t)(word.at - text);
  snprintf(error->reason, sizeof error->reason, "%s", reason);
  return false;
}

blasconv_options bench_notation_options(const bench_notation *n)
{
  blasconv_options options = blasconv_options_default();
  options.algorithm = n->algorithm[0] != '\0' ? n->algorithm : NULL;
  options.threads = n->threads;
  options.exact = n->exact;
  options.accumulate = n->accumulate;
  options.packed_weights = n->packed;
  options.activation = n->activation;
  options.residual = n->residual;
  options.workspace_limit = n->workspace_limit;
  return options;
}
