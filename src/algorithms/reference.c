/* The definition, as loops: every problem, every pass, nothing clever. Sums are kept in double, so
 * that what it judges is never blamed for its own rounding. */
#include "blocks.h"
#include "parallel.h"

/* A place on the spatial axes: of a pixel, or of a tap. */
typedef struct place {
  int64_t at[BLASCONV_MAX_RANK];
} place;

/* Moves to the next place of a grid, the last axis first; false behind the last. */
static bool next_place(place *p, const int64_t extents[BLASCONV_MAX_RANK])
{
  for (int i = BLASCONV_MAX_RANK - 1; i >= 0; --i) {
    if (++p->at[i] < extents[i])
      return true;
    p->at[i] = 0;
  }
  return false;
}

/* The input pixel that output pixel `out` and tap `tap` meet, or -1 if that is a pad. */
static int64_t input_pixel(const bc_geometry *g, const place *out, const place *tap)
{
  int64_t pixel = 0;
  for (int i = 0; i < BLASCONV_MAX_RANK; ++i) {
    const bc_axis *axis = &g->axes[i];
    const int64_t at = out->at[i] * axis->stride + tap->at[i] * axis->dilation - axis->pad_begin;
    if (at < 0 || at >= axis->input)
      return -1;
    pixel = pixel * axis->input + at;
  }
  return pixel;
}

/* The output pixel at which `tap` meets input pixel `in`, or -1 if there is none. */
static int64_t output_pixel(const bc_geometry *g, const place *in, const place *tap)
{
  int64_t pixel = 0;
  for (int i = 0; i < BLASCONV_MAX_RANK; ++i) {
    const bc_axis *axis = &g->axes[i];
    const int64_t distance = in->at[i] + axis->pad_begin - tap->at[i] * axis->dilation;
    if (distance < 0 || distance % axis->stride != 0 || distance / axis->stride >= axis->output)
      return -1;
    pixel = pixel * axis->output + distance / axis->stride;
  }
  return pixel;
}

/* Sum of n products of elements that are steps apart. */
static double dot(const float *a, int64_t a_step, const float *b, int64_t b_step, int64_t n)
{
  double sum = 0.0;
  for (int64_t i = 0; i < n; ++i)
    sum += (double)a[i * a_step] * (double)b[i * b_step];
  return sum;
}

/* Forward and backward data are the same sums: each element of the result is one over the taps and
 * over the channels of the other side, at the pixel that a tap meets there. */
typedef struct map_sums {
  int64_t (*meet)(const bc_geometry *g, const place *here, const place *tap);
  int64_t to_channels, from_channels; /* of a group */
  int64_t to_weight, from_weight;     /* weights from one of these channels to the next */
  bc_steps to, from;                  /* of the tensors */
  const float *from_tensor;
  int64_t pixels, extents[BLASCONV_MAX_RANK]; /* of the result */
} map_sums;

typedef struct context {
  const bc_geometry *geometry;
  const bc_tensors *tensors;
  bool accumulate;
  int64_t output[BLASCONV_MAX_RANK], kernel[BLASCONV_MAX_RANK]; /* extents */
  map_sums sums;                                                /* of forward and backward data */
} context;

static void store(const context *ctx, double sum, float *element)
{
  *element = ctx->accumulate ? *element + (float)sum : (float)sum;
}

/* One element of a map; weights and from begin at the element's channel and at its group. */
static double sum_taps(const context *ctx, const place *here, const float *weights,
                       const float *from)
{
  const map_sums *s = &ctx->sums;
  double sum = 0.0;
  place tap = {{0}};
  do {
    const int64_t pixel = s->meet(ctx->geometry, here, &tap);
    if (pixel >= 0)
      sum += dot(weights, s->from_weight, from + pixel * s->from.pixel, s->from.channel,
                 s->from_channels);
    weights += ctx->geometry->row_of_tap;
  } while (next_place(&tap, ctx->kernel));
  return sum;
}

/* One map of the result: task counts images x groups x channels. */
static void sum_map(void *argument, int64_t task, int thread)
{
  (void)thread;
  const context *ctx = argument;
  const map_sums *s = &ctx->sums;
  const int64_t groups = ctx->geometry->groups, channel = task % s->to_channels;
  const int64_t group = task / s->to_channels % groups, image = task / s->to_channels / groups;
  const int64_t offset = image * s->to.image + group * s->to.group + channel * s->to.channel;
  const float *from = s->from_tensor + image * s->from.image + group * s->from.group;
  const float *weights =
      ctx->tensors->weights + bc_weights_offset(ctx->geometry, group) + channel * s->to_weight;
  float *element = ctx->tensors->result + offset;
  place here = {{0}};
  do {
    store(ctx, sum_taps(ctx, &here, weights, from), element);
    element += s->to.pixel;
  } while (next_place(&here, s->extents));
  bc_epilogue_apply(&ctx->tensors->epilogue, bc_view(s->to, 1, s->pixels),
                    group * s->to_channels + channel, offset, ctx->tensors->result + offset);
}

