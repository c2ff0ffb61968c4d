#define _GNU_SOURCE /* memfd_create */
#include "tensor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, CHUNK_PAGES = 4099, WINDOW_PAGES = 4, RANDOM_WINDOWS = 8 };

static const int64_t page_elements = PAGE / sizeof(float);
static const int64_t chunk_elements = (int64_t)CHUNK_PAGES * PAGE / (int64_t)sizeof(float);

static void need(bool holds, const char *what)
{
  if (!holds) {
    perror(what);
    exit(EXIT_FAILURE);
  }
}

static int64_t round_up(int64_t whole, int64_t unit)
{
  return (whole + unit - 1) / unit * unit;
}

/* The pages of one chunk, from one end to the other. */
static large_tensor map_chunks(int64_t count)
{
  const size_t bytes = (size_t)round_up(count, page_elements) * sizeof(float);
  const size_t chunk = (size_t)CHUNK_PAGES * PAGE;
  const int file = memfd_create("large", 0);
  need(file >= 0 && ftruncate(file, (off_t)chunk) == 0, "memfd_create");
  char *data = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  need(data != MAP_FAILED, "mmap");
  for (size_t at = 0; at < bytes; at += chunk)
    need(mmap(data + at, bytes - at < chunk ? bytes - at : chunk, PROT_READ | PROT_WRITE,
              MAP_SHARED | MAP_FIXED, file, 0) != MAP_FAILED,
         "mmap of a chunk");
  close(file);
  return (large_tensor){.data = (float *)(void *)data, .count = count};
}

large_tensor large_tensor_read(int64_t count, support_random *random)
{
  large_tensor made = map_chunks(count);
  for (int64_t i = 0; i < count && i < chunk_elements; ++i)
    made.data[i] = (float)support_random_between(random, -1, 1);
  return made;
}

/* Pages of their own for the elements around `middle`. */
static void open_window(large_tensor *tensor, int64_t middle)
{
  const int64_t last = round_up(tensor->count, page_elements) / page_elements; /* page */
  int64_t first = middle / page_elements - WINDOW_PAGES / 2, end = first + WINDOW_PAGES;
  first = first < 0 ? 0 : first;
  end = end > last ? last : end;
  if (first >= end)
    return;
  float *data = tensor->data + first * page_elements;
  const int64_t after = end * page_elements;
  need(mmap(data, (size_t)(end - first) * PAGE, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED,
       "mmap of a window");
  tensor->windows[tensor->window_count++] =
      (large_window){first * page_elements, after < tensor->count ? after : tensor->count};
}

large_tensor large_tensor_written(int64_t count, support_random *random)
{
  large_tensor made = map_chunks(count);
  open_window(&made, 0);
  open_window(&made, count);
  open_window(&made, (int64_t)1 << 31);
  open_window(&made, (int64_t)1 << 32);
  for (int i = 0; i < RANDOM_WINDOWS; ++i)
    open_window(&made, support_random_between(random, 0, count - 1));
  for (int i = 0; i < made.window_count; ++i)
    for (int64_t at = made.windows[i].begin; at < made.windows[i].end; ++at)
      made.data[at] = nanf("");
  return made;
}

void large_tensor_free(large_tensor *tensor)
{
  munmap(tensor->data, (size_t)round_up(tensor->count, page_elements) * sizeof(float));
  tensor->data = NULL;
}
