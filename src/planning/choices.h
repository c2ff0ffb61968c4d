/* Choices that were measured: what a choice is, the store of them, and one of them as text. */
#ifndef BC_CHOICES_H
#define BC_CHOICES_H

#include "algorithm.h"

enum {
  BC_CHOICE_NUMBERS = 33,
  BC_CHOICE_LINE = 1024,     /* more than the longest line of a text, its newline and a NUL */
  BC_MACHINE_TEXT = 512,     /* more than bc_machine_describe() writes */
  BC_MOST_CHOICES = 1 << 14, /* entries of a store: 6 MiB or so, whatever is imported */
};

/* What a choice is for: everything that may change which algorithm is the fastest on a machine.
 * Equal numbers are the same key. */
typedef struct bc_choice_key {
  int64_t numbers[BC_CHOICE_NUMBERS]; /* none is negative */
} bc_choice_key;

typedef struct bc_choice {
  bc_choice_key key;
  const bc_algorithm *algorithm;
  int64_t nanoseconds; /* that a run of it took; for people to read */
} bc_choice;

/* The key of a checked problem. `threads` is at least 1.
 *
 * Left out are the activation and the residual: whatever the algorithm, they are applied to each
 * block of the output while it is in the cache, and cost the same. In are `exact` and the limit on
 * the workspace, which rule algorithms out and make blocks smaller, `accumulate`, which decides
 * whether results are read, and who clears them, and `packed_weights`, which saves some algorithms
 * the packing. */
bc_choice_key bc_choice_key_make(const blasconv_problem *problem, blasconv_pass pass,
                                 const blasconv_options *options, int threads);

/* ---- the store; each call is safe beside any other ---- */

/* The choice for a key; false if there is none. */
bool bc_choices_find(const blasconv_choices *choices, const bc_choice_key *key, bc_choice *found);

/* Adds a choice or replaces the one with its key: BLASCONV_SUCCESS, BLASCONV_OUT_OF_MEMORY, or
 * BLASCONV_OVERFLOW if the store is full. */
blasconv_status bc_choices_put(blasconv_choices *choices, const bc_choice *choice);

/* ---- text ---- */

/* The library, the BLAS and the CPU, as one line without a newline: choices are good for those
 * alone. Written to text [BC_MACHINE_TEXT]. */
void bc_machine_describe(char *text);

/* FNV-1a, 64 bits: no change of a single byte escapes it. */
uint64_t bc_checksum(const char *bytes, size_t length);

/* One line with its newline and a NUL, to line [BC_CHOICE_LINE]; returns its length. `machine` is
 * the checksum of the machine's description. */
size_t bc_choice_write(const bc_choice *choice, uint64_t machine, char *line);

/* Reads line [length], without its newline; false unless each byte is what bc_choice_write() would
 * have written for this machine. */
bool bc_choice_read(const char *line, size_t length, uint64_t machine, bc_choice *choice);

/* The line that names the machine: as above. */
size_t bc_machine_write(const char *machine, char *line);
bool bc_machine_read(const char *line, size_t length);

#endif
