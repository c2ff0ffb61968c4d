/* The definition, as loops: every problem, every pass, nothing clever. Sums are kept in double, so
 * that what it judges is never blamed for its own rounding. */
#include "epilogue.h"
#include "parallel.h"
#include "plan.h"

typedef struct context {
  const bc_geometry *geometry;
  const bc_request *request;
  const blasconv_arguments *tensors;
} context;

/* Where output position `out` and tap `tap` of an axis meet the input; outside of [0, input) it is
 * a pad. */
static int64_t meet(const bc_axis *axis, int64_t out, int64_t tap)
{
  return out * axis->stride + tap * axis->dilation - axis->pad_begin;
}

static bool inside(const bc_axis *axis, int64_t position)
{
  return position >= 0 && position < axis->input;
}

/* The output position at which `tap` meets input position `in`, or -1 if there is none. */
static int64_t output_position(const bc_axis *axis, int64_t in, int64_t tap)
{
  const int64_t distance = in + axis->pad_begin - tap * axis->dilation;
  if (distance < 0 || distance % axis->stride != 0 || distance / axis->stride >= axis->output)
    return -1;
  return distance / axis->stride;
}

/* Sum over c, r, s of weights * input at one output pixel; filter [C/G][R][S], image [C/G][H][W].
 */
static double output_pixel(const bc_geometry *g, const float *filter, const float *image, int64_t p,
                           int64_t q)
{
  double sum = 0.0;
  for (int64_t c = 0; c < g->in_channels; ++c)
    for (int64_t r = 0; r < g->height.kernel; ++r)
      for (int64_t s = 0; s < g->width.kernel; ++s) {
        const int64_t y = meet(&g->height, p, r), x = meet(&g->width, q, s);
        if (inside(&g->height, y) && inside(&g->width, x))
          sum += (double)filter[(c * g->height.kernel + r) * g->width.kernel + s] *
                 (double)image[(c * g->height.input + y) * g->width.input + x];
      }
  return sum;
}

/* One map of the output: task counts images x groups x filters. */
static void forward_map(void *argument, int64_t task, int thread)
{
  (void)thread;
  const context *ctx = argument;
  const bc_geometry *g = ctx->geometry;
  const int64_t filter = task % (g->groups * g->out_channels);
  const int64_t image = task / (g->groups * g->out_channels);
  const int64_t group = filter / g->out_channels;
  float *map = ctx->tensors->output + task * g->out_pixels;
  for (int64_t p = 0; p < g->height.output; ++p)
    for (int64_t q = 0; q < g->width.output; ++q)
      map[p * g->width.output + q] =
          (float)output_pixel(g, ctx->tensors->weights + filter * g->patch_rows,
                              ctx->tensors->input + bc_input_offset(g, image, group), p, q);
  const bc_epilogue epilogue = {.activation = ctx->request->activation, .bias = ctx->tensors->bias};
  bc_epilogue_apply(&epilogue, (bc_block_view){1, g->out_pixels, g->out_pixels, 1}, filter, 0, map);
}

/* Sum over k, r, s of weights * output gradient at one input pixel; filters [K/G][C/G][R][S] from
 * channel c on, gradient [K/G][P][Q]. */
static double input_pixel(const bc_geometry *g, const float *filters, const float *gradient,
                          int64_t y, int64_t x)
{
  double sum = 0.0;
  for (int64_t k = 0; k < g->out_channels; ++k)
    for (int64_t r = 0; r < g->height.kernel; ++r)
      for (int64_t s = 0; s < g->width.kernel; ++s) {
        const int64_t p = output_position(&g->height, y, r), q = output_position(&g->width, x, s);
        if (p >= 0 && q >= 0)
          sum += (double)filters[k * g->patch_rows + r * g->width.kernel + s] *
                 (double)gradient[(k * g->height.output + p) * g->width.output + q];
      }
  return sum;
}

