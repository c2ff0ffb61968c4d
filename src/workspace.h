/* Workspace: booked when a plan is made, handed out when it runs. */
#ifndef BC_WORKSPACE_H
#define BC_WORKSPACE_H

#include <blasconv/blasconv.h>
#include <stddef.h>
#include <stdint.h>

/* What an execution needs: one area that all threads share, and one for each thread. Every area
 * starts at a multiple of BLASCONV_WORKSPACE_ALIGNMENT. */
typedef struct bc_workspace {
  size_t shared_bytes;
  size_t thread_bytes;
} bc_workspace;

/* Most bytes of workspace for each thread of a plan. */
#define BC_WORKSPACE_THREAD_LIMIT ((size_t)2 << 20)

/* Room for `elements` floats, rounded up to the alignment. */
size_t bc_workspace_book(int64_t elements);

/* The same for numbers or pointers of 64 bits. */
size_t bc_workspace_book_words(int64_t words);

/* How many floats fit into so many bytes, booked. */
int64_t bc_workspace_elements(size_t bytes);

/* Bytes of the whole workspace for a plan of `threads` threads. */
size_t bc_workspace_size(const bc_workspace *workspace, int threads);

/* The shared area, and that of thread `thread`, in the workspace at `base`. */
float *bc_workspace_shared(void *base);
float *bc_workspace_of_thread(const bc_workspace *workspace, void *base, int thread);

/* The library's own allocator: aligned malloc. */
extern const blasconv_allocator bc_default_allocator;

#endif
