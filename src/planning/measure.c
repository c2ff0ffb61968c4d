#include "measure.h"

#include "axes.h"
#include "clock.h"
#include "parallel.h"
#include "race.h"

static const double default_seconds = 0.5;

/* The tensors that a pass reads and writes, however it names them, packed weights for each of the
 * candidates if that is how they will run, and their workspace, one behind the other. */
enum { INPUT, OUTPUT, WEIGHTS, RESIDUAL, TENSORS };

typedef struct areas {
  int64_t elements[TENSORS];
  size_t packed_bytes[BC_MOST_ALGORITHMS]; /* of each candidate; 0: it reads the weights */
  size_t workspace_bytes;
  size_t all_bytes;
} areas;

static int64_t count_input(const blasconv_problem *problem)
{
  int64_t elements = problem->batch * problem->in_channels;
  for (int32_t i = 0; i < problem->rank; ++i)
    elements *= problem->input[i];
  return elements;
}

static size_t largest_workspace(const bc_candidate *candidates, size_t count)
{
  size_t largest = 0;
  for (size_t i = 0; i < count; ++i) {
    const size_t bytes =
        bc_workspace_size(&candidates[i].schedule.workspace, candidates[i].threads);
    largest = bytes > largest ? bytes : largest;
  }
  return largest;
}

/* What the candidate packs, with the alignment; weights that it takes as they are need not be
 * copied. */
static size_t packed_bytes(const blasconv_plan *plan, const bc_candidate *candidate)
{
  blasconv_plan its = *plan;
  if (!plan->request.packed_weights || candidate->algorithm->pack == NULL)
    return 0;
  bc_candidate_take(candidate, &its);
  return bc_workspace_book((int64_t)(blasconv_plan_packed_size(&its) / sizeof(float)));
}

/* False if the bytes overflow. */
static bool find_areas(const blasconv_plan *plan, const bc_candidate *candidates, size_t count,
                       areas *found)
{
  const blasconv_maps *output = &plan->output;
  const int64_t outputs = output->batch * output->channels * output->pixels;
  found->elements[INPUT] = count_input(&plan->problem);
  found->elements[OUTPUT] = outputs;
  found->elements[WEIGHTS] = bc_count_weights(&plan->geometry);
  found->elements[RESIDUAL] = plan->residual != BLASCONV_RESIDUAL_NONE ? outputs : 0;
  found->workspace_bytes = largest_workspace(candidates, count);
  found->all_bytes = found->workspace_bytes;
  bool fits = true;
  for (size_t i = 0; i < count; ++i) {
    found->packed_bytes[i] = packed_bytes(plan, &candidates[i]);
    fits = fits &&
           !__builtin_add_overflow(found->all_bytes, found->packed_bytes[i], &found->all_bytes);
  }
  for (int i = 0; i < TENSORS; ++i)
    fits = fits && !__builtin_add_overflow(found->all_bytes, bc_workspace_book(found->elements[i]),
                                           &found->all_bytes);
  return fits;
}

/* ---- contents: numbers that are neither denormal nor all alike, and sums that stay small ---- */

typedef struct filling {
  float *tensor; /* [elements] */
  int64_t elements;
} filling;

static void fill_block(void *context, int64_t task, int thread)
{
  (void)thread;
  const filling *all = context;
  const bc_range block = bc_block(task, BC_TASK_ELEMENTS, all->elements);
  for (int64_t i = block.begin; i < block.end; ++i)
    all->tensor[i] = (float)(i % 7 - 3) * 0.25f;
}

/* Places the tensors in memory, fills them, and returns what is behind them. */
static void *fill(const areas *sizes, int threads, char *memory, float **tensors)
{
  for (int i = 0; i < TENSORS; ++i) {
    filling all = {(float *)(void *)memory, sizes->elements[i]};
    bc_parallel_for(threads, bc_count_blocks(all.elements, BC_TASK_ELEMENTS), fill_block, &all);
    tensors[i] = all.tensor;
    memory += bc_workspace_book(all.elements);
  }
  return memory;
}

/* ---- runs ---- */

typedef struct trial {
  blasconv_plan plan; /* becomes that of each candidate in turn */
  const bc_candidate *candidates;
  blasconv_arguments arguments;           /* of all, but for packed weights */
  const void *packed[BC_MOST_ALGORITHMS]; /* of each candidate; NULL: it reads the weights */
  const areas *sizes;
  void *workspace;
} trial;

