/* The store of measured choices: a table of pointers, sorted by key, behind one lock. */
#include "choices.h"
#include "workspace.h"
#include "writer.h"

#include <pthread.h>
#include <string.h>

struct blasconv_choices {
  blasconv_allocator allocator;
  pthread_mutex_t lock; /* of what follows, but for `machine` */
  bc_choice **sorted;   /* [room], the first `count` in use */
  size_t count, room;
  char machine[BC_MACHINE_TEXT]; /* where the library runs; never changes */
};

/* A constant store too is locked while it is read. */
static void lock(const blasconv_choices *choices)
{
  pthread_mutex_lock((pthread_mutex_t *)&choices->lock);
}

static void unlock(const blasconv_choices *choices)
{
  pthread_mutex_unlock((pthread_mutex_t *)&choices->lock);
}

static void *take(const blasconv_choices *choices, size_t bytes)
{
  return choices->allocator.allocate(choices->allocator.context, bytes,
                                     BLASCONV_WORKSPACE_ALIGNMENT);
}

static void give_back(const blasconv_choices *choices, void *memory)
{
  if (memory != NULL)
    choices->allocator.release(choices->allocator.context, memory);
}

/* ---- keys ---- */

/* The three numbers of an array with one entry an axis. One or two axes stand for three whose
 * first are `absent`: such problems take the same time. */
static int64_t *add_axes(int64_t *number, const int64_t *axes, int rank, int64_t absent)
{
  for (int i = rank; i < BLASCONV_MAX_RANK; ++i)
    *number++ = absent;
  for (int i = 0; i < rank; ++i)
    *number++ = axes[i];
  return number;
}

bc_choice_key bc_choice_key_make(const blasconv_problem *p, blasconv_pass pass,
                                 const blasconv_options *options, int threads)
{
  const size_t limit = options->workspace_limit < INT64_MAX ? options->workspace_limit : INT64_MAX;
  bc_choice_key key = {{pass, p->layout, p->direction, p->batch, p->in_channels, p->out_channels,
                        p->groups, options->exact, options->accumulate, options->packed_weights,
                        threads, (int64_t)limit}};
  int64_t *number = key.numbers + 12;
  number = add_axes(number, p->input, p->rank, 1);
  number = add_axes(number, p->kernel, p->rank, 1);
  number = add_axes(number, p->strides, p->rank, 1);
  number = add_axes(number, p->dilations, p->rank, 1);
  number = add_axes(number, p->pads_begin, p->rank, 0);
  number = add_axes(number, p->pads_end, p->rank, 0);
  add_axes(number, p->output_padding, p->rank, 0);
  return key;
}

static int compare(const bc_choice_key *one, const bc_choice_key *other)
{
  for (int i = 0; i < BC_CHOICE_NUMBERS; ++i)
    if (one->numbers[i] != other->numbers[i])
      return one->numbers[i] < other->numbers[i] ? -1 : 1;
  return 0;
}

/* ---- the table; the caller holds the lock ---- */

