/*
 * The store of measured choices: what it finds again, its text, and what any other text does to it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "allocation.h"
#include "planning/choices.h"
#include "support.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { most_text = 1 << 16, entries = 12 };

static blasconv_choices *create(const blasconv_allocator *allocator)
{
  blasconv_choices *choices = NULL;
  ck_assert_int_eq(blasconv_choices_create(allocator, &choices), BLASCONV_SUCCESS);
  ck_assert_ptr_nonnull(choices);
  return choices;
}

/* A choice with a key of its own for each `index`. */
static bc_choice numbered(int64_t index)
{
  const blasconv_problem problem = blasconv_problem_2d(index, 3, 224, 224, 64, 7, 7);
  const blasconv_options options = blasconv_options_default();
  return (bc_choice){.key = bc_choice_key_make(&problem, BLASCONV_FORWARD, &options, 2),
                     .algorithm = bc_registry_row((size_t)index % 2),
                     .nanoseconds = 1000 * index + 7};
}

static void put(blasconv_choices *choices, int64_t index)
{
  const bc_choice choice = numbered(index);
  ck_assert_int_eq(bc_choices_put(choices, &choice), BLASCONV_SUCCESS);
}

static blasconv_choices *filled(int64_t count)
{
  blasconv_choices *choices = create(NULL);
  for (int64_t i = 0; i < count; ++i)
    put(choices, i);
  return choices;
}

/* The store holds that choice, as it was put. */
static bool has(const blasconv_choices *choices, int64_t index)
{
  const bc_choice expected = numbered(index);
  bc_choice found;
  return bc_choices_find(choices, &expected.key, &found) &&
         memcmp(&found.key, &expected.key, sizeof found.key) == 0 &&
         found.algorithm == expected.algorithm && found.nanoseconds == expected.nanoseconds;
}

/* The whole text, in memory of exactly its length without the NUL, so that reads past it show. */
typedef struct text {
  char *bytes;
  size_t length;
} text;

static text copy_text(const char *bytes, size_t length)
{
  text made = {malloc(length > 0 ? length : 1), length};
  ck_assert_ptr_nonnull(made.bytes);
  memcpy(made.bytes, bytes, length);
  return made;
}

static text export_text(const blasconv_choices *choices)
{
  static char buffer[most_text];
  const size_t length = blasconv_choices_export(choices, buffer, sizeof buffer);
  ck_assert_uint_lt(length, sizeof buffer);
  ck_assert_uint_eq(strlen(buffer), length);
  return copy_text(buffer, length);
}

static blasconv_status import_text(blasconv_choices *choices, const text *given, size_t *taken)
{
  *taken = 999;
  return blasconv_choices_import(choices, given->bytes, given->length, taken);
}

/* Imports text that is not whole into an empty store: refused, and what was taken is a part of the
 * choices 0 ... entries - 1. @return how many were taken */
static size_t import_damaged(const char *bytes, size_t length)
{
  blasconv_choices *choices = create(NULL);
  text given = copy_text(bytes, length);
  size_t taken, there = 0;
  ck_assert_int_eq(import_text(choices, &given, &taken), BLASCONV_BAD_CHOICES);
  for (int64_t i = 0; i < entries; ++i)
    there += has(choices, i);
  ck_assert_uint_eq(there, taken);
  ck_assert_uint_eq(blasconv_choices_count(choices), taken);
  free(given.bytes);
  blasconv_choices_destroy(choices);
  return taken;
}

/* ---------------------------------------------------------------------------------------------
 * The store
 * ------------------------------------------------------------------------------------------ */

START_TEST(what_is_put_is_found)
{
  blasconv_choices *choices = create(NULL);
  ck_assert_uint_eq(blasconv_choices_count(choices), 0);
  for (int64_t i = 0; i < 200; ++i) { /* an order that is no order */
    ck_assert(!has(choices, i * 77 % 200));
    put(choices, i * 77 % 200);
    ck_assert_uint_eq(blasconv_choices_count(choices), (size_t)i + 1);
  }
  for (int64_t i = 0; i < 200; ++i)
    ck_assert(has(choices, i));
  ck_assert(!has(choices, 200));
  blasconv_choices_destroy(choices);
}
END_TEST