/* One channel of the input's gradient: task counts images x groups x channels. */
static void backward_data_map(void *argument, int64_t task, int thread)
{
  (void)thread;
  const context *ctx = argument;
  const bc_geometry *g = ctx->geometry;
  const int64_t channel = task % g->in_channels;
  const int64_t group = task / g->in_channels % g->groups;
  const int64_t image = task / g->in_channels / g->groups;
  const float *filters = ctx->tensors->weights + bc_weights_offset(g, group) + channel * g->taps;
  const float *gradient = ctx->tensors->output_gradient + bc_output_offset(g, image, group);
  float *map = ctx->tensors->input_gradient + task * g->in_pixels;
  for (int64_t y = 0; y < g->height.input; ++y)
    for (int64_t x = 0; x < g->width.input; ++x) {
      float *pixel = map + y * g->width.input + x;
      const float sum = (float)input_pixel(g, filters, gradient, y, x);
      *pixel = ctx->request->accumulate ? *pixel + sum : sum;
    }
}

/* Sum over n, p, q of input * output gradient for one tap; image and gradient begin at the first
 * image's channel [H][W] and filter [P][Q]. */
static double tap_gradient(const bc_geometry *g, const float *image, const float *gradient,
                           int64_t r, int64_t s)
{
  double sum = 0.0;
  for (int64_t n = 0; n < g->batch; ++n)
    for (int64_t p = 0; p < g->height.output; ++p)
      for (int64_t q = 0; q < g->width.output; ++q) {
        const int64_t y = meet(&g->height, p, r), x = meet(&g->width, q, s);
        if (inside(&g->height, y) && inside(&g->width, x))
          sum += (double)image[bc_input_offset(g, n, 0) + y * g->width.input + x] *
                 (double)gradient[bc_output_offset(g, n, 0) + p * g->width.output + q];
      }
  return sum;
}

/* One channel of one filter's gradient [R][S]: task counts filters of all groups x channels. */
static void backward_weights_channel(void *argument, int64_t task, int thread)
{
  (void)thread;
  const context *ctx = argument;
  const bc_geometry *g = ctx->geometry;
  const int64_t filter = task / g->in_channels;
  const int64_t channel = filter / g->out_channels * g->in_channels + task % g->in_channels;
  const float *image = ctx->tensors->input + channel * g->in_pixels;
  const float *gradient = ctx->tensors->output_gradient + filter * g->out_pixels;
  float *taps = ctx->tensors->weights_gradient + task * g->taps;
  for (int64_t r = 0; r < g->height.kernel; ++r)
    for (int64_t s = 0; s < g->width.kernel; ++s) {
      float *tap = taps + r * g->width.kernel + s;
      const float sum = (float)tap_gradient(g, image, gradient, r, s);
      *tap = ctx->request->accumulate ? *tap + sum : sum;
    }
}

static const char *reject(const bc_geometry *geometry, const bc_request *request)
{
  (void)geometry;
  (void)request;
  return NULL;
}

static bc_schedule prepare(const bc_geometry *g, const bc_request *request)
{
  const int64_t filters = g->groups * g->out_channels, channels = g->groups * g->in_channels;
  const int64_t tasks[] = {
      [BLASCONV_FORWARD] = g->batch * filters,
      [BLASCONV_BACKWARD_DATA] = g->batch * channels,
      [BLASCONV_BACKWARD_WEIGHTS] = filters * g->in_channels,
  };
  return (bc_schedule){.tasks = tasks[request->pass]};
}

static void run(const blasconv_plan *plan, const blasconv_arguments *tensors, void *workspace)
{
  (void)workspace;
  static bc_task *const tasks[] = {
      [BLASCONV_FORWARD] = forward_map,
      [BLASCONV_BACKWARD_DATA] = backward_data_map,
      [BLASCONV_BACKWARD_WEIGHTS] = backward_weights_channel,
  };
  context ctx = {&plan->geometry, &plan->request, tensors};
  bc_parallel_for(plan->threads, plan->schedule.tasks, tasks[plan->request.pass], &ctx);
}

const bc_algorithm bc_reference = {"reference", reject, prepare, run};
