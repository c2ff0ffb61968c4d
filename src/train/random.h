/* Words of a random stream, any of them without those before it. */
#ifndef BC_RANDOM_H
#define BC_RANDOM_H

#include <blasconv/train.h>
#include <stdint.h>

enum { BC_RANDOM_BLOCK = 4 }; /* words that one run of the block function gives */

/* Philox4x64-10: one block of words from a counter and a key. */
void bc_philox(const uint64_t counter[4], const uint64_t key[2], uint64_t words[BC_RANDOM_BLOCK]);

/* Words 4 block to 4 block + 3 of a stream. */
void bc_random_block(uint64_t seed, uint64_t stream, uint64_t block,
                     uint64_t words[BC_RANDOM_BLOCK]);

/* The word at position + offset; moves nothing. */
uint64_t bc_random_word(const blasconv_random *random, uint64_t offset);

/* The next words [count]; moves on. */
void bc_random_draw(blasconv_random *random, int64_t count, uint64_t *words);

/* A word -> a number in [0, 1). */
static inline double bc_random_unit_of(uint64_t word)
{
  return (double)(word >> 11) * 0x1p-53;
}

/* The upper half of a b, its lower half to `low`, from products of 32-bit halves. */
static inline uint64_t bc_multiply_by_halves(uint64_t a, uint64_t b, uint64_t *low)
{
  const uint64_t mask = 0xffffffffu;
  const uint64_t a_low = a & mask, a_high = a >> 32, b_low = b & mask, b_high = b >> 32;
  const uint64_t lowest = a_low * b_low;
  const uint64_t first = a_high * b_low + (lowest >> 32); /* at most 2^64 - 2^32 */
  const uint64_t second = a_low * b_high + (first & mask);
  *low = second << 32 | (lowest & mask);
  return a_high * b_high + (first >> 32) + (second >> 32);
}

/* The same in the shortest way that the compiler offers. */
static inline uint64_t bc_multiply_wide(uint64_t a, uint64_t b, uint64_t *low)
{
#ifdef __SIZEOF_INT128__
  __extension__ typedef unsigned __int128 wide;
  const wide product = (wide)a * b;
  *low = (uint64_t)product;
  return (uint64_t)(product >> 64);
#else
  return bc_multiply_by_halves(a, b, low);
#endif
}

#endif