START_TEST(a_choice_is_replaced)
{
  blasconv_choices *choices = filled(entries);
  bc_choice other = numbered(5), found;
  other.algorithm = bc_registry_row(2);
  other.nanoseconds = 1;
  ck_assert_int_eq(bc_choices_put(choices, &other), BLASCONV_SUCCESS);
  ck_assert_uint_eq(blasconv_choices_count(choices), entries);
  ck_assert(bc_choices_find(choices, &other.key, &found));
  ck_assert_ptr_eq(found.algorithm, other.algorithm);
  ck_assert_int_eq(found.nanoseconds, 1);
  for (int64_t i = 0; i < entries; ++i)
    ck_assert(has(choices, i) == (i != 5));
  blasconv_choices_destroy(choices);
}
END_TEST

/* Equal keys for equal work, other keys for other work. */
static bc_choice_key key_of(const blasconv_problem *problem, blasconv_pass pass,
                            const blasconv_options *options, int threads)
{
  return bc_choice_key_make(problem, pass, options, threads);
}

static bool same(bc_choice_key one, bc_choice_key other)
{
  return memcmp(&one, &other, sizeof one) == 0;
}

START_TEST(keys_tell_all_that_matters_apart)
{
  const blasconv_problem problem = blasconv_problem_3d(2, 3, 20, 21, 22, 4, 3, 3, 3);
  const blasconv_options options = blasconv_options_default();
  const bc_choice_key key = key_of(&problem, BLASCONV_FORWARD, &options, 2);
  ck_assert(same(key, key_of(&problem, BLASCONV_FORWARD, &options, 2)));
  ck_assert(!same(key, key_of(&problem, BLASCONV_BACKWARD_DATA, &options, 2)));
  ck_assert(!same(key, key_of(&problem, BLASCONV_FORWARD, &options, 3)));
  blasconv_problem others[7 + 7 * BLASCONV_MAX_RANK];
  for (size_t i = 0; i < sizeof others / sizeof *others; ++i)
    others[i] = problem;
  others[0].layout = BLASCONV_NHWC;
  others[1].direction = BLASCONV_TRANSPOSED;
  others[2].rank = 2;
  others[3].batch = 5;
  others[4].in_channels = 5;
  others[5].out_channels = 5;
  others[6].groups = 5;
  for (int axis = 0; axis < BLASCONV_MAX_RANK; ++axis) {
    blasconv_problem *changed = others + 7 + 7 * axis;
    changed[0].input[axis] = 5;
    changed[1].kernel[axis] = 5;
    changed[2].strides[axis] = 5;
    changed[3].dilations[axis] = 5;
    changed[4].pads_begin[axis] = 5;
    changed[5].pads_end[axis] = 5;
    changed[6].output_padding[axis] = 5;
  }
  for (size_t i = 0; i < sizeof others / sizeof *others; ++i) {
    const bc_choice_key other = key_of(&others[i], BLASCONV_FORWARD, &options, 2);
    support_assert(!same(key, other), "change %zu", i);
    for (size_t j = 0; j < i; ++j)
      support_assert(!same(key_of(&others[j], BLASCONV_FORWARD, &options, 2), other),
                     "changes %zu and %zu", j, i);
  }
}
END_TEST

START_TEST(keys_heed_the_options_that_matter)
{
  const blasconv_problem problem = blasconv_problem_2d(2, 3, 20, 21, 4, 3, 3);
  const blasconv_options options = blasconv_options_default();
  const bc_choice_key key = key_of(&problem, BLASCONV_BACKWARD_DATA, &options, 2);
  blasconv_options other = options;
  other.exact = 1;
  ck_assert(!same(key, key_of(&problem, BLASCONV_BACKWARD_DATA, &other, 2)));
  other = options;
  other.accumulate = 1;
  ck_assert(!same(key, key_of(&problem, BLASCONV_BACKWARD_DATA, &other, 2)));
  other = options;
  other.packed_weights = 1;
  ck_assert(!same(key, key_of(&problem, BLASCONV_BACKWARD_DATA, &other, 2)));
  other = options;
  other.workspace_limit = 4096;
  ck_assert(!same(key, key_of(&problem, BLASCONV_BACKWARD_DATA, &other, 2)));
  other.workspace_limit = INT64_MAX; /* as good as none */
  ck_assert(same(key, key_of(&problem, BLASCONV_BACKWARD_DATA, &other, 2)));
  other = options;
  other.activation = (blasconv_activation){BLASCONV_ELU, 1.0f};
  other.residual = BLASCONV_RESIDUAL_AFTER_ACTIVATION;
  ck_assert(same(key, key_of(&problem, BLASCONV_BACKWARD_DATA, &other, 2)));
}
END_TEST