/* Sum over images and pixels of input * output gradient for one tap of a channel; input and
 * gradient begin at the first image's channel and filter. */
static double sum_pixels(const context *ctx, const place *tap, const float *input,
                         const float *gradient)
{
  const bc_geometry *g = ctx->geometry;
  double sum = 0.0;
  place out = {{0}};
  do {
    const int64_t pixel = input_pixel(g, &out, tap);
    if (pixel >= 0)
      sum +=
          dot(input + pixel * g->input.pixel, g->input.image, gradient, g->output.image, g->batch);
    gradient += g->output.pixel;
  } while (next_place(&out, ctx->output));
  return sum;
}

/* One channel of one filter's gradient: task counts filters of all groups x channels. */
static void sum_filter_channel(void *argument, int64_t task, int thread)
{
  (void)thread;
  const context *ctx = argument;
  const bc_geometry *g = ctx->geometry;
  const int64_t channel = task % g->in_channels;
  const int64_t filter = task / g->in_channels % g->out_channels;
  const int64_t group = task / g->in_channels / g->out_channels;
  const float *input =
      ctx->tensors->input + bc_input_offset(g, 0, group) + channel * g->input.channel;
  const float *gradient =
      ctx->tensors->output + bc_output_offset(g, 0, group) + filter * g->output.channel;
  float *element = ctx->tensors->result + bc_weights_offset(g, group) + filter * g->patch_rows +
                   channel * g->row_of_channel;
  place tap = {{0}};
  do {
    store(ctx, sum_pixels(ctx, &tap, input, gradient), element);
    element += g->row_of_tap;
  } while (next_place(&tap, ctx->kernel));
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

static bc_work work(const bc_geometry *g, const bc_request *request, const bc_schedule *schedule)
{
  (void)schedule;
  /* Backward data looks at every tap of every input pixel, whether they meet the output or not. */
  const int64_t pixels = request->pass == BLASCONV_BACKWARD_DATA ? g->in_pixels : g->out_pixels;
  const double products = (double)bc_count_weights(g) * (double)g->batch * (double)pixels;
  return (bc_work){.plain = products};
}

static map_sums sums_of(const bc_geometry *g, blasconv_pass pass, const bc_tensors *tensors)
{
  if (pass == BLASCONV_FORWARD)
    return (map_sums){.meet = input_pixel,
                      .to_channels = g->out_channels,
                      .from_channels = g->in_channels,
                      .to_weight = g->patch_rows,
                      .from_weight = g->row_of_channel,
                      .to = g->output,
                      .from = g->input,
                      .from_tensor = tensors->input,
                      .pixels = g->out_pixels};
  return (map_sums){.meet = output_pixel,
                    .to_channels = g->in_channels,
                    .from_channels = g->out_channels,
                    .to_weight = g->row_of_channel,
                    .from_weight = g->patch_rows,
                    .to = g->input,
                    .from = g->output,
                    .from_tensor = tensors->output,
                    .pixels = g->in_pixels};
}

static void run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace)
{
  (void)workspace;
  const bc_geometry *g = &plan->geometry;
  const blasconv_pass pass = plan->request.pass;
  context ctx = {.geometry = g,
                 .tensors = tensors,
                 .accumulate = plan->request.accumulate,
                 .sums = sums_of(g, pass, tensors)};
  for (int i = 0; i < BLASCONV_MAX_RANK; ++i) {
    ctx.output[i] = g->axes[i].output;
    ctx.kernel[i] = g->axes[i].kernel;
    ctx.sums.extents[i] = pass == BLASCONV_FORWARD ? g->axes[i].output : g->axes[i].input;
  }
  bc_parallel_for(plan->threads, plan->schedule.tasks,
                  pass == BLASCONV_BACKWARD_WEIGHTS ? sum_filter_channel : sum_map, &ctx);
}

const bc_algorithm bc_reference = {
    .name = "reference", .reject = reject, .prepare = prepare, .work = work, .run = run};
