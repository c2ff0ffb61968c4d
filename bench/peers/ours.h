/* What the module of the library offers besides peer.h. */
#ifndef BENCH_OURS_H
#define BENCH_OURS_H

#include <stdint.h>

/* The value of OPENBLAS_CORETYPE that the BLAS needs, or NULL. */
const char *ours_advice(void);

/* The CPU as Linux calls it. */
const char *ours_cpu(void);

/* A tensor of [count]. */
float *ours_tensor(int64_t count);

/* Noise in [-1, 1) that follows from the seed. */
void ours_tensor_fill(float *tensor, int64_t count, uint32_t seed);

/* All NaN. */
void ours_tensor_poison(float *tensor, int64_t count);

void ours_tensor_free(float *tensor);

/* max |ours - theirs| / max |ours| of tensors of [count]; infinite if an element is not finite. */
double ours_error(const float *ours, const float *theirs, int64_t count);

/* What the CPU computes at most, out of registers. */
double ours_peak_gflops(int threads);

/* Bytes read and written each second by a copy of what no cache holds, in 10^9. */
double ours_copy_gbytes(int threads);

#endif
