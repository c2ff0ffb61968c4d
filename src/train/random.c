/* Random words by Philox4x64-10, and numbers made of them. */
#include "train/random.h"

#include "train/normal.h"

enum { ROUNDS = 10 };

void bc_philox(const uint64_t counter[4], const uint64_t key[2], uint64_t words[BC_RANDOM_BLOCK])
{
  uint64_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
  uint64_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < ROUNDS; ++round) {
    uint64_t low0, low1;
    const uint64_t high0 = bc_multiply_wide(0xd2e7470ee14c6c93u, c0, &low0);
    const uint64_t high1 = bc_multiply_wide(0xca5a826395121157u, c2, &low1);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 += 0x9e3779b97f4a7c15u; /* the golden ratio */
    k1 += 0xbb67ae8584caa73bu; /* sqrt 3 - 1 */
  }
  words[0] = c0;
  words[1] = c1;
  words[2] = c2;
  words[3] = c3;
}

void bc_random_block(uint64_t seed, uint64_t stream, uint64_t block,
                     uint64_t words[BC_RANDOM_BLOCK])
{
  bc_philox((const uint64_t[4]){block, 0, 0, 0}, (const uint64_t[2]){seed, stream}, words);
}

uint64_t bc_random_word(const blasconv_random *random, uint64_t offset)
{
  const uint64_t position = random->position + offset;
  uint64_t words[BC_RANDOM_BLOCK];
  bc_random_block(random->seed, random->stream, position / BC_RANDOM_BLOCK, words);
  return words[position % BC_RANDOM_BLOCK];
}

void bc_random_draw(blasconv_random *random, int64_t count, uint64_t *words)
{
  for (int64_t i = 0; i < count;) {
    uint64_t block[BC_RANDOM_BLOCK];
    bc_random_block(random->seed, random->stream, random->position / BC_RANDOM_BLOCK, block);
    do
      words[i++] = block[random->position++ % BC_RANDOM_BLOCK];
    while (i < count && random->position % BC_RANDOM_BLOCK != 0);
  }
}

uint64_t blasconv_random_bits(blasconv_random *random)
{
  if (random == NULL)
    return 0;
  const uint64_t word = bc_random_word(random, 0);
  ++random->position;
  return word;
}

double blasconv_random_unit(blasconv_random *random)
{
  return bc_random_unit_of(blasconv_random_bits(random));
}

/* Of the 2^64 words, 2^64 mod limit are one too many for some results: those whose product has a
 * lower half below that are drawn anew. */
uint64_t blasconv_random_below(blasconv_random *random, uint64_t limit)
{
  if (random == NULL || limit == 0)
    return 0;
  uint64_t low;
  uint64_t high = bc_multiply_wide(blasconv_random_bits(random), limit, &low);
  if (low < limit) { /* as the remainder is: seldom worth a division */
    const uint64_t surplus = (0 - limit) % limit;
    while (low < surplus)
      high = bc_multiply_wide(blasconv_random_bits(random), limit, &low);
  }
  return high;
}

double blasconv_random_normal(blasconv_random *random)
{
  return random == NULL ? 0.0 : bc_normal_quantile(bc_normal_centred(blasconv_random_bits(random)));
}

blasconv_status blasconv_random_shuffle(blasconv_random *random, int64_t count, int64_t *items)
{
  if (random == NULL)
    return BLASCONV_NULL_POINTER;
  if (count < 0)
    return BLASCONV_BAD_SIZE;
  if (count > PTRDIFF_MAX / (int64_t)sizeof *items)
    return BLASCONV_OVERFLOW;
  if (count > 0 && items == NULL)
    return BLASCONV_NULL_POINTER;
  for (int64_t i = count - 1; i > 0; --i) {
    const uint64_t other = blasconv_random_below(random, (uint64_t)i + 1);
    const int64_t item = items[i];
    items[i] = items[other];
    items[other] = item;
  }
  return BLASCONV_SUCCESS;
}
