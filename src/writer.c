#include "writer.h"

#include <stdarg.h>
#include <stdio.h>

bc_writer bc_writer_start(char *text, size_t size)
{
  if (text != NULL && size > 0)
    text[0] = '\0';
  return (bc_writer){text, text == NULL ? 0 : size, 0};
}

void bc_write(bc_writer *out, const char *format, ...)
{
  const size_t used = out->length < out->size ? out->length : out->size;
  va_list values;
  va_start(values, format);
  const int added =
      vsnprintf(out->text == NULL ? NULL : out->text + used, out->size - used, format, values);
  va_end(values);
  out->length += added > 0 ? (size_t)added : 0;
}
