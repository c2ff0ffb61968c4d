/*
 * An allocator that counts, checks and fails on demand, and a count of what the library takes from
 * the C library behind its back.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BLASCONV_TESTS_ALLOCATION_H
#define BLASCONV_TESTS_ALLOCATION_H

#include <blasconv/blasconv.h>

typedef struct allocation_log {
  int allowed;       /**< allocations before one fails; counts down, then stays 0 */
  int calls;         /**< of allocate, failed ones included */
  int live;          /**< allocations not yet released */
  size_t last_bytes; /**< asked for by the last call */
} allocation_log;

/** Many more than any test needs. */
#define ALLOCATION_UNLIMITED 1000000

/**
 * An allocator for blasconv_options, not for several threads at once. It fails the test if an
 * alignment is no power of two or below that of a workspace's, and keeps the records in `log`.
 */
blasconv_allocator allocation_hook(allocation_log *log);

/**
 * Calls so far of malloc and its kin from the objects that the test program is linked from: the
 * test's own and the static library's, but not those of shared libraries (BLAS, OpenMP).
 */
long allocation_count(void);

#endif
