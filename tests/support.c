/*
 * Seeded random numbers, guarded memory, and the running of a suite.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { alignment = 64, front_words = 32, back_words = SUPPORT_SANITIZED ? 0 : 64 };

/* ---------------------------------------------------------------------------------------------
 * Suites
 * ------------------------------------------------------------------------------------------ */

const bool support_sanitized = SUPPORT_SANITIZED;

void support_add(Suite *suite, const TTest *test)
{
  TCase *test_case = tcase_create(test->name);
  tcase_set_timeout(test_case, 500);
  tcase_add_test(test_case, test);
  suite_add_tcase(suite, test_case);
}

int support_run(Suite *suite)
{
  SRunner *runner = srunner_create(suite);
  printf("BLASCONV_TEST_SEED=%" PRIu64 "\n", support_seed());
  fflush(stdout);
  srunner_run_all(runner, CK_ENV);
  const int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---------------------------------------------------------------------------------------------
 * Random numbers
 * ------------------------------------------------------------------------------------------ */

uint64_t support_seed(void)
{
  const char *text = getenv("BLASCONV_TEST_SEED");
  return text ? strtoull(text, NULL, 10) : 20240229;
}

support_random support_random_start(uint64_t stream)
{
  support_random streams = {support_seed() ^ (stream << 32)};
  return (support_random){support_random_bits(&streams)};
}

uint64_t support_random_bits(support_random *random)
{
  random->state += UINT64_C(0x9E3779B97F4A7C15);
  uint64_t bits = random->state;
  bits = (bits ^ (bits >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  bits = (bits ^ (bits >> 27)) * UINT64_C(0x94D049BB133111EB);
  return bits ^ (bits >> 31);
}

int64_t support_random_between(support_random *random, int64_t low, int64_t high)
{
  const uint64_t values = (uint64_t)(high - low) + 1;
  return low + (int64_t)(support_random_bits(random) % values);
}

float support_random_float(support_random *random)
{
  const int32_t bits = (int32_t)(support_random_bits(random) >> 40); /* 24 of them */
  return (float)(bits - (1 << 23)) / (float)(1 << 23);
}

/* ---------------------------------------------------------------------------------------------
 * Guarded memory
 * ------------------------------------------------------------------------------------------ */

/* A quiet NaN whose payload tells the words apart, so that a guard copied elsewhere is noticed. */
static uint32_t guard_word(int index)
{
  return UINT32_C(0x7FC5A500) + (uint32_t)index;
}

/* `words` guard words in [4 * words] bytes at `place`, the first being the guard word `first`. */
static void write_guards(unsigned char *place, int first, int words)
{
  for (int i = 0; i < words; ++i) {
    const uint32_t word = guard_word(first + i);
    memcpy(place + 4 * i, &word, 4);
  }
}

static bool guards_intact(const unsigned char *place, int first, int words)
{
  for (int i = 0; i < words; ++i) {
    const uint32_t word = guard_word(first + i);
    if (memcmp(place + 4 * i, &word, 4) != 0)
      return false;
  }
  return true;
}

static int front_words_of(const support_memory *memory)
{
  return (int)(((unsigned char *)memory->data - memory->block) / 4);
}

/* `bytes` bytes of NaN behind `front` guard words. */
static support_memory create_memory(size_t bytes, int front)
{
  support_memory memory = {NULL, bytes, NULL};
  if (bytes == 0)
    return memory;
  void *block = NULL;
  const size_t front_bytes = 4 * (size_t)front;
  support_assert(posix_memalign(&block, alignment, front_bytes + bytes + 4 * back_words) == 0,
                 "no memory");
  memory.block = block;
  memory.data = memory.block + front_bytes;
  write_guards(memory.block, 0, front);
  memset(memory.data, 0xFF, bytes);
  write_guards((unsigned char *)memory.data + bytes, front, back_words);
  return memory;
}

support_memory support_memory_workspace(size_t bytes)
{
  return create_memory(bytes, front_words);
}

void support_memory_check(const support_memory *memory, const char *what)
{
  if (memory->bytes == 0)
    return;
  const int front = front_words_of(memory);
  support_assert(guards_intact(memory->block, 0, front), "%s: written before its first byte", what);
  const unsigned char *end = (const unsigned char *)memory->data + memory->bytes;
  support_assert(guards_intact(end, front, back_words), "%s: written behind its last byte", what);
}

void support_memory_free(support_memory *memory)
{
  free(memory->block);
  *memory = (support_memory){NULL, 0, NULL};
}

/* ---------------------------------------------------------------------------------------------
 * Tensors
 * ------------------------------------------------------------------------------------------ */

static int tensor_offset = 1;

void support_place(int offset)
{
  tensor_offset = offset;
}

support_tensor support_tensor_poisoned(int64_t count)
{
  const size_t bytes = (size_t)count * sizeof(float);
  const support_memory memory = create_memory(bytes, front_words + tensor_offset);
  return (support_tensor){memory.data, count, memory};
}

support_tensor support_tensor_random(int64_t count, support_random *random)
{
  support_tensor tensor = support_tensor_poisoned(count);
  for (int64_t i = 0; i < count; ++i)
    tensor.data[i] = support_random_float(random);
  return tensor;
}

support_tensor support_tensor_integers(int64_t count, support_random *random)
{
  support_tensor tensor = support_tensor_poisoned(count);
  for (int64_t i = 0; i < count; ++i)
    tensor.data[i] = (float)support_random_between(random, -4, 4);
  return tensor;
}

support_tensor support_tensor_copy(const support_tensor *tensor)
{
  support_tensor copy = support_tensor_poisoned(tensor->count);
  if (copy.count > 0)
    memcpy(copy.data, tensor->data, copy.memory.bytes);
  return copy;
}

bool support_tensor_same(const support_tensor *one, const support_tensor *other)
{
  return one->count == other->count &&
         (one->count == 0 || memcmp(one->data, other->data, one->memory.bytes) == 0);
}

void support_tensor_check(const support_tensor *tensor, const char *what)
{
  support_memory_check(&tensor->memory, what);
}

void support_tensor_free(support_tensor *tensor)
{
  support_memory_free(&tensor->memory);
  *tensor = (support_tensor){NULL, 0, tensor->memory};
}
