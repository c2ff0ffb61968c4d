/*
 * An allocator that counts, checks and fails on demand; and the linker's --wrap of malloc and its
 * kin, see tests/CMakeLists.txt.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "allocation.h"

#include "support.h"

#include <check.h>
#include <stdlib.h>

/* ---------------------------------------------------------------------------------------------
 * The hook
 * ------------------------------------------------------------------------------------------ */

static void *allocate(void *context, size_t bytes, size_t alignment)
{
  allocation_log *log = context;
  support_assert(alignment >= BLASCONV_WORKSPACE_ALIGNMENT && (alignment & (alignment - 1)) == 0,
                 "alignment %zu", alignment);
  ck_assert_uint_gt(bytes, 0);
  ++log->calls;
  log->last_bytes = bytes;
  void *memory = NULL;
  if (log->allowed == 0 || posix_memalign(&memory, alignment, bytes) != 0)
    return NULL;
  --log->allowed;
  ++log->live;
  return memory;
}

static void release(void *context, void *memory)
{
  allocation_log *log = context;
  ck_assert_ptr_nonnull(memory);
  --log->live;
  free(memory);
}

blasconv_allocator allocation_hook(allocation_log *log)
{
  return (blasconv_allocator){allocate, release, log};
}

/* ---------------------------------------------------------------------------------------------
 * The wraps: the linker sends calls of NAME to __wrap_NAME, and __real_NAME to the C library
 * ------------------------------------------------------------------------------------------ */

static long calls;

long allocation_count(void)
{
  return calls;
}

extern void *__real_malloc(size_t bytes);
extern void *__real_calloc(size_t count, size_t bytes);
extern void *__real_realloc(void *memory, size_t bytes);
extern void *__real_aligned_alloc(size_t alignment, size_t bytes);
extern int __real_posix_memalign(void **memory, size_t alignment, size_t bytes);

extern void *__wrap_malloc(size_t bytes);
extern void *__wrap_calloc(size_t count, size_t bytes);
extern void *__wrap_realloc(void *memory, size_t bytes);
extern void *__wrap_aligned_alloc(size_t alignment, size_t bytes);
extern int __wrap_posix_memalign(void **memory, size_t alignment, size_t bytes);

void *__wrap_malloc(size_t bytes)
{
  ++calls;
  return __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
  ++calls;
  return __real_calloc(count, bytes);
}

void *__wrap_realloc(void *memory, size_t bytes)
{
  ++calls;
  return __real_realloc(memory, bytes);
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes)
{
  ++calls;
  return __real_aligned_alloc(alignment, bytes);
}

int __wrap_posix_memalign(void **memory, size_t alignment, size_t bytes)
{
  ++calls;
  return __real_posix_memalign(memory, alignment, bytes);
}