/* What lies past the rank is ignored, and an axis of extent 1 makes no difference. */
START_TEST(keys_are_canonical)
{
  const blasconv_options options = blasconv_options_default();
  blasconv_problem line = blasconv_problem_1d(2, 3, 20, 4, 5);
  const blasconv_problem flat = blasconv_problem_2d(2, 3, 1, 20, 4, 1, 5);
  const blasconv_problem solid = blasconv_problem_3d(2, 3, 1, 1, 20, 4, 1, 1, 5);
  const bc_choice_key key = key_of(&solid, BLASCONV_FORWARD, &options, 1);
  line.input[1] = line.kernel[2] = line.strides[1] = -17;
  line.pads_end[1] = line.output_padding[2] = INT64_MIN;
  ck_assert(same(key, key_of(&line, BLASCONV_FORWARD, &options, 1)));
  ck_assert(same(key, key_of(&flat, BLASCONV_FORWARD, &options, 1)));
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Text
 * ------------------------------------------------------------------------------------------ */

START_TEST(text_comes_back)
{
  blasconv_choices *choices = filled(entries), *again = create(NULL);
  text written = export_text(choices);
  size_t taken;
  ck_assert_int_eq(import_text(again, &written, &taken), BLASCONV_SUCCESS);
  ck_assert_uint_eq(taken, entries);
  ck_assert_uint_eq(blasconv_choices_count(again), entries);
  for (int64_t i = 0; i < entries; ++i)
    ck_assert(has(again, i));
  text rewritten = export_text(again);
  ck_assert_uint_eq(rewritten.length, written.length);
  ck_assert(memcmp(rewritten.bytes, written.bytes, written.length) == 0);
  ck_assert_int_eq(blasconv_choices_import(again, written.bytes, written.length, NULL),
                   BLASCONV_SUCCESS);
  ck_assert_uint_eq(blasconv_choices_count(again), entries);
  free(written.bytes);
  free(rewritten.bytes);
  blasconv_choices_destroy(choices);
  blasconv_choices_destroy(again);
}
END_TEST

START_TEST(extreme_numbers_come_back)
{
  blasconv_choices *choices = create(NULL), *again = create(NULL);
  bc_choice extreme = {.algorithm = bc_registry_row(0), .nanoseconds = INT64_MAX}, found;
  for (int i = 0; i < BC_CHOICE_NUMBERS; ++i)
    extreme.key.numbers[i] = INT64_MAX - i % 2;
  ck_assert_int_eq(bc_choices_put(choices, &extreme), BLASCONV_SUCCESS);
  text written = export_text(choices);
  size_t taken;
  ck_assert_int_eq(import_text(again, &written, &taken), BLASCONV_SUCCESS);
  ck_assert(bc_choices_find(again, &extreme.key, &found));
  ck_assert_int_eq(found.nanoseconds, INT64_MAX);
  free(written.bytes);
  blasconv_choices_destroy(choices);
  blasconv_choices_destroy(again);
}
END_TEST

START_TEST(the_text_does_not_depend_on_the_order)
{
  blasconv_choices *one = create(NULL), *other = create(NULL);
  for (int64_t i = 0; i < 50; ++i) {
    put(one, i);
    put(other, 49 - i);
  }
  text first = export_text(one), second = export_text(other);
  ck_assert_uint_eq(first.length, second.length);
  ck_assert(memcmp(first.bytes, second.bytes, first.length) == 0);
  free(first.bytes);
  free(second.bytes);
  blasconv_choices_destroy(one);
  blasconv_choices_destroy(other);
}
END_TEST

/* As snprintf. */
START_TEST(export_is_cut_to_its_size)
{
  blasconv_choices *choices = filled(3);
  text whole = export_text(choices);
  char *cut = malloc(whole.length + 8);
  ck_assert_ptr_nonnull(cut);
  ck_assert_uint_eq(blasconv_choices_export(choices, NULL, 0), whole.length);
  for (size_t size = 0; size <= whole.length + 2; ++size) {
    memset(cut, 0x5A, whole.length + 8);
    ck_assert_uint_eq(blasconv_choices_export(choices, cut, size), whole.length);
    const size_t kept = size == 0 ? 0 : size - 1 < whole.length ? size - 1 : whole.length;
    ck_assert(memcmp(cut, whole.bytes, kept) == 0);
    ck_assert(size == 0 || cut[kept] == '\0');
    for (size_t i = size; i < whole.length + 8; ++i)
      ck_assert_int_eq(cut[i], 0x5A);
  }
  free(cut);
  free(whole.bytes);
  blasconv_choices_destroy(choices);
}
END_TEST

START_TEST(an_empty_store_has_a_text)
{
  blasconv_choices *choices = create(NULL);
  text written = export_text(choices);
  size_t taken;
  ck_assert_uint_gt(written.length, 0);
  ck_assert_int_eq(import_text(choices, &written, &taken), BLASCONV_SUCCESS);
  ck_assert_uint_eq(taken, 0);
  free(written.bytes);
  blasconv_choices_destroy(choices);
}
END_TEST

START_TEST(texts_may_follow_each_other)
{
  blasconv_choices *one = filled(4), *other = create(NULL), *both = create(NULL);
  put(other, 3);
  put(other, 8);
  text first = export_text(one), second = export_text(other);
  text joined = {malloc(first.length + second.length), first.length + second.length};
  ck_assert_ptr_nonnull(joined.bytes);
  memcpy(joined.bytes, first.bytes, first.length);
  memcpy(joined.bytes + first.length, second.bytes, second.length);
  size_t taken;
  ck_assert_int_eq(import_text(both, &joined, &taken), BLASCONV_SUCCESS);
  ck_assert_uint_eq(taken, 6);
  ck_assert_uint_eq(blasconv_choices_count(both), 5);
  ck_assert(has(both, 0) && has(both, 3) && has(both, 8));
  free(first.bytes);
  free(second.bytes);
  free(joined.bytes);
  blasconv_choices_destroy(one);
  blasconv_choices_destroy(other);
  blasconv_choices_destroy(both);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Damaged text
 * ------------------------------------------------------------------------------------------ */

/* Entries whose whole line lies within the first `length` bytes. */
static size_t whole_lines(const text *written, size_t length)
{
  size_t lines = 0;
  for (size_t i = 0; i < length; ++i)
    lines += written->bytes[i] == '\n';
  return lines < 2 ? 0 : lines - 2 < entries ? lines - 2 : entries;
}

START_TEST(text_cut_at_every_byte)
{
  blasconv_choices *choices = filled(entries);
  text written = export_text(choices);
  for (size_t length = 0; length < written.length; ++length)
    ck_assert_uint_eq(import_damaged(written.bytes, length), whole_lines(&written, length));
  free(written.bytes);
  blasconv_choices_destroy(choices);
}
END_TEST

/* One byte changed: noticed wherever it is, and at most two lines (a newline's) are lost, but all
 * if the first line is no longer one. */
START_TEST(text_with_every_byte_changed)
{
  support_random random = support_random_start(1);
  blasconv_choices *choices = filled(entries);
  text written = export_text(choices);
  const size_t first =
      (size_t)((char *)memchr(written.bytes, '\n', written.length) - written.bytes);
  for (size_t i = 0; i < written.length; ++i) {
    const char old = written.bytes[i];
    const char changes[] = {
        old ^ 1, old ^ 0x20, old ^ (char)0x80,
        '\n',    '\0',       ' ',
        '0',     '9',        (char)(old ^ support_random_between(&random, 1, 255))};
    for (size_t j = 0; j < sizeof changes; ++j) {
      if (changes[j] == old)
        continue;
      written.bytes[i] = changes[j];
      const size_t taken = import_damaged(written.bytes, written.length);
      support_assert(i <= first ? taken == 0 : taken + 2 >= entries, "byte %zu: %zu taken", i,
                     taken);
    }
    written.bytes[i] = old;
  }
  free(written.bytes);
  blasconv_choices_destroy(choices);
}
END_TEST

START_TEST(random_text)
{
  support_random random = support_random_start(2);
  static const char alphabet[] = "0123456789abcdef choice machine end\n\n-+.xeE%\t\r";
  blasconv_choices *choices = filled(entries);
  text written = export_text(choices);
  char bytes[3000];
  for (int round = 0; round < 2000; ++round) {
    const size_t length = (size_t)support_random_between(&random, 0, sizeof bytes);
    for (size_t i = 0; i < length; ++i)
      bytes[i] = round % 2 ? (char)support_random_bits(&random)
                           : alphabet[support_random_between(&random, 0, sizeof alphabet - 2)];
    if (round % 4 > 1) /* behind a good beginning */
      memcpy(bytes, written.bytes, length < 400 ? length : 400);
    ck_assert_uint_le(import_damaged(bytes, length), entries);
  }
  free(written.bytes);
  blasconv_choices_destroy(choices);
}
END_TEST

/* Replaces the checksum of a line [length] and ends it. */
static size_t sealed(char *line, size_t length)
{
  return length + (size_t)snprintf(line + length, 20, "%016llx\n",
                                   (unsigned long long)bc_checksum(line, length));
}

/* Lines that are sealed but not what the library would have written. */
START_TEST(lines_that_lie)
{
  static const char *const lines[] = {
      "choice %s %s im2col_gemm 5 ",                       /* good */
      "choice %s %s im2col_gem 5 ",                        /* an algorithm that there is not */
      "choice %s %s im2col_gemmm 5 ",                      /* another */
      "choice %s %s  5 ",                                  /* none */
      "choice %s %s im2col_gemm -5 ",                      /* a sign */
      "choice %s %s im2col_gemm +5 ",                      /* a sign */
      "choice %s %s im2col_gemm 05 ",                      /* a leading zero */
      "choice %s %s im2col_gemm 9223372036854775808 ",     /* 2^63 */
      "choice %s %s im2col_gemm 99999999999999999999999 ", /* more */
      "choice %s %s im2col_gemm 0x5 ",                     /* hexadecimal */
      "choice %s %s im2col_gemm 5e3 ",                     /* a float */
      "choice %s %s im2col_gemm 5.0 ",                     /* another */
      "choice %s %s im2col_gemm ",                         /* no time */
      "choice %s %s im2col_gemm 5  ",                      /* a space too many */
      "choice %s %s 1 im2col_gemm 5 ",                     /* a number too many */
      "choice  %s %s im2col_gemm 5 ",                      /* a space too many */
      "choices %s %s im2col_gemm 5 ",                      /* another word */
  };
  blasconv_choices *choices = filled(1);
  text written = export_text(choices);
  const char *line = strstr(written.bytes, "\nchoice ") + 1;
  char machine[17] = "", numbers[1000] = "", changed[BC_CHOICE_LINE];
  memcpy(machine, line + 7, 16);
  const char *behind = strstr(line, numbered(0).algorithm->name);
  memcpy(numbers, line + 24, (size_t)(behind - line - 25));
  for (size_t i = 0; i < sizeof lines / sizeof *lines; ++i) {
    bc_choice choice;
    size_t length = (size_t)snprintf(changed, sizeof changed, lines[i], machine, numbers);
    length = sealed(changed, length);
    support_assert(bc_choice_read(changed, length - 1, strtoull(machine, NULL, 16), &choice) ==
                       (i == 0),
                   "%s", changed);
  }
  free(written.bytes);
  blasconv_choices_destroy(choices);
}
END_TEST

/* Lines of another machine are left out, and the others are used. */
START_TEST(foreign_lines)
{
  blasconv_choices *choices = create(NULL);
  char here[BC_MACHINE_TEXT], line[BC_CHOICE_LINE], whole[6 * BC_CHOICE_LINE];
  bc_machine_describe(here);
  ck_assert_ptr_nonnull(strstr(here, blasconv_version_string()));
  const uint64_t machine = bc_checksum(here, strlen(here));
  static const char foreign[] = "blasconv 0.0.1; some BLAS; some CPU";
  size_t length = (size_t)snprintf(whole, sizeof whole, "blasconv choices 1\n");
  for (int64_t i = 0; i < 4; ++i) {
    const bc_choice choice = numbered(i);
    if (i == 2)
      length += (size_t)snprintf(whole + length, sizeof whole - length, "%.*s",
                                 (int)bc_machine_write(foreign, line), line);
    const size_t added =
        bc_choice_write(&choice, i < 2 ? machine : bc_checksum(foreign, strlen(foreign)), line);
    memcpy(whole + length, line, added);
    length += added;
  }
  memcpy(whole + length, "end\n", 4);
  text given = copy_text(whole, length + 4);
  size_t taken;
  ck_assert_int_eq(import_text(choices, &given, &taken), BLASCONV_BAD_CHOICES);
  ck_assert_uint_eq(taken, 2);
  ck_assert(has(choices, 0) && has(choices, 1) && !has(choices, 2) && !has(choices, 3));
  free(given.bytes);
  blasconv_choices_destroy(choices);
}
END_TEST

/* Text of another version of the format, or of none. */
START_TEST(another_first_line)
{
  static const char *const first[] = {"blasconv choices 0\n",
                                      "blasconv choices 2\n",
                                      "blasconv choices 1 \n",
                                      "blasconv choices 1\r\n",
                                      "\n",
                                      ""};
  blasconv_choices *choices = filled(entries);
  text written = export_text(choices);
  const char *rest = (const char *)memchr(written.bytes, '\n', written.length) + 1;
  const size_t rest_length = written.length - (size_t)(rest - written.bytes);
  static char changed[most_text];
  for (size_t i = 0; i < sizeof first / sizeof *first; ++i) {
    const size_t length = strlen(first[i]);
    memcpy(changed, first[i], length);
    memcpy(changed + length, rest, rest_length);
    ck_assert_uint_eq(import_damaged(changed, length + rest_length), 0);
  }
  free(written.bytes);
  blasconv_choices_destroy(choices);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Limits, memory, refusals, threads
 * ------------------------------------------------------------------------------------------ */

/* However much is imported, a store stops growing; what it holds stays and can be replaced. */
START_TEST(a_store_has_a_limit)
{
  blasconv_choices *choices = create(NULL), *source = create(NULL);
  for (int64_t i = 0; i < BC_MOST_CHOICES; ++i)
    put(choices, i);
  const bc_choice more = numbered(BC_MOST_CHOICES);
  ck_assert_int_eq(bc_choices_put(choices, &more), BLASCONV_OVERFLOW);
  put(source, 17);
  put(source, BC_MOST_CHOICES);
  put(source, BC_MOST_CHOICES + 1);
  text written = export_text(source);
  size_t taken;
  ck_assert_int_eq(import_text(choices, &written, &taken), BLASCONV_BAD_CHOICES);
  ck_assert_uint_eq(taken, 1);
  ck_assert_uint_eq(blasconv_choices_count(choices), BC_MOST_CHOICES);
  ck_assert(has(choices, 17) && has(choices, BC_MOST_CHOICES - 1) &&
            !has(choices, BC_MOST_CHOICES));
  free(written.bytes);
  blasconv_choices_destroy(choices);
  blasconv_choices_destroy(source);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
  blasconv_choices *source = filled(entries * 2);
  text written = export_text(source);
  for (int allowed = 0;; ++allowed) {
    allocation_log log = {.allowed = allowed};
    const blasconv_allocator hook = allocation_hook(&log);
    blasconv_choices *choices = NULL;
    size_t taken = 0;
    blasconv_status status = blasconv_choices_create(&hook, &choices);
    if (status == BLASCONV_SUCCESS) {
      status = import_text(choices, &written, &taken);
      ck_assert_uint_eq(blasconv_choices_count(choices), taken);
      for (int64_t i = 0; i < entries * 2; ++i)
        ck_assert(has(choices, i) == (i < (int64_t)taken));
      blasconv_choices_destroy(choices);
    } else {
      ck_assert_ptr_null(choices);
    }
    ck_assert_int_eq(log.live, 0);
    if (status == BLASCONV_SUCCESS) {
      ck_assert_int_eq(allowed, 1 + entries * 2 + 2); /* the store, entries, a table grown once */
      break;
    }
    ck_assert_int_eq(status, BLASCONV_OUT_OF_MEMORY);
  }
  free(written.bytes);
  blasconv_choices_destroy(source);
}
END_TEST

START_TEST(refusals)
{
  blasconv_choices *choices = filled(2);
  blasconv_choices *untouched = choices;
  allocation_log log = {.allowed = ALLOCATION_UNLIMITED};
  blasconv_allocator half = allocation_hook(&log);
  half.release = NULL;
  ck_assert_int_eq(blasconv_choices_create(NULL, NULL), BLASCONV_NULL_POINTER);
  ck_assert_int_eq(blasconv_choices_create(&half, &untouched), BLASCONV_BAD_ARGUMENT);
  ck_assert_ptr_eq(untouched, choices);
  size_t taken = 5;
  ck_assert_int_eq(blasconv_choices_import(NULL, "x", 1, &taken), BLASCONV_NULL_POINTER);
  ck_assert_int_eq(blasconv_choices_import(choices, NULL, 1, &taken), BLASCONV_NULL_POINTER);
  ck_assert_uint_eq(taken, 5);
  ck_assert_int_eq(blasconv_choices_import(choices, NULL, 0, &taken), BLASCONV_BAD_CHOICES);
  ck_assert_uint_eq(taken, 0);
  ck_assert_uint_eq(blasconv_choices_count(choices), 2);

  char buffer[4] = "abc";
  ck_assert_uint_eq(blasconv_choices_export(NULL, buffer, sizeof buffer), 0);
  ck_assert_str_eq(buffer, "");
  ck_assert_uint_eq(blasconv_choices_export(NULL, NULL, 0), 0);
  ck_assert_uint_eq(blasconv_choices_count(NULL), 0);
  blasconv_choices_destroy(NULL);
  blasconv_choices_destroy(choices);

  const blasconv_allocator none = {NULL, NULL, NULL};
  blasconv_choices_destroy(create(&none));
}
END_TEST

/* Memory that lets other threads run first: they must wait while the table is in between. */
static void *allocate_slowly(void *context, size_t bytes, size_t alignment)
{
  (void)context;
  const struct timespec pause = {0, 20000};
  nanosleep(&pause, NULL);
  void *memory = NULL;
  return posix_memalign(&memory, alignment, bytes) == 0 ? memory : NULL;
}

static void release_memory(void *context, void *memory)
{
  (void)context;
  free(memory);
}

/* A host thread that puts, finds, exports and imports; assertions belong to the main thread. */
typedef struct host {
  blasconv_choices *choices;
  const text *written; /* choices 0 ... entries - 1 */
  int64_t first;       /* of the keys that it puts, 200 of them */
  bool right;
} host;

static void *run_host(void *argument)
{
  host *self = argument;
  char *buffer = malloc(1 << 20);
  self->right = buffer != NULL;
  for (int64_t i = 0; i < 200 && self->right; ++i) {
    const bc_choice choice = numbered(self->first + i);
    size_t taken;
    self->right =
        bc_choices_put(self->choices, &choice) == BLASCONV_SUCCESS &&
        has(self->choices, self->first + i) && blasconv_choices_count(self->choices) > 0 &&
        blasconv_choices_import(self->choices, self->written->bytes, self->written->length,
                                &taken) == BLASCONV_SUCCESS &&
        taken == entries && blasconv_choices_export(self->choices, buffer, 1 << 20) < 1 << 20;
  }
  free(buffer);
  return NULL;
}

START_TEST(many_threads_use_one_store)
{
  enum { hosts = 4 };
  const blasconv_allocator slow = {allocate_slowly, release_memory, NULL};
  blasconv_choices *source = filled(entries), *choices = create(&slow);
  const text written = export_text(source);
  host all[hosts];
  pthread_t threads[hosts];
  for (int i = 0; i < hosts; ++i) {
    all[i] = (host){choices, &written, 1000 + 150 * i, false}; /* they overlap */
    ck_assert_int_eq(pthread_create(&threads[i], NULL, run_host, &all[i]), 0);
  }
  for (int i = 0; i < hosts; ++i) {
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert(all[i].right);
  }
  ck_assert_uint_eq(blasconv_choices_count(choices), entries + 150 * (hosts - 1) + 200);
  for (int64_t i = 0; i < 150 * (hosts - 1) + 200; ++i)
    ck_assert(has(choices, 1000 + i));
  free(written.bytes);
  blasconv_choices_destroy(choices);
  blasconv_choices_destroy(source);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("choices");
  support_add(suite, what_is_put_is_found);
  support_add(suite, a_choice_is_replaced);
  support_add(suite, keys_tell_all_that_matters_apart);
  support_add(suite, keys_heed_the_options_that_matter);
  support_add(suite, keys_are_canonical);
  support_add(suite, text_comes_back);
  support_add(suite, extreme_numbers_come_back);
  support_add(suite, the_text_does_not_depend_on_the_order);
  support_add(suite, export_is_cut_to_its_size);
  support_add(suite, an_empty_store_has_a_text);
  support_add(suite, texts_may_follow_each_other);
  support_add(suite, text_cut_at_every_byte);
  support_add(suite, text_with_every_byte_changed);
  support_add(suite, random_text);
  support_add(suite, lines_that_lie);
  support_add(suite, foreign_lines);
  support_add(suite, another_first_line);
  support_add(suite, a_store_has_a_limit);
  support_add(suite, every_allocation_may_fail);
  support_add(suite, refusals);
  support_add(suite, many_threads_use_one_store);
  return support_run(suite);
}
