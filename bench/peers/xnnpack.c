/* XNNPACK: forward only, channels last only; weights are packed when an operator is created. */
#include "peer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <xnnpack.h>

typedef struct xnnpack {
  xnn_operator_t convolution;
  pthreadpool_t threads;
} xnnpack;

const char *peer_version(void)
{
  return PEER_PACKAGE_VERSION;
}

static enum xnn_status create_operator(const peer_case *task, xnn_operator_t *made)
{
  const uint32_t pads[] = {(uint32_t)task->pads[0], (uint32_t)task->pads[1]},
                 kernel[] = {(uint32_t)task->kernel[0], (uint32_t)task->kernel[1]},
                 strides[] = {(uint32_t)task->strides[0], (uint32_t)task->strides[1]},
                 dilations[] = {(uint32_t)task->dilations[0], (uint32_t)task->dilations[1]};
  const size_t channels = (size_t)task->in_channels, filters = (size_t)task->out_channels,
               groups = (size_t)task->groups;
  return xnn_create_convolution2d_nhwc_f32(
      pads[0], pads[1], pads[0], pads[1], kernel[0], kernel[1], strides[0], strides[1],
      dilations[0], dilations[1], (uint32_t)groups, channels / groups, filters / groups, channels,
      filters, task->tensor_weights, NULL, -INFINITY, INFINITY,
      task->yield ? XNN_FLAG_YIELD_WORKERS : 0, made);
}

static enum xnn_status create(xnnpack *x, const peer_case *task)
{
  enum xnn_status status = xnn_initialize(NULL);
  if (status == xnn_status_success)
    status = create_operator(task, &x->convolution);
  if (status != xnn_status_success)
    return status;
  x->threads = task->threads > 1 ? pthreadpool_create((size_t)task->threads) : NULL;
  return xnn_setup_convolution2d_nhwc_f32(x->convolution, (size_t)task->batch,
                                          (size_t)task->input[0], (size_t)task->input[1],
                                          task->tensor_input, task->tensor_output, x->threads);
}

void *peer_create(const peer_case *task, char *reason, int64_t size)
{
  const char *refusal = task->pass != PEER_FORWARD  ? "forward only"
                        : task->layout != PEER_NHWC ? "NHWC only"
                        : task->own_layout          ? "has no other layout"
                        : !task->packed_weights     ? "always packs weights ahead"
                                                    : NULL;
  if (refusal != NULL) {
    snprintf(reason, (size_t)size, "%s", refusal);
    return NULL;
  }
  xnnpack *x = calloc(1, sizeof *x);
  const enum xnn_status status = x != NULL ? create(x, task) : xnn_status_out_of_memory;
  if (status == xnn_status_success)
    return x;
  snprintf(reason, (size_t)size, "status %d", (int)status);
  peer_destroy(x);
  return NULL;
}

int peer_run(void *peer)
{
  const xnnpack *x = peer;
  return xnn_run_operator(x->convolution, x->threads) != xnn_status_success;
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
  if (x->convolution != NULL)
    xnn_delete_operator(x->convolution);
  pthreadpool_destroy(x->threads);
  free(x);
}
