/* XNNPACK: forward only, channels last only; weights are packed when an operator is created. */
#include "peer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <xnnpack.h>

typedef struct xnnpack {
  xnn_operator_t operator;
  pthreadpool_t threads;
} xnnpack;

const char *peer_version(void)
{
  return PEER_PACKAGE_VERSION;
}

static enum xnn_status create_operator(const peer_case *c, xnn_operator_t *made)
{
  const uint32_t pads[] = {(uint32_t)c->pads[0], (uint32_t)c->pads[1]},
                 kernel[] = {(uint32_t)c->kernel[0], (uint32_t)c->kernel[1]},
                 strides[] = {(uint32_t)c->strides[0], (uint32_t)c->strides[1]},
                 dilations[] = {(uint32_t)c->dilations[0], (uint32_t)c->dilations[1]};
  const size_t channels = (size_t)c->in_channels, filters = (size_t)c->out_channels,
               groups = (size_t)c->groups;
  return xnn_create_convolution2d_nhwc_f32(pads[0], pads[1], pads[0], pads[1], kernel[0], kernel[1],
                                           strides[0], strides[1], dilations[0], dilations[1],
                                           (uint32_t)groups, channels / groups, filters / groups,
                                           channels, filters, c->tensor_weights, NULL, -INFINITY,
                                           INFINITY, c->yield ? XNN_FLAG_YIELD_WORKERS : 0, made);
}

static enum xnn_status create(xnnpack *x, const peer_case *c)
{
  enum xnn_status status = xnn_initialize(NULL);
  if (status == xnn_status_success)
    status = create_operator(c, &x->operator);
  if (status != xnn_status_success)
    return status;
  x->threads = c->threads > 1 ? pthreadpool_create((size_t)c->threads) : NULL;
  return xnn_setup_convolution2d_nhwc_f32(x->operator,(size_t) c->batch, (size_t)c->input[0],
                                          (size_t)c->input[1], c->tensor_input, c->tensor_output,
                                          x->threads);
}

void *peer_create(const peer_case *c, char *reason, int64_t size)
{
  const char *refusal = c->pass != PEER_FORWARD  ? "forward only"
                        : c->layout != PEER_NHWC ? "NHWC only"
                        : c->own_layout          ? "has no other layout"
                        : !c->packed_weights     ? "always packs weights ahead"
                                                 : NULL;
  if (refusal != NULL) {
    snprintf(reason, (size_t)size, "%s", refusal);
    return NULL;
  }
  xnnpack *x = calloc(1, sizeof *x);
  const enum xnn_status status = x != NULL ? create(x, c) : xnn_status_out_of_memory;
  if (status == xnn_status_success)
    return x;
  snprintf(reason, (size_t)size, "status %d", (int)status);
  peer_destroy(x);
  return NULL;
}

int peer_run(void *peer)
{
  const xnnpack *x = peer;
  return xnn_run_operator(x->operator, x->threads) != xnn_status_success;
}

int peer_finish(void *peer)
{
  (void)peer;
  return 0;
}

const char *peer_describe(void *peer)
{
  (void)peer;
  return "convolution2d_nhwc_f32";
}

void peer_destroy(void *peer)
{
  xnnpack *x = peer;
  if (x == NULL)
    return;
  if (x->operator!= NULL)
    xnn_delete_operator(x->operator);
  pthreadpool_destroy(x->threads);
  free(x);
}
