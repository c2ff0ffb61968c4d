/*
 * What every suite needs: seeded random numbers, guarded memory, and the running of a suite.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BLASCONV_TESTS_SUPPORT_H
#define BLASCONV_TESTS_SUPPORT_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** As ck_assert_msg() and ck_assert(), but those write to a file each time that they hold, which in
 * tests of millions of numbers takes half of the time. */
#define support_assert(condition, ...)                                                             \
  do {                                                                                             \
    if (!(condition))                                                                              \
      ck_abort_msg(__VA_ARGS__);                                                                   \
  } while (0)
#undef ck_assert
#define ck_assert(condition) support_assert(condition, "Assertion '%s' failed", #condition)

/* ---------------------------------------------------------------------------------------------
 * Suites
 * ------------------------------------------------------------------------------------------ */

/** Adds a test case of one test, with a time limit that suits slow machines and sanitizers. */
void support_add(Suite *suite, const TTest *test);

/** Whether this is built with sanitizers: these look at what is read and written, and are slow. */
extern const bool support_sanitized;

/** Prints the seed, runs the suite and frees it. @return what main() returns */
int support_run(Suite *suite);

/* ---------------------------------------------------------------------------------------------
 * Random numbers: splitmix64 (Steele, Lea, Flood 2014)
 * ------------------------------------------------------------------------------------------ */

typedef struct support_random {
  uint64_t state;
} support_random;

/** The seed of this run: the environment's BLASCONV_TEST_SEED, else a fixed one. */
uint64_t support_seed(void);

/** A stream of its own for each `stream`, from support_seed(). */
support_random support_random_start(uint64_t stream);

/** 64 random bits. */
uint64_t support_random_bits(support_random *random);

/** An integer from `low` to `high`, both included. */
int64_t support_random_between(support_random *random, int64_t low, int64_t high);

/** A multiple of 2^-23 in [-1, 1). */
float support_random_float(support_random *random);

/* ---------------------------------------------------------------------------------------------
 * Guarded memory
 *
 * Before and after the bytes lie guard words that are NaNs with a payload: what is written there
 * is found by support_memory_check(), what is read from there turns results into NaN. Under ASan
 * the end of the bytes is the end of the allocation, so that ASan sees reads that are thrown away.
 * ------------------------------------------------------------------------------------------ */

typedef struct support_memory {
  void *data; /**< [bytes]; NULL if `bytes` is 0 */
  size_t bytes;
  unsigned char *block; /**< the allocation that `data` lies in */
} support_memory;

/** Memory for a plan's workspace or packed weights: aligned to 64 bytes, filled with NaN. */
support_memory support_memory_workspace(size_t bytes);

/** Fails the test if a guard word around `memory` has changed. @param what named in the message */
void support_memory_check(const support_memory *memory, const char *what);

void support_memory_free(support_memory *memory);

/** An array of floats, aligned to four bytes and, unless support_place() says otherwise, on purpose
 * to no more. */
typedef struct support_tensor {
  float *data; /**< [count]; NULL if `count` is 0 */
  int64_t count;
  support_memory memory;
} support_tensor;

/** How many floats behind a multiple of 64 bytes tensors made from now on begin, 0 to 15; at first
 * 1. For tests of one thread. */
void support_place(int offset);

/** A tensor filled with NaN. */
support_tensor support_tensor_poisoned(int64_t count);

/** A tensor filled by support_random_float(). */
support_tensor support_tensor_random(int64_t count, support_random *random);

/**
 * A tensor of random integers from -4 to 4. Sums of fewer than 2^20 products of two of them are
 * exact in float, whatever the order of the sum.
 */
support_tensor support_tensor_integers(int64_t count, support_random *random);

support_tensor support_tensor_copy(const support_tensor *tensor);

/** The same bits in both, which have the same count. */
bool support_tensor_same(const support_tensor *one, const support_tensor *other);

/** Checks the guards. @param what named in the message */
void support_tensor_check(const support_tensor *tensor, const char *what);

void support_tensor_free(support_tensor *tensor);

#endif
