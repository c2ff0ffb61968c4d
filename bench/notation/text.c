#include "text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool bench_text_take(bench_text *text, char c)
{
  if (text->at == text->end || *text->at != c)
    return false;
  ++text->at;
  return true;
}

static bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

const char *bench_text_integer(bench_text *text, int64_t *value)
{
  const char *begin = text->at;
  int64_t sum = 0;
  for (; text->at < text->end && is_digit(*text->at); ++text->at)
    if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, *text->at - '0', &sum))
      return "the number is too large";
  *value = sum;
  return text->at > begin ? NULL : "a number is missing";
}

const char *bench_text_bytes(bench_text *text, size_t *bytes)
{
  static const char letters[] = "KMG";
  int64_t number = 0;
  const char *reason = bench_text_integer(text, &number);
  for (size_t i = 0; reason == NULL && letters[i] != '\0'; ++i)
    if (bench_text_take(text, letters[i]) &&
        __builtin_mul_overflow(number, INT64_C(1) << (10 * (i + 1)), &number))
      reason = "the number is too large";
  *bytes = (size_t)number;
  return reason;
}

const char *bench_text_float(bench_text *text, float *value)
{
  char copy[32], *end;
  const size_t length = (size_t)(text->end - text->at);
  if (length == 0)
    return "a number is missing";
  if (length >= sizeof copy)
    return "the number is too long";
  memcpy(copy, text->at, length);
  copy[length] = '\0';
  if (strspn(copy, "0123456789.+-e") < length)
    return "this is no number";
  const float read = strtof(copy, &end);
  if (end != copy + length)
    return "this is no number";
  if (!isfinite(read))
    return "the number is too large";
  *value = read;
  text->at = text->end;
  return NULL;
}

static bool fits_name(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) ||
         (c != '\0' && strchr(".:_-+*/", c) != NULL);
}

const char *bench_text_name(bench_text *text, char *name, size_t size)
{
  const size_t length = (size_t)(text->end - text->at);
  const char *begin = text->at;
  if (length == 0)
    return "a name is missing";
  if (length >= size)
    return "the name is too long";
  for (; text->at < text->end; ++text->at)
    if (!fits_name(*text->at))
      return "names are made of letters, digits and . : _ - + * /";
  memcpy(name, begin, length);
  name[length] = '\0';
  return NULL;
}

bool bench_text_is(bench_text text, const char *word)
{
  const size_t length = (size_t)(text.end - text.at);
  return strlen(word) == length && memcmp(text.at, word, length) == 0;
}
