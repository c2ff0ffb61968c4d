/* A peer that computes forward in NCHW by loops, or fails at it as FAKE_PEER in the environment
 * says: "wrong" (one element is, if there are groups), "lazy" (nothing is written), "broken" (it
 * runs once only). */
#include <peers/peer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct fake {
  peer_case task;
  int runs;
} fake;

static int behaves(const char *how)
{
  const char *text = getenv("FAKE_PEER");
  return text != NULL && strcmp(text, how) == 0;
}

const char *peer_version(void)
{
  return "1.0";
}

void *peer_create(const peer_case *task, char *reason, int64_t size)
{
  if (task->pass != PEER_FORWARD || task->layout != PEER_NCHW) {
    snprintf(reason, (size_t)size, "too simple");
    return NULL;
  }
  fake *f = calloc(1, sizeof *f);
  if (f != NULL)
    f->task = *task;
  return f;
}

/* The sum of one output pixel (k, y, x) of an image [C][H][W]. */
static double sum(const peer_case *t, const float *image, int64_t k, int64_t y, int64_t x)
{
  const int64_t channels = t->in_channels / t->groups,
                first = k / (t->out_channels / t->groups) * channels;
  const float *weight = t->tensor_weights + k * channels * t->kernel[0] * t->kernel[1];
  double all = 0.0;
  for (int64_t c = first; c < first + channels; ++c)
    for (int64_t r = 0; r < t->kernel[0]; ++r)
      for (int64_t s = 0; s < t->kernel[1]; ++s, ++weight) {
        const int64_t h = y * t->strides[0] - t->pads[0] + r * t->dilations[0],
                      w = x * t->strides[1] - t->pads[1] + s * t->dilations[1];
        if (h >= 0 && h < t->input[0] && w >= 0 && w < t->input[1])
          all += (double)*weight * (double)image[(c * t->input[0] + h) * t->input[1] + w];
      }
  return all;
}

int peer_run(void *peer)
{
  fake *f = peer;
  const peer_case *t = &f->task;
  float *output = t->tensor_output;
  if (f->runs++ > 0)
    return behaves("broken");
  for (int64_t n = 0; n < t->batch && !behaves("lazy"); ++n)
    for (int64_t k = 0; k < t->out_channels; ++k)
      for (int64_t y = 0; y < t->output[0]; ++y)
        for (int64_t x = 0; x < t->output[1]; ++x)
          *output++ = (float)sum(
              t, t->tensor_input + n * t->in_channels * t->input[0] * t->input[1], k, y, x);
  if (behaves("wrong") && t->groups > 1)
    output[-1] += 0.01F;
  return 0;
}

int peer_finish(void *peer)
{
  (void)peer;
  return 0;
}

const char *peer_describe(void *peer)
{
  (void)peer;
  return "loops";
}

void peer_destroy(void *peer)
{
  free(peer);
}