/* The first entry whose key is not below `key`. */
static size_t position(const blasconv_choices *choices, const bc_choice_key *key)
{
  size_t low = 0, high = choices->count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (compare(&choices->sorted[middle]->key, key) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static bool holds(const blasconv_choices *choices, size_t at, const bc_choice_key *key)
{
  return at < choices->count && compare(&choices->sorted[at]->key, key) == 0;
}

/* Room for one more pointer. */
static bool grow(blasconv_choices *choices)
{
  if (choices->count < choices->room)
    return true;
  const size_t room = choices->room == 0 ? 16 : 2 * choices->room;
  bc_choice **sorted = take(choices, room * sizeof *sorted);
  if (sorted == NULL)
    return false;
  if (choices->count > 0)
    memcpy(sorted, choices->sorted, choices->count * sizeof *sorted);
  give_back(choices, choices->sorted);
  choices->sorted = sorted;
  choices->room = room;
  return true;
}

static blasconv_status insert(blasconv_choices *choices, size_t at, const bc_choice *choice)
{
  if (choices->count == BC_MOST_CHOICES)
    return BLASCONV_OVERFLOW;
  bc_choice *entry = grow(choices) ? take(choices, sizeof *entry) : NULL;
  if (entry == NULL)
    return BLASCONV_OUT_OF_MEMORY;
  *entry = *choice;
  memmove(choices->sorted + at + 1, choices->sorted + at,
          (choices->count - at) * sizeof *choices->sorted);
  choices->sorted[at] = entry;
  ++choices->count;
  return BLASCONV_SUCCESS;
}

bool bc_choices_find(const blasconv_choices *choices, const bc_choice_key *key, bc_choice *found)
{
  lock(choices);
  const size_t at = position(choices, key);
  const bool there = holds(choices, at, key);
  if (there)
    *found = *choices->sorted[at];
  unlock(choices);
  return there;
}

blasconv_status bc_choices_put(blasconv_choices *choices, const bc_choice *choice)
{
  blasconv_status status = BLASCONV_SUCCESS;
  lock(choices);
  const size_t at = position(choices, &choice->key);
  if (holds(choices, at, &choice->key))
    *choices->sorted[at] = *choice;
  else
    status = insert(choices, at, choice);
  unlock(choices);
  return status;
}

/* ---- the public store ---- */

blasconv_status blasconv_choices_create(const blasconv_allocator *allocator,
                                        blasconv_choices **choices)
{
  if (choices == NULL)
    return BLASCONV_NULL_POINTER;
  blasconv_choices draft = {.allocator = bc_default_allocator};
  if (allocator != NULL && (allocator->allocate == NULL) != (allocator->release == NULL))
    return BLASCONV_BAD_ARGUMENT;
  if (allocator != NULL && allocator->allocate != NULL)
    draft.allocator = *allocator;
  blasconv_choices *made = take(&draft, sizeof *made);
  if (made == NULL)
    return BLASCONV_OUT_OF_MEMORY;
  *made = draft;
  bc_machine_describe(made->machine);
  if (pthread_mutex_init(&made->lock, NULL) != 0) {
    give_back(&draft, made);
    return BLASCONV_OUT_OF_MEMORY;
  }
  *choices = made;
  return BLASCONV_SUCCESS;
}

void blasconv_choices_destroy(blasconv_choices *choices)
{
  if (choices == NULL)
    return;
  for (size_t i = 0; i < choices->count; ++i)
    give_back(choices, choices->sorted[i]);
  give_back(choices, choices->sorted);
  pthread_mutex_destroy(&choices->lock);
  const blasconv_allocator allocator = choices->allocator;
  allocator.release(allocator.context, choices);
}

size_t blasconv_choices_count(const blasconv_choices *choices)
{
  if (choices == NULL)
    return 0;
  lock(choices);
  const size_t count = choices->count;
  unlock(choices);
  return count;
}

/* ---- text: a first line with the version of the format, the machine, the choices, a last line,
 * so that a text which was cut is noticed. Texts may follow each other. ---- */

static const char first_line[] = "blasconv choices 1", last_line[] = "end";

size_t blasconv_choices_export(const blasconv_choices *choices, char *text, size_t size)
{
  bc_writer out = bc_writer_start(text, size);
  if (choices == NULL)
    return 0;
  char line[BC_CHOICE_LINE];
  const uint64_t machine = bc_checksum(choices->machine, strlen(choices->machine));
  bc_machine_write(choices->machine, line);
  bc_write(&out, "%s\n%s", first_line, line);
  lock(choices);
  for (size_t i = 0; i < choices->count; ++i) {
    bc_choice_write(choices->sorted[i], machine, line);
    bc_write(&out, "%s", line);
  }
  unlock(choices);
  bc_write(&out, "%s\n", last_line);
  return out.length;
}

static bool is(const char *line, size_t length, const char *expected)
{
  return length == strlen(expected) && memcmp(line, expected, length) == 0;
}

/* Reading a text. */
typedef struct reading {
  uint64_t machine;
  bool inside; /* between a first line and a last one */
  size_t taken;
} reading;

/* BLASCONV_BAD_CHOICES: the line was left out. */
static blasconv_status import_line(blasconv_choices *choices, reading *state, const char *line,
                                   size_t length)
{
  bc_choice choice;
  const bool inside = state->inside;
  if (is(line, length, inside ? last_line : first_line)) {
    state->inside = !inside;
    return BLASCONV_SUCCESS;
  }
  if (inside && bc_machine_read(line, length))
    return BLASCONV_SUCCESS;
  if (!inside || !bc_choice_read(line, length, state->machine, &choice))
    return BLASCONV_BAD_CHOICES;
  const blasconv_status status = bc_choices_put(choices, &choice);
  state->taken += status == BLASCONV_SUCCESS;
  return status == BLASCONV_OVERFLOW ? BLASCONV_BAD_CHOICES : status;
}

static blasconv_status import_text(blasconv_choices *choices, reading *state, const char *text,
                                   size_t length)
{
  bool whole = length > 0;
  const char *line = text, *const end = text + length;
  while (line < end) {
    const char *newline = memchr(line, '\n', (size_t)(end - line));
    const blasconv_status status =
        newline == NULL ? BLASCONV_BAD_CHOICES
                        : import_line(choices, state, line, (size_t)(newline - line));
    if (status == BLASCONV_OUT_OF_MEMORY)
      return status;
    whole = whole && status == BLASCONV_SUCCESS;
    line = newline == NULL ? end : newline + 1;
  }
  return whole && !state->inside ? BLASCONV_SUCCESS : BLASCONV_BAD_CHOICES;
}

blasconv_status blasconv_choices_import(blasconv_choices *choices, const char *text, size_t length,
                                        size_t *taken)
{
  if (choices == NULL || (text == NULL && length > 0))
    return BLASCONV_NULL_POINTER;
  reading state = {.machine = bc_checksum(choices->machine, strlen(choices->machine))};
  const blasconv_status status =
      length == 0 ? BLASCONV_BAD_CHOICES : import_text(choices, &state, text, length);
  if (taken != NULL)
    *taken = state.taken;
  return status;
}
