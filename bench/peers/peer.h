/* What every contender offers, the library itself included: a shared module with these functions.
 * compare.py loads it and has its table in module.py. */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { PEER_NCHW, PEER_NHWC };
enum { PEER_FORWARD, PEER_BACKWARD_DATA, PEER_BACKWARD_WEIGHTS };

/* One convolution of 2-D maps, without bias and activation, and how it is to be computed.
 *
 * The tensors lie as the layout says, as the library's own: input [N][C][H][W] or [N][H][W][C],
 * weights [K][C/G][R][S] or [K][R][S][C/G], output as the input; each stands for its gradient as
 * well. The pass reads two of them and writes the third. */
typedef struct peer_case {
  int64_t batch, in_channels, out_channels, groups;
  int64_t input[2], kernel[2], strides[2], pads[2], dilations[2], output[2];
  float *tensor_input, *tensor_weights, *tensor_output;
  const char *algorithm;  /* the library's only: by name, or NULL */
  int32_t pass, layout;   /* PEER_... */
  int32_t threads;        /* exactly so many */
  int32_t own_layout;     /* 1: tensors in whatever layout is liked best; see peer_finish() */
  int32_t packed_weights; /* 1: weights that are read may be packed by peer_create() */
  int32_t yield;          /* 1: threads that wait for work leave the core to others at once */
} peer_case;

/* Name and version of what is measured, the kernels that it uses if it says so. */
const char *peer_version(void);

/* Makes everything ready; the tensors that are read have their contents already. NULL if this case
 * cannot be served: then `reason` [size] says why. */
void *peer_create(const peer_case *task, char *reason, int64_t size);

/* Computes once; this is what is timed. Returns 0 if all went well. */
int peer_run(void *peer);

/* Brings the result of the last run to the case's own tensor if it is elsewhere: not timed. Returns
 * 0 if all went well. */
int peer_finish(void *peer);

/* How it computes, in a word or two; lives as long as the peer. */
const char *peer_describe(void *peer);

void peer_destroy(void *peer);

#ifdef __cplusplus
}
#endif

#endif
