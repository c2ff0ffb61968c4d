/* Text that is cut to its buffer while its whole length is counted, as snprintf does. */
#ifndef BC_WRITER_H
#define BC_WRITER_H

#include <stddef.h>

typedef struct bc_writer {
  char *text; /* [size], ended by a NUL if there is room for one */
  size_t size, length;
} bc_writer;

/* An empty text; `text` may be NULL: then it is only counted. */
bc_writer bc_writer_start(char *text, size_t size);

__attribute__((format(printf, 2, 3))) void bc_write(bc_writer *out, const char *format, ...);

#endif
