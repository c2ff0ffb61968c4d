#include "workspace.h"

#include <stdlib.h>

size_t bc_workspace_book(int64_t elements)
{
  const size_t alignment = BLASCONV_WORKSPACE_ALIGNMENT;
  return ((size_t)elements * sizeof(float) + alignment - 1) / alignment * alignment;
}

size_t bc_workspace_book_words(int64_t words)
{
  return bc_workspace_book(words * (int64_t)(sizeof(int64_t) / sizeof(float)));
}

int64_t bc_workspace_elements(size_t bytes)
{
  const size_t unit = BLASCONV_WORKSPACE_ALIGNMENT;
  return (int64_t)(bytes / unit * unit / sizeof(float));
}

size_t bc_workspace_size(const bc_workspace *workspace, int threads)
{
  return workspace->shared_bytes + workspace->thread_bytes * (size_t)threads;
}

float *bc_workspace_shared(void *base)
{
  return base;
}

float *bc_workspace_of_thread(const bc_workspace *workspace, void *base, int thread)
{
  char *areas = (char *)base + workspace->shared_bytes;
  return (float *)(void *)(areas + workspace->thread_bytes * (size_t)thread);
}

static void *allocate(void *context, size_t bytes, size_t alignment)
{
  (void)context;
  return aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

static void release(void *context, void *memory)
{
  (void)context;
  free(memory);
}

const blasconv_allocator bc_default_allocator = {allocate, release, NULL};
