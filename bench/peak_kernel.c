/* BENCH_PEAK_KERNEL names what is defined here, BENCH_VECTOR_BYTES is the width of a register. */
#include "peak_kernel.h"

enum { LANES = BENCH_VECTOR_BYTES / sizeof(float), ACCUMULATORS = 12 };

typedef float vector __attribute__((vector_size(BENCH_VECTOR_BYTES)));

/* Twelve chains that do not wait for each other cover two units of latency four or five. Named
 * variables: GCC keeps those in registers, elements of an array it does not. Each chain tends to
 * 2 seed, so that no number is ever denormal or infinite. */
static float run(int64_t rounds, float seed)
{
  const vector factor = (vector){0} + 0.5f, offset = (vector){0} + seed;
  vector a = factor, b = a + offset, c = b + offset, d = c + offset, e = d + offset, f = e + offset,
         g = f + offset, h = g + offset, i = h + offset, j = i + offset, k = j + offset,
         l = k + offset;
  for (int64_t round = 0; round < rounds; ++round) {
    a = a * factor + offset;
    b = b * factor + offset;
    c = c * factor + offset;
    d = d * factor + offset;
    e = e * factor + offset;
    f = f * factor + offset;
    g = g * factor + offset;
    h = h * factor + offset;
    i = i * factor + offset;
    j = j * factor + offset;
    k = k * factor + offset;
    l = l * factor + offset;
  }
  const vector all = a + b + c + d + e + f + g + h + i + j + k + l;
  float sum = 0.0f;
  for (int lane = 0; lane < LANES; ++lane)
    sum += all[lane];
  return sum;
}

const bench_peak_kernel BENCH_PEAK_KERNEL = {run, (int64_t)ACCUMULATORS *LANES};
