/* Inverted dropout. The mask is a part of a random stream and never stored. */
#include "geometry.h"
#include "parallel.h"
#include "plan.h"
#include "random.h"

#include <blasconv/train.h>
#include <math.h>
#include <string.h>

enum {
  BLOCK_ELEMENTS = 2 * BC_RANDOM_BLOCK /* two halves a word */
};

typedef struct dropout_context {
  int64_t count;
  const blasconv_random *random;
  uint64_t threshold; /* halves below it drop their element */
  float scale;
  const float *input;
  float *output;
} dropout_context;

/* The elements of `part`, whose halves begin with those of `word` and end in the same block. */
static void drop_block(const dropout_context *d, uint64_t word, bc_range part)
{
  uint64_t words[BC_RANDOM_BLOCK];
  bc_random_block(d->random->seed, d->random->stream, word / BC_RANDOM_BLOCK, words);
  const uint64_t first = word % BC_RANDOM_BLOCK;
  for (int64_t i = part.begin; i < part.end; ++i) {
    const uint64_t half = 2 * first + (uint64_t)(i - part.begin);
    const uint64_t bits = words[half / 2] >> (half % 2 * 32) & 0xffffffffu;
    d->output[i] = bits < d->threshold ? 0.0f : d->input[i] * d->scale;
  }
}

/* A task begins at an even element, so at the lower half of a word. */
static void dropout_task(void *context, int64_t task, int thread)
{
  (void)thread;
  const dropout_context *d = context;
  const bc_range part = bc_block(task, BC_TASK_ELEMENTS, d->count);
  for (int64_t i = part.begin; i < part.end;) {
    const uint64_t word = d->random->position + (uint64_t)i / 2;
    const int64_t left = BLOCK_ELEMENTS - 2 * (int64_t)(word % BC_RANDOM_BLOCK);
    const int64_t end = bc_min(part.end, i + left);
    drop_block(d, word, (bc_range){i, end});
    i = end;
  }
}

uint64_t blasconv_dropout_words(int64_t count)
{
  return count < 0 ? 0 : (uint64_t)bc_count_blocks(count, 2);
}

blasconv_status blasconv_dropout_apply(int64_t count, float rate, const blasconv_random *random,
                                       const float *input, int32_t threads, float *output)
{
  int team;
  if (random == NULL)
    return BLASCONV_NULL_POINTER;
  const blasconv_status status = bc_matrix_check(count, 1);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (!(rate >= 0.0f && rate < 1.0f))
    return BLASCONV_BAD_ARGUMENT;
  if (!bc_threads_check(threads, &team))
    return BLASCONV_BAD_SIZE;
  if (count > 0 && (input == NULL || output == NULL))
    return BLASCONV_NULL_POINTER;
  dropout_context context = {.count = count,
                             .random = random,
                             .threshold = (uint64_t)llround((double)rate * 0x1p32),
                             .scale = 1.0f / (1.0f - rate),
                             .input = input,
                             .output = output};
  if (rate > 0.0f)
    bc_parallel_for(team, bc_count_blocks(count, BC_TASK_ELEMENTS), dropout_task, &context);
  else if (count > 0 && output != input)
    memcpy(output, input, (size_t)count * sizeof *output);
  return BLASCONV_SUCCESS;
}
