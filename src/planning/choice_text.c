/* Lines of a text of choices. There is one way only to write a choice, and each line has a
 * checksum: what does not read back is damaged, or of another machine.
 *
 *   machine CHECKSUM DESCRIPTION
 *   choice MACHINE NUMBER ... NUMBER ALGORITHM NANOSECONDS CHECKSUM
 *
 * MACHINE is the checksum of the machine's description, CHECKSUM that of all that comes before it
 * in the line of a choice, or of the DESCRIPTION; both are 16 hexadecimal digits. The numbers are
 * those of the key, in the order in which bc_choice_key_make() gives them.
 *
 * Written and read by hand: the host's locale must not matter, and any bytes may come. */
#include "checksum.h"
#include "choices.h"
#include "cpu.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { CHECKSUM_DIGITS = 16 };

void bc_machine_describe(char *text)
{
  char cpu[128];
  bc_cpu_describe(cpu, sizeof cpu);
  snprintf(text, BC_MACHINE_TEXT, "%s; %s", blasconv_version_string(), cpu);
}

uint64_t bc_checksum(const char *bytes, size_t length)
{
  uint64_t sum = BC_CHECKSUM_START;
  for (size_t i = 0; i < length; ++i)
    sum = bc_checksum_add(sum, (unsigned char)bytes[i]);
  return sum;
}

/* ---- writing ---- */

/* Adds a word to what the line has; no line comes near BC_CHOICE_LINE. */
__attribute__((format(printf, 3, 4))) static void put(char *line, size_t *length,
                                                      const char *format, ...)
{
  va_list values;
  va_start(values, format);
  *length += (size_t)vsnprintf(line + *length, BC_CHOICE_LINE - *length, format, values);
  va_end(values);
}

size_t bc_choice_write(const bc_choice *choice, uint64_t machine, char *line)
{
  size_t length = 0;
  put(line, &length, "choice %016" PRIx64 " ", machine);
  for (int i = 0; i < BC_CHOICE_NUMBERS; ++i)
    put(line, &length, "%" PRId64 " ", choice->key.numbers[i]);
  put(line, &length, "%s %" PRId64 " ", choice->algorithm->name, choice->nanoseconds);
  put(line, &length, "%016" PRIx64 "\n", bc_checksum(line, length));
  return length;
}

size_t bc_machine_write(const char *machine, char *line)
{
  size_t length = 0;
  put(line, &length, "machine %016" PRIx64 " %s\n", bc_checksum(machine, strlen(machine)), machine);
  return length;
}

/* ---- reading ---- */

/* What of a line is still to be read. */
typedef struct reader {
  const char *at, *end;
} reader;

static bool take_text(reader *in, const char *text)
{
  const size_t length = strlen(text);
  if ((size_t)(in->end - in->at) < length || memcmp(in->at, text, length) != 0)
    return false;
  in->at += length;
  return true;
}

/* Decimal digits without leading zeros, a number of at most INT64_MAX, then a space. */
static bool take_number(reader *in, int64_t *number)
{
  const char *first = in->at;
  int64_t value = 0;
  for (; in->at < in->end && *in->at >= '0' && *in->at <= '9'; ++in->at)
    if (__builtin_mul_overflow(value, 10, &value) ||
        __builtin_add_overflow(value, *in->at - '0', &value))
      return false;
  if (in->at == first || (*first == '0' && in->at - first > 1))
    return false;
  *number = value;
  return take_text(in, " ");
}

static bool take_checksum(reader *in, uint64_t expected)
{
  char digits[CHECKSUM_DIGITS + 1];
  snprintf(digits, sizeof digits, "%016" PRIx64, expected);
  return take_text(in, digits);
}

/* The name of an algorithm of the registry, then a space. */
static bool take_algorithm(reader *in, const bc_algorithm **algorithm)
{
  for (size_t i = 0; (*algorithm = bc_registry_row(i)) != NULL; ++i) {
    reader next = *in;
    if (take_text(&next, (*algorithm)->name) && take_text(&next, " ")) {
      *in = next;
      return true;
    }
  }
  return false;
}

bool bc_choice_read(const char *line, size_t length, uint64_t machine, bc_choice *choice)
{
  reader in = {line, line + length};
  if (!take_text(&in, "choice ") || !take_checksum(&in, machine) || !take_text(&in, " "))
    return false;
  for (int i = 0; i < BC_CHOICE_NUMBERS; ++i)
    if (!take_number(&in, &choice->key.numbers[i]))
      return false;
  return take_algorithm(&in, &choice->algorithm) && take_number(&in, &choice->nanoseconds) &&
         take_checksum(&in, bc_checksum(line, (size_t)(in.at - line))) && in.at == in.end;
}

bool bc_machine_read(const char *line, size_t length)
{
  reader in = {line, line + length};
  const size_t start = strlen("machine ") + CHECKSUM_DIGITS + strlen(" ");
  return length > start && take_text(&in, "machine ") &&
         take_checksum(&in, bc_checksum(line + start, length - start)) && take_text(&in, " ");
}
