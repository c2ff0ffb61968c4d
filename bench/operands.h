/* The tensors of a convolution, and which of them a pass writes. */
#ifndef BENCH_OPERANDS_H
#define BENCH_OPERANDS_H

#include <blasconv/blasconv.h>

/* The tensors by number; each stands for its gradient as well. In NCHW, not transposed: */
enum {
  BENCH_INPUT,                /* [N][G][C/G][H W] */
  BENCH_WEIGHTS,              /* [G][K/G][C/G][R S] */
  BENCH_OUTPUT,               /* [N][G][K/G][P Q] */
  BENCH_TENSORS,              /* those that every problem has */
  BENCH_BIAS = BENCH_TENSORS, /* [K] */
  BENCH_SCALE,                /* [K] */
  BENCH_SHIFT,                /* [K] */
  BENCH_RESIDUAL,             /* as the output */
  BENCH_ALL_TENSORS
};

/* A problem's sizes with what follows from them, as those of a convolution that is not transposed:
 * a transposed one is the gradient of the convolution from its output to its input. */
typedef struct bench_sizes {
  int64_t batch, groups, channels, filters; /* channels and filters of one group */
  int64_t in_pixels, out_pixels, taps;
} bench_sizes;

typedef struct bench_operands {
  float *data[BENCH_ALL_TENSORS];   /* NULL: not there */
  int64_t count[BENCH_ALL_TENSORS]; /* elements */
  float *memory[BENCH_ALL_TENSORS]; /* what `data` lies in */
  int offset;                       /* floats from a multiple of 64 bytes to each tensor */
} bench_operands;

/* For a problem that blasconv_problem_output() took. */
bench_sizes bench_sizes_of(const blasconv_problem *problem);

/* The pass of the convolution that bench_sizes_of() gives the sizes of. */
blasconv_pass bench_direct_pass(const blasconv_problem *problem, blasconv_pass pass);

/* Multiply-adds of the direct algorithm, pads included; the same for each pass. */
double bench_multiplications(const blasconv_problem *problem);

/* The tensor that a pass writes. */
int bench_written(blasconv_pass pass);

/* "forward", "backward_data" or "backward_weights". */
const char *bench_pass_name(blasconv_pass pass);

/* `count` floats aligned as a workspace is, contents undefined; ends the program if there is no
 * memory. */
float *bench_floats(int64_t count);

/* Fills data [count] with noise in [-1, 1), the same for the same seed. */
void bench_fill(float *data, int64_t count, uint32_t seed);

/* Allocates the tensors that every problem has; what they contain is undefined. */
bench_operands bench_operands_allocate(const blasconv_problem *problem, int offset);

/* Adds one of the others. */
void bench_operands_add(bench_operands *operands, int tensor, int64_t count);

void bench_operands_free(bench_operands *operands);

/* The tensors as the pass takes them: the bias as its gradient in backward weights. */
blasconv_arguments bench_operands_arguments(const bench_operands *operands, blasconv_pass pass);

#endif
