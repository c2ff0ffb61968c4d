/* The three tensors of a convolution, and which of them a pass writes. */
#ifndef BENCH_OPERANDS_H
#define BENCH_OPERANDS_H

#include <blasconv/blasconv.h>

/* The tensors by number; each stands for its gradient as well. */
enum {
  BENCH_INPUT,   /* [N][G][C/G][H W] */
  BENCH_WEIGHTS, /* [G][K/G][C/G][R S] */
  BENCH_OUTPUT,  /* [N][G][K/G][P Q] */
  BENCH_TENSORS
};

/* A problem's sizes with what follows from them. */
typedef struct bench_sizes {
  int64_t batch, groups, channels, filters; /* channels and filters of one group */
  int64_t in_pixels, out_pixels, taps;
} bench_sizes;

typedef struct bench_operands {
  float *data[BENCH_TENSORS];
  int64_t count[BENCH_TENSORS]; /* elements */
} bench_operands;

/* For a problem that blasconv_plan_create() took. */
bench_sizes bench_sizes_of(const blasconv_problem *problem);

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

/* Allocates the tensors; what they contain is undefined. */
bench_operands bench_operands_allocate(const blasconv_problem *problem);

void bench_operands_free(bench_operands *operands);

/* The tensors as the pass takes them. */
blasconv_arguments bench_operands_arguments(const bench_operands *operands, blasconv_pass pass);

#endif