static blasconv_arguments arguments_of(const blasconv_plan *plan, float *const *tensors)
{
  blasconv_arguments arguments = blasconv_arguments_none();
  switch (plan->pass) {
  case BLASCONV_FORWARD:
    arguments.input = tensors[INPUT];
    arguments.weights = tensors[WEIGHTS];
    arguments.output = tensors[OUTPUT];
    arguments.residual = plan->residual != BLASCONV_RESIDUAL_NONE ? tensors[RESIDUAL] : NULL;
    break;
  case BLASCONV_BACKWARD_DATA:
    arguments.weights = tensors[WEIGHTS];
    arguments.output_gradient = tensors[OUTPUT];
    arguments.input_gradient = tensors[INPUT];
    break;
  case BLASCONV_BACKWARD_WEIGHTS:
    arguments.input = tensors[INPUT];
    arguments.output_gradient = tensors[OUTPUT];
    arguments.weights_gradient = tensors[WEIGHTS];
    break;
  }
  return arguments;
}

static void run(void *context, size_t runner)
{
  trial *t = context;
  blasconv_arguments arguments = t->arguments;
  if (t->packed[runner] != NULL) {
    arguments.weights = NULL;
    arguments.packed = t->packed[runner];
    arguments.packed_bytes = t->sizes->packed_bytes[runner];
  }
  bc_candidate_take(&t->candidates[runner], &t->plan);
  (void)blasconv_plan_execute(&t->plan, &arguments, t->workspace, t->sizes->workspace_bytes);
}

/* Packs the weights for each candidate that wants it, and returns what is behind them. */
static void *pack(trial *t, size_t count, char *memory)
{
  for (size_t i = 0; i < count; ++i)
    if (t->sizes->packed_bytes[i] > 0) {
      bc_candidate_take(&t->candidates[i], &t->plan);
      (void)blasconv_plan_pack(&t->plan, t->arguments.weights, memory, t->sizes->packed_bytes[i]);
      t->packed[i] = memory;
      memory += t->sizes->packed_bytes[i];
    }
  return memory;
}

static double now(void *context)
{
  (void)context;
  return bc_clock_seconds();
}

static void hold(const blasconv_plan *plan, const blasconv_options *options,
                 const bc_candidate *candidates, size_t count, const areas *sizes, char *memory,
                 double *measured)
{
  const double start = bc_clock_seconds();
  float *tensors[TENSORS];
  trial t = {.plan = *plan, .candidates = candidates, .sizes = sizes};
  void *behind = fill(sizes, plan->threads_asked, memory, tensors);
  t.arguments = arguments_of(plan, tensors);
  t.workspace = pack(&t, count, behind);
  const double budget = options->measure_seconds > 0.0 ? options->measure_seconds : default_seconds;
  bc_race_hold(&(bc_race){count, start, budget, now, run, &t}, measured);
}

blasconv_status bc_measure(const blasconv_plan *plan, const blasconv_options *options,
                           const bc_candidate *candidates, size_t count, double *measured,
                           const char **reason)
{
  areas sizes = {0};
  char *scratch = options->scratch;
  if (!find_areas(plan, candidates, count, &sizes))
    return bc_refuse(BLASCONV_OVERFLOW, "the bytes of all tensors together overflow", reason);
  if (scratch != NULL && (uintptr_t)scratch % BLASCONV_WORKSPACE_ALIGNMENT != 0)
    return bc_refuse(BLASCONV_WORKSPACE_MISALIGNED,
                     "options.scratch is not aligned to BLASCONV_WORKSPACE_ALIGNMENT", reason);
  if (scratch != NULL && options->scratch_bytes < sizes.all_bytes)
    return bc_refuse(BLASCONV_WORKSPACE_TOO_SMALL,
                     "options.scratch has no room for the pass's tensors and its workspace",
                     reason);
  if (scratch != NULL) {
    hold(plan, options, candidates, count, &sizes, scratch, measured);
    return BLASCONV_SUCCESS;
  }
  const blasconv_allocator *allocator = &plan->allocator;
  void *own =
      allocator->allocate(allocator->context, sizes.all_bytes, BLASCONV_WORKSPACE_ALIGNMENT);
  if (own == NULL)
    return bc_refuse(BLASCONV_OUT_OF_MEMORY, "no memory for the tensors of the timed runs", reason);
  hold(plan, options, candidates, count, &sizes, own, measured);
  allocator->release(allocator->context, own);
  return BLASCONV_SUCCESS;
}
